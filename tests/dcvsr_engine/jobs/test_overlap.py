"""What segments hand on to one another, also where frames cannot be decoded."""

import torch

from dcvsr_engine.jobs.overlap import Overlap, overlap_of, pinned, put_out
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.restore.frames import SegmentFrames


def frames_of(*indices: int) -> SegmentFrames:
    pixels = torch.tensor(indices, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)
    return SegmentFrames(indices, indices, (1,) * len(indices), pixels)


def latents_of(*indices: int) -> torch.Tensor:
    return torch.tensor(indices, dtype=torch.float32).view(-1, 1, 1, 1)


FOLLOWING = Segment(index=1, first=4, last=12, shared=5, pinned=3)


def test_a_segment_hands_on_what_the_next_one_pins():
    frames = frames_of(0, 1, 2, 3, 5, 6, 7, 8)
    overlap = overlap_of(FOLLOWING, frames, latents_of(0, 1, 2, 3, 5, 6, 7, 8))
    assert overlap.indices == (5, 6) and torch.equal(overlap.latents, latents_of(5, 6)) and overlap.error is None


def test_every_frame_is_put_out_by_one_segment():
    assert put_out(frames_of(0, 1, 2, 3, 5, 6, 7, 8), 0, FOLLOWING) == range(6)
    assert put_out(frames_of(4, 5, 6, 7, 8, 9), 3, None) == range(3, 6)
    assert put_out(frames_of(4, 5, 6, 7), 3, Segment(index=2, first=13, last=20)) == range(3, 4)
    assert not put_out(frames_of(7, 8), 0, FOLLOWING)  # those before cannot be decoded


def test_the_last_segment_and_the_last_of_a_shot_hand_on_nothing():
    frames = frames_of(0, 1, 2)
    assert overlap_of(None, frames, latents_of(0, 1, 2)) is None
    assert overlap_of(Segment(index=1, first=3, last=6), frames, latents_of(0, 1, 2)) is None


def test_the_first_frames_are_pinned_to_what_was_handed_on():
    frames, latents = pinned(frames_of(4, 5, 6, 7), Overlap(latents_of(4, 5), (4, 5)))
    assert frames.indices == (4, 5, 6, 7) and torch.equal(latents, latents_of(4, 5))


def test_a_frame_whose_place_has_passed_is_left_out():
    """Frame 5 could not be decoded with the segment before."""
    frames, latents = pinned(frames_of(4, 5, 6, 7, 8), Overlap(latents_of(4, 6), (4, 6)))
    assert frames.indices == (4, 6, 7, 8) and torch.equal(latents, latents_of(4, 6))
    assert torch.equal(frames.pixels[:, 0, 0, 0], torch.tensor([4.0, 6.0, 7.0, 8.0]))


def test_a_frame_that_cannot_be_decoded_any_more_is_not_pinned():
    frames, latents = pinned(frames_of(6, 7, 8), Overlap(latents_of(4, 5, 6), (4, 5, 6)))
    assert frames.indices == (6, 7, 8) and torch.equal(latents, latents_of(6))


def test_without_an_overlap_nothing_is_pinned():
    frames = frames_of(0, 1)
    assert pinned(frames, None) == (frames, None)
    chosen, latents = pinned(frames_of(7, 8), Overlap(latents_of(4, 5), (4, 5)))
    assert chosen.indices == (7, 8) and latents is None
