"""What the engine process runs. Apart from `engine_thread`, so that the new process need not import Qt."""

from importlib import import_module
from multiprocessing.connection import Connection


def serve_engine(connection: Connection) -> None:
    """Speak `worker.messages` over ``connection`` until it closes. Imported by name: torch must stay out of the window."""
    import_module("dcvsr_engine.worker.process").serve(connection)
