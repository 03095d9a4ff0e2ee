"""Imports what computes, in half the time that its modules take by themselves. Torch-free until then."""

from importlib import import_module
from types import ModuleType

from dcvsr_engine.environment import uncollected


def import_engine(name: str) -> ModuleType:
    """Import a module of the engine that needs networks."""
    with uncollected():
        # by name: the window's process starts the engine, and must not seem to import torch itself
        import_module("dcvsr_engine.network.lean_import").import_diffusers()
        return import_module(name)
