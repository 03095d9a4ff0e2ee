"""Scales whole frames: to the size that was asked for, and to a smaller one before they are restored."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dcvsr_engine.video.arrays import FloatArray
from dcvsr_engine.video.colorimetry import from_linear, to_linear

HDR_TRANSFERS = ("smpte2084", "arib-std-b67")


def scaled(pixels: FloatArray, size: tuple[int, int], transfer: str) -> FloatArray:
    """Scale a frame by Lanczos interpolation with three lobes, widened by the factor where it is reduced (antialiased).

    A frame is reduced in linear light, where averaging pixels keeps their brightness. HDR is not, as its highlights would ring,
    and nothing is that is enlarged.

    Args:
        pixels: RGB ``(height, width, 3)``, 0 … 1.
        size: (width, height) wanted.
        transfer: name of the transfer characteristics (H.273), as in `ColorInfo`.

    Returns:
        RGB of that size, 0 … 1; the frame itself where it has the size already.
    """
    height, width = pixels.shape[:2]
    if size == (width, height):
        return pixels
    linear = transfer not in HDR_TRANSFERS and size[0] <= width and size[1] <= height
    light: NDArray[Any] = to_linear(transfer)(np.clip(pixels, 0, 1)) if linear else pixels
    result = np.clip(np.stack([resized_plane(light[..., channel], size) for channel in range(3)], -1), 0, 1)
    return from_linear(transfer)(result).astype(np.float32) if linear else result


def scaled_matte(alpha: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Scale an alpha channel ``(height, width)``, 0 … 1, to a ``size`` (width, height) by the same filter."""
    return alpha if size == alpha.shape[::-1] else np.clip(resized_plane(alpha, size), 0, 1)


def resized_plane(plane: NDArray[Any], size: tuple[int, int]) -> FloatArray:
    """One colour ``(height, width)`` at another ``size`` (width, height), by Pillow's Lanczos filter in 32-bit floats."""
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))
