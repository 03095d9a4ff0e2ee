import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPalette

from app.preview.model import FrameRange
from app.preview.tiling_state import TilingState
from app.preview.track import FrameTrack, TimeScale, WindowStrip
from dcvsr_engine.tiling.grid import TileGrid


@given(st.integers(1, 5000), st.integers(100, 2000), st.floats(0.1, 50), st.floats(0, 1), st.data())
def test_every_frame_has_its_place(frames, width, factor, share, data):
    scale = TimeScale.whole(frames, width).zoomed(factor, share * width)
    assert 0 <= scale.first <= frames - scale.count + 1e-6
    assert scale.count <= frames
    frame = data.draw(st.integers(0, frames - 1))
    shown = scale.showing(frame)
    assert shown.first <= frame
    assert frame + 1 <= shown.first + shown.count + 1e-6
    assert shown.frame(shown.x(frame + 0.5)) == frame


def test_zoom_keeps_the_frame_under_the_pointer():
    scale = TimeScale.whole(1000, 516)
    closer = scale.zoomed(4, 258)
    assert closer.count == 250
    assert closer.frame(258) == scale.frame(258)


@pytest.fixture
def track(qtbot):
    """100 frames of 5 pixels each, 20 to 59 chosen."""
    made = FrameTrack()
    qtbot.addWidget(made)
    made.resize(516, 36)
    made.show()
    made.set_clip(100)
    made.set_range(FrameRange.whole(100).starting(20).ending(59).at(40))
    return made


def test_pressing_and_dragging_go_to_exact_frames(qtbot, track, mouse_on):
    seen = []
    track.valueChanged.connect(seen.append)
    mouse_on(track).drag((track.scale.x(70.5), 18), (track.scale.x(73.5), 18))
    assert seen == [70, 73]


def test_handles_are_dragged(qtbot, track, mouse_on):
    edits = []
    track.range_edited.connect(lambda *ends: edits.append(ends))
    mouse_on(track).drag((track.scale.x(20) + 2, 18), (track.scale.x(30), 18))
    assert edits[-1] == (30, 59)
    edits.clear()
    mouse_on(track).drag((track.scale.x(60) - 2, 18), (track.scale.x(81), 18))
    assert edits[-1] == (20, 80)


def test_arrow_keys_step_by_one_frame(qtbot, track):
    qtbot.keyClick(track, Qt.Key.Key_Right)
    assert track.value() == 41
    qtbot.keyClick(track, Qt.Key.Key_Left)
    qtbot.keyClick(track, Qt.Key.Key_Left)
    assert track.value() == 39
    qtbot.keyClick(track, Qt.Key.Key_Home)
    assert track.value() == 0


def test_the_wheel_and_keys_show_less_or_more_of_the_clip(qtbot, track, mouse_on):
    mouse_on(track).wheel(258, 18, 4)
    assert track.scale.count == pytest.approx(25)
    qtbot.keyClick(track, Qt.Key.Key_Minus)
    assert track.scale.count == pytest.approx(37.5)
    mouse_on(track).double_click(100, 18)
    assert track.scale == TimeScale.whole(100, 516)


def test_marks_are_painted_at_their_frames(track):
    track.set_cached([3, 4, 5])
    track.set_restored([10, 11, 12])
    picture = track.grab().toImage()

    def marked(y):
        colors = [picture.pixelColor(round(track.scale.x(frame + 0.5)), y) for frame in range(19)]
        return [frame for frame, color in enumerate(colors) if color != track.palette().color(QPalette.ColorRole.Base)]

    assert marked(9) == [3, 4, 5]
    assert marked(25) == [10, 11, 12]
    chosen, beyond = (picture.pixelColor(round(track.scale.x(frame)), 18) for frame in (30, 70))
    assert chosen != beyond


@pytest.fixture
def strip(qtbot):
    state = TilingState()
    made = WindowStrip(state)
    qtbot.addWidget(made)
    state.set_grid(TileGrid.build(28, 32, 32), 8, first_frame=10)
    made.resize(516, made.sizeHint().height())
    made.set_scale(TimeScale.whole(50, 516))
    return made


def test_the_strip_is_hidden_without_a_grid(strip):
    assert not strip.isHidden()
    strip._state.set_grid(None)
    assert strip.isHidden()


def test_windows_overlap_in_lanes(strip):
    assert strip._lanes() == [0, 1, 0]
    strip._state.set_grid(TileGrid.build(28, 32, 32, overlap=0.75), 8)
    assert max(strip._lanes()) == 2


def test_windows_under_the_pointer_are_described(strip):
    strip._state.set_step("TAP →")
    strip._state.set_chosen_frames(1, (25, 18))
    at = QPoint(round(strip.scale.x(19.5)), 5)
    assert strip.describe(at) == "Window 0: frames 10–23\nWindow 1: frames 17–30, hands on 18, 25"
    assert "overlapping windows" in strip.describe(QPoint(round(strip.scale.x(2)), 5))


def test_states_and_chosen_frames_are_painted(strip):
    state = strip._state
    state.set_step("TAP →")
    before = strip.grab().toImage()
    for m in range(state.grid.spatial):
        state.set_tile_state(m, 0, "done")
    state.set_chosen_frames(0, (15,))
    after = strip.grab().toImage()
    changed = [x for x in range(516) if before.pixelColor(x, 7) != after.pixelColor(x, 7)]
    assert min(changed) >= strip.scale.x(10) - 1
    assert max(changed) <= strip.scale.x(24) + 1
    at_chosen, beside = after.pixelColor(round(strip.scale.x(15.5)), 7), after.pixelColor(round(strip.scale.x(18.5)), 7)
    assert at_chosen.red() > 200 > beside.red()
