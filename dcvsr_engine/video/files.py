"""Files under a temporary name beside their target, renamed when complete."""

import os
import secrets
import shutil
from pathlib import Path

from dcvsr_engine.errors import OutputError

NAME_BYTES = 255
"""Longest file name that common file systems take."""


def partial_path(target: Path) -> Path:
    """A new temporary name beside ``target`` that keeps its suffix: ``.clip.mp4.partial-1a2b3c4d.mp4``."""
    end = f".partial-{secrets.token_hex(4)}{target.suffix}"
    stem = target.name.encode()[: NAME_BYTES - len(end.encode()) - 1].decode(errors="ignore")
    return target.with_name(f".{stem}{end}")


def sync(path: Path) -> None:
    """Have the system write a file or folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def discard(path: Path) -> None:
    """Remove a temporary file or folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def put_in_place(partial: Path, target: Path, *, overwrite: bool) -> None:
    """Rename a complete temporary file or folder to its target; raises `OutputError` rather than overwrite unasked."""
    if not overwrite:
        refuse_existing(target)
    if partial.is_dir():
        for picture in partial.iterdir():
            sync(picture)
        if target.is_dir():
            shutil.rmtree(target)
    else:
        sync(partial)
    partial.replace(target)


def refuse_existing(target: Path) -> None:
    """Raise `OutputError` when ``target`` exists (an empty folder does not count)."""
    if target.is_symlink() or target.is_file() or (target.is_dir() and any(target.iterdir())):
        raise OutputError(f"“{target}” exists already; choose another name or allow overwriting.")
