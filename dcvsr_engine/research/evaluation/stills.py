"""Clips from still pictures: a camera that pans over them by whole pixels, so that the truth stays as sharp as the picture."""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from dcvsr_engine.errors import InputError
from dcvsr_engine.research.pictures import Pictures

STEP = (2, 1)
"""Pixels right and down per frame: half and a quarter of a pixel of the small clip."""

STILL_SIDE = 800
"""Larger pictures are shrunk to this short side, so that they are sharp pixel for pixel."""

PAN_FRAMES = 28
"""Frames of a pan where all frames are asked for."""

RAW_PICTURE = ".raw"
RAW_SIZE = (2832, 4256)
"""Height and width of the photographs in the package ``vc2-conformance-data``: planes G, B and R, 16 bits, little-endian."""


def still_picture(path: Path) -> Image.Image:
    """Read a picture file, or a raw photograph, shrunk to `STILL_SIDE`; raises `InputError`."""
    try:
        picture = raw_picture(path) if path.suffix == RAW_PICTURE else Image.open(path).convert("RGB")
    except (OSError, UnidentifiedImageError, ValueError):
        raise InputError(f"The picture “{path}” cannot be read.") from None
    ratio = STILL_SIDE / min(picture.size)
    if ratio >= 1:
        return picture
    return picture.resize((round(picture.width * ratio), round(picture.height * ratio)), Image.Resampling.LANCZOS)


def raw_picture(path: Path) -> Image.Image:
    """Read a photograph of `RAW_SIZE`; raises `ValueError` where the file has another size."""
    green, blue, red = np.fromfile(path, "<u2").reshape(3, *RAW_SIZE)
    return Image.fromarray(np.stack([plane >> 8 for plane in (red, green, blue)], -1).astype(np.uint8))


def pan(picture: Image.Image, start: int, frames: int | None, size: tuple[int, int] | None) -> Pictures:
    """Pan over the middle of a picture.

    Args:
        picture: RGB.
        start: index of the first frame.
        frames: number of frames; ``None`` for `PAN_FRAMES`.
        size: width and height of a frame; ``None`` for as much as the pan leaves room for.

    Returns:
        ``(frames, height, width, 3)``.

    Raises:
        InputError: the picture is too small.
    """
    count = PAN_FRAMES if frames is None else frames
    travel = [step * (start + count - 1) for step in STEP]
    room = [whole - way for whole, way in zip(picture.size, travel, strict=True)]
    width, height = room if size is None else size
    if min(room[0] - width, room[1] - height) < 0 or min(width, height) < 1:
        raise InputError(
            f"A picture of {picture.width}×{picture.height} is too small for a pan of {count} frames: "
            f"choose fewer --frames or a --crop of at most {max(0, room[0])}×{max(0, room[1])}."
        )
    left, top = (room[0] - width) // 2, (room[1] - height) // 2
    pixels = np.asarray(picture)
    corners = [(left + STEP[0] * index, top + STEP[1] * index) for index in range(start, start + count)]
    return np.stack([pixels[y : y + height, x : x + width] for x, y in corners])
