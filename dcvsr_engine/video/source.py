"""Opens inputs: a video file, one picture, a folder or a pattern of pictures."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from dcvsr_engine.errors import InputError
from dcvsr_engine.storage import describe_os_error

PICTURE_SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".ppm", ".pgm", ".tga", ".jp2"}
VIDEO_SUFFIXES = {".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".y4m"}
"""Suffixes by which a folder is searched for videos."""

PLACEHOLDER = re.compile(r"%0?(\d*)d")
PROTOCOLS = {"protocol_whitelist": "file"}
"""A playlist in disguise must not open network addresses."""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """Open a file's container; raises `InputError` with one sentence when it has none."""
    if not path.exists():
        raise InputError(f"“{path}” does not exist; check the name.")
    if not os.access(path, os.R_OK):
        raise InputError(f"“{path}” may not be read; check its permissions.")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"“{path}” is empty.")
    try:
        container = av.open(f"file:{path.absolute()}", "r", container_options=PROTOCOLS, metadata_errors="replace")
    except av.EOFError:
        raise InputError(f"“{path}” holds no frames.") from None
    except (av.FFmpegError, ValueError, OSError) as error:
        raise InputError(f"“{path}” is no video that can be read ({describe_os_error(error)}).") from None
    with container:
        yield container


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The main video track, cover pictures aside; raises `InputError` when there is none."""
    tracks = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not tracks:
        raise InputError(f"“{path}” has no video track; choose a file with pictures in it.")
    return next((s for s in tracks if s.disposition & Disposition.default), tracks[0])


def pictures_of(path: Path) -> list[Path] | None:
    """The pictures of a folder, a ``*`` pattern or a ``%05d`` pattern in natural order; ``None`` when ``path`` is a plain file.

    Raises `InputError` when a folder or pattern has none.
    """
    if path.is_dir():
        found = [p for p in path.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES and not p.name.startswith(".")]
    elif path.exists() or not (PLACEHOLDER.search(path.name) or "*" in path.name):
        return None
    elif "*" in path.name:
        found = [p for p in path.parent.glob(path.name) if p.is_file()]
    else:
        before, digits, after = re.split(PLACEHOLDER, path.name, maxsplit=1)
        wanted = re.compile(re.escape(before) + rf"\d{{{digits or 1},}}" + re.escape(after))
        found = [p for p in path.parent.iterdir() if wanted.fullmatch(p.name)] if path.parent.is_dir() else []
    if not found:
        raise InputError(f"“{path}” holds no pictures; choose a folder with PNG, JPEG, TIFF or WebP files.")
    return sorted(found, key=natural_order)


def natural_order(path: Path) -> list[tuple[int, str]]:
    """Sort key that puts frame_2 before frame_10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name)]
