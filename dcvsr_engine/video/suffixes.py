"""Names of inputs: suffixes, order, gaps in picture numbers. Loads no decoder, for the window too."""

import re
from collections.abc import Sequence
from pathlib import Path

PICTURE_SUFFIXES = {
    ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".ppm", ".pgm", ".tga", ".jp2", ".avif", ".exr", ".dpx",
}  # fmt: skip
"""Suffixes by which a folder is searched for pictures."""

VIDEO_SUFFIXES = {
    ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".flv", ".gif", ".m2ts", ".m2v", ".m4v", ".mjpeg", ".mkv", ".mov", ".mp4",
    ".mpeg", ".mpg", ".mts", ".mxf", ".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".ts", ".vob", ".webm", ".wmv", ".y4m",
}  # fmt: skip
"""Suffixes of videos: by them a folder is searched, and the system offers the program for such files."""

AMBIGUOUS_SUFFIXES = {".dat", ".mod", ".tod", ".f4v", ".m1v", ".m2t", ".mpv", ".trp", ".wtv", ".nut"}
"""Suffixes of videos (of camcorders, Video CDs and others) that other files have too: their content is looked at."""

SIGNATURES = re.compile(
    rb"....ftyp|RIFF....(AVI |CDXA)|\x1aE\xdf\xa3|\x00\x00\x01[\xba\xb3]|FLV\x01|0&\xb2u|OggS|nut/multimedia"
    rb"|(.{4})?G.{187}(.{4}|.{16})?G",
    re.DOTALL,
)
"""Beginnings of videos: MP4, AVI and Video CD, Matroska, MPEG, Flash, ASF, Ogg, NUT, transport streams."""


def natural_order(path: Path) -> list[tuple[int, str]]:
    """Sort key that puts frame_2 before frame_10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def is_video_file(path: Path) -> bool:
    """Whether a file counts as a video where a folder is searched: by its suffix or, where that is ambiguous, its content."""
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        return path.is_file()
    if suffix not in AMBIGUOUS_SUFFIXES or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return SIGNATURES.match(file.read(512)) is not None
    except OSError:
        return False


def numbers_of(paths: Sequence[Path]) -> list[int]:
    """The running numbers in the names of pictures; empty where names are not one text with one number."""
    parts = [re.split(r"(\d+)(?=\D*$)", path.stem, maxsplit=1) for path in paths]
    if len({(len(part), part[0], part[-1]) for part in parts}) != 1 or len(parts[0]) != 3:
        return []
    return [int(part[1]) for part in parts]


def first_number(paths: Sequence[Path]) -> int:
    """The number that a sequence begins with, 0 where it has none; where numbers are missing, it counts anew."""
    numbers = numbers_of(paths)
    return numbers[0] if numbers and not missing_numbers(paths) else 0


def missing_numbers(paths: Sequence[Path]) -> list[int]:
    """Numbers that a picture sequence skips; none where names are not one text with one running number.

    Args:
        paths: pictures in natural order.
    """
    numbers = numbers_of(paths)
    if not numbers:
        return []
    present = set(numbers)
    span = max(numbers) - min(numbers) + 1
    # a sequence that holds every tenth picture has a step, not gaps
    if span > 2 * len(present) + 100:
        return []
    return [number for number in range(min(numbers), max(numbers)) if number not in present]
