"""How branches combine, in ε as the papers write it."""

import numpy as np
import pytest
import reference
import torch

from dcvsr_engine.diffusion.branch import Branch
from dcvsr_engine.diffusion.guidance import combine, degrade, gaussian_blur

C, U, P = Branch(), Branch(conditional=False), Branch(identity=True)
D = Branch(conditional=False, gamma=0.7)
SIGMA, SCALE = 3.0, 2.5


def epsilon(x, estimate, sigma=SIGMA):
    return (x - estimate) / sigma


@pytest.mark.parametrize("branches", [(C,), (C, U), (C, D), (C, P), (C, U, P)])
def test_combination_is_equation_9_and_pags(branches):
    x = torch.randn(4)
    estimates = {branch: torch.randn(4) for branch in branches}
    e = {branch: epsilon(x, estimate) for branch, estimate in estimates.items()}
    expected = e[C]
    for other in (U, D):
        if other in e:
            expected = e[other] + SCALE * (e[C] - e[other])
    if P in e:
        expected = expected + (SCALE - 1) * (e[C] - e[P])
    torch.testing.assert_close(epsilon(x, combine(estimates, SCALE)), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(7, 5), (3, 2), (1, 9)])
def test_the_blur_is_a_gaussian_that_reflects_the_edges(height, width):
    picture = torch.randn(1, 2, height, width)
    for channel in range(2):
        expected = reference.blurred(picture[0, channel].double().numpy(), 1.0)
        np.testing.assert_allclose(gaussian_blur(picture)[0, channel], expected, atol=1e-5)


def test_the_blur_is_that_of_diffusers():
    pytest.importorskip("transformers", reason="diffusers' pipeline of SAG imports it")
    from diffusers.pipelines.deprecated.stable_diffusion_sag.pipeline_stable_diffusion_sag import gaussian_blur_2d

    picture = torch.randn(2, 4, 12, 9)
    torch.testing.assert_close(gaussian_blur(picture), gaussian_blur_2d(picture, kernel_size=9, sigma=1.0), atol=1e-6, rtol=1e-6)


def test_degrading_blurs_the_estimate_where_attention_is_high_and_keeps_the_noise():
    x, denoised = torch.randn(1, 2, 3, 4, 8), torch.randn(1, 2, 3, 4, 8)
    mass = torch.full((2, 8), 0.5)
    mass[1, 6] = 2.5
    degraded = degrade(x, denoised, mass)
    changed = (degraded != x).any(2)[0]
    assert not changed[0].any()
    assert changed[1].nonzero().tolist() == [[2, 4], [2, 5], [3, 4], [3, 5]]
    torch.testing.assert_close((degraded - x)[0, 1, :, 2:, 4:6], (gaussian_blur(denoised[0]) - denoised[0])[1, :, 2:, 4:6])


def test_pag_has_a_scale_of_its_own():
    estimates = {branch: torch.randn(4) for branch in (C, U, P)}
    expected = combine({C: estimates[C], U: estimates[U]}, SCALE) + 0.5 * (SCALE - 1) * (estimates[C] - estimates[P])
    torch.testing.assert_close(combine(estimates, SCALE, 0.5), expected)
    assert torch.equal(combine(estimates, SCALE, 1.0), combine(estimates, SCALE))
