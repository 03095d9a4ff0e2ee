from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from clips import Clip, write_clip
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLabel, QWidget

from app.preview.model import CompareMode
from app.preview.panel import PreviewPanel
from app.preview.sound import ClipSound
from app.widgets.appearance import palette_of
from dcvsr_engine.events import FramesChosen, PhaseStarted, PreviewFrame, StepKind, StepStarted, TileFinished, TileStarted
from dcvsr_engine.tiling.grid import TileGrid

GREY_STEP = 12
GRID = TileGrid.build(14, 24, 32, tile=16)


@pytest.fixture
def panel(qtbot):
    made = PreviewPanel()
    qtbot.addWidget(made)
    made.resize(800, 560)
    made.show()
    yield made
    made.shutdown()


@pytest.fixture
def opened(qtbot, panel, grey_clip):
    """The panel with the grey clip at its first frame."""
    with qtbot.waitSignal(panel.clip_opened):
        panel.open_clip(grey_clip)
    see(qtbot, panel, 0)
    return panel


def see(qtbot, panel, frame):
    panel.go_to(frame)
    qtbot.waitUntil(lambda: panel.view.has_picture and panel.view.scene.frame == frame)


def result(frame, value=255, final=True):
    return PreviewFrame(frame, 4, np.full((192, 256, 3), value, np.uint8), final)


def shown(panel):
    """Grey value of the left and the right picture."""
    picture = panel.view.grab().toImage()
    panes = panel.view.scene.panes()
    return [picture.pixelColor(pane.rect.center()).red() for pane in panes]


@pytest.mark.parametrize(("ratio", "aspect"), [(Fraction(16, 15), 16 / 15), (Fraction(1, 9), 1.0)])
def test_a_clip_is_shown_in_the_shape_of_its_pixels(qtbot, panel, tmp_path, ratio, aspect):
    """But not as thin as a damaged header says."""
    path = write_clip(tmp_path / "tape.mkv", Clip(pts=range(2), aspect=ratio))
    with qtbot.waitSignal(panel.clip_opened):
        panel.open_clip(path)
    assert panel.info.sample_aspect_ratio == ratio
    assert panel.view.scene.viewport.aspect == pytest.approx(aspect)
    panel.set_scale(2)
    assert panel.view.scene.viewport.aspect == pytest.approx(aspect)


def test_a_clip_opens_at_its_first_frame(qtbot, panel, grey_clip):
    with qtbot.waitSignal(panel.clip_opened) as signal:
        panel.open_clip(grey_clip)
        assert panel.view.placeholder.kind == "busy"
    assert signal.args[0].frames == 20
    see(qtbot, panel, 0)
    assert panel.view.scene.viewport.picture == (256, 192)
    assert panel.timeline.range.frames == 20


def test_a_clip_without_sound_has_no_volume(opened):
    controls = opened.timeline.sound_controls
    assert not controls.isEnabled() and controls.slider.toolTip() == "This clip has no sound."


def test_play_is_heard_until_it_ends(qtbot, monkeypatch, sound_device, tmp_path):
    monkeypatch.setattr("app.preview.panel.ClipSound", partial(ClipSound, output=sound_device))
    panel = PreviewPanel()
    qtbot.addWidget(panel)
    with qtbot.waitSignal(panel.clip_opened):
        panel.open_clip(write_clip(tmp_path / "tone.mp4", Clip(audio=(("eng", ""),))))
    assert panel.timeline.sound_controls.isEnabled()
    panel.actions_by_id["preview.play"].trigger()
    sound_device.wait_until_opened()
    panel.actions_by_id["preview.stop_playing"].trigger()
    sound_device.wait_until_closed()
    panel.shutdown()


def test_the_frame_that_is_seen_is_the_one_chosen_and_bears_its_own_time(qtbot, opened):
    with qtbot.waitSignal(opened.frame_changed) as signal:
        see(qtbot, opened, 7)
    assert signal.args == [7]
    assert shown(opened)[0] == 7 * GREY_STEP
    assert opened.timeline.time_label.text() == "00:00.700"


def test_a_clip_that_cannot_be_opened_says_why(qtbot, panel, tmp_path):
    with qtbot.waitSignal(panel.clip_failed) as signal:
        panel.open_clip(tmp_path / "gone.mp4")
    assert "gone.mp4" in signal.args[0]
    assert panel.view.placeholder.kind == "error"
    assert panel.view.placeholder.text == signal.args[0]


def test_close_clip_forgets_everything(qtbot, opened):
    opened.show_result("SR", result(0))
    opened.close_clip()
    assert opened.view.placeholder.kind == "empty"
    assert opened.info is None
    assert opened.visible_region() is None
    assert opened.chosen_frames is None
    assert opened.right_box.count() == 1


