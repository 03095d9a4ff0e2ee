"""The models of jobs on a farm: what all computers must have, and what those that lack one are sent. Torch-free.

Models that were sent are found by their hashes. They stay, up to `MOST_KEPT` bytes: those that were used last, and all that are
in use, which a worker shows as a process shows that it is at work on a job (`jobs.presence`).
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from dcvsr_engine.errors import ModelError
from dcvsr_engine.farm.address import farm_folder
from dcvsr_engine.farm.desk import desks_folder
from dcvsr_engine.jobs.identity import model_files, model_hashes
from dcvsr_engine.jobs.presence import LOCK, PRESENCE, in_use
from dcvsr_engine.models.registry import base_folder, model_folder
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.storage import discard, folder_size, sha256, sync

MODEL_SUFFIXES = (".json", ".safetensors")
"""Of all files that a model is made of; no others are taken."""
MOST_KEPT = 2**34
"""Bytes of models that were sent, beyond those that are in use."""
LAST_USE = "used"
"""Name of a file beside a model that was sent; it was touched when that was used."""


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
        return received_folder() / key / self.root

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


# -- models that were sent --------------------------------------------------------------------------------------


def received_folder() -> Path:
    """Where models that were sent are."""
    return farm_folder() / "models"


@contextmanager
def received_lock() -> Iterator[None]:
    """Around putting a model there, beginning to use one, and removing any; raises `OSError`."""
    received_folder().mkdir(parents=True, exist_ok=True)
    with FileLock(received_folder() / LOCK):
        yield


def use_received(model: FarmModel) -> FileLock | None:
    """Keep a model that was sent where it is until the lock is released, or the process ends; ``None`` where there is none."""
    if not model.received.is_dir():
        return None
    with received_lock():
        return used(model.received.parent) if model.received.is_dir() else None


def used(place: Path) -> FileLock:
    """A lock in the folder of a model that was sent: it is in use, from now on."""
    (place / LAST_USE).touch()
    mark = FileLock(place / PRESENCE.format(secrets.token_hex(4)), thread_local=False)
    mark.acquire(timeout=0)
    return mark


def take_model(sent: Path, model: FarmModel) -> FileLock:
    """Put a model that was sent into a folder where it is found from now on; returns what keeps it there, see `use_received`.

    Raises:
        ModelError: it is not the one that was meant, or cannot be used here.
    """
    found = {path.relative_to(sent).as_posix(): path for path in sent.rglob("*") if path.is_file()}
    check_sent(model, found)
    for path in found.values():
        sync(path)
    place = model.received.parent
    with received_lock():
        if not model.is_in(model.received):  # else another job has sent it meanwhile
            discard(place)
            sent.rename(place)
        mark = used(place)
    if not model.is_in(model.received):
        mark.release()
        discard(place)
        raise ModelError(f"The model “{model.name}” cannot be used where it was sent to; install it there.")
    return mark


def check_sent(model: FarmModel, found: Mapping[str, Path]) -> None:
    """Raise `ModelError` unless the files that have come are those of the model."""
    if others := [name for name in found if not name.endswith(MODEL_SUFFIXES)]:
        raise ModelError(f"“{others[0]}” is no file of a model: only JSON and safetensors are taken.")
    if {name: sha256(path) for name, path in found.items()} != model.hashes:
        raise ModelError(f"The model “{model.name}” was damaged on its way; start the job again.")


def sweep_models(size: int = 0) -> None:
    """Remove models that were sent, the last used last, until ``size`` more bytes keep within the bound; raises `OSError`."""
    if not received_folder().is_dir():
        return
    with received_lock():
        places = sorted(received_folder().glob("*/"), key=last_use)
        over = size + sum(map(folder_size, places)) - MOST_KEPT
        for place in places:
            if over > 0 and not in_use(place):
                over -= folder_size(place)
                remove_received(place)


def last_use(place: Path) -> float:
    """When a model that was sent was used last."""
    mark = place / LAST_USE
    return mark.stat().st_mtime if mark.exists() else 0.0


def remove_received(place: Path) -> None:
    """Remove a model that was sent: at once none any more, even if this process is killed meanwhile."""
    gone = desks_folder() / secrets.token_hex(8)
    gone.parent.mkdir(parents=True, exist_ok=True)
    place.rename(gone)  # what is left there is swept
    discard(gone)
