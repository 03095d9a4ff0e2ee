"""The first steps: once, skippable, by keyboard, and with a way to begin."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QLabel, QPushButton
from shiboken6 import isValid

from app.help import gpu
from app.help.gpu import GpuDialog
from app.help.welcome import WelcomeDialog
from app.studio import is_first_start
from app.system.preferences import Preferences
from dcvsr_engine.gpu.detect import Gpu


@pytest.fixture(autouse=True)
def computer(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(gpu, "detect_gpu", lambda: None)


@pytest.fixture
def open_steps(qtbot):
    dialogs: list[WelcomeDialog] = []

    def open_(uses_gpu: bool = False) -> WelcomeDialog:
        dialog = WelcomeDialog(uses_gpu)
        dialogs.append(dialog)
        dialog.open()
        dialog.activateWindow()
        qtbot.waitUntil(lambda: dialog.state is not None)
        return dialog

    yield open_
    for dialog in dialogs:
        if isValid(dialog) and dialog.isVisible():
            dialog.reject()


def test_enter_leads_through_three_steps_that_a_screen_reader_hears(open_steps, qtbot):
    dialog = open_steps()
    assert len(dialog.pages) == 3
    heard = []
    for number in range(3):
        assert dialog.stack.currentIndex() == number and dialog.next_button.hasFocus()
        assert dialog.windowTitle().endswith(f"{number + 1} of 3")
        heard.append(dialog.next_button.accessibleDescription())
        with qtbot.waitSignal(dialog.finished) if number == 2 else qtbot.assertNotEmitted(dialog.finished):
            qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert heard == [page.spoken for page in dialog.pages]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_step_can_be_left(open_steps, qtbot, number):
    dialog = open_steps()
    dialog.show_page(number)
    with qtbot.waitSignal(dialog.finished):
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    dialog = open_steps()
    dialog.show_page(number)
    button = dialog.skip_button if number < 2 else dialog.next_button
    with qtbot.waitSignal(dialog.finished):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_every_button_can_be_reached_and_has_a_key_of_its_own_on_its_step(open_steps):
    dialog = open_steps()
    for number in range(3):
        dialog.show_page(number)
        shown = [button for button in dialog.findChildren(QPushButton) if button.isVisible()]
        assert dialog.choose_button in shown and dialog.sample_button in shown, "a clip is one click away"
        keys = [button.text()[button.text().index("&") + 1].lower() for button in shown]
        assert len(set(keys)) == len(keys)
        assert all(button.focusPolicy() & Qt.FocusPolicy.TabFocus for button in shown)
    assert all(label.text() or label.accessibleName() for label in dialog.findChildren(QLabel))


def test_it_tells_whether_there_is_a_gpu_to_use(open_steps, monkeypatch):
    dialog = open_steps()
    dialog.show_page(1)
    assert "no NVIDIA GPU" in dialog.gpu_text.text() and not dialog.gpu_button.isVisible()
    monkeypatch.setattr(gpu, "detect_gpu", lambda: Gpu("Pretend GPU"))
    dialog = open_steps()
    dialog.show_page(1)
    assert (
        dialog.gpu_text.text() == "This computer has a GPU that is not used yet: Pretend GPU." and dialog.gpu_button.isVisible()
    )
    dialog = open_steps(uses_gpu=True)
    dialog.show_page(1)
    assert dialog.gpu_text.text() == "This GPU is used: Pretend GPU." and not dialog.gpu_button.isVisible()


@pytest.mark.parametrize("number", [0, 2])
def test_a_clip_can_be_dropped_on_any_step(open_steps, qtbot, clip, number):
    dialog = open_steps()
    dialog.show_page(number)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(clip))])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    with qtbot.waitSignal(dialog.clips_dropped) as signal:
        dialog.dropEvent(QDropEvent(QPointF(50, 50), copy, data, left, none))
        assert dialog.isVisible(), "it would crash on X11 if it closed before the drop is over"
    assert signal.args[0] == [clip] and not dialog.isVisible()


def test_it_is_shown_once_and_again_from_the_menu(open_window, folders, qtbot):
    assert is_first_start(Preferences(folders.preferences), [])
    assert not is_first_start(Preferences(folders.preferences), [Path("clip.mp4")])
    window = open_window(start=False)
    [entry] = [action for action in window.menuBar().actions()[-1].menu().actions() if action is window.action_table["welcome"]]
    entry.trigger()
    dialog = window.help.dialog
    assert dialog.isVisible() and not is_first_start(window.preferences, [])
    dialog.sample_button.click()
    [item] = window.queue.queue
    assert item.request.source == folders.data / "sample" / "sample.mp4" and item.request.source.stat().st_size > 1000
    assert not dialog.isVisible()


def test_the_other_buttons_open_what_they_name(open_window):
    window = open_window(start=False)
    opened = []
    window.help.clips_requested.disconnect()
    window.help.clips_requested.connect(lambda: opened.append("clips"))
    for name in ("gpu", "choose", "models"):
        window.help.show_welcome()
        dialog = window.help.dialog
        getattr(dialog, f"{name}_button").click()
        assert not dialog.isVisible()
        if name == "gpu":
            assert isinstance(window.help.dialog, GpuDialog)
            window.help.stop()
    assert opened == ["clips"] and window.models.dialog.isVisible()
