import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtTest import QTest

from app.preview.compare_view import CompareView
from app.preview.frames import ResultFrame
from app.preview.model import CompareMode, CompareState
from app.preview.placeholder import Placeholder
from app.preview.scene import Side
from app.preview.tile_overlay import TileOverlay
from app.preview.tiling_state import TilingState
from dcvsr_engine.planning.request import Region
from dcvsr_engine.tiling.grid import TileGrid

SOURCE, RESULT = (200, 40, 40), (40, 40, 200)


def plain(color, width, height):
    return np.full((height, width, 3), color, np.uint8)


def restored(color=RESULT, width=480, height=320, origin=(0, 0), final=True):
    return Side("SR", result=ResultFrame(plain(color, width, height), origin, 4, 6, final))


LR = Side("LR", is_source=True)


@pytest.fixture
def view(qtbot):
    """A view of 602×400 showing a red input of 120×80 and its blue ×4 result."""
    made = CompareView(TileOverlay(TilingState()))
    qtbot.addWidget(made)
    made.resize(602, 400)
    made.show()
    made.set_clip(120, 80, 4)
    made.show_frame(0, plain(SOURCE, 120, 80), LR, restored())
    return made


def color_at(view, x, y):
    color = view.grab().toImage().pixelColor(round(x * view.devicePixelRatioF()), round(y * view.devicePixelRatioF()))
    return color.red(), color.green(), color.blue()


def set_mode(view, mode, **more):
    view.set_comparison(CompareState(mode, **more))


def test_side_by_side_shows_both_at_the_same_place(view):
    assert color_at(view, 150, 200) == SOURCE
    assert color_at(view, 451, 200) == RESULT
    assert [pane.rect.width() for pane in view.scene.panes()] == [300, 300]


def test_a_preview_is_mixed_with_the_enlarged_input_as_strong_as_wanted(view):
    mixed = Side("A", result=ResultFrame(plain(RESULT, 480, 320), (0, 0), 4, 6, True, plain((0, 200, 0), 480, 320)))
    view.show_frame(0, plain(SOURCE, 120, 80), LR, mixed)
    assert color_at(view, 451, 200) == RESULT
    view.set_strength(0.25)
    assert color_at(view, 451, 200) == pytest.approx((10, 160, 50), abs=2) and color_at(view, 150, 200) == SOURCE
    view.show_frame(0, plain(SOURCE, 120, 80), LR, restored())  # a finished result is what it is
    assert color_at(view, 451, 200) == RESULT


def test_wipe_shows_the_input_left_of_the_line(view):
    set_mode(view, CompareMode.WIPE, wipe=0.25)
    x = view.scene.wipe_x()
    assert color_at(view, x - 20, 300) == SOURCE
    assert color_at(view, x + 20, 300) == RESULT
    assert view.scene.wipe_at(x) == pytest.approx(0.25, abs=0.002)


def test_the_wipe_line_is_dragged(view, mouse_on):
    set_mode(view, CompareMode.WIPE)
    x = view.scene.wipe_x()
    mouse_on(view).drag((x + 3, 50), (x - 120, 60))
    assert view.scene.wipe_x() == pytest.approx(x - 120, abs=1)


def test_the_wipe_line_is_moved_by_arrow_keys(qtbot, view):
    set_mode(view, CompareMode.WIPE)
    shift = Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(view, Qt.Key.Key_Left, shift)
    assert view.scene.comparison.wipe == pytest.approx(0.48)
    qtbot.keyClick(view, Qt.Key.Key_Right, shift)
    qtbot.keyClick(view, Qt.Key.Key_Right, shift)
    assert view.scene.comparison.wipe == pytest.approx(0.52)


def test_ab_shows_the_input_while_space_is_held(qtbot, view):
    set_mode(view, CompareMode.AB)
    assert color_at(view, 300, 200) == RESULT
    qtbot.keyPress(view, Qt.Key.Key_Space)
    assert color_at(view, 300, 200) == SOURCE
    qtbot.keyRelease(view, Qt.Key.Key_Space)
    assert color_at(view, 300, 200) == RESULT


def test_losing_the_focus_ends_ab(qtbot, view):
    set_mode(view, CompareMode.AB)
    view.activateWindow()
    view.setFocus()
    qtbot.keyPress(view, Qt.Key.Key_Space)
    view.clearFocus()
    assert color_at(view, 300, 200) == RESULT


@pytest.mark.parametrize(("gain", "color"), [(1, (160, 0, 160)), (4, (252, 0, 252))])
def test_difference_is_amplified(view, gain, color):
    set_mode(view, CompareMode.DIFFERENCE, gain=gain)
    assert color_at(view, 300, 200) == color


