"""Whether the files of a model are those that were declared, downloaded or imported. Torch-free."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.headers import read_header
from dcvsr_engine.models.registry import KnownModel
from dcvsr_engine.models.store import ORIGIN, Transferred
from dcvsr_engine.storage import Passed, read_json, sha256


def check_files(folder: Path, expected: Mapping[str, str]) -> None:
    """Compare files with their hashes.

    Args:
        folder: the model's folder.
        expected: SHA-256 in hexadecimal per file, by name relative to the folder.

    Raises:
        ModelError: names the first file that is missing or differs.
    """
    # lazily: after the first difference no further file is hashed
    for sentence in differing(folder, expected):
        raise ModelError(sentence)


def verify_model(model: KnownModel, progress: Transferred = lambda what, done, total: None) -> list[str]:
    """Compare a model's files with their hashes; weights without one are only examined for completeness.

    Args:
        model: an installed model.
        progress: called with the model's name, bytes read and bytes in all; may raise to stop.

    Returns:
        One sentence per file that is missing, damaged or changed.
    """
    if model.declaration is None and not model.is_base:
        return [model.problem]
    expected = recorded_hashes(model.folder) | (model.declaration.sha256 if model.declaration else {})
    total = sum((model.folder / name).stat().st_size for name in expected if (model.folder / name).is_file())
    done = 0

    def passed(size: int) -> None:
        nonlocal done
        done += size
        progress(model.name, done, total)

    return [*differing(model.folder, expected, passed), *incomplete(model.folder, set(expected))]


def differing(folder: Path, expected: Mapping[str, str], passed: Passed = lambda size: None) -> Iterator[str]:
    """Yield one sentence per file that is missing or has another hash than ``expected``; see `check_files`."""
    for name, wanted in expected.items():
        path = folder / name
        if not path.is_file():
            yield f"The model in {folder} is incomplete: {name} is missing."
        elif sha256(path, passed) != wanted:
            yield f"{path} is not the file that was declared (its SHA-256 differs); get it again."


def recorded_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of a model's files when it was added, by name; empty when nothing was recorded."""
    try:
        hashes = read_json(folder / ORIGIN)["sha256"]
        return {str(name): str(value) for name, value in hashes.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def incomplete(folder: Path, hashed: set[str]) -> Iterator[str]:
    """Yield one sentence per damaged weights file that is not among the ``hashed`` ones."""
    for path in sorted(folder.rglob("*.safetensors")):
        if path.relative_to(folder).as_posix() not in hashed:
            try:
                read_header(path)
            except ModelError as error:
                yield str(error)
