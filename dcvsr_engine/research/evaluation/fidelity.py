"""How close a result is to the truth, frame by frame: PSNR and SSIM. No border is cropped."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from dcvsr_engine.research.evaluation.pictures import Luma, Pictures, luma

PEAK = 255.0


def psnr(result: Pictures, truth: Pictures) -> float:
    """Peak signal-to-noise ratio over R, G and B in dB, the mean of the frames'; infinite when a frame is exact."""
    return mean_psnr(result.astype(np.float64), truth.astype(np.float64))


def psnr_y(result: Pictures, truth: Pictures) -> float:
    """PSNR of Y (BT.601, limited range, peak 255) in dB, the mean of the frames'."""
    return mean_psnr(luma(result), luma(truth))


def mean_psnr(result: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """PSNR of each frame along the first axis, averaged."""
    errors = np.square(result - truth).mean(axis=tuple(range(1, result.ndim)))
    with np.errstate(divide="ignore"):
        return float(np.mean(10 * np.log10(PEAK**2 / errors)))


def ssim(result: Pictures, truth: Pictures) -> float:
    """Structural similarity of Y (Wang et al. 2004: Gaussian window of 11, σ 1.5, whole windows only), mean of the frames'."""
    return float(np.mean([ssim_frame(luma(a), luma(b)) for a, b in zip(result, truth, strict=True)]))


def ssim_frame(a: Luma, b: Luma) -> float:
    """SSIM of two pictures ``(height, width)``, at least 11 pixels a side."""
    offsets = torch.arange(-5, 6, dtype=torch.float64)
    taps = torch.exp(-(offsets**2) / (2 * 1.5**2))
    taps = taps / taps.sum()
    x, y = torch.from_numpy(a), torch.from_numpy(b)
    moments = torch.stack([x, y, x * x, y * y, x * y])[:, None]
    rows = F.conv2d(moments, taps.view(1, 1, 1, -1))
    mean_x, mean_y, xx, yy, xy = F.conv2d(rows, taps.view(1, 1, -1, 1))[:, 0]
    c1, c2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * (xy - mean_x * mean_y) + c2) / (xx - mean_x**2 + yy - mean_y**2 + c2)
    return float((luminance * structure).mean())
