"""What torch and child processes find: private caches, a steady heap, and no code of the current folder. Torch-free."""

import atexit
import ctypes
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dcvsr_engine.paths import cache_folder

CACHES = {"TORCHINDUCTOR_CACHE_DIR": "inductor", "TRITON_CACHE_DIR": "triton", "TORCH_EXTENSIONS_DIR": "extensions"}
"""Folders that torch makes when it is imported or compiles, by default in /tmp under names that anybody can take first."""
SAFE_PATH = "PYTHONSAFEPATH"
TRIM_THRESHOLD, MMAP_THRESHOLD, MOST_ARENAS = (-1, 2**27), (-3, 3 * 2**23), (-8, 1)
"""Parameters of glibc's `mallopt` and their values: bytes that it keeps free, and from which on an allocation is apart; heaps."""


def prepare_torch() -> None:
    """What must be settled before torch is imported."""
    use_private_caches()
    use_steady_heap()


def use_steady_heap() -> None:
    """Have large tensors allocated apart from the heap, so that they leave no holes in it.

    By itself glibc moves that threshold up to 32 MiB, with what a program frees: at DVD's size 0.4 to 0.6 GB of 2.7 were holes.
    A tile's features and bands of a frame stay in the heap: new memory has to be cleared by the system, every time. All threads
    share one: with two that evaluate tiles, a job of the sample took 745 MB with it and 839 MB with a heap for each.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            library = ctypes.CDLL(None)
            for parameter, value in (TRIM_THRESHOLD, MMAP_THRESHOLD, MOST_ARENAS):
                library.mallopt(parameter, value)


def use_private_caches() -> None:
    """Have torch keep its caches below the user's own cache folder; call before torch is imported."""
    missing = [variable for variable in CACHES if variable not in os.environ]
    if missing:
        folder = writable_cache_folder()
        os.environ.update({variable: str(folder / CACHES[variable]) for variable in missing})


def writable_cache_folder() -> Path:
    """The cache folder; where it cannot be written, a new temporary one that goes with this process."""
    folder = cache_folder() / "torch"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    except OSError:
        pass
    temporary = Path(tempfile.mkdtemp(prefix="dcvsr-"))
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    return temporary


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep Python's garbage collector from what is imported inside: it is no garbage.

    Torch and diffusers are 400,000 objects, which it goes through over and over while they come, and again when the program ends.
    """
    before = len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > before:
            gc.freeze()
        gc.enable()


@contextmanager
def safe_import_path() -> Iterator[None]:
    """Keep Python processes that are started inside from importing modules of the current folder.

    ``python -c`` and ``python -m``, which multiprocessing and pip are started with, look there first: a file ``signal.py`` among
    the user's videos would be run.
    """
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = before
