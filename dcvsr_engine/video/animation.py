"""Pictures that FFmpeg does not read, or not whole, through Pillow: animated WebP, AVIF made of tiles."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from PIL import Image, UnidentifiedImageError

from dcvsr_engine.errors import InputError

ANIMATED_WEBP = "animated webp"
TILED_AVIF = "tiled avif"
BY_PILLOW = (ANIMATED_WEBP, TILED_AVIF)
"""Stand for codec names in `VideoInfo.codec`."""

UNSAID, UNSAID_DURATION = 10, 100
"""Milliseconds up to which browsers, and FFmpeg for GIF, take a duration for not said, and what they show then."""

STILL_DURATION = 40
"""Milliseconds for which a still picture counts as shown."""


def animation_durations(path: Path, tiled: bool) -> tuple[int, ...]:
    """Milliseconds per frame of a file that is read by Pillow; empty for any other.

    Args:
        path: of the file.
        tiled: whether FFmpeg sees tiles instead of a picture.

    Raises:
        InputError: it is damaged, or made of tiles and no AVIF.
    """
    if not (is_webp(path) or tiled):
        return ()
    try:
        with Image.open(path) as image:
            count = getattr(image, "n_frames", 1)
            return tuple(duration(image, number) for number in range(count)) if count > 1 or tiled else ()
    except UnidentifiedImageError:
        words = "is made of tiles, which cannot be put together here; save it as JPEG or PNG first" if tiled else "is damaged"
        raise InputError(f"“{path}” {words}.") from None
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise InputError(f"“{path}” is no picture that can be read ({str(error).splitlines()[0]}).") from None


def is_webp(path: Path) -> bool:
    """Whether a file's content, whatever its name, is WebP."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[:4] == b"RIFF" and head[8:] == b"WEBP"


def duration(image: Image.Image, number: int) -> int:
    """Milliseconds of one frame."""
    image.seek(number)
    # Pillow knows a frame's duration only once it has decoded it
    image.load()
    still = getattr(image, "n_frames", 1) == 1
    said = int(image.info.get("duration", 0))
    return STILL_DURATION if still else said if said > UNSAID else UNSAID_DURATION


def animation_frames(path: Path, first: int) -> Iterator[av.VideoFrame]:
    """Frames from ``first`` on."""
    with Image.open(path) as image:
        for number in range(first, getattr(image, "n_frames", 1)):
            image.seek(number)
            mode, layout = ("RGBA", "rgba") if image.has_transparency_data else ("RGB", "rgb24")
            yield av.VideoFrame.from_ndarray(np.asarray(image.convert(mode)), layout)
