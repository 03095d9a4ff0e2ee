"""Synthetic motion: what a camera sees of a scene with two depths."""

import random

import pytest
import torch

from dcvsr_engine.research.training.motion import Path2D, nearer, parallax_clip, sampling_grid, synthetic_clip


def test_what_is_nearer_moves_further() -> None:
    path = nearer(Path2D([10, 12, 15], [20, 20, 21], [1.0] * 3, [0.0, 0.1, 0.2]), 2.0, 100, 200)
    assert (path.x, path.y, path.angle) == ([100, 104, 110], [200, 200, 202], [0.0, 0.1, 0.2])


def test_the_grid_lies_where_the_camera_looks() -> None:
    grid = sampling_grid(Path2D([40.0], [30.0], [2.0], [0.0]), 5, 60, 80)[0]
    assert torch.allclose((grid[2, 2] + 1) * torch.tensor([80, 60]) / 2 - 0.5, torch.tensor([40.0, 30.0]), atol=1e-4)
    assert (grid[2, 3, 0] - grid[2, 2, 0]) * 80 / 2 == pytest.approx(2, abs=1e-4)


def test_parallax_shows_both_layers_and_uncovers_what_was_hidden() -> None:
    """A black and a white layer: only the border between them tells how far the near one moved."""
    far, near = torch.zeros(3, 400, 500), torch.ones(3, 400, 500)
    shares, changes = [], []
    for seed in range(12):
        clip = parallax_clip(random.Random(seed), far, near, 5, 64)
        assert clip.shape == (5, 3, 64, 64) and clip.min() >= 0 and clip.max() <= 1
        shares.append(float(clip.mean()))
        changes.append(float((clip[4] - clip[0]).abs().mean()))
    assert 0.2 < sum(shares) / 12 < 0.8
    assert sum(change > 0.01 for change in changes) > 6


def test_without_parallax_no_random_number_is_drawn_for_it() -> None:
    photos = [(255 * torch.rand(3, 120, 160, generator=torch.Generator().manual_seed(n))).byte() for n in range(3)]
    plain, none, deep = (synthetic_clip(random.Random(1), photos, 3, 32, *share) for share in ((), (0.0,), (1.0,)))
    assert torch.equal(plain, none) and not torch.equal(plain, deep)
    assert torch.equal(deep, synthetic_clip(random.Random(1), photos, 3, 32, 1.0))
