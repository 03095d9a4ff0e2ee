"""Animated WebP, which FFmpeg does not read, through Pillow."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from PIL import Image, UnidentifiedImageError

from dcvsr_engine.errors import InputError

ANIMATED_WEBP = "animated webp"
"""Stands for a codec name in `VideoInfo.codec`."""


def animation_durations(path: Path) -> tuple[int, ...]:
    """Milliseconds per frame of an animated WebP; empty for any other file. Raises `InputError` when it is damaged."""
    if not is_webp(path):
        return ()
    try:
        with Image.open(path) as image:
            count = getattr(image, "n_frames", 1)
            return tuple(duration(image, number) for number in range(count)) if count > 1 else ()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise InputError(f"“{path}” is no picture that can be read ({str(error).splitlines()[0]}).") from None


def is_webp(path: Path) -> bool:
    """Whether a file's content, whatever its name, is WebP."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[:4] == b"RIFF" and head[8:] == b"WEBP"


def duration(image: Image.Image, number: int) -> int:
    """Milliseconds of one frame, at least 1."""
    image.seek(number)
    image.load()
    return max(1, int(image.info.get("duration", 0)))


def animation_frames(path: Path, first: int) -> Iterator[av.VideoFrame]:
    """Frames from ``first`` on."""
    with Image.open(path) as image:
        for number in range(first, getattr(image, "n_frames", 1)):
            image.seek(number)
            yield av.VideoFrame.from_ndarray(np.asarray(image.convert("RGB")), "rgb24")
