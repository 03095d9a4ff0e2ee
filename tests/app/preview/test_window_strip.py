import pytest
from PySide6.QtCore import QPoint

from app.preview.tiling_state import TilingState
from app.preview.time_scale import TimeScale
from app.preview.window_strip import WindowStrip
from dcvsr_engine.events import StepKind
from dcvsr_engine.tiling.grid import TileGrid


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


def test_the_strip_is_hidden_where_nobody_wants_it(strip):
    strip.want(False)
    strip._state.set_grid(TileGrid.build(28, 32, 32, overlap=0.5), 8)
    assert strip.isHidden()
    strip.want(True)
    assert not strip.isHidden()


def test_windows_overlap_in_lanes(strip):
    assert strip._lanes() == [0, 1, 0]
    strip._state.set_grid(TileGrid.build(28, 32, 32, overlap=0.75), 8)
    assert max(strip._lanes()) == 2


def test_windows_under_the_pointer_are_described(strip):
    strip._state.set_step(StepKind.TAP_FORWARD)
    strip._state.set_chosen_frames(1, (25, 18))
    at = QPoint(round(strip.scale.x(19.5)), 5)
    assert strip.describe(at) == "Window 1: frames 10–23\nWindow 2: frames 17–30, passes on 18, 25"
    assert "overlapping windows" in strip.describe(QPoint(round(strip.scale.x(2)), 5))


def test_states_and_chosen_frames_are_painted(strip):
    state = strip._state
    state.set_step(StepKind.TAP_FORWARD)
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
