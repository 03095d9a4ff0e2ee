"""What segments hand on to one another, also where frames cannot be decoded."""

import torch

from dcvsr_engine.jobs.overlap import Overlap, overlap_of, pinned, put_out
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.planning.segments import segments_of
from dcvsr_engine.restore.frames import SegmentFrames


def frames_of(*indices: int) -> SegmentFrames:
    pixels = torch.tensor(indices, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)
    return SegmentFrames(indices, indices, (1,) * len(indices), pixels)


def latents_of(*indices: int) -> torch.Tensor:
    return torch.tensor(indices, dtype=torch.float32).view(-1, 1, 1, 1)


def overlap(*indices: int) -> Overlap:
    return Overlap(latents_of(*indices), indices)


def fixed_indices(frames: SegmentFrames, fixed: dict[int, torch.Tensor]) -> list[int]:
    """The frames that are fixed, each to its own latents."""
    assert all(int(latents) == frames.indices[place] for place, latents in fixed.items())
    return [frames.indices[place] for place in fixed]


ALONE = Segment(index=0, first=0, last=8)
FOLLOWING = Segment(index=1, first=4, last=12, shared=5, pinned=3)
BRICKS = segments_of([(0, 27)], 14, 7, 7, order="bricks")
"""Three: the second is pinned to both others."""


def test_a_segment_hands_on_what_the_next_one_pins():
    handed = overlap_of((None, FOLLOWING), frames_of(0, 1, 2, 3, 5, 6, 7, 8), latents_of(0, 1, 2, 3, 5, 6, 7, 8))
    assert handed.indices == (5, 6) and torch.equal(handed.latents, latents_of(5, 6)) and handed.last_error is None


def test_every_frame_is_put_out_by_one_segment():
    assert put_out(ALONE, FOLLOWING, frames_of(0, 1, 2, 3, 5, 6, 7, 8), {}) == range(6)
    fixed = dict.fromkeys(range(3), torch.zeros(1))
    assert put_out(FOLLOWING, None, frames_of(4, 5, 6, 7, 8, 9), fixed) == range(3, 6)
    assert put_out(FOLLOWING, Segment(index=2, first=13, last=20), frames_of(4, 5, 6, 7), fixed) == range(3, 4)
    assert not put_out(ALONE, FOLLOWING, frames_of(7, 8), {})  # those before cannot be decoded


def test_the_last_segment_and_the_last_of_a_shot_hand_on_nothing():
    frames = frames_of(0, 1, 2)
    assert overlap_of((None, None), frames, latents_of(0, 1, 2)) is None
    assert overlap_of((None, Segment(index=1, first=3, last=6)), frames, latents_of(0, 1, 2)) is None


def test_a_brick_between_others_is_pinned_at_both_ends_and_puts_out_what_lies_between():
    first, brick, last = BRICKS
    early, late = (range(segment.first, segment.last + 1) for segment in (first, last))
    handed = [
        overlap_of((None, brick), frames_of(*early), latents_of(*early)),
        overlap_of((brick, None), frames_of(*late), latents_of(*late)),
    ]
    assert (first.needs, brick.needs, last.needs) == ((), (0, 2), ())
    frames, fixed = pinned(frames_of(*range(brick.first, brick.last + 1)), *handed)
    assert fixed_indices(frames, fixed) == [*range(brick.first, brick.first + 4), *range(brick.last - 3, brick.last + 1)]
    own = put_out(brick, last, frames, fixed)
    assert [frames.indices[place] for place in own] == list(range(brick.begins, last.begins))
    whole = frames_of(*range(last.first, last.last + 1))
    assert put_out(last, None, whole, {}) == range(3, last.frames)


def test_the_first_frames_are_pinned_to_what_was_handed_on():
    frames, fixed = pinned(frames_of(4, 5, 6, 7), overlap(4, 5), None)
    assert frames.indices == (4, 5, 6, 7) and fixed_indices(frames, fixed) == [4, 5]


def test_a_frame_whose_place_has_passed_is_left_out():
    """Frame 5 could not be decoded with the segment before, nor frame 12 with the one after."""
    frames, fixed = pinned(frames_of(4, 5, 6, 7, 8), overlap(4, 6), None)
    assert frames.indices == (4, 6, 7, 8) and fixed_indices(frames, fixed) == [4, 6]
    assert torch.equal(frames.pixels[:, 0, 0, 0], torch.tensor([4.0, 6.0, 7.0, 8.0]))
    frames, fixed = pinned(frames_of(4, 5, 7, 8, 9, 10, 11, 12), overlap(4, 5), overlap(10, 11))
    assert frames.indices == (4, 5, 7, 8, 9, 10, 11) and fixed_indices(frames, fixed) == [4, 5, 10, 11]


def test_a_frame_that_cannot_be_decoded_any_more_is_not_pinned():
    frames, fixed = pinned(frames_of(6, 7, 8), overlap(4, 5, 6), None)
    assert frames.indices == (6, 7, 8) and fixed_indices(frames, fixed) == [6]


def test_without_an_overlap_nothing_is_pinned():
    frames = frames_of(4, 5)
    assert pinned(frames, None, None) == (frames, {})
    chosen, fixed = pinned(frames_of(7, 8), overlap(4, 5), None)
    assert chosen.indices == (7, 8) and not fixed
