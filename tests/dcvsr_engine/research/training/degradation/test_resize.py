"""Resizing modes do what they are called, and random sizes are bounded."""

import random

import pytest
import torch

from dcvsr_engine.research.training.degradation.resize import MODES, random_factor, random_resize, resize


def test_area_averages_and_the_others_interpolate(clip):
    blocks = clip.unflatten(-1, (24, 4)).unflatten(-3, (16, 4)).mean((-1, -3))
    assert torch.allclose(resize(clip, 16, 24, "area"), blocks, atol=1e-6)
    ramp = torch.linspace(0.2, 0.8, 48).expand(1, 3, 16, -1)
    for mode in ("bilinear", "bicubic"):
        larger = resize(ramp, 32, 96, mode)
        steps = larger[0, 0, 0, 8:-8].diff()
        assert steps.mean() == pytest.approx(0.6 / 47 / 2, rel=0.01) and (steps > 0).all()
    assert resize(ramp, 16, 48, "bicubic") is ramp


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_keeps_a_constant_in_any_size(mode):
    flat = torch.full((2, 3, 16, 17), 0.7)
    for size in ((8, 9), (16, 30), (41, 8)):
        assert torch.allclose(resize(flat, *size, mode), torch.full((2, 3, *size), 0.7))


def test_factors_have_their_directions_and_bounds():
    rng = random.Random(0)
    factors = [random_factor(rng, (0.2, 0.7, 0.1), (0.15, 1.5)) for _ in range(3000)]
    assert min(factors) >= 0.15 and max(factors) <= 1.5
    assert sum(f > 1 for f in factors) / 3000 == pytest.approx(0.2, abs=0.03)
    assert sum(f < 1 for f in factors) / 3000 == pytest.approx(0.7, abs=0.03)


def test_no_side_gets_shorter_than_eight_pixels(clip):
    assert random_resize(clip, random.Random(0), 3.2, 20.4).shape == (4, 3, 8, 20)
