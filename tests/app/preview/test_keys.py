import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from app.preview.model import CompareMode


@pytest.fixture
def window(open_window, own_clip, soon):
    window = open_window(start=False)
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    window.activateWindow()
    window.queue_panel.view.setFocus()
    return window


def test_letters_of_the_view_menu_work_while_the_queue_has_the_focus(window):
    QTest.keyClick(window.queue_panel.view, Qt.Key.Key_W)
    assert window.preview.view.scene.comparison.mode == CompareMode.WIPE
    QTest.keyClick(window.queue_panel.view, Qt.Key.Key_T)
    assert window.preview.view.scene.overlay_visible


def test_letters_are_text_in_a_text_field(window):
    window.settings_panel.sections["output"].set_open(True)
    field = window.settings_panel.target_field
    field.setFocus()
    QTest.keyClicks(field, "wt")
    assert field.text() == "wt" and window.preview.view.scene.comparison.mode == CompareMode.SIDE_BY_SIDE


def test_space_plays_and_arrows_step_from_the_queue(window):
    timeline = window.preview.timeline
    QTest.keyClick(window.queue_panel.view, Qt.Key.Key_Right)
    QTest.keyClick(window.queue_panel.view, Qt.Key.Key_Right)
    QTest.keyClick(window.queue_panel.view, Qt.Key.Key_Left)
    assert timeline.range.current == 1
    QTest.keyClick(window.queue_panel.view, Qt.Key.Key_Space)
    assert timeline.playing
    QTest.keyClick(window.queue_panel.view, Qt.Key.Key_Space)
    assert not timeline.playing


def test_arrows_step_in_the_view_too(window):
    window.preview.view.setFocus()
    QTest.keyClick(window.preview.view, Qt.Key.Key_Right)
    assert window.preview.timeline.range.current == 1


def test_space_presses_a_button_that_has_the_focus(window):
    box = window.settings_panel.rows["audio"].editor
    window.settings_panel.sections["output"].set_open(True)
    box.setFocus()
    before = box.isChecked()
    QTest.keyClick(box, Qt.Key.Key_Space)
    assert box.isChecked() != before and not window.preview.timeline.playing


def test_j_k_l_play_backwards_stop_and_play(window, soon):
    timeline, view = window.preview.timeline, window.queue_panel.view
    QTest.keyClick(view, Qt.Key.Key_J)
    assert timeline.playing
    soon(lambda: timeline.range.current == timeline.range.last)  # from the first frame backwards: the range repeats
    QTest.keyClick(view, Qt.Key.Key_K)
    assert not timeline.playing
    QTest.keyClick(view, Qt.Key.Key_L)
    assert timeline.playing
    timeline.set_playing(False)


def test_space_shows_the_other_picture_in_ab(window):
    window.preview.set_mode(CompareMode.AB)
    QTest.keyPress(window.queue_panel.view, Qt.Key.Key_Space)
    assert window.preview.view.scene.comparison.swapped
    QTest.keyRelease(window.preview.view, Qt.Key.Key_Space)
    assert not window.preview.view.scene.comparison.swapped and not window.preview.timeline.playing


def test_a_click_on_a_button_leaves_space_and_arrows_to_the_player(window):
    timeline, queue = window.preview.timeline, window.queue_panel
    buttons = [*window.progress.buttons.values(), timeline.sound_controls.button, timeline.part_box, queue.add_button]
    buttons += queue.findChildren(QToolButton)
    assert not [button.accessibleName() for button in buttons if button.focusPolicy() & Qt.FocusPolicy.ClickFocus]
    QTest.mouseClick(timeline.in_button, Qt.MouseButton.LeftButton)
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Right)
    assert timeline.range.current == 1
