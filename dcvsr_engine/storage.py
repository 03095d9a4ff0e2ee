"""All writing of the program: files and folders under a temporary name, renamed when complete; JSON, hashes, disk errors.

Paths come first in every argument list. Torch-free and FFmpeg-free, for the window too.
"""

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from dcvsr_engine.errors import DiskFullError, OutputError

NAME_BYTES = 255
"""Longest file name that common file systems take."""

PICTURE_NUMBER = re.compile(r"%(?:0([1-9]))?d")
"""Where the number is in the setting ``picture_name``."""

MOST_JSON_BYTES = 2**28
"""JSON files that are larger are refused: no program writes such."""
WORK_LOCK = "dcvsr.lock"
"""A file in a `work_folder` that its process locks as long as it lives."""
UNLOCKED_SECONDS = 60
"""A file younger than this may be about to be locked."""
HASHED_AT_ONCE = 2**22
"""Bytes read at a time for a hash."""

Passed = Callable[[int], None]
"""Called with the number of bytes of each part that was read; may raise to stop."""


# -- text and JSON ----------------------------------------------------------------------------------------------


def write_text(path: Path, text: str) -> None:
    r"""Write a UTF-8 text file that is complete and on the disk, or not there at all; folders are made.

    Lone surrogates, which stand for the bytes of file names that are not UTF-8, are written as ``\udcXX``: inside JSON that
    is the escape which `parse_json` reads back.

    Raises:
        OSError: the file cannot be written; an earlier one is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(path)
    try:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")
        put_in_place(partial, path)
    finally:
        discard(partial)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file that is complete or not there; raises `OSError`."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False))


def read_json(path: Path) -> Any:
    """The value of a JSON file.

    Raises:
        OSError: the file cannot be read, is not a regular file, or is implausibly large.
        ValueError: its content is not JSON.
    """
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))  # a pipe would be waited for
    if facts.st_size > MOST_JSON_BYTES:
        raise OSError(errno.EFBIG, "too large", str(path))
    return parse_json(path.read_bytes())


def remembered(path: Path) -> dict[str, Any]:
    """The JSON object in a file of what is remembered; empty where it is missing or damaged."""
    try:
        held = read_json(path)
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text; raises `ValueError` when it is not JSON, or is nested deeper than Python can follow."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


@contextmanager
def report_file(path: Path | None, overwrite: bool) -> Iterator[Callable[[str], None]]:
    """A function that writes a report, as often as it is called; without a ``path`` it does nothing.

    Raises:
        OutputError: before any work where the file cannot be written, or exists and is not to be replaced.
    """
    if path is None:
        yield lambda text: None
        return
    refuse_unsafe(path, overwrite=overwrite)
    partial, replace = partial_path(path.absolute()), overwrite
    try:
        partial.touch()
    except OSError as error:
        raise OutputError(f"“{path}” cannot be written ({describe_os_error(error)}); choose another name.") from None

    def write(text: str) -> None:
        nonlocal replace
        try:
            partial.write_text(text, encoding="utf-8", errors="backslashreplace")
            put_in_place(partial, path, replace=replace)
        except OSError as error:
            reason = describe_os_error(error)
            raise OutputError(f"The report “{path}” cannot be written ({reason}); the result is complete.") from None
        replace = True  # from now on it is ours

    try:
        yield write
    finally:
        discard(partial)


# -- hashes -----------------------------------------------------------------------------------------------------


def sha256(path: Path, passed: Passed = lambda size: None) -> str:
    """The SHA-256 of a file, in hexadecimal; raises `OSError`."""
    return hex_digest(path, hashlib.sha256(), passed)


def content_hash(path: Path, passed: Passed = lambda size: None) -> str:
    """The SHA-256 of a file, or of the names and hashes of the files in a folder, in hexadecimal; raises `OSError`."""
    if not path.is_dir():
        return sha256(path, passed)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = [f"{sha256(file, passed)}  {file.relative_to(path).as_posix()}\n" for file in files]
    return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()


def hex_digest(path: Path, digest: "hashlib._Hash", passed: Passed = lambda size: None) -> str:
    """Feed a file to ``digest``, after what that has taken already.

    Args:
        path: file to read.
        digest: hash object; it is changed.
        passed: called with the size of each part.

    Returns:
        The digest in hexadecimal.
    """
    with path.open("rb") as file:
        while part := file.read(HASHED_AT_ONCE):
            digest.update(part)
            passed(len(part))
    return digest.hexdigest()


# -- errors -----------------------------------------------------------------------------------------------------


def describe_os_error(error: Exception) -> str:
    """The words of the system or of FFmpeg for an error, without file name, log and full stop: “permission denied”."""
    return str(getattr(error, "strerror", None) or error).partition(";")[0].strip().rstrip(".").lower()


def write_error(path: Path, error: Exception) -> OutputError:
    """The sentence for a failed write to ``path``: a `DiskFullError` where the disk or a quota is full."""
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(f"There is no room left on the disk of “{path.parent}”; free some and resume.")
    return OutputError(f"“{path}” cannot be written ({describe_os_error(error)}).")


# -- temporary names --------------------------------------------------------------------------------------------


def partial_path(target: Path) -> Path:
    """A new temporary name beside ``target`` that keeps its suffix: ``.clip.mp4.partial-1a2b3c4d.mp4``."""
    end, stem = f".partial-{secrets.token_hex(4)}{target.suffix}", target.name
    # file systems limit bytes, not characters; a suffix that leaves no room is for them to refuse
    while stem and len(os.fsencode(f".{stem}{end}")) > NAME_BYTES:
        stem = stem[:-1]
    return target.with_name(f".{stem}{end}")


def partials_of(target: Path) -> list[Path]:
    """The temporary files of ``target`` that killed processes have left beside it."""
    begin = partial_path(target).name.rpartition(".partial-")[0] + ".partial-"
    return [path for path in target.absolute().parent.iterdir() if path.name.startswith(begin)]


@contextmanager
def work_folder(target: Path, kind: str) -> Iterator[Path]:
    """A hidden folder beside ``target`` for what is made on the way to it, which is removed in the end.

    Those of the same ``kind`` that killed processes have left there are removed, too: a folder whose lock nobody holds any more.

    Raises:
        OSError: it cannot be made.
    """
    place = target.absolute().parent
    remove_left(place, kind)
    folder = Path(tempfile.mkdtemp(prefix=f".{kind}-", dir=place))
    try:
        with FileLock(folder / WORK_LOCK):
            yield folder
    finally:
        discard(folder)


def remove_left(place: Path, kind: str) -> None:
    """Remove the folders of `work_folder` whose processes are gone."""
    for lock in place.glob(f".{kind}-*/{WORK_LOCK}"):
        with suppress(OSError, Timeout):
            # whoever has just made the file is about to lock it
            if time.time() - lock.stat().st_mtime > UNLOCKED_SECONDS:
                with FileLock(lock, timeout=0):
                    discard(lock.parent)


def refuse_replacing(inputs: Iterable[Path], outputs: Sequence[Path]) -> None:
    """Make sure that no output replaces an input or another output, whatever their names are.

    Files are told apart by identity: links, patterns, ``..`` and upper and lower case lead to the same file. A folder stands for
    all that is in it.

    Args:
        inputs: files and folders that are read.
        outputs: files and folders that are written; they may exist or not.

    Raises:
        OutputError: one of them would be replaced.
    """
    # an output that is a folder around an input would take it along
    sources = {owner for path in inputs for owner in owners(path)}
    for number, output in enumerate(outputs):
        if file_identity(output) in sources:
            raise OutputError(f"“{output}” is the input itself, or holds it; choose another name for the output.")
        for other in outputs[:number]:
            if file_identity(output) in owners(other) or file_identity(other) in owners(output):
                raise OutputError(f"“{output}” and “{other}” are one output, or one holds the other; choose two names.")


Identity = tuple[int | str, ...]
"""What all names of one file have in common."""


def owners(path: Path) -> list[Identity]:
    """A file and the folders that it is in, by identity."""
    absolute = path.absolute()
    return [file_identity(place) for place in (absolute, *Path(os.path.realpath(absolute)).parents)]


def file_identity(path: Path) -> Identity:
    """Device and number of a file; for one that is not there, its folder's and its name as the file system sees it."""
    absolute = path.absolute()
    try:
        facts = absolute.stat()
    except (OSError, ValueError):
        if absolute.parent == absolute:
            return (str(absolute),)
        name = absolute.name.casefold() if ignores_case(absolute.parent) else absolute.name
        return (*file_identity(absolute.parent), name)
    return facts.st_dev, facts.st_ino


