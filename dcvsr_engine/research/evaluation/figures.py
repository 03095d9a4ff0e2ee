"""Pictures for the report: crops at 1:1 and temporal profiles."""

import base64
import io
from itertools import pairwise

import numpy as np
from PIL import Image

from dcvsr_engine.research.pictures import Pictures, luma

CROP = 160
"""Side of a crop in pixels."""

PROFILE_WIDTH = 2 * CROP
PROFILE_ROWS = 3
"""Height of one frame's line in a temporal profile, in pixels."""


def crop_position(guide: Pictures, side: int = CROP) -> tuple[int, int]:
    """Find the most detailed square of the middle frame, the one with the largest mean gradient.

    Args:
        guide: ``(frames, height, width, 3)``.
        side: of the square in pixels.

    Returns:
        Top and left in pixels.
    """
    picture = luma(guide[len(guide) // 2, None])[0]
    detail = sum(np.abs(gradient) for gradient in np.gradient(picture))
    height, width = picture.shape
    # with a summed-area table every square costs four look-ups
    sums = np.pad(detail.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    rows, columns = min(side, height), min(side, width)
    boxes = sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns] + sums[:-rows, :-columns]
    top, left = np.unravel_index(boxes.argmax(), boxes.shape)
    return int(top), int(left)


def crop_image(pictures: Pictures, position: tuple[int, int], side: int = CROP) -> Image.Image:
    """Cut a square out of the middle frame, pixel for pixel; ``position`` is its top and left."""
    top, left = position
    return Image.fromarray(pictures[len(pictures) // 2, top : top + side, left : left + side])


def profile_row(guide: Pictures) -> int:
    """Find the row of pixels that changes most over time."""
    # frame by frame, to hold two frames of luma at most
    changes = np.zeros(guide.shape[1])
    for before, after in pairwise(guide):
        changes += np.abs(luma(after) - luma(before)).mean(1)
    return int(changes.argmax())


def temporal_profile(pictures: Pictures, row: int, left: int = 0) -> Image.Image:
    """Stack one row of pixels of every frame: steady video gives smooth lines, flicker gives ragged ones.

    Args:
        pictures: ``(frames, height, width, 3)``.
        row: index of the row.
        left: first column of pictures wider than `PROFILE_WIDTH`; moved left where fewer columns follow it.
    """
    first = max(0, min(left, pictures.shape[2] - PROFILE_WIDTH))
    return Image.fromarray(np.repeat(pictures[:, row, first : first + PROFILE_WIDTH], PROFILE_ROWS, axis=0))


def data_url(image: Image.Image) -> str:
    """Encode a picture losslessly for use inside a page."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
