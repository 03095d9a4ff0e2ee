"""Actions as data: when each is available, what the menus hold, and the overview of shortcuts."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.controllers.state import WindowState
from app.engine.runner import Activity
from app.queue.job_queue import QueueItem
from app.widgets.action_table import flat, plain
from dcvsr_engine.planning.request import JobRequest

WAITING = QueueItem(JobRequest(source=Path("clip.mp4")), id="one")
MARGIN = 4
"""Pixels that a table leaves free beside a text."""
BUSY = {Activity.RUNNING, Activity.PAUSING, Activity.PAUSED}


@pytest.fixture
def enabled(open_window):
    """The ids of the actions that are available in a state."""
    table = open_window(start=False).action_table

    def ids(state: WindowState) -> set[str]:
        table.update(state)
        return {name for name in table.ids if table[name].isEnabled()}

    return ids


def test_with_nothing_open_there_is_nothing_to_run(enabled):
    assert not enabled(WindowState()) & {"preview", "preview_a", "plan", "restore", "pause", "cancel", "stop", "target", "remove"}
    assert {"open", "paste", "models", "shortcuts", "quit"} <= enabled(WindowState())


def test_an_open_clip_can_be_previewed_and_estimated_while_the_engine_is_idle(enabled):
    runs = {"preview", "preview_a", "preview_b", "plan"}
    assert runs <= enabled(WindowState(clip_open=True))
    assert not runs & enabled(WindowState(clip_open=True, activity=Activity.RUNNING))


def test_restoring_needs_a_clip_that_waits(enabled):
    assert "restore" in enabled(WindowState(waiting=True))
    assert "restore" not in enabled(WindowState(waiting=True, activity=Activity.PLANNING))


@pytest.mark.parametrize("activity", Activity)
def test_a_job_can_be_paused_and_cancelled_and_only_a_stuck_one_stopped(enabled, activity):
    found = enabled(WindowState(activity=activity))
    assert ({"pause", "cancel"} <= found) == (activity in BUSY)
    assert ("stop" in found) == (activity == Activity.CANCELLING)


def test_what_can_be_done_with_an_item_follows_from_its_state(enabled, tmp_path):
    (tmp_path / "unit-00000.video").touch()
    resumable = replace(WAITING, state="cancelled", folder=tmp_path)
    assert "start" in enabled(WindowState(selected=(WAITING,)))
    assert not enabled(WindowState(selected=(WAITING,))) & {"resume", "start_again", "show_in_folder", "show_failure"}
    assert {"resume", "start_again", "delete_unfinished"} <= enabled(WindowState(selected=(resumable,)))
    done = replace(WAITING, state="done", report={"frames": 8}, finished=Path("result.mp4"))
    assert {"show_in_folder", "show_report"} <= enabled(WindowState(selected=(done,)))
    assert "show_report" not in enabled(WindowState(selected=(done, WAITING)))
    assert "remove" not in enabled(WindowState(selected=(replace(WAITING, state="running"),)))


def test_only_an_item_between_others_moves_both_ways(enabled):
    moves = {"move_up", "move_down"}
    found = [enabled(WindowState(selected=(WAITING,), row=row, rows=3)) & moves for row in range(3)]
    assert found == [{"move_down"}, moves, {"move_up"}]


def test_the_pause_button_says_what_it_will_do(open_window):
    table = open_window(start=False).action_table
    texts = []
    for activity in (Activity.RUNNING, Activity.PAUSED):
        table.update(WindowState(activity=activity))
        texts.append(table["pause"].text())
    assert texts == ["Pause", "Resume"]


def test_switches_follow_the_state_without_acting(open_window):
    window = open_window(start=False)
    window.action_table.update(WindowState(part_only=True, appearance="dark", language="zh_CN"))
    assert all(window.action_table[name].isChecked() for name in ("in_out_only", "appearance.dark", "language.zh_CN"))
    assert (window.preferences.appearance, window.preferences.language) == ("system", "")


def test_the_overview_lists_every_shortcut_once_with_the_keys_of_the_preview(open_window):
    window = open_window(start=False)
    window.action_table["shortcuts"].trigger()
    table = window.help.dialog.table
    groups = [table.topLevelItem(index) for index in range(table.topLevelItemCount())]
    assert [group.text(0) for group in groups] == ["File", "Edit", "View", "Job", "Models", "Help", "In the preview"]
    rows = [(group.child(row).text(0), group.child(row).text(1)) for group in groups for row in range(group.childCount())]
    given = {action.text() for action in window.action_table.all() if not action.shortcut().isEmpty()}
    listed = [text for text, _ in rows]
    assert {text.replace("&", "").removesuffix("…") for text in given} <= set(listed)
    assert ("Wipe", "W") in rows and ("Preview as variant A", "F5") in rows and ("Zoom in", "+") in rows
    assert all(keys for _, keys in rows) and len(rows) == len(set(rows))
    room = table.columnWidth(0) - 2 * table.indentation() - 2 * MARGIN
    assert [text for text in listed if table.fontMetrics().horizontalAdvance(text) > room] == []
    window.help.dialog.reject()


def test_the_overview_names_actions_by_themselves(open_window, own_clip):
    window = open_window(start=False)
    window.add_clips([own_clip])
    window.action_table["remove"].trigger()
    assert window.action_table["undo"].text() == "&Undo: removing clip.mp4"
    assert ("Undo", "Ctrl+Z") in dict(window.action_table.shortcuts(window.menus))["Edit"]
    assert [plain(text) for text in ("打开视频(&O)…", "&Open clips…")] == ["打开视频", "Open clips"]


def test_every_action_is_in_a_menu_or_on_a_button(open_window):
    window = open_window(start=False)
    reachable = {entry for menu in window.menus for entry in flat(menu.entries)}
    assert set(window.action_table.ids) - reachable <= {"preview", "delete_unfinished"}  # a button, the context menu
