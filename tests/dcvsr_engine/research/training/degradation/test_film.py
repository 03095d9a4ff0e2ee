"""Grain keeps to its strength and its mid-tones; combs and bobs touch every second line."""

import random

import pytest
import torch

from dcvsr_engine.research.training.degradation.film import bobbed, combed, film_grain, random_grain


def test_grain_is_fresh_in_every_frame_and_as_strong_as_asked_in_mid_tones():
    grey = torch.full((6, 3, 64, 64), 0.5)
    grain = film_grain(grey, 0.04, 0.6, seed=1) - grey
    assert float(grain.std()) == pytest.approx(0.04, rel=0.05)
    assert torch.allclose(grain[:, 0], grain[:, 2], atol=1e-7)  # of all channels alike
    assert abs(float((grain[0] * grain[1]).mean())) < 0.1 * 0.04**2
    assert torch.equal(film_grain(grey, 0.04, 0.6, seed=1) - grey, grain)
    beside = float((grain[..., 1:] * grain[..., :-1]).mean()) / 0.04**2
    assert beside > 0.2  # grains are larger than a pixel


def test_grain_spares_black_and_white_and_may_be_coloured():
    for level in (0.0, 1.0):
        flat = torch.full((2, 3, 16, 16), level)
        assert torch.equal(film_grain(flat, 0.1, 0.5, seed=0), flat)
    coloured = film_grain(torch.full((2, 3, 16, 16), 0.5), 0.1, 0.5, seed=0, coloured=True)
    assert not torch.allclose(coloured[:, 0], coloured[:, 1], atol=0.01)


def test_random_grain_stays_in_range(clip):
    for seed in range(8):
        grainy = random_grain(clip, random.Random(seed))
        assert grainy.min() >= 0 and grainy.max() <= 1 and 0.001 < float((grainy - clip).abs().mean()) < 0.06


@pytest.mark.parametrize("first", [0, 1])
def test_combs_are_lines_of_the_following_frame(first):
    frames = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 6, 5)
    woven = combed(frames, first)
    assert torch.equal(woven[..., first::2, :], torch.tensor([1.0, 2, 3, 3]).view(4, 1, 1, 1).expand(4, 3, 3, 5))
    assert torch.equal(woven[..., 1 - first :: 2, :], frames[..., ::2, :])


def test_bobbing_keeps_one_field_and_means_the_lines_between():
    lines = torch.tensor([0.0, 1, 4, 9, 16, 25])
    frames = lines.view(1, 1, 6, 1).expand(3, 3, 6, 4)
    doubled = bobbed(frames)[:, 0, :, 0]
    even, odd = [1.0, 1, 5, 9, 17, 25], [0.0, 2, 4, 10, 16, 16]
    assert doubled.tolist() == [even, odd, even]
    assert bobbed(frames, 1)[:, 0, :, 0].tolist() == [odd, even, odd]