def test_where_there_is_no_result_the_difference_is_black(view):
    view.show_frame(0, plain(SOURCE, 120, 80), LR, restored(width=160, height=320))
    set_mode(view, CompareMode.DIFFERENCE, gain=1)
    assert color_at(view, 100, 200) == (160, 0, 160)
    assert color_at(view, 400, 200) == (0, 0, 0)


def test_without_a_result_the_input_is_faded_so_that_nobody_takes_it_for_one(view):
    view.show_frame(0, plain(SOURCE, 120, 80), LR, Side("SR"))
    assert color_at(view, 150, 200) == SOURCE
    faded = color_at(view, 451, 200)
    assert faded != SOURCE
    assert faded[0] > faded[2]
    assert view._title(1) == "SR: not yet"


def test_a_part_of_a_result_lies_in_its_place(view):
    set_mode(view, CompareMode.AB)
    view.show_frame(0, plain(SOURCE, 120, 80), LR, restored(width=240, height=160, origin=(240, 160)))
    inside, outside = view.scene.viewport.to_view((300, 200)), view.scene.viewport.to_view((100, 100))
    assert color_at(view, *inside) == RESULT
    assert color_at(view, *outside) not in {SOURCE, RESULT}


def test_a_result_of_another_scale_is_shown_at_the_same_size(view):
    set_mode(view, CompareMode.AB)
    half = ResultFrame(plain(RESULT, 240, 160), (0, 0), 2, 6, True)
    view.show_frame(0, plain(SOURCE, 120, 80), LR, Side("SR", result=half))
    x, y = view.scene.viewport.to_view((475, 315))
    assert color_at(view, x, y) == RESULT


def test_titles_tell_the_step_of_an_unfinished_result(view):
    view.show_frame(0, plain(SOURCE, 120, 80), LR, restored(final=False))
    assert view._title(1) == "SR – step 7"


def test_the_wheel_zooms_at_the_pointer_in_both_panes(view, mouse_on):
    before = view.scene.viewport.to_picture((100, 200))
    for _ in range(3):
        mouse_on(view).wheel(302 + 100, 200, 3)
    assert view.scene.viewport.zoom > 2
    assert view.scene.viewport.to_view(before) == pytest.approx((100, 200), abs=4)


def test_drag_pans_and_double_click_fits(view, mouse_on):
    mouse = mouse_on(view)
    for _ in range(3):
        mouse.wheel(150, 200, 3)
    before = view.scene.viewport.offset
    mouse.drag((200, 200), (150, 180))
    assert view.scene.viewport.offset == pytest.approx((before[0] - 50, before[1] - 20), abs=1)
    mouse.double_click(150, 200)
    assert view.scene.viewport.fitting


def test_an_arrow_leaves_a_picture_that_is_seen_whole_fitting(qtbot, view):
    view.fit()
    qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert view.scene.viewport.fitting


def test_keyboard_zoom_and_pan(qtbot, view):
    zoom = view.scene.viewport.zoom
    for _ in range(8):
        qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert view.scene.viewport.zoom == pytest.approx(zoom * 1.25**8, rel=0.25)
    before = view.scene.viewport.offset
    qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert view.scene.viewport.offset == pytest.approx((before[0] - 30, before[1] - 40), abs=1)
    for _ in range(20):
        qtbot.keyClick(view, Qt.Key.Key_Minus)
    assert view.scene.viewport.zoom < zoom


def test_in_wipe_mode_ctrl_and_arrows_pan(qtbot, view):
    set_mode(view, CompareMode.WIPE)
    view.set_viewport(view.scene.viewport.actual_size().zoomed(8))
    before = view.scene.viewport.offset
    qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert view.scene.viewport.offset[0] < before[0]
    assert view.scene.comparison.wipe == 0.5


def test_shift_drag_selects_a_region_of_the_input(qtbot, view, mouse_on):
    set_mode(view, CompareMode.AB)
    start, end = view.scene.viewport.to_view((161, 82)), view.scene.viewport.to_view((399, 238))
    with qtbot.waitSignal(view.region_selected) as signal:
        mouse_on(view).drag(start, end, Qt.KeyboardModifier.ShiftModifier)
    assert signal.args[0] == Region(x=40, y=20, width=60, height=40)
    with qtbot.waitSignal(view.region_selected) as signal:
        qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert signal.args[0] is None


def test_a_region_never_leaves_the_picture(view, mouse_on):
    mouse_on(view).drag((-50, -50), (290, 900), Qt.KeyboardModifier.ShiftModifier)
    region = view.scene.region
    assert (region.x, region.y, region.height) == (0, 0, 80)
    assert region.x + region.width <= 120


