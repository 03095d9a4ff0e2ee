"""The preview alone on the screen, and everything back in its place afterwards."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from dcvsr_engine.planning.request import Region


def around(window):
    """Which panels and bars are seen."""
    bars = window.menuBar(), window.progress
    return [part.isVisible() for part in (*window.docks.values(), *bars)]


def test_the_preview_gets_the_screen_and_gives_it_back(open_window, own_clip, soon):
    window = open_window(start=False)
    window.docks["queue"].hide()
    window.add_clips([own_clip])
    soon(lambda: window.preview.view.has_picture)
    before, button = around(window), window.preview.toolbar.button(window.action_table["full_screen"])
    button.click()
    assert window.isFullScreen() and not any(around(window)) and window.full_screen.on and button.isChecked()
    assert window.preview.toolbar.isVisible() and window.preview.timeline.isVisible()
    window.action_table["full_screen"].trigger()
    assert not window.isFullScreen() and around(window) == before and not button.isChecked()


def test_keys_work_on_the_full_screen_and_escape_leaves_it(open_window, own_clip, soon):
    window = open_window(start=False)
    window.add_clips([own_clip])
    soon(lambda: window.preview.view.has_picture)
    window.queue_panel.view.setFocus()
    QTest.keyClick(window, Qt.Key.Key_F11)
    assert window.full_screen.on and window.preview.view.hasFocus()
    QTest.keyClick(window.preview.view, Qt.Key.Key_W)
    QTest.keyClick(window.preview.view, Qt.Key.Key_Right)
    assert window.preview.view.scene.comparison.mode == "wipe" and window.preview.timeline.range.current == 1
    window.preview.view.show_again(window.preview.view.scene.viewport, Region(x=0, y=0, width=20, height=20))
    QTest.keyClick(window.preview.view, Qt.Key.Key_Escape)
    assert window.full_screen.on and window.preview.region is None, "first it clears the selection"
    QTest.keyClick(window.preview.view, Qt.Key.Key_Escape)
    assert not window.full_screen.on and not window.isFullScreen()
    QTest.keyClick(window.preview.view, Qt.Key.Key_Escape)
    assert not window.isFullScreen()


def test_a_maximised_window_is_maximised_again_and_the_desktop_may_end_the_full_screen(open_window):
    window = open_window(start=False)
    window.showMaximized()
    before = around(window)
    window.full_screen.show(True)
    assert window.isFullScreen()
    window.setWindowState(window.windowState() & ~Qt.WindowState.WindowFullScreen)
    assert window.isMaximized() and around(window) == before and not window.action_table["full_screen"].isChecked()


def test_a_window_that_was_closed_on_the_full_screen_comes_back_whole(open_window):
    window = open_window(start=False)
    before = around(window)
    window.full_screen.show(True)
    window.close()
    again = open_window(start=False)
    assert around(again) == before and not again.isFullScreen()
