"""Clips as 8-bit pictures: what metrics compare and reports show, kept losslessly as folders of PNG files."""

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
    """RGB 0..1 float32 ``(frames, 3, height, width)``."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 255


def to_pictures(frames: Tensor) -> Pictures:
    """The inverse of `to_tensor`, clamped and rounded."""
    return to_uint8(frames.permute(0, 2, 3, 1).cpu().numpy())


def luma(pictures: Pictures) -> Luma:
    """Y as super-resolution papers compute it (MATLAB's ``rgb2ycbcr``, not rounded)."""
    weights = np.array([65.481, 128.553, 24.966]) / 255
    result: Luma = pictures @ weights + 16
    return result


def write(pictures: Pictures, folder: Path) -> None:
    """One PNG per frame in ``folder``, which appears when all of them are written."""
    partial = partial_path(folder)
    partial.mkdir(parents=True)
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(partial / f"{index:06}.png")
    put_in_place(partial, folder)


def read(source: Path, first: int = 0, frames: int | None = None) -> Pictures:
    """``frames`` frames (all where ``None``) from ``first`` on of a video or a folder of pictures, rounded to 8 bits.

    Raises `InputError` when it cannot be read or is shorter.
    """
    last = None if frames is None else first + frames - 1
    with VideoReader(source) as reader:
        found = [to_uint8(frame.pixels) for frame in reader.frames(first, last)]
    if len(found) < (frames or 1):
        raise InputError(f"“{source.name}” has too few frames: {frames or 1} from frame {first} on are needed.")
    return np.stack(found)