def test_a_slip_selects_nothing(view, mouse_on):
    mouse_on(view).drag((100, 200), (103, 202), Qt.KeyboardModifier.ShiftModifier)
    assert view.scene.region is None


def test_what_is_visible_can_be_selected(view):
    view.set_viewport(view.scene.viewport.actual_size())
    view.select_visible()
    assert view.scene.region == view.visible_region()
    assert view.scene.region.width == pytest.approx(300 / 4, abs=1)
    assert view.scene.region.height == 80


def test_the_loupe_shows_both_pictures_enlarged(view, mouse_on):
    set_mode(view, CompareMode.WIPE, wipe=1.0, loupe=True)
    assert color_at(view, 420, 200) == SOURCE
    mouse_on(view).move(200, 100)
    assert color_at(view, 280, 230) == SOURCE
    assert color_at(view, 420, 230) == RESULT


def test_the_loupe_says_what_is_not_restored_yet(view, mouse_on, monkeypatch):
    said = []
    monkeypatch.setattr("app.preview.hud.paint_label", lambda painter, corner, text: said.append(text))
    set_mode(view, CompareMode.AB, loupe=True)
    view.show_frame(0, plain(SOURCE, 120, 80), LR, Side("SR"))
    mouse_on(view).move(200, 100)
    view.grab()
    assert said[-2:] == ["LR", "SR: not yet"]


def test_the_loupe_stays_inside(view, mouse_on):
    set_mode(view, CompareMode.AB, loupe=True)
    mouse_on(view).move(595, 395)
    corner = view._loupe_corner()
    assert 0 <= corner.x() <= 602 - 302
    assert 0 <= corner.y() <= 400 - 150


def test_what_is_said_of_a_tile_does_not_cover_it(view, mouse_on):
    box = QRectF(0, 0, 200, 60)
    mouse_on(view).move(100, 60)
    assert view._away_from_pointer(box).y() > 200
    mouse_on(view).move(100, 340)
    assert view._away_from_pointer(box).y() + 60 < 200


def test_a_file_that_hovers_over_a_clip_is_told_where_it_may_be_dropped(view):
    before = color_at(view, 150, 200)
    view.set_highlighted(True)
    assert color_at(view, 150, 220) != before
    view.set_highlighted(False)
    assert color_at(view, 150, 200) == before


def test_the_overlay_has_a_legend(view):
    view.scene.overlay.state.set_grid(TileGrid.build(14, 80, 120, tile=32), 4)
    view.set_overlay_visible(True)
    below_title = [color_at(view, x, 44) for x in range(302, 420)]
    assert (86, 180, 233) in below_title


def test_the_empty_view_offers_to_open(qtbot, view, mouse_on):
    view.show_empty()
    assert view.placeholder.title == "Drop a video here"
    with qtbot.waitSignal(view.open_requested):
        mouse_on(view).click(100, 100)
    with qtbot.waitSignal(view.open_requested):
        qtbot.keyClick(view, Qt.Key.Key_Return)
    with qtbot.assertNotEmitted(view.region_selected):
        view.select_visible()


def test_a_click_on_a_message_opens_nothing(qtbot, view, mouse_on):
    view.show_placeholder(Placeholder("error", "This clip cannot be opened", "It is damaged."))
    with qtbot.assertNotEmitted(view.open_requested):
        mouse_on(view).click(100, 100)


@pytest.mark.parametrize("kind", ["empty", "busy", "error"])
def test_placeholders_are_painted_and_replaced_by_the_next_frame(view, kind):
    view.show_placeholder(Placeholder(kind, "Title", "Text " * 40))
    background = view.palette().base().color()
    picture = view.grab().toImage()
    painted = sum(picture.pixelColor(x, y) != background for x in range(200, 400, 3) for y in range(100, 300, 3))
    assert painted > 20
    assert not view.has_picture
    view.show_frame(0, plain(SOURCE, 120, 80), LR, restored())
    assert color_at(view, 150, 200) == SOURCE


def test_tiles_are_painted_only_when_wanted_and_not_over_the_input(view):
    view.scene.overlay.state.set_grid(TileGrid.build(14, 40, 60, tile=16), 8)
    before = view.grab().toImage()
    view.set_overlay_visible(True)
    after = view.grab().toImage()
    differs = [x for x in range(602) if before.pixelColor(x, 205) != after.pixelColor(x, 205)]
    assert differs
    assert min(differs) >= 302


