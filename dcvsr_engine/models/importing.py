"""Copies a model that somebody brings into the models folder, checked and complete or not at all. Torch-free."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.known import KnownModel
from dcvsr_engine.models.recognise import Recognised, name_of, recognise
from dcvsr_engine.models.store import DEFAULT, RECORD, Progress, added
from dcvsr_engine.network.declaration import FILE
from dcvsr_engine.network.hashes import CHUNK
from dcvsr_engine.network.installed import bases, installed, user_models
from dcvsr_engine.storage import discard, partial_path, put_in_place, write_json


def import_model(path: Path, name: str = "", base: str = "", progress: Progress = lambda what, done, total: None) -> KnownModel:
    """Copy a folder or file into the models folder.

    Args:
        path: what `recognise` knows.
        name: what to call it instead of its own name.
        base: the model that a U-Net alone is laid over, instead of Stable Video Diffusion.
        progress: may raise to stop; then nothing is left behind.

    Raises:
        ModelError: it is not recognised, damaged, its name is taken, or there is no room.
    """
    found = recognise(path)
    name = name_of(name) if name else found.name
    check_name(name)
    check_room(user_models(), sum(source.stat().st_size for source in found.files.values()))
    with new_folder(name) as folder:
        hashes = copy(found.files, folder, progress)
        write_extras(found, folder, name, base)
        check_declared(found, hashes)
        write_json(folder / RECORD, {"from": str(path.absolute()), "sha256": hashes})
    return added(name)


def check_name(name: str) -> None:
    """Raise `ModelError` when a name is taken."""
    if name in installed() | bases() or (user_models() / name).exists():
        raise ModelError(f"There is a model “{name}” already; remove it first, or give this one another name.")
    if name == DEFAULT:
        raise ModelError(f"A model cannot be called “{name}”; give it another name.")


def check_room(folder: Path, size: int) -> None:
    """Raise `ModelError` when ``size`` bytes do not fit on the disk of ``folder``, which is made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise ModelError(f"The models folder {folder} cannot be made ({(error.strerror or 'no access').lower()}).") from None
    if size > free:
        raise ModelError(f"There is no room in {folder}: {size / 2**30:.2f} GB are needed and {free / 2**30:.2f} GB are free.")


@contextmanager
def new_folder(name: str) -> Iterator[Path]:
    """A temporary folder that becomes the model's when all goes well, and otherwise goes."""
    target = user_models() / name
    partial = partial_path(target)
    partial.mkdir(parents=True)
    try:
        yield partial
        put_in_place(partial, target)
    except OSError as error:
        raise ModelError(f"{target} cannot be written ({(error.strerror or 'no access').lower()}).") from None
    finally:
        discard(partial)


def copy(files: Mapping[str, Path], folder: Path, progress: Progress) -> dict[str, str]:
    """Copy files to their names in ``folder``; gives the sha256 of all but the declaration, which may be completed later."""
    total, done, hashes = sum(source.stat().st_size for source in files.values()), 0, {}
    for name, source in files.items():
        target, digest = folder / name, sha256()
        target.parent.mkdir(exist_ok=True)
        with source.open("rb") as reader, target.open("wb") as writer:
            while part := reader.read(CHUNK):
                writer.write(part)
                digest.update(part)
                done += len(part)
                progress(name, done, total)
        hashes[name] = digest.hexdigest()
    return {name: value for name, value in hashes.items() if name != FILE}


def write_extras(found: Recognised, folder: Path, name: str, base: str) -> None:
    """Write what the files do not say themselves: conventions, and a U-Net's config."""
    if found.declaration is not None and (found.kind != "declared" or name != found.declaration.name):
        over = base if base and found.kind == "unet" else found.declaration.base
        title = found.declaration.title if name == found.declaration.name else name
        (folder / FILE).write_text(found.declaration.replace(name=name, title=title, base=over).to_json(), encoding="utf-8")
    if found.config:
        (folder / "unet" / "config.json").write_text(json.dumps(found.config, indent=2), encoding="utf-8")


def check_declared(found: Recognised, hashes: Mapping[str, str]) -> None:
    """Raise `ModelError` when a file is not the one that a declaration names."""
    for name, expected in (found.declaration.sha256 if found.declaration else {}).items():
        if hashes.get(name) != expected:
            raise ModelError(f"{name} is missing or is not the file that {FILE} declares (its sha256 differs); get it again.")
