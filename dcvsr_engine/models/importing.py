"""Copies a model of the user into the models folder: checked and complete, or not at all. Torch-free."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.recognise import Recognised, folder_name, recognise
from dcvsr_engine.models.registry import DEFAULT_FILE, KnownModel, base_folders, installed_folders, is_name, model_named
from dcvsr_engine.models.store import ORIGIN, Transferred
from dcvsr_engine.network.declaration import FILE
from dcvsr_engine.paths import models_folder
from dcvsr_engine.storage import HASHED_AT_ONCE, describe_os_error, discard, partial_path, put_in_place, write_json


def import_model(
    path: Path, name: str = "", base: str = "", progress: Transferred = lambda what, done, total: None
) -> KnownModel:
    """Copy a folder or file into the models folder.

    Args:
        path: anything that `recognise` knows.
        name: what to call it instead of its own name.
        base: name of the model that a U-Net alone is laid over, instead of the declared one or Stable Video Diffusion.
        progress: called with a file's name, bytes done and bytes in all; when it raises, nothing is left behind.

    Returns:
        The model, which may still lack its base: see its ``problem``.

    Raises:
        ModelError: it is not recognised or damaged, its name is taken, or the disk is too small.
    """
    found = recognise(path)
    name = folder_name(name) if name else found.name
    check_name(name)
    over = base or (found.declaration.base if found.declaration else "")
    if over and not is_name(over):
        raise ModelError(f"{path} is laid over “{over}”, which is not the name of a model; name one with --base.")
    check_free_space(models_folder(), sum(source.stat().st_size for source in found.files.values()))
    with new_folder(name) as folder:
        hashes = copy_files(found.files, folder, progress)
        write_extras(found, folder, name, base)
        check_declared(found, hashes)
        write_json(folder / ORIGIN, {"from": str(path.absolute()), "sha256": hashes})
    return model_named(name)


def check_name(name: str) -> None:
    """Raise `ModelError` when a name is taken."""
    if name in installed_folders() | base_folders() or (models_folder() / name).exists():
        raise ModelError(f"There is a model “{name}” already; remove it first, or give this one another name.")
    # the models folder holds a file of this name
    if name == DEFAULT_FILE:
        raise ModelError(f"A model cannot be called “{name}”; give it another name.")


def check_free_space(folder: Path, size: int) -> None:
    """Make ``folder``; raise `ModelError` when ``size`` bytes do not fit on its disk."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise ModelError(f"The models folder {folder} cannot be made ({describe_os_error(error)}).") from None
    if size > free:
        raise ModelError(
            f"There is not enough space in {folder}: {size / 2**30:.2f} GB are needed and {free / 2**30:.2f} GB are free."
        )


@contextmanager
def new_folder(name: str) -> Iterator[Path]:
    """A temporary folder that becomes the model's when all goes well, and is removed otherwise."""
    target = models_folder() / name
    # its name begins with a dot, so that it is not listed as a model until the rename
    partial = partial_path(target)
    partial.mkdir(parents=True)
    try:
        yield partial
        put_in_place(partial, target)
    except OSError as error:
        raise ModelError(f"{target} cannot be written ({describe_os_error(error)}).") from None
    finally:
        discard(partial)


def copy_files(files: Mapping[str, Path], folder: Path, progress: Transferred) -> dict[str, str]:
    """Copy files.

    Args:
        files: where each file is, by its name in ``folder``.
        folder: where they are copied to.
        progress: see `import_model`.

    Returns:
        SHA-256 by name, of all files but the declaration, which may be completed later.
    """
    total, done, hashes = sum(source.stat().st_size for source in files.values()), 0, {}
    for name, source in files.items():
        target, digest = folder / name, sha256()
        target.parent.mkdir(exist_ok=True)
        with source.open("rb") as reader, target.open("wb") as writer:
            while part := reader.read(HASHED_AT_ONCE):
                writer.write(part)
                digest.update(part)
                done += len(part)
                progress(name, done, total)
        hashes[name] = digest.hexdigest()
    return {name: value for name, value in hashes.items() if name != FILE}


def write_extras(found: Recognised, folder: Path, name: str, base: str) -> None:
    """Write what the files lack: conventions, and a U-Net's config."""
    if found.declaration is not None and (found.kind != "declared" or name != found.declaration.name or base):
        # a base replaces a declared one; a model that is complete needs none
        over = base if base and found.declaration.base else found.declaration.base
        title = found.declaration.title if name == found.declaration.name else name
        (folder / FILE).write_text(found.declaration.replace(name=name, title=title, base=over).to_json(), encoding="utf-8")
    if found.config:
        (folder / "unet" / "config.json").write_text(json.dumps(found.config, indent=2), encoding="utf-8")


def check_declared(found: Recognised, hashes: Mapping[str, str]) -> None:
    """Raise `ModelError` when a file is not the one that the declaration names."""
    for name, expected in (found.declaration.sha256 if found.declaration else {}).items():
        if hashes.get(name) != expected:
            raise ModelError(f"{name} is missing or is not the file that {FILE} declares (its SHA-256 differs); get it again.")
