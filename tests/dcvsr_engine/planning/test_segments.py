"""Segments cover the frames that are wanted, and what cannot be wanted is refused."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcvsr_engine.errors import InputError
from dcvsr_engine.planning.request import JobRequest, Region
from dcvsr_engine.planning.segments import frame_range, ordered, picture_size, segments_of
from dcvsr_engine.tiling.grid import TileGrid, stride_of
from dcvsr_engine.video.probe import VideoInfo, probe

SHOTS = st.lists(st.integers(1, 200), min_size=1, max_size=5)


@given(SHOTS, st.integers(14, 80), st.integers(1, 20), st.floats(0, 0.75), st.integers(0, 50))
def test_segments_cover_shots_share_windows_and_end_with_one(lengths, most, window, overlap, begin):
    stride = stride_of(window, overlap)
    edges = [begin, *(begin + int(end) for end in np.cumsum(lengths))]
    shots = [(start, end - 1) for start, end in pairwise(edges)]
    segments = segments_of(shots, most, window, stride)
    assert [segment.index for segment in segments] == list(range(len(segments)))
    assert max(segment.frames for segment in segments) <= max(most, 2 * window)
    for first, last in shots:
        inside = [segment for segment in segments if first <= segment.first <= last]
        assert inside[0].first == first and inside[0].shared == 0 and inside[-1].last == last
        for before, after in pairwise(inside):
            assert after.shared == window and after.first + window == before.last + 1 < after.last + 1
            assert before.first <= after.first and 0 < after.pinned <= after.shared
            assert before.begins < after.begins
        # every frame is put out once, by the last segment that begins before it
        assert inside[0].begins == first and inside[-1].begins <= last
        assert all((segment.frames - window) % stride == 0 for segment in inside[:-1])
        windows = [len(TileGrid.build(segment.frames, 8, 8, 8, window, overlap)) for segment in inside]
        assert max(windows) - min(windows) <= 1
        # one window is evaluated twice per join, and no other
        whole = len(TileGrid.build(last - first + 1, 8, 8, 8, window, overlap))
        assert sum(windows) == whole + len(inside) - 1


@given(SHOTS, st.integers(1, 4), st.integers(1, 20), st.floats(0, 0.75))
def test_short_segments_have_every_window_of_a_shot_once(lengths, most, window, overlap):
    stride = stride_of(window, overlap)
    edges = [0, *(int(end) for end in np.cumsum(lengths))]
    shots = [(start, end - 1) for start, end in pairwise(edges)]
    segments = segments_of(shots, 56, window, stride, windows=most)
    assert max(segment.frames for segment in segments) <= window + stride * (most - 1)
    for first, last in shots:
        inside = [segment for segment in segments if first <= segment.first <= last]
        assert inside[0].first == first and inside[0].shared == 0 and inside[-1].last == last
        for before, after in pairwise(inside):
            assert after.first + after.shared == before.last + 1 < after.last + 1
            assert before.begins < after.begins
        windows = [len(TileGrid.build(segment.frames, 8, 8, 8, window, overlap)) for segment in inside]
        assert max(windows) <= most and sum(windows) == len(TileGrid.build(last - first + 1, 8, 8, 8, window, overlap))
        assert min(segment.frames for segment in inside) >= min(window, last - first + 1)


@given(SHOTS, st.integers(14, 80), st.integers(2, 20), st.floats(0, 0.75))
def test_bricks_are_the_same_pieces_of_which_every_other_one_needs_those_beside(lengths, most, window, overlap):
    edges = [0, *(int(end) for end in np.cumsum(lengths))]
    shots = [(start, end - 1) for start, end in pairwise(edges)]
    cut = [segments_of(shots, most, window, stride_of(window, overlap), 0, order) for order in ("chain", "bricks")]
    assert [(a.first, a.last, a.shared) for a in cut[0]] == [(a.first, a.last, a.shared) for a in cut[1]]
    begins = [segment.begins for segment in cut[1]] + [edges[-1]]
    done = set()
    for segment in ordered(cut[1]):
        assert done.issuperset(segment.needs)
        done.add(segment.index)
        # it puts out frames of its own, and what it does not is pinned at one end or put out by a neighbour
        assert segment.first <= begins[segment.index] < begins[segment.index + 1] <= segment.last + 1
        assert all(not cut[1][need].needs and cut[1][need].shared + segment.shared for need in segment.needs)
        if segment.pinned_after:
            assert cut[1][segment.index + 1].begins == segment.last + 1 - segment.pinned_after
    assert done == set(range(len(cut[1])))


def test_100_frames_are_16_windows():
    segments = segments_of([(0, 99)], 56, 14, 7)
    assert [(segment.first, segment.last) for segment in segments] == [(0, 41), (28, 69), (56, 99)]
    assert [len(TileGrid.build(segment.frames, 8, 8, 8)) for segment in segments] == [5, 5, 6]


@given(SHOTS, st.integers(14, 80), st.integers(1, 20), st.integers(0, 3))
def test_context_lies_in_the_same_shot_and_range(lengths, most, window, context):
    edges = [0, *(int(end) for end in np.cumsum(lengths))]
    shots = [(start, end - 1) for start, end in pairwise(edges)]
    plain = segments_of(shots, most, window, 1)
    for segment, without in zip(segments_of(shots, most, window, 1, context), plain, strict=True):
        first, last = next(shot for shot in shots if shot[0] <= segment.first <= shot[1])
        assert segment.before == min(context, segment.first - first) and segment.after == min(context, last - segment.last)
        assert segment.replace(before=0, after=0) == without


# -- what is wanted ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def info(clip: Path) -> VideoInfo:
    """Of 20 frames, 32 × 24."""
    return replace(probe(clip), frames=20, frames_exact=True, width=32, height=24)


def wanted(**values) -> JobRequest:
    return JobRequest(source=Path("clip.mkv"), **values)


def test_frames_are_limited_by_what_the_clip_has(info):
    assert frame_range(wanted(), info) == (0, 19)
    assert frame_range(wanted(frames=(3, 900)), info) == (3, 19)
    assert frame_range(wanted(frames=(3, 900)), replace(info, frames_exact=False)) == (3, 900)


@pytest.mark.parametrize(
    "frames, sentence", [((5, 2), "no range"), ((-1, 2), "no range"), ((40, 50), "has 20 frames, so frame 40")]
)
def test_frames_that_are_not_there_are_refused(frames, sentence, info):
    with pytest.raises(InputError, match=sentence):
        frame_range(wanted(frames=frames), info)


def test_a_region_inside_the_picture_is_restored_alone(info):
    assert picture_size(wanted(), info) == (32, 24)
    assert picture_size(wanted(region=Region(x=30, y=4, width=2, height=20)), info) == (2, 20)


@pytest.mark.parametrize("x, y, width, height", [(-1, 0, 4, 4), (0, 0, 0, 4), (30, 0, 3, 4), (0, 20, 4, 5)])
def test_a_region_outside_of_the_picture_is_refused(x, y, width, height, info):
    with pytest.raises(InputError, match="does not lie inside the picture of 32 × 24 pixels"):
        picture_size(wanted(region=Region(x=x, y=y, width=width, height=height)), info)
