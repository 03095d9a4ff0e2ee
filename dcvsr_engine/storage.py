"""Files and folders under a temporary name beside their target, renamed when complete."""

import json
import os
import re
import secrets
import shutil
from pathlib import Path
from typing import Any

from dcvsr_engine.errors import OutputError

NAME_BYTES = 255
"""Longest file name that common file systems take."""

PICTURE_NAME = "{:06d}.{}"
PICTURE = re.compile(r"\d{6,}\.(png|tiff)")


def partial_path(target: Path) -> Path:
    """A new temporary name beside ``target`` that keeps its suffix: ``.clip.mp4.partial-1a2b3c4d.mp4``."""
    end = f".partial-{secrets.token_hex(4)}{target.suffix}"
    stem = target.name.encode()[: NAME_BYTES - len(end.encode()) - 1].decode(errors="ignore")
    return target.with_name(f".{stem}{end}")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file that is complete or not there; raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(path)
    partial.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8")
    partial.replace(path)


def read_json(path: Path) -> Any:
    """A JSON file's value; raises `OSError` or, when it is no JSON, `ValueError`."""
    return json.loads(path.read_text(encoding="utf-8"))


def partials_of(target: Path) -> list[Path]:
    """What processes that were killed have left beside ``target`` under temporary names of it."""
    begin = partial_path(target).name.rpartition(".partial-")[0] + ".partial-"
    return [path for path in target.absolute().parent.iterdir() if path.name.startswith(begin)]


def refuse_unsafe(target: Path, *, pictures: bool, overwrite: bool) -> None:
    """Raise `OutputError` when putting a file, or a folder of ``pictures``, at ``target`` would lose something unasked."""
    if target.is_dir():
        inside = [path.name for path in target.iterdir()]
        if not pictures:
            raise OutputError(f"“{target}” is a folder; give the output a file name.")
        if inside and not overwrite:
            raise OutputError(f"“{target}” holds files already; choose another folder or allow overwriting.")
        if not all(PICTURE.fullmatch(name) for name in inside):
            raise OutputError(f"“{target}” holds other files than an earlier result; choose another folder.")
    elif target.exists() or target.is_symlink():
        if pictures:
            raise OutputError(f"“{target}” is a file, but pictures need a folder; choose another name.")
        if not overwrite:
            raise OutputError(f"“{target}” exists already; choose another name or allow overwriting.")


def put_in_place(partial: Path, target: Path) -> None:
    """Have a complete temporary file or folder written to disk, and rename it to ``target``."""
    for path in (*partial.rglob("*"), partial) if partial.is_dir() else (partial,):
        sync(path)
    if target.is_dir():
        old = partial_path(target)
        target.rename(old)
        partial.rename(target)
        shutil.rmtree(old)
    else:
        partial.replace(target)
    sync(target.parent)


def sync(path: Path) -> None:
    """Have the system write a file or folder to disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
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