def ignores_case(folder: Path) -> bool:
    """Whether upper and lower case are the same in a folder's file system."""
    # the root of a file system has no name to swap
    other = folder.with_name(folder.name.swapcase()) if folder.name else folder
    try:
        return other != folder and other.samefile(folder)
    except OSError:
        return os.name == "nt"


def picture_name(pattern: str, number: int, suffix: str) -> str:
    """The name of a picture of a result; ``pattern`` as in the setting ``picture_name``."""
    return f"{pattern % number}.{suffix}"


def picture_names(pattern: str) -> re.Pattern[str]:
    """What matches the names of a result's pictures, see `picture_name`."""
    before, width, after = PICTURE_NUMBER.split(pattern)
    return re.compile(rf"{re.escape(before)}\d{{{width or 1},}}{re.escape(after)}\.(png|tiff|exr|dpx)")


def refuse_unsafe(target: Path, *, overwrite: bool, pictures: str | None = None) -> None:
    """Make sure that putting a result at ``target`` replaces nothing but an earlier result, and that only on request.

    Args:
        target: file, or folder when the result is ``pictures``.
        overwrite: whether an earlier result may be replaced.
        pictures: how pictures are called, where the result is a folder of them; see `picture_name`.

    Raises:
        OutputError: something would be lost.
    """
    if target.is_dir():
        inside = [path.name for path in target.iterdir()]
        if pictures is None:
            raise OutputError(f"“{target}” is a folder; give the output a file name.")
        if inside and not overwrite:
            raise OutputError(f"“{target}” holds files already; choose another folder or allow overwriting.")
        if not all(picture_names(pictures).fullmatch(name) for name in inside):
            raise OutputError(f"“{target}” holds other files than an earlier result; choose another folder.")
    elif target.exists() or target.is_symlink():
        if pictures is not None:
            raise OutputError(f"“{target}” is a file, but pictures need a folder; choose another name.")
        if not overwrite:
            raise OutputError(f"“{target}” exists already; choose another name or allow overwriting.")


