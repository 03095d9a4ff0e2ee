import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QFont, QImage, QPainter

from app.preview import hud
from app.preview.model import Viewport
from app.preview.tile_overlay import TileOverlay
from app.preview.tiling_state import TilingState
from dcvsr_engine.events import StepKind
from dcvsr_engine.tiling.grid import TileGrid

PICTURE = (768, 512)


@pytest.fixture
def overlay(qapp):
    state = TilingState()
    state.set_grid(TileGrid.build(28, 64, 96, tile=32), 8)
    return TileOverlay(state)


def paint(overlay, frame=3, hover=None, zoom=1.0, size=PICTURE, whole=PICTURE) -> np.ndarray:
    """The overlay on mid-grey, as int RGB."""
    image = QImage(*size, QImage.Format.Format_RGB32)
    image.fill(QColor(128, 128, 128))
    painter = QPainter(image)
    overlay.paint(painter, Viewport(whole, size, zoom, (whole[0] / 2, whole[1] / 2), False), frame, hover, 1.0)
    painter.end()
    return np.frombuffer(image.constBits(), np.uint8).reshape(size[1], size[0], 4)[..., 2::-1].astype(int)


def shift(before, after, x, y):
    """Mean change of colour around a position."""
    return (after - before)[y - 4 : y + 4, x - 4 : x + 4].mean(axis=(0, 1))


def test_borders_lie_where_the_engines_tiles_begin_and_end(overlay):
    grid = overlay.state.grid
    bright = paint(overlay)[70].sum(axis=-1)
    edges = {edge for start in grid.columns for edge in (start, start + grid.tile_width)} - {0, grid.width}
    for x in range(4, PICTURE[0] - 4):
        is_line = bright[x] > bright[x - 3] + 100 and bright[x] > bright[x + 3] + 100
        assert is_line == (x / 8 in edges), x


def test_overlap_bands_cover_what_two_columns_share(overlay):
    overlay.state.set_grid(TileGrid.build(14, 32, 60, tile=32, overlap=0.125), 8)
    grid = overlay.state.grid
    assert grid.columns == (0, 28)
    row = paint(overlay, size=(480, 256), whole=(480, 256))[100]
    for x in range(4, 476):
        is_shared = 28 * 8 <= x < 32 * 8
        if abs(x - 28 * 8) > 2 and abs(x - 32 * 8) > 2:
            assert (row[x, 2] > row[x, 0]) == is_shared, x


def test_state_colours_are_painted_in_the_cell_of_their_tile(overlay):
    overlay.state.set_step(StepKind.PLAIN)
    before = paint(overlay)
    overlay.state.set_tile_state(0, 0, "running")
    overlay.state.set_tile_state(6, 0, "done")
    after = paint(overlay)
    row, column = divmod(6, len(overlay.state.grid.columns))
    inside = (column * 128 + 128 + 30, row * 128 + 128 + 60)
    running, done = shift(before, after, 40, 100), shift(before, after, *inside)
    assert running[0] > running[2]
    assert done[1] > done[0]
    assert np.abs(shift(before, after, 600, 400)).max() == 0


def test_states_are_not_shown_when_nothing_runs(overlay):
    before = paint(overlay)
    overlay.state.set_tile_state(0, 0, "running")
    np.testing.assert_array_equal(paint(overlay), before)


def test_sap_keys_lie_on_every_second_latent_pixel(overlay):
    before = paint(overlay)
    overlay.state.set_step(StepKind.SAP)
    changed = np.abs(paint(overlay) - before).max(axis=-1) > 20
    yellow = np.argwhere(changed)
    assert len(yellow) > 0
    phases = {(int(y) % 16, int(x) % 16) for y, x in yellow}
    assert all(4 <= y < 8 and 4 <= x < 8 for y, x in phases)
    assert changed[4:8, 20:24].any()
    assert not changed[12:16, 12:16].any()


def test_sap_keys_too_close_to_be_told_apart_are_left_out_and_that_is_said(overlay):
    small = (192, 128)
    before = paint(overlay, zoom=0.25, size=small)
    overlay.state.set_step(StepKind.SAP)
    np.testing.assert_array_equal(paint(overlay, zoom=0.25, size=small), before)
    assert "Zoom in" in overlay.step_text(3, Viewport(PICTURE, small, 0.25), 1.0)
    assert "Zoom in" not in overlay.step_text(3, Viewport(PICTURE, PICTURE, 1.0), 1.0)


