"""Clips as 8-bit pictures: what scores compare and reports show, kept losslessly as folders of PNG files."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from dcvsr_engine.errors import InputError
from dcvsr_engine.storage import partial_path, put_in_place
from dcvsr_engine.video.arrays import to_uint8
from dcvsr_engine.video.reader import VideoReader

Pictures = NDArray[np.uint8]
"""RGB, ``(frames, height, width, 3)``."""

Luma = NDArray[np.float64]
"""Y of BT.601 in limited range, 16 … 235, ``(frames, height, width)``."""


def to_tensor(pictures: Pictures) -> Tensor:
    """Convert ``(frames, height, width, 3)`` to RGB 0..1 float32 ``(frames, 3, height, width)``."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 255


def to_pictures(frames: Tensor) -> Pictures:
    """Invert `to_tensor`: clamp RGB ``(frames, 3, height, width)`` to 0..1 and round it to 8 bits."""
    return to_uint8(frames.permute(0, 2, 3, 1).cpu().numpy())


def luma(pictures: Pictures) -> Luma:
    """Compute Y as super-resolution papers do (MATLAB's ``rgb2ycbcr``, not rounded)."""
    # MATLAB's coefficients, which give 16 … 235 for 0 … 1
    weights = np.array([65.481, 128.553, 24.966]) / 255
    result: Luma = pictures @ weights + 16
    return result


def save_pictures(pictures: Pictures, folder: Path) -> None:
    """Write one PNG per frame; ``folder`` appears when all of them are complete."""
    partial = partial_path(folder)
    partial.mkdir(parents=True)
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(partial / f"{index:06}.png")
    put_in_place(partial, folder)


def read_pictures(source: Path, first: int = 0, frames: int | None = None) -> Pictures:
    """Read a video or a folder of pictures, rounded to 8 bits.

    Args:
        source: a video file, or a folder with a picture per frame.
        first: index of the first frame.
        frames: how many frames; ``None`` for all from ``first``.

    Raises:
        InputError: the source cannot be read or has too few frames.
    """
    last = None if frames is None else first + frames - 1
    with VideoReader(source) as reader:
        pictures = [to_uint8(frame.pixels) for frame in reader.frames(first, last)]
    if len(pictures) < (frames or 1):
        raise InputError(f"“{source.name}” has too few frames: {frames or 1} from frame {first} are needed.")
    return np.stack(pictures)
