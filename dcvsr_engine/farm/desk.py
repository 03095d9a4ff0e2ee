"""What a computer of a farm is sent: the files of a unit, of which it gives back others, or of a model. Torch-free.

Files come and go in pieces, so that no more than one is in memory, whatever their size.
"""

import shutil
import time
from pathlib import Path

from dcvsr_engine.errors import JobError
from dcvsr_engine.farm.address import farm_folder
from dcvsr_engine.jobs.folders import ABANDONED_SECONDS
from dcvsr_engine.jobs.presence import in_use
from dcvsr_engine.planning.disk import existing
from dcvsr_engine.storage import discard

PIECE = 2**24
"""Bytes that travel at once."""
MODEL = "model"
"""Folder of a desk that a model comes into."""


class Desk:
    """A folder that a worker is sent files into.

    Attributes:
        folder: where it is.
    """

    def __init__(self, name: str) -> None:
        self.folder = desks_folder() / name

    def path(self, name: str) -> Path:
        """Where a file of a name is; raises `JobError` where that leads elsewhere."""
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise JobError(f"“{name}” is no name of a file that a worker is sent.")
        return path

    def put(self, name: str, begin: int, piece: bytes) -> None:
        """Write a piece of a file from byte ``begin`` on; raises `OSError`."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if begin else "wb") as file:
            file.seek(begin)
            file.write(piece)

    def piece(self, name: str, begin: int) -> bytes:
        """The piece of a file from byte ``begin`` on; empty at its end; raises `OSError`."""
        with self.path(name).open("rb") as file:
            file.seek(begin)
            return file.read(PIECE)

    def clear(self) -> None:
        """Remove all that is there."""
        discard(self.folder)


def desks_folder() -> Path:
    """Where all desks are."""
    return farm_folder() / "desks"


def free_room() -> int:
    """Bytes that are free on their disk."""
    return shutil.disk_usage(existing(desks_folder())).free


def sweep_desks() -> None:
    """Remove what killed workers have left."""
    for desk in desks_folder().glob("*/"):
        busy = any(in_use(folder) for folder in (desk, *desk.glob("*/")))
        latest = max((path.stat().st_mtime for path in (desk, *desk.rglob("*"))), default=0.0)
        if not busy and time.time() - latest > ABANDONED_SECONDS:
            discard(desk)
