"""Noise has the variance it says, grey noise is the same in all channels, and the seed decides."""

import random

import pytest
import torch

from dcvsr_engine.research.training.degradation.noise import PHOTONS, gaussian_noise, poisson_noise, random_noise

COLOR = torch.tensor([0.8, 0.4, 0.1]).view(1, 3, 1, 1)


def test_gaussian_noise_has_its_level_per_frame_and_follows_the_seed():
    flat = torch.full((3, 3, 64, 64), 0.5)
    noise = gaussian_noise(flat, [0.01, 0.05, 0.1], seed=3) - flat
    assert noise.std((1, 2, 3)).tolist() == pytest.approx([0.01, 0.05, 0.1], rel=0.05)
    assert torch.equal(gaussian_noise(flat, [0.01, 0.05, 0.1], seed=3) - flat, noise)
    assert not torch.equal(gaussian_noise(flat, 0.02, seed=3), gaussian_noise(flat, 0.02, seed=4))
    assert abs(torch.corrcoef(noise[2].flatten(1))[0, 1]) < 0.1


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_poisson_variance_is_proportional_to_the_signal(scale):
    flat = COLOR.expand(1, -1, 128, 128)
    noise = poisson_noise(flat, [scale], seed=1) - flat
    expected = scale**2 * COLOR.flatten() / PHOTONS
    assert noise.var((0, 2, 3)).tolist() == pytest.approx(expected.tolist(), rel=0.06)
    assert noise.mean((0, 2, 3)).abs().max() < 0.003


def test_grey_noise_is_equal_over_channels():
    flat = COLOR.expand(2, -1, 32, 32)
    for noisy in (gaussian_noise(flat, 0.1, 5, grey=True), poisson_noise(flat, [1.0, 1.0], 5, grey=True)):
        noise = noisy - flat
        assert noise.std() > 0.01
        assert torch.allclose(noise[:, 0], noise[:, 1], atol=1e-6) and torch.allclose(noise[:, 0], noise[:, 2], atol=1e-6)
        assert not torch.allclose(noise[0], noise[1])


def test_random_noise_is_gaussian_or_poisson_grey_or_coloured_and_within_bounds():
    black = torch.zeros(2, 3, 32, 32)
    flat = COLOR.expand(2, -1, 32, 32)
    quiet, grey = 0, 0
    for seed in range(200):
        quiet += int(random_noise(black, random.Random(seed), (1, 30), (0.05, 3.0)).std() == 0)
        noise = random_noise(flat, random.Random(seed), (1, 5), (0.05, 0.5)) - flat
        grey += int(torch.allclose(noise[:, 0], noise[:, 1], atol=1e-6))
    assert 75 < quiet < 125, "Poisson noise leaves black alone"
    assert 55 < grey < 105
    bright = random_noise(torch.full((1, 3, 16, 16), 0.99), random.Random(1), (25, 30), (2, 3))
    assert bright.max() <= 1