@pytest.mark.parametrize(("kind", "heavier"), [(StepKind.TAP_FORWARD, "right"), (StepKind.TAP_BACKWARD, "left")])
def test_the_tap_arrow_points_where_frames_go(overlay, kind, heavier):
    before = paint(overlay)
    overlay.state.set_step(kind)
    arrow = (paint(overlay) - before)[-60:].copy()
    yellow = (arrow[..., 0] > 20) & (arrow[..., 2] < -20)
    heights = yellow.sum(axis=0)
    columns = np.flatnonzero(heights)
    middle = (columns[0] + columns[-1]) / 2
    assert abs(middle - PICTURE[0] / 2) < 4
    assert (np.argmax(heights) > middle) == (heavier == "right")


def test_the_hovered_tile_shows_its_gaussian_weight(overlay):
    tile = overlay.state.tiles_at(3, 384, 256)[0][0]
    before, after = paint(overlay), paint(overlay, hover=(384, 256))
    center = (tile.left + tile.width // 2) * 8, (tile.top + tile.height // 2) * 8
    change = np.abs(after - before).sum(axis=-1)
    at_center = change[center[1] - 20 : center[1] - 10, center[0] + 10 : center[0] + 20].mean()
    near_edge = change[tile.top * 8 + 20 : tile.top * 8 + 30, tile.left * 8 + 20 : tile.left * 8 + 30].mean()
    assert at_center > 30
    assert near_edge < 3


def test_the_text_tells_indices_frames_and_weight(overlay):
    grid = overlay.state.grid
    overlay.state.set_grid(grid, 8, first_frame=50)
    overlay.state.set_step(StepKind.SAP)
    tile, weight = overlay.state.tiles_at(56, 400, 300)[0]
    overlay.state.set_tile_state(tile.m, tile.n, "running")
    row, column = divmod(tile.m, len(grid.columns))
    text = overlay.describe(56, (400, 300))
    assert f"Tile {tile.m + 1} of {grid.spatial} · row {row + 1} of {len(grid.rows)} · column {column + 1} of" in text
    assert f"Window {tile.n + 1} of 3 · frames {50 + tile.frame}–{50 + tile.frame + 13}" in text
    assert f"{weight / sum(other for _, other in overlay.state.tiles_at(56, 400, 300)):.0%} of the blend" in text
    assert "denoised now" in text
    assert len(overlay.state.tiles_at(50, 4, 4)) == 1 and "No other tile reaches here" in overlay.describe(50, (4, 4))
    assert overlay.describe(56, (5000, 0)) == ""


def test_the_step_text_names_the_frames_passed_on(overlay):
    overlay.state.set_step(StepKind.TAP_FORWARD)
    overlay.state.set_chosen_frames(0, (9, 3, 5))
    overlay.state.set_chosen_frames(2, (25,))
    text = overlay.step_text(4, Viewport(PICTURE, PICTURE), 1.0)
    assert text == "TAP forward\nWindow 1 passes on frames 3, 5, 9"
    overlay.state.set_step(None)
    assert overlay.step_text(4, Viewport(PICTURE, PICTURE), 1.0) == ""


def test_the_legend_names_the_colours_that_are_painted(overlay):
    assert [text for _, text in overlay.legend()] == ["Tiles overlap"]
    overlay.state.set_step(StepKind.SAP)
    assert (hud.CHOSEN_COLOR, "Keys that tiles share") in overlay.legend()
    overlay.state.set_step(StepKind.TAP_BACKWARD)
    colors = [color for color, _ in overlay.legend()]
    assert colors == [hud.OVERLAP_COLOR, hud.RUNNING_COLOR, hud.DONE_COLOR, hud.CHOSEN_COLOR]


def test_a_legend_takes_as_many_lines_as_its_place_asks_for(qapp):
    entries = [(hud.DONE_COLOR, f"Entry {number}") for number in range(4)]
    font, wide = QFont(), hud.legend_width(QFont(), entries)
    assert hud.legend_lines(font, entries, wide) == [entries]
    assert hud.legend_lines(font, entries, wide - 1) == [entries[:3], entries[3:]]
    assert hud.legend_lines(font, entries, 1) == [[entry] for entry in entries] and hud.legend_lines(font, [], 1) == []


def test_without_a_grid_nothing_is_painted(overlay):
    overlay.state.set_grid(None)
    assert (paint(overlay) == paint(overlay)[0, 0]).all()
    assert overlay.describe(0, (10, 10)) == ""


def test_arrow_is_mirrored():
    right, left = (hud.arrow(QPointF(0, 0), 10, 6, forward) for forward in (True, False))
    assert [(-p.x(), p.y()) for p in right] == [(p.x(), p.y()) for p in left]