def test_a_result_is_shown_when_its_frame_is_seen(qtbot, opened):
    opened.show_result("SR", result(3, 250))
    assert shown(opened)[1] != 250
    see(qtbot, opened, 3)
    assert shown(opened) == [3 * GREY_STEP, 250]
    assert opened.timeline.track._restored == [(3, 3)]


def test_two_variants_are_compared_with_each_other(qtbot, opened):
    assert not opened.left_box.isVisible()
    opened.show_result("A", result(0, 100))
    opened.show_result("B", result(0, 200))
    qtbot.waitUntil(opened.left_box.isVisible)
    assert shown(opened) == [0, 200]
    opened.left_box.setCurrentIndex(opened.left_box.findData("A"))
    assert shown(opened) == [100, 200]
    opened.clear_results("B")
    assert shown(opened) == [100, 100]
    qtbot.waitUntil(lambda: not opened.left_box.isVisible())


def test_the_running_job_is_followed(opened):
    opened.set_grid(GRID, 8)
    opened.running_variant = "A"
    opened.on_event(StepStarted(0, 2, 25, StepKind.TAP_FORWARD, 3.0, 0.4, GRID.to_dict(), 0))
    opened.on_event(TileStarted(0, 0))
    assert opened.tiling.tile_state(0, 0) == "running"
    opened.on_event(TileFinished(0, 0, 1, 10, 0.1))
    opened.on_event(FramesChosen(0, (3, 4)))
    opened.on_event(result(0, 90, final=False))
    assert opened.tiling.tile_state(0, 0) == "done"
    assert opened.tiling.chosen == {0: (3, 4)}
    assert shown(opened)[1] == 90
    opened.on_event(StepStarted(0, 3, 25, StepKind.SAP, 2.0, 0.3, GRID.to_dict(), 0))
    assert opened.tiling.tile_state(0, 0) == "waiting"
    opened.on_event(PhaseStarted("decode", 0, 1, 20))
    assert opened.tiling.kind is None


def test_the_next_segment_brings_its_own_grid_and_keeps_factor_and_origin(opened):
    opened.set_grid(GRID, 8, 0, (16, 24))
    later = TileGrid.build(6, 24, 32, tile=16)
    opened.on_event(StepStarted(1, 0, 25, StepKind.SAP, 3.0, 0.4, later.to_dict(), 14))
    assert (opened.tiling.grid, opened.tiling.first_frame) == (later, 14)
    assert (opened.tiling.factor, opened.tiling.origin) == (8, (16, 24))


def test_the_sap_rate_can_be_set_while_a_step_runs(opened):
    opened.set_grid(GRID, 8)
    opened.on_event(StepStarted(0, 0, 25, StepKind.SAP, 3.0, 0.4, GRID.to_dict(), 0))
    opened.on_event(TileFinished(0, 0, 1, 10, 0.1))
    opened.set_sap_rate(4)
    assert opened.tiling.sap_rate == 4
    assert opened.tiling.tile_state(0, 0) == "done"


def test_modes_by_button_and_key(qtbot, opened):
    opened.view.setFocus()
    for key, mode in ((Qt.Key.Key_W, CompareMode.WIPE), (Qt.Key.Key_A, CompareMode.AB), (Qt.Key.Key_D, CompareMode.DIFFERENCE)):
        qtbot.keyClick(opened.view, key)
        assert opened.view.scene.comparison.mode == mode
        assert opened.mode_actions[mode].isChecked()
        qtbot.waitUntil(lambda mode=mode: opened.gain_box.isVisible() == (mode == CompareMode.DIFFERENCE))
    opened.gain_box.setCurrentIndex(opened.gain_box.findData(16))
    assert opened.view.scene.comparison.gain == 16
    button = opened.toolbar.button(opened.mode_actions[CompareMode.SIDE_BY_SIDE])
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert opened.view.scene.comparison.mode == CompareMode.SIDE_BY_SIDE


def test_after_a_click_on_a_mode_keys_act_on_the_picture(qtbot, opened):
    opened.activateWindow()
    opened.timeline.frame_box.setFocus()
    button = opened.toolbar.button(opened.mode_actions[CompareMode.AB])
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(opened.view.hasFocus)
    wipe = opened.toolbar.button(opened.mode_actions[CompareMode.WIPE])
    wipe.setFocus()
    qtbot.keyClick(wipe, Qt.Key.Key_Space)
    assert opened.view.scene.comparison.mode == CompareMode.WIPE
    assert wipe.hasFocus()


