"""Synthetic motion: what a camera sees of a scene with two depths."""

import random

import pytest
import torch

from dcvsr_engine.research.training.motion import (
    Path2D,
    crossing,
    fade,
    hand_shake,
    handheld_clip,
    nearer,
    parallax_clip,
    sampling_grid,
    synthetic_clip,
)


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


def test_a_rolling_shutter_reads_lines_one_after_the_other() -> None:
    path = Path2D([50.0, 54.0, 58.0], [40.0] * 3, [1.0] * 3, [0.0] * 3)
    still, rolling = (sampling_grid(path, 9, 80, 100, readout) for readout in (0.0, 0.5))
    shift = (rolling - still)[..., 0] * 100 / 2  # in pixels of the photograph
    wanted = 4 * 0.5 * (torch.arange(9) - 4) / 9
    assert torch.allclose(shift, wanted.view(1, 9, 1).expand(3, 9, 9), atol=1e-4)
    assert torch.allclose(rolling[..., 1], still[..., 1], atol=1e-6)
    assert torch.equal(sampling_grid(Path2D([50.0], [40.0], [1.0], [0.0]), 9, 80, 100, 0.5)[0], still[0])


def test_a_hand_trembles_around_the_path_and_no_further_than_a_few_pixels() -> None:
    path, furthest = Path2D([100.0] * 50, [100.0] * 50, [1.0] * 50, [0.0] * 50), 0.0
    for seed in range(20):
        shaken = hand_shake(random.Random(seed), path)
        assert shaken.scale == path.scale and max(map(abs, shaken.angle)) < 0.02
        away = [x - 100 for x in shaken.x]
        assert abs(sum(away) / 50) < 0.5 and len(set(away)) == 50
        furthest = max(furthest, *map(abs, away))
    assert 1 < furthest < 9


def test_objects_cross_quickly() -> None:
    """White things before black: their shapes move as a whole, so that they cover about as much from frame to frame."""
    found = []
    for seed in range(20):
        clip = crossing(random.Random(seed), torch.zeros(5, 3, 64, 64), torch.ones(3, 300, 400))
        assert clip.min() >= 0 and clip.max() <= 1
        found.append((float(clip.mean()), float((clip[1:] - clip[:-1]).abs().mean())))
    assert 0.02 < sum(mean for mean, _ in found) / 20 < 0.6
    assert sum(change > 0.01 for _, change in found) > 10


def test_fades_change_all_frames_steadily() -> None:
    for seed in range(20):
        clip = fade(random.Random(seed), torch.full((5, 3, 4, 4), 0.4), torch.full((5, 3, 4, 4), 0.8))
        steps = (clip[1:] - clip[:-1]).mean((1, 2, 3))
        assert clip.min() >= 0 and clip.max() <= 1 and clip.flatten(1).std(1).max() < 1e-6
        assert (steps >= -1e-6).all() or (steps <= 1e-6).all()
    assert clip[0, 0, 0, 0] != clip[4, 0, 0, 0]


def test_handheld_clips_follow_the_seed_and_their_share() -> None:
    photos = [(255 * torch.rand(3, 120, 160, generator=torch.Generator().manual_seed(n))).byte() for n in range(3)]
    plain, none, held = (synthetic_clip(random.Random(1), photos, 3, 32, 0.0, *share) for share in ((), (0.0,), (1.0,)))
    assert torch.equal(plain, none) and not torch.equal(plain, held)
    assert torch.equal(held, synthetic_clip(random.Random(1), photos, 3, 32, 0.0, 1.0))
    scene = photos[0].float() / 255
    for seed in range(12):
        clip = handheld_clip(random.Random(seed), lambda: scene, 5, 32)
        assert clip.shape == (5, 3, 32, 32) and clip.min() >= 0 and clip.max() <= 1
