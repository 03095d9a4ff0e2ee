"""Kernels have their shapes, and each frame is filtered with its own."""

import math
import random

import pytest
import torch

from dcvsr_engine.research.training.degradation.blur import (
    KERNEL_SHARES,
    filtered,
    gaussian_kernel,
    isotropic_blur,
    plateau_kernel,
    random_blur,
    sinc_blur,
    sinc_kernel,
)

KERNELS = {
    "isotropic": gaussian_kernel(21, 1.5, 1.5),
    "anisotropic": gaussian_kernel(21, 3.0, 0.7, 0.6),
    "generalised": gaussian_kernel(21, 2.0, 1.0, 0.3, 3.0),
    "plateau": plateau_kernel(21, 2.0, 1.0, 0.3, 1.5),
    "sinc": sinc_kernel(21, 1.2),
}


def spread(kernel: torch.Tensor) -> tuple[float, float, float]:
    """Second moments (xx, yy, xy)."""
    line = torch.arange(21.0, dtype=torch.float64) - 10
    y, x = torch.meshgrid(line, line, indexing="ij")
    return tuple(float((kernel * product).sum()) for product in (x * x, y * y, x * y))


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_sum_to_one_and_are_symmetric_about_their_centre(name):
    kernel = KERNELS[name]
    assert float(kernel.sum()) == pytest.approx(1)
    assert torch.allclose(kernel, kernel.flip(0, 1))
    assert kernel.argmax() == 10 * 21 + 10


def test_gaussians_have_their_variances_and_angles():
    assert spread(gaussian_kernel(21, 1.5, 1.5)) == pytest.approx((2.25, 2.25, 0), abs=1e-3)
    assert spread(gaussian_kernel(21, 2.0, 1.0)) == pytest.approx((4, 1, 0), abs=1e-3)
    half = (4 + 1) / 2
    assert spread(gaussian_kernel(21, 2.0, 1.0, math.pi / 4)) == pytest.approx((half, half, (4 - 1) / 2), abs=1e-3)


def test_shape_parameters_flatten_the_top():
    ratio = {beta: float(k[10, 11] / k[10, 10]) for beta in (0.5, 1.0, 4.0) for k in [gaussian_kernel(21, 2.0, 2.0, 0.0, beta)]}
    assert ratio[0.5] < ratio[1.0] < ratio[4.0]
    assert ratio[1.0] == pytest.approx(math.exp(-1 / 8))
    plateau = plateau_kernel(21, 2.0, 2.0, 0.0, 2.0)
    assert float(plateau[10, 12] / plateau[10, 10]) == pytest.approx(0.5)


def test_sinc_passes_below_its_cutoff_and_stops_above():
    x = torch.arange(200.0)
    for cutoff in (math.pi / 3, math.pi / 2):
        for frequency, gain in ((0.4 * cutoff, 1), (1.7 * cutoff, 0)):
            wave = torch.cos(frequency * x).expand(1, 1, 40, -1)
            result = filtered(wave, [sinc_kernel(21, cutoff)])[..., 50:150]
            assert (result - gain * wave[..., 50:150]).abs().max() < 0.12
    assert sinc_kernel(21, 1.2).min() < 0, "it rings"


def test_filtering_is_convolution_with_mirrored_borders_and_a_kernel_per_frame(clip):
    kernels = [gaussian_kernel(7, 1 + f, 0.8, 0.4 * f) for f in range(4)]
    result = filtered(clip, kernels)
    for frame, kernel, own in zip(clip, kernels, result, strict=True):
        padded = torch.nn.functional.pad(frame[:, None], (3,) * 4, mode="reflect")
        assert torch.allclose(own[:, None], torch.nn.functional.conv2d(padded, kernel.float()[None, None]), atol=1e-5)


def test_separable_blur_equals_the_kernel(clip):
    assert torch.allclose(isotropic_blur(clip, 1.0), filtered(clip, [gaussian_kernel(7, 1.0, 1.0)] * 4), atol=1e-5)


def test_every_kind_is_drawn_works_on_small_pictures_and_keeps_a_constant():
    flat = torch.full((3, 3, 8, 16), 0.3)
    for seed in range(60):
        assert torch.allclose(random_blur(flat, random.Random(seed), (0.2, 3.0)), flat, atol=1e-5)
    assert torch.allclose(sinc_blur(flat, random.Random(0), (1.1, 3.1)), flat, atol=1e-5)
    assert sum(KERNEL_SHARES.values()) == pytest.approx(1)


def test_random_blur_drifts_with_the_frames_and_follows_the_seed(clip):
    still = clip[:1].expand(4, -1, -1, -1)
    first, again = (random_blur(still, random.Random(2), (0.5, 3.0)) for _ in range(2))
    assert torch.equal(first, again)
    changes = (first[1:] - first[:-1]).abs().mean((1, 2, 3))
    assert (changes > 0).all() and (changes < 0.2 * (first - still).abs().mean()).all()
