"""Hashes of a model's files, and whether they still are what was declared. Torch-free."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from dcvsr_engine.errors import ModelError

CHUNK = 2**22

Passed = Callable[[int], None]
"""Told the bytes of each part that was read; may raise to stop."""


def sha256(path: Path, passed: Passed = lambda size: None) -> str:
    """Hash of a file."""
    return hex_digest(path, hashlib.sha256(), passed)


def hex_digest(path: Path, digest: "hashlib._Hash", passed: Passed = lambda size: None) -> str:
    """What ``digest`` makes of a file, after what it has taken already."""
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            digest.update(part)
            passed(len(part))
    return digest.hexdigest()


def differing(folder: Path, expected: Mapping[str, str], passed: Passed = lambda size: None) -> Iterator[str]:
    """A sentence per file that is missing or has another sha256 than ``expected`` says, by name relative to ``folder``."""
    for name, wanted in expected.items():
        path = folder / name
        if not path.is_file():
            yield f"The model in {folder} is incomplete: {name} is missing."
        elif sha256(path, passed) != wanted:
            yield f"{path} is not the file that it was declared to be (its sha256 differs); get it again."


def check_files(folder: Path, expected: Mapping[str, str]) -> None:
    """Raise `ModelError` for the first file that differs from what is ``expected``."""
    for sentence in differing(folder, expected):
        raise ModelError(sentence)
