"""The engine's bicubic enlargement without torch: the input is shown as the engine takes it. Without Qt."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

KEYS_PARAMETER = -0.75
"""Keys' parameter in ``torch.nn.functional.interpolate``. Pillow's is −0.5: softer, by 4 % of an edge's contrast."""

Weights = NDArray[np.float32]
Indices = NDArray[np.int64]


def enlarge_part(pixels: NDArray[np.uint8], scale: float, shrink: int, tile: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """A part of RGB ``pixels`` (height, width, 3) enlarged ``scale`` times as by `network.resample.upscale`, then averaged.

    Squares of ``shrink × shrink`` enlarged pixels make one of the answer, in whose pixels ``tile`` is given: left, top, width and
    height.
    """
    left, top, width, height = tile
    rows = _taps(top, height, scale, shrink, pixels.shape[0])
    columns = _taps(left, width, scale, shrink, pixels.shape[1])
    first, end = columns[0].min(), columns[0].max() + 1
    # separable: rows first, and only in the columns that the second pass reads
    tall = _interpolated(pixels[:, first:end].reshape(len(pixels), -1), *rows)
    # turned over, so that both passes add up contiguous rows
    turned = np.ascontiguousarray(tall.reshape(height, end - first, 3).swapaxes(0, 1))
    wide = _interpolated(turned.reshape(end - first, -1), columns[0] - first, columns[1])
    np.rint(wide, out=wide)
    np.clip(wide, 0, 255, out=wide)
    return np.ascontiguousarray(wide.astype(np.uint8).reshape(width, height, 3).swapaxes(0, 1))


def _interpolated(values: NDArray[np.generic], taps: Indices, weights: Weights) -> NDArray[np.float32]:
    """Weighted sums of rows of ``values`` (rows, n): one per row of ``taps`` and ``weights`` (count, taps)."""
    total = np.zeros((len(taps), values.shape[1]), np.float32)
    for tap, weight in zip(taps.T, weights.T, strict=True):
        total += values[tap] * weight[:, None]
    return total


# Tiles of a pyramid ask for the same rows and columns over and over.
@lru_cache(1024)
def _taps(first: int, count: int, scale: float, shrink: int, size: int) -> tuple[Indices, Weights]:
    """Which of ``size`` samples weigh how much in each of ``count`` outputs from ``first`` on, both (count, taps)."""
    # centres of pixels lie at halves, as with torch's align_corners=False
    centers = (np.arange(first * shrink, (first + count) * shrink) + 0.5) / scale - 0.5
    nearest = np.floor(centers).astype(np.int64)
    taps = nearest[:, None] + np.arange(-1, 3)
    cubic = _kernel(centers[:, None] - taps).reshape(count, -1) / shrink
    begin = taps[::shrink, :1]
    places = taps.reshape(count, -1) - begin
    weights = np.zeros((count, places.max() + 1), np.float32)
    # where pixels are averaged, several taps fall on one sample, which plain indexing would count once
    np.add.at(weights, (np.arange(count)[:, None], places), cubic)
    # beyond an edge its last sample is repeated
    return np.clip(begin + np.arange(weights.shape[1]), 0, size - 1), weights


def _kernel(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic convolution kernel (1981, eq. 4 with free ``a``) at distances up to 2."""
    x = np.abs(distance)
    near = ((KEYS_PARAMETER + 2) * x - (KEYS_PARAMETER + 3)) * x * x + 1
    far = KEYS_PARAMETER * (((x - 5) * x + 8) * x - 4)
    return np.where(x <= 1, near, far)
