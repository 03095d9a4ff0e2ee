import os

import pytest
from steering import without_plan

from app.engine.entry import use_threads
from dcvsr_engine.worker.messages import DeviceFacts, Ready


@pytest.fixture
def window(open_window):
    return without_plan(open_window(start=False))


@pytest.fixture
def dialog(window):
    gpu = DeviceFacts("cuda", "NVIDIA T4", 15 << 30)
    window.runner.ready.emit(Ready("1", "2", (gpu, DeviceFacts("cpu", "processor, 2 threads", 8 << 30))))
    window.action_table["preferences"].trigger()
    yield window.preferences_menu.dialog
    window.preferences_menu.dialog.reject()


def choose(box, value):
    box.setCurrentIndex(box.findData(value))


def test_devices_have_their_names_and_memory(window, dialog):
    assert dialog.device_box.itemText(dialog.device_box.findData("cuda")) == "NVIDIA T4 · 15 GB"
    choose(dialog.device_box, "cuda")
    assert window.preferences.restore.device == "cuda"
    editor = window.settings_panel.rows["device"].editor
    assert editor.itemText(editor.findData("cpu")) == "Processor · 8 GB"
    assert not editor.model().item(editor.findData("mps")).isEnabled()


def test_appearance_and_language_are_those_of_the_menus(window, dialog):
    choose(dialog.appearance_box, "dark")
    choose(dialog.language_box, "zh_CN")
    assert window.preferences.appearance == "dark" and window.action_table["appearance.dark"].isChecked()
    assert window.action_table["language.zh_CN"].isChecked()
    choose(dialog.appearance_box, "system")


def test_what_follows_the_queue_and_its_command_are_kept(window, dialog):
    assert not dialog.command_field.isEnabled()
    choose(dialog.afterward_box, "command")
    assert dialog.command_field.isEnabled() and window.action_table["afterward.command"].isChecked()
    dialog.command_field.setText("  backup  ")
    dialog.command_field.editingFinished.emit()
    assert (window.preferences.afterward, window.preferences.after_command) == ("command", "backup")


def test_threads_and_the_plan_are_kept(window, dialog):
    assert dialog.threads_box.text() == "all"
    dialog.threads_box.setValue(3)
    dialog.plan_box.click()
    assert window.preferences.threads == 3 and window.preferences.plan_first


def test_the_engine_inherits_its_number_of_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    use_threads(0)
    assert os.environ["OMP_NUM_THREADS"] == "7"
    use_threads(2)
    assert os.environ["OMP_NUM_THREADS"] == "2"
