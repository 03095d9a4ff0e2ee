import pytest

from app.preview.tiling_state import TilingState
from dcvsr_engine.events import StepKind
from dcvsr_engine.tiling.grid import TileGrid


@pytest.fixture
def state(qapp):
    made = TilingState()
    made.set_grid(TileGrid.build(28, 96, 128), 8, first_frame=100)
    return made


def test_windows_are_the_engines_in_frames_of_the_clip(state):
    assert state.grid.windows == (0, 7, 14)
    assert state.window_frames(1) == (107, 120)
    assert state.windows_at(99) == []
    assert state.windows_at(100) == [0]
    assert state.windows_at(108) == [0, 1]
    assert state.windows_at(127) == [2]


def test_a_new_step_starts_with_waiting_tiles_and_no_chosen_frames(state):
    state.set_step(StepKind.TAP_FORWARD)
    state.set_tile_state(0, 0, "done")
    state.set_chosen_frames(0, (103, 104))
    assert state.tile_state(0, 0) == "done"
    state.set_step(StepKind.SAP)
    state.set_sap_rate(3)
    assert (state.tile_state(0, 0), state.chosen, state.sap_rate) == ("waiting", {}, 3)


def test_a_place_is_done_when_all_windows_of_the_frame_are(state):
    state.set_step(StepKind.SAP)
    state.set_tile_state(2, 0, "done")
    assert state.place_states(102)[2] == "done"
    assert state.place_states(108)[2] == "waiting"
    state.set_tile_state(2, 1, "running")
    assert state.place_states(108)[2] == "running"
    state.set_tile_state(2, 1, "done")
    assert state.place_states(108)[2] == "done"


def test_a_window_runs_from_its_first_tile_to_its_last(state):
    state.set_step(StepKind.SAP)
    assert state.window_state(0) == "waiting"
    for m in range(state.grid.spatial):
        state.set_tile_state(m, 0, "done")
        assert state.window_state(0) == ("done" if m == state.grid.spatial - 1 else "running")


def test_tiles_under_a_position_come_with_the_engines_weights(state):
    tiles = state.tiles_at(108, 400, 300)
    at = (8, 300 // 8, 400 // 8)
    assert [tile for tile, _ in tiles] == state.grid.tiles_at(*at)
    assert all(weight == state.grid.weight(tile, *at) for tile, weight in tiles)
    assert len(tiles) == 2 * 4
    assert state.tiles_at(108, 128 * 8 + 1, 0) == []


def test_a_region_s_grid_is_moved_to_its_place(state):
    state.set_grid(TileGrid.build(14, 32, 32), 8, 0, origin=(640, 320))
    assert state.latent(640, 320) == (0, 0)
    assert state.tiles_at(3, 639, 330) == []
    assert len(state.tiles_at(3, 645, 325)) == 1


def test_every_change_is_told(qtbot, state):
    for change in (
        lambda: state.set_step(StepKind.SAP),
        lambda: state.set_tile_state(0, 0, "running"),
        lambda: state.set_chosen_frames(0, (1,)),
        lambda: state.set_grid(None),
    ):
        with qtbot.waitSignal(state.changed):
            change()
