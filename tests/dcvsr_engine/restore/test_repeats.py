"""Which frames show what an earlier one shows."""

import pytest
import torch

from dcvsr_engine.restore.frames import SegmentFrames
from dcvsr_engine.restore.repeats import Repeats, find_repeats


def pictures(*levels):
    """Grey frames of so many levels of 255."""
    frames = torch.tensor([float(level) for level in levels]).view(-1, 1, 1, 1).expand(-1, 3, 2, 2) / 255
    return frames.clone()


@pytest.mark.parametrize(
    ("level", "kept", "shown"),
    [
        (0.0, (0, 1, 2, 3, 4, 5), (0, 1, 2, 3, 4, 5)),
        (0.5, (0, 2, 3, 5), (0, 0, 1, 2, 2, 3)),
        # the first of the run counts: what drifts slowly is not still
        (1.0, (0, 3, 5), (0, 0, 0, 1, 1, 2)),
    ],
)
def test_frames_of_a_run_show_its_first(level, kept, shown):
    assert find_repeats(pictures(10, 10, 11, 12, 12, 10), level, ()) == Repeats(kept, shown)


def test_a_single_pixel_makes_a_difference():
    frames = pictures(10, 10)
    frames[1, 2, 0, 1] += 3 / 255
    assert find_repeats(frames, 2.5, ()).kept == (0, 1) and find_repeats(frames, 3.5, ()).kept == (0,)


def test_a_fixed_frame_shows_a_fixed_one_only_and_others_may_show_it():
    repeats = find_repeats(pictures(7, 7, 7, 7), 0.5, {1, 2})
    assert repeats == Repeats((0, 1), (0, 1, 1, 1))
    latents = torch.arange(2.0).view(2, 1, 1, 1)
    assert repeats.of_all(latents).flatten().tolist() == [0, 1, 1, 1]
    assert {place: float(x) for place, x in repeats.fixed({1: torch.tensor(5.0), 2: torch.tensor(5.0)}).items()} == {1: 5}
    assert repeats.places(range(2, 4)) == range(1, 2) and repeats.positions(1, range(2, 4)) == [2, 3]


def test_a_change_of_the_alpha_channel_alone_makes_a_difference():
    frames = SegmentFrames((0, 1, 2), (0, 1, 2), (1, 1, 1), pictures(10, 10, 10), alpha=pictures(255, 255, 128)[:, 0])
    assert find_repeats(frames.seen, 0.5, ()) == Repeats((0, 2), (0, 0, 1))
