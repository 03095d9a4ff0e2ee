"""Frames of segments, read ahead."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dcvsr_engine.errors import Cancelled
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.planning.request import Region
from dcvsr_engine.restore.frames import NO_FRAMES, SegmentReader, crop

SEGMENTS = [
    Segment(index=0, first=0, last=5),
    Segment(index=1, first=4, last=9, shared=2),
    Segment(index=2, first=10, last=12),
]


class Video:
    """A reader of frames that hold their own index; ``missing`` ones cannot be decoded."""

    def __init__(self, missing=(), gate=None):
        self.missing, self.gate, self.decoded = missing, gate, []

    def frames(self, first, last=None):
        for index in range(first, 20):
            if self.gate is not None:
                self.gate.wait(10)
            if index not in self.missing:
                self.decoded.append(index)
                pixels = np.full((4, 6, 3), index, np.float32)
                yield SimpleNamespace(index=index, pts=10 * index, duration=10, pixels=pixels)


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
