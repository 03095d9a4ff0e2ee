"""Undo and redo: which edits are one, what comes back, and what a running clip forbids."""

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QTest
from steering import states

from app.controllers.history import MERGE_SECONDS


@pytest.fixture
def window(open_window, own_clip, clock):
    """A window with two waiting clips, the first one shown, without an engine."""
    window = open_window(start=False)
    window.add_clips([own_clip, own_clip])
    return window


def set_number(window, clock, name, value, seconds=10 * MERGE_SECONDS):
    """Edit a setting of the selected clips; by default long after the edit before."""
    clock.time += seconds
    window.settings_panel.rows[name].editor.field.setValue(value)


def steps(window):
    return [item.request.settings.steps for item in window.queue.queue]


def act(window, name):
    assert window.action_table[name].isEnabled()
    window.action_table[name].trigger()


def test_edits_are_undone_and_redone_one_by_one(window, clock):
    assert not window.action_table["undo"].isEnabled() and window.action_table["undo"].text() == "&Undo"
    set_number(window, clock, "steps", 9)
    set_number(window, clock, "seed", 7)
    assert window.action_table["undo"].text() == "&Undo: Seed"
    act(window, "undo")
    assert window.settings_panel.request.settings.seed != 7 and window.action_table["redo"].text() == "&Redo: Seed"
    act(window, "undo")
    assert steps(window) == [None, None] and not window.action_table["undo"].isEnabled()
    act(window, "redo")
    assert steps(window) == [9, None] and window.settings_panel.rows["steps"].editor.field.value() == 9
    set_number(window, clock, "steps", 12)
    assert not window.action_table["redo"].isEnabled()


def test_a_slider_that_is_dragged_is_one_edit_and_back_is_none(window, clock):
    for value in (5, 6, 7, 8):
        set_number(window, clock, "steps", value, MERGE_SECONDS / 2)
    set_number(window, clock, "steps", 20)
    act(window, "undo")
    assert steps(window) == [8, None]
    act(window, "undo")
    assert steps(window) == [None, None] and not window.action_table["undo"].isEnabled()
    set_number(window, clock, "seed", 8)
    set_number(window, clock, "seed", 42, MERGE_SECONDS / 2)
    assert not window.action_table["undo"].isEnabled(), "nothing has changed"


def test_an_edit_of_several_clips_comes_back_to_what_each_had(window, clock):
    set_number(window, clock, "steps", 9)
    window.queue_panel.view.selectAll()
    set_number(window, clock, "steps", 12)
    assert steps(window) == [12, 12]
    act(window, "undo")
    assert steps(window) == [9, None]


def test_undoing_shows_the_clip_that_it_changes(window, clock):
    first, second = (item.id for item in window.queue.queue)
    set_number(window, clock, "steps", 9)
    window.queue_panel.select(second)
    act(window, "undo")
    assert window.queue_panel.current_id() == first and steps(window) == [None, None]


def test_a_preset_is_taken_back_for_the_next_clips_too(window, clock, own_clip):
    box = window.settings_panel.preset_box
    box.activated.emit(box.findData("Paper"))
    assert window.preferences.restore.steps == 25 and window.action_table["undo"].text() == "&Undo: settings"
    act(window, "undo")
    assert window.preferences.restore.steps is None and steps(window) == [None, None]
    window.settings_panel.take_target(own_clip.with_name("new.mp4"), replace=False)
    assert window.action_table["undo"].text() == "&Undo: output file"
    act(window, "undo")
    assert window.queue.queue[0].request.target is None and window.settings_panel.target_field.text() == ""


def test_settings_without_a_clip_are_undone(open_window, clock):
    window = open_window(start=False)
    set_number(window, clock, "steps", 9)
    act(window, "undo")
    assert window.preferences.restore.steps is None and window.settings_panel.request.settings.steps is None


def test_of_many_removed_clips_none_is_shown_on_the_way(open_window, own_clip):
    window, shown = open_window(start=False), []
    window.add_clips([own_clip] * 5)
    window.queue_panel.current_changed.connect(shown.append)
    last = window.queue.queue[4].id
    for row in (0, 1, 2, 3):
        window.queue_panel.view.selectionModel().select(window.queue.index(row), QItemSelectionModel.SelectionFlag.Select)
    act(window, "remove")
    assert shown == [last] and window.shown.item.id == last


def test_removed_clips_come_back_at_once_and_as_they_were(window, clock):
    ids = [item.id for item in window.queue.queue]
    set_number(window, clock, "steps", 9)
    window.queue_panel.view.selectAll()
    act(window, "remove")
    assert not len(window.queue.queue) and window.action_table["undo"].text() == "&Undo: removing 2 clips"
    act(window, "undo")
    assert [item.id for item in window.queue.queue] == ids and steps(window) == [9, None]
    assert window.queue_panel.current_id() == ids[0]
    act(window, "undo")
    assert steps(window) == [None, None], "the edits before are still known"
    act(window, "redo")
    act(window, "redo")
    assert not len(window.queue.queue)


def test_nothing_is_undone_of_a_clip_that_runs(window, clock):
    item = window.queue.queue[0].id
    set_number(window, clock, "steps", 9)
    window.queue_panel.select(item)
    act(window, "remove")
    act(window, "undo")
    window.queue.set_state(item, "running")
    act(window, "undo")
    assert "is being restored" in window.notices.text and steps(window) == [9, None]
    act(window, "redo")
    assert states(window) == ["running", "waiting"], "a running clip is not removed"
    window.queue.set_state(item, "done")
    act(window, "redo")
    act(window, "undo")
    assert states(window) == ["done", "waiting"], "it comes back as it was when it was removed again"


def test_what_a_key_brings_back_is_selected_alone(window, clock):
    ids = [item.id for item in window.queue.queue]
    set_number(window, clock, "steps", 9)
    window.queue_panel.select(ids[1])
    act(window, "remove")
    # through the window's handle, as the desktop does: Ctrl is known to be held
    ctrl, desktop, selected = Qt.KeyboardModifier.ControlModifier, window.windowHandle(), []
    QTest.keyPress(desktop, Qt.Key.Key_Control, ctrl)
    for _ in ids:
        QTest.keyClick(desktop, Qt.Key.Key_Z, ctrl)
        selected.append(window.queue_panel.selected_ids())
    QTest.keyRelease(desktop, Qt.Key.Key_Control)
    assert selected == [[ids[1]], [ids[0]]]


def test_the_keys_work_from_a_field_whose_number_is_complete(window, clock):
    window.activateWindow()
    window.settings_panel.sections["more"].set_open(True)
    window.settings_panel.sections["guidance"].set_open(True)
    field = window.settings_panel.rows["steps"].editor.field
    field.setFocus()
    field.selectAll()
    clock.time = 50.0
    QTest.keyClicks(field, "9")
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert steps(window) == [None, None] and "9" not in field.text(), "half a number is undone as text"
    field.selectAll()
    QTest.keyClicks(field, "9")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert steps(window) == [9, None]
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert steps(window) == [None, None]
