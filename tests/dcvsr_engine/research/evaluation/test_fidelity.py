"""PSNR and SSIM against known values and scikit-image."""

import math

import numpy as np
import pytest

from dcvsr_engine.research.evaluation.fidelity import psnr_rgb, psnr_y, ssim
from dcvsr_engine.research.pictures import luma


def test_psnr_of_a_constant_error_is_known(moving):
    truth = np.full((2, 8, 8, 3), 100, np.uint8)
    assert psnr_rgb(truth + 5, truth) == pytest.approx(20 * math.log10(255 / 5))
    assert psnr_y(truth + 5, truth) == pytest.approx(20 * math.log10(255 / (5 * 219 / 255)))
    assert psnr_rgb(moving, moving) == math.inf


def test_psnr_is_the_mean_of_the_frames_values():
    truth = np.full((2, 8, 8, 3), 100, np.uint8)
    result = truth + np.array([2, 20], np.uint8)[:, None, None, None]
    assert psnr_rgb(result, truth) == pytest.approx((20 * math.log10(255 / 2) + 20 * math.log10(255 / 20)) / 2)


def test_luma_is_bt601_in_limited_range():
    colors = np.array([[[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]]]], np.uint8)
    assert luma(colors)[0, 0].tolist() == pytest.approx([16, 235, 81.481, 40.966])


def test_ssim_equals_scikit_image(moving, noisy):
    metrics = pytest.importorskip("skimage.metrics", reason="needs scikit-image")
    result = noisy(moving, 12)
    expected = [
        metrics.structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255)
        for a, b in zip(luma(result), luma(moving), strict=True)
    ]
    assert ssim(result, moving) == pytest.approx(np.mean(expected), abs=1e-6)
    assert ssim(moving, moving) == pytest.approx(1)
