"""Which build of PyTorch the engine uses: the bundled one, or a verified one in a side folder that is switched on."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from dcvsr_engine.errors import AcceleratorError
from dcvsr_engine.paths import data_folder
from dcvsr_engine.storage import folder_size, read_json, write_json

OFF = "DCVSR_GPU"
"""Environment variable: ``off`` makes the engine use the bundled PyTorch whatever is switched on."""


@dataclass(frozen=True)
class Build:
    """A verified build: the ``folder``'s name, torch's and CUDA's version, the GPU it computed on, and the Python it is for."""

    folder: str
    torch: str
    cuda: str
    device: str
    python: str


def gpu_folder() -> Path:
    """Folder of side folders and downloaded wheels."""
    return data_folder() / "gpu"


def record_file() -> Path:
    """The file that names the build that is switched on."""
    return gpu_folder() / "on.json"


def wanted_version() -> str:
    """The version of torch that this program is made for, without the build's suffix."""
    from importlib import metadata  # not at every start of the window

    return metadata.version("torch").partition("+")[0]


def this_python() -> str:
    """Python and platform that a compiled package must have been built for."""
    return f"{sys.implementation.cache_tag}-{sys.platform}"


def switched_on() -> Build | None:
    """The build that is switched on; ``None`` where there is none, or it is of another version or for another Python."""
    try:
        build = Build(**read_json(record_file()))
    except (OSError, ValueError, TypeError):
        return None
    fits = build.torch.partition("+")[0] == wanted_version() and build.python == this_python()
    return build if fits and (gpu_folder() / build.folder).is_dir() else None


def switch_on(build: Build) -> None:
    """Use a build from the next start of the engine on; raises `OSError`."""
    write_json(record_file(), asdict(build))


def use_switched_on_build() -> Build | None:
    """Import torch from the side folder in this process, where one is switched on; call it before anything imports torch."""
    build = None if os.environ.get(OFF) == "off" else switched_on()
    if build is not None:
        sys.path.insert(0, str(gpu_folder() / build.folder))
    return build


@contextmanager
def gpu_folder_locked() -> Iterator[None]:
    """Keep other processes from changing the folder; raises `AcceleratorError` when one is changing it."""
    from filelock import FileLock, Timeout  # not at every start of the window

    lock = FileLock(gpu_folder() / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise AcceleratorError("The build is being installed by another process; wait for it or cancel it there.") from None
    try:
        yield
    finally:
        lock.release()


def remove_build() -> None:
    """Switch off, and delete builds and wheels; raises `AcceleratorError` when files are in use."""
    if not gpu_folder().exists():
        return
    with gpu_folder_locked():
        # first: what cannot be deleted is at least not used any more
        record_file().unlink(missing_ok=True)
    shutil.rmtree(gpu_folder(), ignore_errors=True)
    if gpu_folder().exists():
        raise AcceleratorError(
            f"The build is switched off, but files in {gpu_folder()} are in use; remove it again when the program has ended."
        )


def size_of_builds() -> int:
    """Bytes on disk of builds and wheels."""
    return folder_size(gpu_folder())
