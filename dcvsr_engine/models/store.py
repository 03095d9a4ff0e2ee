"""The folders of added models: what is recorded beside one, downloads that are not finished, removal. Torch-free."""

import shutil
from collections.abc import Callable
from pathlib import Path

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.registry import known_models, model_named
from dcvsr_engine.paths import models_folder
from dcvsr_engine.storage import describe_os_error, read_json

ORIGIN = "source.json"
"""In the folder of a model that was added: where it came from, and the SHA-256 of every file."""
LISTING = "download.json"
"""In the folder of an unfinished download: what is being fetched."""

Transferred = Callable[[str, int, int], None]
"""Called with what is being done, bytes done and bytes in all; raises `Cancelled` to stop."""


def partial_folder(name: str) -> Path:
    """Where a download is kept until it is complete; hidden, and therefore not listed as a model."""
    return models_folder() / f".{name}.download"


def unfinished_download(name: str) -> tuple[int, int] | None:
    """Bytes on disk and bytes in all of an unfinished download; ``None`` when there is none."""
    folder = partial_folder(name)
    try:
        files = read_json(folder / LISTING)["files"]
        paths = [(folder / file["name"], int(file["size"])) for file in files]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return sum(path.stat().st_size for path, _ in paths if path.is_file()), sum(size for _, size in paths)


def models_over(base: str) -> list[str]:
    """Names of the models that are laid over a base."""
    return [model.name for model in known_models() if model.declaration and model.declaration.base == base]


def remove_model(name: str) -> None:
    """Delete an added model, or the files of an unfinished download; raises `ModelError`."""
    if unfinished_download(name) is not None:
        shutil.rmtree(partial_folder(name), ignore_errors=True)
        return
    model = model_named(name)
    if model.built_in:
        raise ModelError(f"“{name}” came with the program and stays.")
    if models_over(name):
        raise ModelError(f"“{models_over(name)[0]}” is laid over “{name}”; remove that first.")
    hidden = model.folder.with_name(f".{name}.removed")
    try:
        model.folder.rename(hidden)  # not a model any more, even if deleting is interrupted
    except OSError as error:
        raise ModelError(f"{model.folder} cannot be removed ({describe_os_error(error)}).") from None
    shutil.rmtree(hidden, ignore_errors=True)
