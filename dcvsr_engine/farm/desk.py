"""What a computer of a farm is sent: the files of a unit, of which it gives back others, and models. Torch-free.

Files come and go in pieces, so that no more than one is in memory, whatever their size.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dcvsr_engine.errors import JobError, ModelError
from dcvsr_engine.farm.address import farm_folder
from dcvsr_engine.jobs.folders import ABANDONED_SECONDS
from dcvsr_engine.jobs.identity import model_files, model_hashes
from dcvsr_engine.jobs.presence import in_use
from dcvsr_engine.models.registry import base_folder, model_folder
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.storage import discard, sha256, sync

PIECE = 2**24
"""Bytes that travel at once."""
MODEL = "model"
"""Folder of a desk that a model comes into."""
MODEL_SUFFIXES = (".json", ".safetensors")
"""Of all files that a model is made of; no others are taken."""


@dataclass(frozen=True)
class FarmModel:
    """The model of a job, as all computers of a farm must have it.

    Attributes:
        name: as the settings name it.
        root: name of its folder.
        hashes: of each of its files, by folder and name.
    """

    name: str
    root: str
    hashes: dict[str, str]

    @property
    def received(self) -> Path:
        """Where its folder is on a computer that it was sent to."""
        key = hashlib.sha256(json.dumps(self.hashes, sort_keys=True).encode()).hexdigest()[:16]
        return farm_folder() / "models" / key / self.root

    def folder_here(self) -> Path | None:
        """Its folder on this computer: that of its name, or the one that it was sent to; ``None`` where it is in neither."""
        return next((folder for folder in (self.named(), self.received) if folder and self.is_in(folder)), None)

    def named(self) -> Path | None:
        """The folder that its name stands for here."""
        try:
            return model_folder(self.name)
        except ModelError:
            return None

    def is_in(self, folder: Path) -> bool:
        """Whether a folder holds exactly this model."""
        try:
            return model_hashes(folder, Declaration.from_folder(folder)) == self.hashes
        except (ModelError, OSError):
            return False


def farm_model(name: str) -> FarmModel:
    """The model of that name here; raises `ModelError`."""
    folder = model_folder(name)
    return FarmModel(name, folder.name, model_hashes(folder, Declaration.from_folder(folder)))


def files_of_model(name: str) -> dict[str, Path]:
    """The files of a model here, by the names that `FarmModel.hashes` has; raises `ModelError`."""
    folder = model_folder(name)
    return dict(model_files(folder, base_folder(folder, Declaration.from_folder(folder))))


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

    def take_model(self, model: FarmModel) -> None:
        """Put the model that was sent where it is found from now on.

        Raises:
            ModelError: it is not the one that was meant, or cannot be used here.
        """
        sent = self.folder / MODEL
        found = {path.relative_to(sent).as_posix(): path for path in sent.rglob("*") if path.is_file()}
        check_sent(model, found)
        for path in found.values():
            sync(path)
        place = model.received.parent
        place.parent.mkdir(parents=True, exist_ok=True)
        discard(place)
        sent.rename(place)
        if not model.is_in(model.received):
            discard(place)
            raise ModelError(f"The model “{model.name}” cannot be used where it was sent to; install it there.")


def check_sent(model: FarmModel, found: Mapping[str, Path]) -> None:
    """Raise `ModelError` unless the files that have come are those of the model."""
    if others := [name for name in found if not name.endswith(MODEL_SUFFIXES)]:
        raise ModelError(f"“{others[0]}” is no file of a model: only JSON and safetensors are taken.")
    if {name: sha256(path) for name, path in found.items()} != model.hashes:
        raise ModelError(f"The model “{model.name}” was damaged on its way; start the job again.")


def desks_folder() -> Path:
    """Where all desks are."""
    return farm_folder() / "desks"


def sweep_desks() -> None:
    """Remove what killed workers have left."""
    for desk in desks_folder().glob("*/"):
        busy = any(in_use(folder) for folder in (desk, *desk.glob("*/")))
        latest = max((path.stat().st_mtime for path in (desk, *desk.rglob("*"))), default=0.0)
        if not busy and time.time() - latest > ABANDONED_SECONDS:
            discard(desk)
