"""Frames of segments, read ahead."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dcvsr_engine.errors import Cancelled
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.planning.request import Region
from dcvsr_engine.planning.segments import segments_of
from dcvsr_engine.restore.frames import NO_FRAMES, SegmentReader, crop
from dcvsr_engine.video.passage import Passage

SEGMENTS = [
    Segment(index=0, first=0, last=5),
    Segment(index=1, first=4, last=9, shared=2),
    Segment(index=2, first=10, last=12),
]


class Video:
    """A reader of frames that hold their own index; ``missing`` ones cannot be decoded."""

    def __init__(self, missing=(), gate=None, total=20):
        self.missing, self.gate, self.decoded, self.total = missing, gate, [], total

    def frames(self, first, last=None):
        for index in range(first, self.total):
            if self.gate is not None:
                self.gate.wait(60)
            if index not in self.missing:
                self.decoded.append(index)
                pixels = np.full((4, 6, 3), index, np.float32)
                alpha, light = pixels[..., 0] / 20, pixels * 2 if index == 4 else None
                yield SimpleNamespace(index=index, pts=10 * index, duration=10, pixels=pixels, alpha=alpha, excess=light)

    def taken(self):
        return Passage(start=None, first=0, count=len(self.decoded), sha256="")


def read(video, segments=SEGMENTS, region=None):
    with SegmentReader(video, region, lambda: None) as reader:
        return list(reader.segments(segments))


def test_every_segment_has_its_frames_and_shared_ones_are_decoded_once():
    video = Video()
    found = read(video)
    assert [segment for segment, _ in found] == SEGMENTS
    for segment, frames in found:
        assert frames.indices == tuple(range(segment.first, segment.last + 1))
        assert frames.pts == tuple(10 * index for index in frames.indices) and set(frames.durations) == {10}
        assert frames.pixels.shape == (len(frames), 3, 4, 6)
        assert frames.pixels[:, 0, 0, 0].tolist() == list(frames.indices)
        assert torch.allclose(frames.alpha[:, 0, 0] * 20, torch.tensor(frames.indices, dtype=torch.float32))
    assert video.decoded == list(range(13))


def test_frames_that_cannot_be_decoded_are_left_out():
    found = [frames.indices for _, frames in read(Video(missing=(3, 5, 9, 10)))]
    assert found == [(0, 1, 2, 4), (4, 6, 7, 8), (11, 12)]


def test_a_segment_without_a_frame_is_empty():
    frames = read(Video(missing=(10, 11, 12)))[-1][1]
    assert len(frames) == 0 and frames.pixels.shape == NO_FRAMES.pixels.shape


def test_a_later_segment_alone_is_read_from_its_beginning():
    video = Video()
    ((_, frames),) = read(video, SEGMENTS[1:2])
    assert frames.indices == tuple(range(4, 10)) and video.decoded == list(range(4, 10))


def test_the_region_is_cut_out():
    pixels = np.arange(4 * 6 * 3, dtype=np.float32).reshape(4, 6, 3)
    np.testing.assert_array_equal(crop(pixels, Region(x=1, y=2, width=3, height=2)), pixels[2:4, 1:4])
    assert crop(pixels, None) is pixels
    frames = read(Video(), SEGMENTS[:1], Region(x=1, y=2, width=3, height=2))[0][1]
    assert frames.pixels.shape == (6, 3, 2, 3)


def test_some_frames_are_selected():
    frames = read(Video())[1][1].select([0, 2])
    assert (
        frames.indices == (4, 6) and frames.pts == (40, 60) and torch.equal(frames.pixels[:, 0, 0, 0], torch.tensor([4.0, 6.0]))
    )


def test_waiting_for_frames_can_be_cancelled_and_leaves_no_thread():
    gate = threading.Event()

    def cancel():
        gate.set()
        raise Cancelled

    with pytest.raises(Cancelled), SegmentReader(Video(gate=gate), None, cancel) as reader:
        list(reader.segments(SEGMENTS))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reader")]


# -- the frames around ------------------------------------------------------------------------------------------

CUT = [
    Segment(index=0, first=0, last=5, after=2),
    Segment(index=1, first=4, last=9, shared=2, before=2),
    Segment(index=2, first=10, last=12),
]
"""Of two shots: 0 to 9 and 10 to 12."""


def seen(frames, count=5):
    """Which frames each frame sees."""
    return [[int(index) for index in window] for window in frames.windows(range(len(frames)), count)[..., 0, 0, 0]]


def test_frames_around_a_segment_are_seen_but_are_none_of_its_own():
    video = Video()
    found = [frames for _, frames in read(video, CUT)]
    assert [frames.indices for frames in found] == [tuple(range(6)), tuple(range(4, 10)), (10, 11, 12)]
    assert seen(found[0])[-1] == [3, 4, 5, 6, 7] and seen(found[1])[0] == [2, 3, 4, 5, 6]
    assert seen(found[0])[0] == [0, 0, 0, 1, 2] and seen(found[1])[-1] == [7, 8, 9, 9, 9]
    assert seen(found[2]) == [[10, 10, 10, 11, 12], [10, 10, 11, 12, 12], [10, 11, 12, 12, 12]]
    assert video.decoded == list(range(13))
    alone = read(Video(), CUT[1:2])[0][1]
    assert seen(alone) == seen(found[1]) and alone.indices == found[1].indices
    assert [frames.windows([0], 1)[0, 0, 0, 0, 0] for frames in found] == [0, 4, 10]


@given(st.sets(st.integers(0, 29), max_size=12), st.integers(1, 9), st.integers(0, 2))
def test_what_a_frame_sees_does_not_depend_on_the_cut(missing, window, reach):
    whole, cut = (
        {
            index: around
            for _, frames in read(Video(missing, total=30), segments_of([(0, 17), (18, 29)], length, window, window, reach))
            for index, around in zip(frames.indices, seen(frames, 2 * reach + 1) if len(frames) else [], strict=True)
        }
        for length in (100, 5)
    )
    assert whole == cut and whole.keys() == set(range(30)) - missing


def test_frames_that_are_left_out_are_still_seen():
    frames = read(Video(), CUT)[1][1].select([2, 3])
    assert frames.indices == (6, 7) and seen(frames) == [[4, 5, 6, 7, 8], [5, 6, 7, 8, 9]]


def test_alpha_and_light_come_along_with_their_frames():
    [(_, frames)] = read(Video(), SEGMENTS[:1], Region(x=2, y=0, width=3, height=4))
    picked = frames.select([4, 2])
    assert picked.mattes.pixels.shape == (2, 3, 4, 3) and picked.mattes.pixels[1, 2, 3, 1] == pytest.approx(2 / 20)
    assert len(picked.mattes.around) == len(frames)
    assert picked.excess_of(0, 6, 8).shape == (8, 6, 3) and picked.excess_of(0, 6, 8)[3, 3] == pytest.approx([8, 8, 8])
    assert picked.excess_of(1, 6, 8) is None
