from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.preview.model import MAX_ZOOM, CompareState, FrameRange, Viewport, lanes, runs, timecode

sizes = st.tuples(st.integers(16, 8000), st.integers(16, 8000))
shares = st.tuples(st.floats(0, 1), st.floats(0, 1))
aspects = st.floats(0.25, 4)


@given(sizes, sizes, aspects)
def test_fit_shows_the_whole_picture_as_large_as_possible(picture, view, aspect):
    seen = Viewport.fit(picture, view, aspect)
    left, top, right, bottom = seen.visible()
    assert (left, top) == (0, 0)
    assert (right, bottom) == pytest.approx(picture, abs=1 / min(seen.zooms))
    widest = max(picture[0] * aspect * seen.zoom / view[0], picture[1] * seen.zoom / view[1])
    assert widest == pytest.approx(1) or seen.zoom == MAX_ZOOM


@given(sizes, sizes, shares, st.floats(0.5, 2))
def test_zoom_keeps_what_is_under_the_pointer(picture, view, share, factor):
    zoom = min(4 * max(view[0] / picture[0], view[1] / picture[1]), MAX_ZOOM / 2)
    seen = Viewport(picture, view, zoom, (picture[0] / 2, picture[1] / 2), fitting=False)
    assume(zoom >= 3 * max(view[0] / picture[0], view[1] / picture[1]))
    at = share[0] * view[0], share[1] * view[1]
    closer = seen.zoomed(factor, at)
    assert closer.to_view(seen.to_picture(at)) == pytest.approx(at, abs=0.5 + 0.5 * closer.zoom / seen.zoom)


def test_zoom_at_the_pointer_on_a_known_picture():
    seen = Viewport.fit((4000, 2000), (1000, 500)).actual_size().zoomed(2, (250, 125))
    assert seen.zoom == 2
    assert seen.to_picture((250, 125)) == (1750, 875)


@given(sizes, sizes, aspects, st.lists(st.tuples(st.floats(-3000, 3000), st.floats(-3000, 3000)), max_size=5))
def test_pan_never_loses_the_picture(picture, view, aspect, moves):
    seen = Viewport.fit(picture, view, aspect).zoomed(7)
    for move in moves:
        seen = seen.panned(*move)
    left, top, right, bottom = seen.visible()
    for low, high, axis in ((left, right, 0), (top, bottom, 1)):
        zoom = seen.zooms[axis]
        assert (high - low) * zoom == pytest.approx(min(picture[axis] * zoom, view[axis]), abs=1)


@given(sizes, sizes, aspects, shares)
def test_view_and_picture_positions_are_inverse(picture, view, aspect, share):
    seen = Viewport.fit(picture, view, aspect).zoomed(3)
    point = share[0] * picture[0], share[1] * picture[1]
    assert seen.to_picture(seen.to_view(point)) == pytest.approx(point, abs=1e-6)


def test_actual_size_lies_on_whole_device_pixels():
    seen = Viewport.fit((3840, 2160), (1001, 703)).actual_size().panned(0.4, 17.3)
    assert seen.zoom == 1
    assert all(isinstance(side, int) for side in seen.offset)


def test_pixels_that_are_not_square_keep_their_shape_through_every_change():
    seen = Viewport.fit((720, 576), (600, 400), 16 / 11).zoomed(2.5, (300, 100)).panned(20, -10).resized((640, 480))
    seen = seen.rescaled((1440, 1152)).actual_size()
    across, down = (seen.to_view((100, 100))[axis] - seen.to_view((0, 0))[axis] for axis in (0, 1))
    assert (across, down) == pytest.approx((100 * 16 / 11, 100))


def test_zoom_does_not_skip_actual_size():
    seen = Viewport.fit((1000, 1000), (900, 900))
    assert seen.zoomed(1.25).zoom == 1.0
    assert seen.zoomed(1.25).zoomed(1.25).zoom == 1.25


def test_a_fitted_picture_follows_the_pane_and_another_does_not():
    fitted = Viewport.fit((1000, 500), (500, 500))
    assert fitted.resized((1000, 1000)).zoom == 1.0
    assert fitted.zoomed(3).resized((1000, 1000)).zoom == fitted.zoomed(3).zoom


def test_another_scale_shows_the_same_part_at_the_same_size():
    seen = Viewport.fit((4000, 2000), (500, 500)).zoomed(6, (100, 200))
    rescaled = seen.rescaled((2000, 1000))
    assert rescaled.visible() == pytest.approx([edge / 2 for edge in seen.visible()], abs=1)


def test_the_wipe_line_stays_on_the_picture():
    assert CompareState().wiped(1.7).wipe == 1.0
    assert CompareState().wiped(-0.1).wipe == 0.0


def test_in_and_out_points_push_each_other():
    chosen = FrameRange.whole(100).starting(40).ending(60)
    assert (chosen.first, chosen.last) == (40, 60)
    assert (chosen.starting(80).first, chosen.starting(80).last) == (80, 80)
    assert (chosen.ending(10).first, chosen.ending(10).last) == (10, 10)
    assert FrameRange.whole(100).is_whole
    assert not chosen.is_whole


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00.000"), (3.24, "00:03.240"), (59.9996, "01:00.000"), (61.5, "01:01.500"), (3723.5, "1:02:03.500")],
)
def test_timecode(seconds, text):
    assert timecode(seconds) == text


@given(st.sets(st.integers(0, 60)))
def test_runs_are_the_frames_and_do_not_touch(frames):
    stretches = runs(frames)
    assert {frame for first, last in stretches for frame in range(first, last + 1)} == frames
    assert all(other[0] > one[1] + 1 for one, other in pairwise(stretches))


@given(st.sets(st.integers(0, 100), min_size=1), st.integers(1, 20))
def test_windows_of_a_lane_do_not_overlap_and_no_lane_is_wasted(starts, length):
    placed = list(zip(sorted(starts), lanes(sorted(starts), length), strict=True))
    for lane in {lane for _, lane in placed}:
        mine = [start for start, other in placed if other == lane]
        assert all(b - a >= length for a, b in pairwise(mine))
    deepest = max(sum(start <= frame < start + length for start in starts) for frame in starts)
    assert max(lane for _, lane in placed) + 1 == deepest