def test_shortcuts(qtbot, opened):
    opened.view.setFocus()
    view = opened.view
    qtbot.keyClick(view, Qt.Key.Key_T)
    assert view.scene.overlay_visible
    qtbot.keyClick(view, Qt.Key.Key_M)
    assert view.scene.comparison.loupe
    qtbot.keyClick(view, Qt.Key.Key_1)
    assert view.scene.viewport.zoom == 1.0
    qtbot.keyClick(view, Qt.Key.Key_F)
    assert view.scene.viewport.fitting
    qtbot.keyClick(view, Qt.Key.Key_Period)
    qtbot.keyClick(view, Qt.Key.Key_Period)
    qtbot.keyClick(view, Qt.Key.Key_I)
    qtbot.keyClick(view, Qt.Key.Key_Period)
    qtbot.keyClick(view, Qt.Key.Key_O)
    qtbot.keyClick(view, Qt.Key.Key_Comma)
    assert opened.chosen_frames == (2, 3)
    assert opened.timeline.range.current == 2
    qtbot.keyClick(view, Qt.Key.Key_P)
    assert opened.timeline.playing
    qtbot.keyClick(view, Qt.Key.Key_P)
    assert not opened.timeline.playing


def test_playing_shows_the_frames_of_the_chosen_part(qtbot, opened):
    opened.timeline.set_chosen(4, 6)
    see(qtbot, opened, 4)
    seen = set()
    opened.frame_changed.connect(lambda _: seen.add(opened.view.scene.frame))
    opened.timeline.set_playing(True)
    qtbot.waitUntil(lambda: seen == {4, 5, 6})
    opened.timeline.set_playing(False)


def test_another_scale_changes_the_picture_but_not_the_frame(qtbot, opened):
    see(qtbot, opened, 5)
    opened.set_scale(2)
    assert opened.view.scene.viewport.picture == (128, 96)
    assert shown(opened)[0] == 5 * GREY_STEP


def test_range_and_region_are_told(qtbot, opened):
    with qtbot.waitSignal(opened.range_changed) as signal:
        opened.timeline.set_chosen(2, 9)
    assert signal.args == [2, 9]
    opened.view.setFocus()
    with qtbot.waitSignal(opened.region_selected) as signal:
        qtbot.keyClick(opened.view, Qt.Key.Key_R)
    assert signal.args[0] == opened.region == opened.visible_region()


def test_dropped_files_are_handed_on(qtbot, panel, tmp_path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.mp4")), QUrl("https://example.org/b.mp4")])
    how = Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(9, 9), *how)
    QApplication.sendEvent(panel, enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(9, 9), *how)
    with qtbot.waitSignal(panel.files_dropped) as signal:
        QApplication.sendEvent(panel, drop)
    assert signal.args[0] == [tmp_path / "a.mp4"]


def controls(panel):
    """What takes the keyboard, without the inner parts of spin and combo boxes."""
    found = [child for child in panel.findChildren(QWidget) if child.focusPolicy() != Qt.FocusPolicy.NoFocus]
    return [child for child in found if not isinstance(child.parent(), QAbstractSpinBox) and child.window() is panel.window()]


def test_every_control_has_a_name_a_tooltip_and_the_keyboard(opened):
    opened.show_result("A", result(0, 100))
    opened.show_result("B", result(0, 200))
    opened.set_mode(CompareMode.DIFFERENCE)
    assert len(controls(opened)) >= 18
    for child in controls(opened):
        assert child.accessibleName(), child
        assert child.toolTip() or child.accessibleDescription(), child
        assert child.focusPolicy() & Qt.FocusPolicy.TabFocus, child
    for label in opened.findChildren(QLabel):
        assert label.text() or label.accessibleName()


def test_what_has_the_focus_shows_it(qtbot, opened):
    opened.activateWindow()
    fit = opened.toolbar.button(opened.actions_by_id["preview.fit"])
    for child in (fit, opened.timeline.in_button, opened.timeline.track, opened.view):
        opened.timeline.frame_box.setFocus()
        qtbot.waitUntil(opened.timeline.frame_box.hasFocus)
        without = child.grab().toImage()
        child.setFocus()
        qtbot.waitUntil(child.hasFocus)
        assert child.grab().toImage() != without, child


def test_symbols_follow_the_palette(qtbot, qapp, opened):
    def ink():
        picture = opened.timeline.play_button.icon().pixmap(16, 16).toImage()
        return picture.pixelColor(picture.width() // 2, picture.height() // 2)

    before = qapp.palette()
    for dark in (True, False):
        qapp.setPalette(palette_of(dark))
        wanted = palette_of(dark).buttonText().color()
        qtbot.waitUntil(lambda wanted=wanted: ink() == wanted)
    qapp.setPalette(before)


def test_shutdown_stops_thread_and_timer(qtbot, qapp, grey_clip):
    panel = PreviewPanel()
    with qtbot.waitSignal(panel.clip_opened):
        panel.open_clip(grey_clip)
    panel.timeline.set_playing(True)
    panel.close()
    assert panel.source._decoder.isFinished()
    assert not panel.timeline._timer.isActive()
    panel.deleteLater()