def put_in_place(partial: Path, target: Path, *, replace: bool = True) -> None:
    """Flush a complete temporary file or folder to the disk, then rename it to ``target``.

    Args:
        partial: the temporary file or folder.
        target: its final name.
        replace: whether something of that name is replaced, also if it has appeared just now.

    Raises:
        FileExistsError: there is something, and it is not to be replaced.
        OSError: the disk is full or not writable.
    """
    for path in (*partial.rglob("*"), partial) if partial.is_dir() else (partial,):
        sync(path)
    if not replace:
        rename_to_new(partial, target)
    elif target.is_dir():
        # a folder cannot replace one that is not empty: two renames, and the older one is removed last
        old = partial_path(target)
        target.rename(old)
        partial.rename(target)
        shutil.rmtree(old)
    else:
        partial.replace(target)
    # the rename itself is on the disk only with its folder
    sync(target.parent)


def rename_to_new(partial: Path, target: Path) -> None:
    """Rename to a name that nothing has; raises `OSError` when something does, however late it came."""
    if partial.is_dir() or os.name == "nt":
        partial.rename(target)  # fails by itself where a folder that is not empty, or on Windows anything, has the name
        return
    try:
        # a link fails where the name is taken; a rename would replace what is there
        os.link(partial, target)
    except FileExistsError:
        raise
    except OSError:  # file systems without hard links, such as FAT
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        partial.replace(target)
    else:
        partial.unlink()


def sync(path: Path) -> None:
    """Flush a file or folder to the disk; raises `OSError`."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders
    # Windows flushes only through handles that may write
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def folder_size(folder: Path) -> int:
    """Bytes of all files in a folder and those below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def discard(path: Path) -> None:
    """Remove a temporary file or folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
