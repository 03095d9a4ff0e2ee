import os

import pytest
from shiboken6 import isValid
from steering import without_plan

from app.engine.entry import use_threads
from app.engine.runner import Activity
from app.system.result_rule import ResultRule
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
    if isValid(window.preferences_menu.dialog):
        window.preferences_menu.dialog.reject()


def type_into(field, text):
    field.setText(text)
    field.editingFinished.emit()


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


def test_results_get_a_folder_and_a_name_that_is_shown_and_checked(window, dialog, own_clip, tmp_path, soon):
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    assert window.settings_panel.target_field.placeholderText() == "clip_x4.mp4"
    type_into(dialog.pattern_field, "{name} - {size}")
    assert "holiday - 1080p.mp4" in dialog.name_preview.text()
    assert window.settings_panel.target_field.placeholderText() == "clip - x4.mp4"
    type_into(dialog.folder_field, str(tmp_path / "out"))
    assert str(tmp_path / "out") in window.settings_panel.sections["output"].header.accessibleDescription()
    assert window.settings_panel.target_field.placeholderText() == str(tmp_path / "out" / "clip - x4.mp4")
    for wrong in ("{name}/x", "{size}", "{name", "{nom}"):
        type_into(dialog.pattern_field, wrong)
        assert wrong in dialog.name_preview.text() and window.preferences.result_rule.pattern == "{name} - {size}"


def test_half_a_name_is_none_though_it_may_be_a_good_one(window, dialog):
    for text in ("{name}_{size}_", "{name}_{size}_{preset}"):
        dialog.pattern_field.setText(text)
        assert window.preferences.result_rule.pattern == "{name}_{size}"
    dialog.reject()
    assert window.preferences.result_rule.pattern == "{name}_{size}"


def test_what_was_typed_last_counts_when_the_dialog_is_closed(window, dialog):
    dialog.pattern_field.setText("{name}")
    dialog.reject()
    assert window.preferences.result_rule.pattern == "{name}"


def test_a_folder_that_cannot_be_written_is_told_at_once(window, dialog, tmp_path):
    (tmp_path / "file").write_text("no folder")
    for wrong in ("results", str(tmp_path / "file"), str(tmp_path / "file" / "out")):
        type_into(dialog.folder_field, wrong)
        assert not dialog.folder_problem.isHidden() and window.preferences.result_rule.folder is None
    type_into(dialog.folder_field, str(tmp_path / "new" / "out"))
    assert dialog.folder_problem.isHidden() and window.preferences.result_rule.folder == tmp_path / "new" / "out"
    assert not (tmp_path / "new").exists()


def test_which_clips_of_a_folder_are_taken_is_kept(window, dialog):
    dialog.recursive_box.click()
    dialog.skip_box.click()
    assert window.preferences.recursive and not window.preferences.skip_done
    dialog.keep_box.click()
    assert not window.preferences.result_rule.keep_folders


def test_an_output_folder_that_cannot_be_made_is_one_sentence(open_window, own_clip, soon, tmp_path):
    (tmp_path / "file").write_text("no folder")
    window = without_plan(open_window())
    window.preferences.result_rule = ResultRule(tmp_path / "file" / "out")
    window.add_clips([own_clip])
    window.action_table["restore"].trigger()
    soon(lambda: window.runner.activity == Activity.IDLE and window.queue.queue[0].state != "waiting")
    assert window.queue.queue[0].state == "failed" and window.queue.queue[0].message


def test_a_command_after_the_queue_is_asked_for_where_there_is_none(window):
    window.action_table["afterward.command"].trigger()
    dialog = window.preferences_menu.dialog
    assert dialog.isVisible() and dialog.command_field.isVisible() and dialog.command_field.isEnabled()
    type_into(dialog.command_field, "backup")
    dialog.reject()
    window.action_table["afterward.nothing"].trigger()
    window.action_table["afterward.command"].trigger()
    assert window.preferences_menu.dialog is dialog and window.preferences.after_command == "backup"
