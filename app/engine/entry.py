"""What the engine process runs. Apart from `engine_thread`, so that the new process need not import Qt."""

import os
from collections.abc import Callable
from importlib import import_module
from multiprocessing.connection import Connection

import psutil

from dcvsr_engine.environment import prepare_torch
from dcvsr_engine.gpu import switch
from dcvsr_engine.worker.imports import import_engine

NICENESS = 5
"""The window comes first: it must answer while all cores compute."""

Serve = Callable[[Connection], None]


def serve_engine(connection: Connection) -> None:
    """Speak `worker.messages` over ``connection`` until it closes, with the build of PyTorch that is switched on."""
    switch.use_switched_on_build()
    serve_bundled_engine(connection)


def serve_bundled_engine(connection: Connection) -> None:
    """The same with the bundled PyTorch. Imported by name: torch must stay out of the window."""
    prepare_torch()
    on_farm = import_module("dcvsr_engine.farm.driver").run_on_farm
    import_engine("dcvsr_engine.worker.process").serve(connection, on_farm=on_farm)


def use_threads(threads: int) -> None:
    """Have the engine compute on so many threads of the processor from its next start on; 0 leaves it to PyTorch."""
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # the process inherits it, and reads it when torch is loaded


def serve_politely(serve: Serve, connection: Connection) -> None:
    """Call ``serve`` with less priority than the window has."""
    if os.name == "nt":
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        os.nice(NICENESS)
    serve(connection)
