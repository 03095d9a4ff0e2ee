"""What torch and child processes find in the environment: private caches, and no code of the current folder. Torch-free."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dcvsr_engine.paths import cache_folder

CACHES = {"TORCHINDUCTOR_CACHE_DIR": "inductor", "TRITON_CACHE_DIR": "triton", "TORCH_EXTENSIONS_DIR": "extensions"}
"""Folders that torch makes when it is imported or compiles, by default in /tmp under names that anybody can take first."""
SAFE_PATH = "PYTHONSAFEPATH"


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
