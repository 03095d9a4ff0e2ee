"""What is kept of a comparison: pictures, the clipboard, and videos that the engine writes."""

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from steering import boxes, notice_button, press, states

from app.engine.runner import Activity
from app.preview.panel import DEFAULT_VARIANT
from dcvsr_engine.events import PreviewFrame

RESTORED = np.full((192, 256, 3), 90, np.uint8)


@pytest.fixture
def window(open_window, own_clip, soon):
    """A window, without an engine, whose clip was restored from frame 2 to 6."""
    window = open_window(start=False)
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    window.preview.timeline.set_chosen(2, 6)
    own_clip.with_name("result.mkv").write_bytes(own_clip.read_bytes())
    window.queue.set_state(window.queue.queue[0].id, "done", finished=own_clip.with_name("result.mkv"), first_frame=2)
    for frame in range(2, 7):
        window.preview.show_result(DEFAULT_VARIANT, PreviewFrame(frame, 0, RESTORED, final=True))
    window.preview.go_to(3)
    soon(lambda: "both" in window.preview.stills)
    return window


def choose(window, action, path):
    """Start an export and choose a file for it."""
    window.action_table[action].trigger()
    window.exports.dialog.fileSelected.emit(str(path))
    window.exports.dialog.reject()


def keeps(window):
    return {name for name in ("save_frame", "save_original", "save_both", "copy_both") if window.action_table[name].isEnabled()}


def test_what_can_be_kept_follows_from_what_is_seen(window, soon):
    assert keeps(window) == {"save_frame", "save_original", "save_both", "copy_both"}
    window.preview.go_to(0)  # outside of what was restored
    soon(lambda: keeps(window) == {"save_frame", "save_original"})
    window.queue.remove(window.queue.queue[0].id)
    assert not keeps(window) and not window.action_table["compare_side"].isEnabled()


def test_a_frame_is_saved_under_a_name_that_is_free(window, own_clip, soon):
    window.action_table["save_frame"].trigger()
    assert [path.endswith("clip_00003.png") for path in window.exports.dialog.selectedFiles()] == [True]
    window.exports.dialog.fileSelected.emit(str(own_clip.with_name("frame")))  # without an ending
    window.exports.dialog.reject()
    target = own_clip.with_name("frame.png")
    soon(target.is_file)
    soon(lambda: "frame.png is saved" in window.notices.text)
    assert (np.asarray(Image.open(target)) == RESTORED).all()
    # the name that was seen had no ending: nobody has agreed to replace this file
    choose(window, "save_original", own_clip.with_name("frame"))
    soon(lambda: "exists already" in window.notices.text)
    choose(window, "save_original", target)  # now the dialog has asked
    soon(lambda: Image.open(target).size == (64, 48))


def test_the_clip_itself_is_never_replaced_by_a_picture(window, own_clip, soon):
    before = own_clip.read_bytes()
    own_clip.with_name("link.png").symlink_to(own_clip)
    choose(window, "save_frame", own_clip.with_name("link.png"))
    soon(lambda: "is the input itself" in window.notices.text)
    assert own_clip.read_bytes() == before


def test_pictures_go_to_the_clipboard(window, soon):
    window.action_table["copy_original"].trigger()
    soon(lambda: "64×48" in window.notices.text)
    assert QGuiApplication.clipboard().image().width() == 64
    window.action_table["copy_both"].trigger()
    soon(lambda: "512×192" in window.notices.text)
    assert QGuiApplication.clipboard().image().width() == 512


def test_the_key_of_copy_belongs_to_what_has_the_focus(window, soon):
    ctrl, desktop = Qt.KeyboardModifier.ControlModifier, window.windowHandle()
    window.show_dock("log")
    window.log_panel.text.setPlainText("A line of the log.")
    window.log_panel.text.selectAll()
    window.log_panel.text.setFocus()
    QTest.keyClick(desktop, Qt.Key.Key_C, ctrl)
    assert QGuiApplication.clipboard().text() == "A line of the log."
    window.preview.view.setFocus()
    QTest.keyClick(desktop, Qt.Key.Key_C, ctrl)
    soon(lambda: QGuiApplication.clipboard().image().width() == 256)


def test_the_engine_writes_a_video_of_the_chosen_range(window, own_clip, soon, monkeypatch):
    played = []
    monkeypatch.setattr("app.controllers.selected_items.open_file", lambda path: bool(played.append(path)) or True)
    window.engine.start()
    target = own_clip.with_name("demo.mp4")
    choose(window, "compare_wipe", target)
    assert not window.action_table["compare_wipe"].isEnabled() and "before and after" in window.progress.title.whole
    soon(lambda: window.runner.activity == Activity.IDLE)
    assert target.read_text() == "wipe (2, 6) 2" and states(window) == ["done"]
    notice_button(window, "Play").click()
    assert played == [target] and [button.text() for button in window.notices.buttons] == ["Play", "Show in folder"]
    window.action_table["compare_side"].trigger()
    assert window.exports.dialog.selectedFiles()[0].endswith("clip_before_after.mkv")  # as the result is
    window.exports.dialog.reject()


def test_a_video_that_the_engine_has_no_time_for_is_told(window, own_clip, soon):
    window.action_table["compare_side"].trigger()
    window.action_table["preview_a"].trigger()  # as a watched clip may begin meanwhile
    window.exports.dialog.fileSelected.emit(str(own_clip.with_name("demo.mp4")))
    window.exports.dialog.reject()
    assert "has begun something else" in window.notices.text
    soon(lambda: window.runner.activity == Activity.IDLE)
    assert not own_clip.with_name("demo.mp4").exists()


def test_a_video_that_exists_is_not_replaced_unasked(window, own_clip, soon):
    own_clip.with_name("demo.mkv").write_bytes(b"precious")
    choose(window, "compare_side", own_clip.with_name("demo"))
    soon(lambda: bool(boxes(window)))
    assert (
        "before/after video was not written" in boxes(window)[0].text() and "exists already" in boxes(window)[0].informativeText()
    )
    assert own_clip.with_name("demo.mkv").read_bytes() == b"precious"
    boxes(window)[0].close()


def test_a_video_is_cancelled_and_quitting_asks_for_it(open_window, own_clip, soon):
    window = open_window(holds_from_tile=4)
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    window.queue.set_state(window.queue.queue[0].id, "done", finished=own_clip)
    choose(window, "compare_side", own_clip.with_name("demo.mp4"))
    window.close()
    assert "would be lost" in boxes(window)[0].text() + boxes(window)[0].informativeText()
    press(boxes(window)[0], "Continue writing")
    soon(lambda: window.progress.share > 0)
    window.action_table["cancel"].trigger()
    soon(lambda: window.runner.activity == Activity.IDLE)
    assert not own_clip.with_name("demo.mp4").exists() and states(window) == ["done"] and not boxes(window)


def test_the_menu_opens_on_a_picture_only(open_window, own_clip, soon, monkeypatch):
    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QContextMenuEvent
    from PySide6.QtWidgets import QApplication, QMenu

    opened = []
    monkeypatch.setattr(QMenu, "popup", lambda menu, at: opened.append([action.text() for action in menu.actions()]))
    window = open_window(start=False)
    ask = lambda: QApplication.sendEvent(  # noqa: E731
        window.preview.view, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, QPoint(5, 5), QPoint(5, 5))
    )
    ask()
    window.add_clips([own_clip])
    soon(lambda: window.preview.view.has_picture)
    ask()
    assert len(opened) == 1 and "&Copy frame" in opened[0]