def test_another_scale_keeps_what_is_seen(view):
    view.set_viewport(view.scene.viewport.actual_size().zoomed(4, (50, 150)))
    region = view.visible_region()
    view.set_clip(120, 80, 2)
    assert view.scene.viewport.picture == (240, 160)
    seen = view.visible_region()
    assert (seen.x, seen.y) == pytest.approx((region.x, region.y), abs=1)


@pytest.mark.parametrize("aspect", [2.0, 16 / 15, 8 / 9])
@pytest.mark.parametrize("mode", [CompareMode.SIDE_BY_SIDE, CompareMode.WIPE, CompareMode.AB])
def test_input_and_result_have_the_shape_they_are_displayed_in(view, aspect, mode):
    """A mark in the middle of the picture has sides as long as a player shows them, in both pictures."""
    source, result = plain(SOURCE, 120, 80), plain(RESULT, 480, 320)
    source[30:50, 50:70] = result[120:200, 200:280] = 255
    set_mode(view, mode, wipe=0.5)
    view.set_clip(120, 80, 4, aspect)
    view.show_frame(0, source, LR, Side("SR", result=ResultFrame(result, (0, 0), 4, 6, True)))
    picture, seen = view.grab().toImage(), view.scene.viewport
    assert seen.zoom == pytest.approx(min(seen.view[0] / (480 * aspect), seen.view[1] / 320))
    shown = view.scene.picture_rect().toRect().adjusted(2, 2, -2, -2)
    for pane in view.scene.panes():
        beside_the_grip = QPoint(-18, 18) if mode == CompareMode.WIPE else QPoint()
        middle = shown.center() + pane.rect.topLeft() + beside_the_grip
        xs = range(pane.rect.left() + shown.left(), pane.rect.left() + shown.right())
        across = sum(picture.pixelColor(x, middle.y()).green() > 150 for x in xs)
        down = sum(picture.pixelColor(middle.x(), y).green() > 150 for y in range(shown.top(), shown.bottom()))
        assert (across, down) == pytest.approx((80 * aspect * seen.zoom, 80 * seen.zoom), abs=4)


def test_tiles_lie_on_their_pixels_whatever_shape_those_have(view):
    """The tile that begins at latent column 44 has its border on the output column 352, where the result changes its colour."""
    grid = TileGrid.build(14, 40, 60, tile=16)
    assert 44 in grid.columns
    result = plain(RESULT, 480, 320)
    result[:, 352:] = SOURCE
    set_mode(view, CompareMode.AB)
    view.set_clip(120, 80, 4, 1.25)
    view.show_frame(0, plain(SOURCE, 120, 80), LR, Side("SR", result=ResultFrame(result, (0, 0), 4, 6, True)))
    before = view.grab().toImage()
    change = next(x for x in range(20, 600) if before.pixelColor(x, 205).red() > 120)
    view.scene.overlay.state.set_grid(grid, 8)
    view.set_overlay_visible(True)
    after = view.grab().toImage()
    lines = [x for x in range(20, 580) if after.pixelColor(x, 205).green() > before.pixelColor(x, 205).green() + 60]
    assert min(abs(x - change) for x in lines) <= 1
    assert view.scene.point_at(change, 205)[0] == pytest.approx(352, abs=1)


class DenseView(CompareView):
    """A view on a screen of twice the density."""

    def devicePixelRatioF(self) -> float:
        return 2.0


def test_actual_size_means_device_pixels(qtbot, mouse_on):
    view = DenseView(TileOverlay(TilingState()))
    qtbot.addWidget(view)
    view.resize(402, 300)
    view.set_comparison(CompareState(CompareMode.AB))
    view.set_clip(1000, 500, 4)
    assert view.scene.viewport.view == (804, 600)
    view.show_frame(0, plain(SOURCE, 1000, 500), LR, restored(width=4000, height=2000))
    view.actual_size()
    region = view.visible_region()
    assert (region.width, region.height) == pytest.approx((804 / 4, 600 / 4), abs=1)
    before = view.scene.viewport.offset
    mouse_on(view).drag((100, 100), (90, 100))
    assert view.scene.viewport.offset[0] == before[0] - 20


def test_fit_keeps_the_shape_of_the_clips_pixels(view):
    view.set_clip(120, 80, 4, aspect=64 / 45)
    whole = view.scene.viewport
    view.actual_size()
    view.fit()
    assert view.scene.viewport == whole


def test_a_double_click_fits_an_anamorphic_clip_too(view):
    view.set_clip(120, 80, 4, aspect=64 / 45)
    view.actual_size()
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    assert view.scene.viewport.aspect == 64 / 45
