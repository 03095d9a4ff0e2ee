"""Clips as 8-bit pictures: what metrics compare and reports show, kept losslessly as folders of PNG files."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from dcvsr_engine.errors import InputError

Pictures = NDArray[np.uint8]
"""RGB, ``(frames, height, width, 3)``."""

Luma = NDArray[np.float64]
"""Y of BT.601 in limited range, 16 … 235, ``(frames, height, width)``."""


def to_tensor(pictures: Pictures) -> Tensor:
    """RGB 0..1 float32 ``(frames, 3, height, width)``."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 255


def to_pictures(frames: Tensor) -> Pictures:
    """The inverse of `to_tensor`, clamped and rounded."""
    pictures: Pictures = (frames.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return pictures


def luma(pictures: Pictures) -> Luma:
    """Y as super-resolution papers compute it (MATLAB's ``rgb2ycbcr``, not rounded)."""
    weights = np.array([65.481, 128.553, 24.966]) / 255
    result: Luma = pictures @ weights + 16
    return result


def write(pictures: Pictures, folder: Path) -> None:
    """One PNG per frame in ``folder``, which appears only when all of them are written."""
    partial = folder.with_name(f"{folder.name}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(partial / f"{index:05}.png")
    partial.rename(folder)


def read(folder: Path) -> Pictures:
    """The PNG files of ``folder`` in the order of their names; raises `InputError` when there are none or their sizes differ."""
    found = [np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.glob("*.png"))]
    if not found:
        raise InputError(f"{folder} holds no PNG pictures.")
    if len({picture.shape for picture in found}) > 1:
        raise InputError(f"The pictures in {folder} have different sizes: one clip needs one size.")
    return np.stack(found)
