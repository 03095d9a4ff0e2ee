"""How close a result is to the truth, frame by frame: PSNR and SSIM of scikit-image. No border is cropped."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dcvsr_engine.research.pictures import Luma, Pictures, luma

PEAK = 255.0

FrameMetric = Callable[[NDArray[np.float64], NDArray[np.float64]], float]


def psnr_rgb(result: Pictures, truth: Pictures) -> float:
    """Compute the peak signal-to-noise ratio over R, G and B.

    Args:
        result, truth: ``(frames, height, width, 3)``.

    Returns:
        The mean of the frames' values in dB; infinite when a frame is exact.
    """
    return frame_mean(psnr_frame, result.astype(np.float64), truth.astype(np.float64))


def psnr_y(result: Pictures, truth: Pictures) -> float:
    """Compute PSNR of Y (BT.601, limited range, peak 255) in dB, as `psnr_rgb`."""
    return frame_mean(psnr_frame, luma(result), luma(truth))


def ssim(result: Pictures, truth: Pictures) -> float:
    """Compute the mean structural similarity of Y over the frames; pictures are at least 11 pixels a side."""
    return frame_mean(ssim_frame, luma(result), luma(truth))


def frame_mean(metric: FrameMetric, result: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Average a metric over the frames of two clips ``(frames, height, width[, 3])``."""
    return float(np.mean([metric(*pair) for pair in zip(result, truth, strict=True)]))


def psnr_frame(result: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Compute PSNR of one frame in dB."""
    from skimage.metrics import peak_signal_noise_ratio

    with np.errstate(divide="ignore"):  # an exact frame has an infinite ratio
        return float(peak_signal_noise_ratio(truth, result, data_range=PEAK))


def ssim_frame(result: Luma, truth: Luma) -> float:
    """Compute SSIM of one frame's Y as Wang et al. (2004): Gaussian window of 11 pixels, σ 1.5, whole windows only."""
    from skimage.metrics import structural_similarity

    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(structural_similarity(result, truth, data_range=PEAK, **options))
