"""What can be done with the models that were added: verify, remove, make one the default. Torch-free."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.headers import read_header
from dcvsr_engine.models.known import KnownModel, known_bases, known_models, read_model
from dcvsr_engine.network.hashes import differing
from dcvsr_engine.network.installed import bases, find, user_models
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.storage import write_json

RECORD = "source.json"
"""In the folder of a model that was added: where it came from, and the sha256 of every file."""
DEFAULT = "default.json"
LISTING = "download.json"
"""In the folder of an unfinished download: what is being fetched."""

Progress = Callable[[str, int, int], None]
"""Told what is being done, and how many bytes of how many are; raises `Cancelled` to stop."""


def added(name: str) -> KnownModel:
    """A model or base that was added, by name; raises `ModelError`."""
    model = {model.name: model for model in known_bases() + known_models()}.get(name)
    if model is None:
        raise ModelError(f"There is no model “{name}”; “dcvsr models list” shows those there are.")
    return model


# -- the default ------------------------------------------------------------------------------------------------


def chosen_default() -> str | None:
    """The model that the person made the default, while it is there."""
    try:
        name = str(json.loads((user_models() / DEFAULT).read_text(encoding="utf-8"))["model"])
        find(name)
    except (OSError, ValueError, KeyError, TypeError, ModelError):
        return None
    return name


def default_model() -> str:
    """The model to restore with when none is named: the person's choice, or the built-in one."""
    return chosen_default() or RestoreSettings().model


def set_default(name: str) -> None:
    """Have the window and the command line restore with this model from now on; raises `ModelError`."""
    if name in bases():
        raise ModelError(f"“{name}” restores nothing by itself; choose a model that is laid over it.")
    model = read_model(name, find(name))
    if model.problem:
        raise ModelError(f"“{name}” cannot be used: {model.problem}")
    write_json(user_models() / DEFAULT, {"model": name})


# -- unfinished downloads ---------------------------------------------------------------------------------------


def partial_folder(name: str) -> Path:
    """Where a download is put until it is complete; hidden, and so no model."""
    return user_models() / f".{name}.download"


def unfinished(name: str) -> tuple[int, int] | None:
    """Bytes that are there and bytes in all of a download that broke off; ``None`` when there is none."""
    folder = partial_folder(name)
    try:
        files = json.loads((folder / LISTING).read_text(encoding="utf-8"))["files"]
        paths = [(folder / file["name"], int(file["size"])) for file in files]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return sum(path.stat().st_size for path, _ in paths if path.is_file()), sum(size for _, size in paths)


# -- remove and verify ------------------------------------------------------------------------------------------


def carried_by(base: str) -> list[str]:
    """Names of the models that are laid over a base."""
    return [model.name for model in known_models() if model.declaration and model.declaration.base == base]


def remove(name: str) -> None:
    """Delete a model that was added, or what there is of an unfinished download; raises `ModelError`."""
    if unfinished(name) is not None:
        shutil.rmtree(partial_folder(name), ignore_errors=True)
        return
    model = added(name)
    if model.built_in:
        raise ModelError(f"“{name}” came with the program and stays.")
    if carried_by(name):
        raise ModelError(f"“{carried_by(name)[0]}” is laid over “{name}”; remove that first.")
    hidden = model.folder.with_name(f".{name}.removed")
    try:
        model.folder.rename(hidden)  # from now on it is no model, wherever the rest is interrupted
    except OSError as error:
        raise ModelError(f"{model.folder} cannot be removed ({(error.strerror or 'no access').lower()}).") from None
    shutil.rmtree(hidden, ignore_errors=True)


def recorded(folder: Path) -> dict[str, str]:
    """The sha256 of a model's files as they were when it was added; empty when there is no record."""
    try:
        hashes = json.loads((folder / RECORD).read_text(encoding="utf-8"))["sha256"]
        return {str(name): str(value) for name, value in hashes.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def verify(model: KnownModel, progress: Progress = lambda what, done, total: None) -> list[str]:
    """Compare a model's files with their hashes; where there are none, look whether the weights are complete.

    Returns:
        A sentence per file that is missing or not what it was.
    """
    if model.declaration is None and not model.is_base:
        return [model.problem]
    declared = model.declaration.sha256 if model.declaration else {}
    expected = recorded(model.folder) | declared
    total = sum((model.folder / name).stat().st_size for name in expected if (model.folder / name).is_file())
    done = 0

    def passed(size: int) -> None:
        nonlocal done
        done += size
        progress(model.name, done, total)

    return list(differing(model.folder, expected, passed)) + incomplete(model.folder, set(expected))


def incomplete(folder: Path, hashed: set[str]) -> list[str]:
    """A sentence per weights file without a known hash that is damaged."""
    sentences = []
    for path in sorted(folder.rglob("*.safetensors")):
        if path.relative_to(folder).as_posix() not in hashed:
            try:
                read_header(path)
            except ModelError as error:
                sentences.append(str(error))
    return sentences
