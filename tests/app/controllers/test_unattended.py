from contextlib import nullcontext
from datetime import datetime, time, timedelta

import pytest
from steering import states, without_plan

from app.engine.runner import Activity
from app.engine.start_dialog import moment_words, next_moment


@pytest.fixture
def window(open_window):
    return without_plan(open_window())


@pytest.fixture
def started(monkeypatch):
    """Commands that would have been started."""
    commands = []
    monkeypatch.setattr("app.controllers.unattended.start_command", lambda command, _errors: commands.append(command))
    return commands


def end_of_queue(window, done=1):
    window.unattended._done = done
    window.runner.emptied.emit()


def test_the_computer_is_awake_while_clips_are_restored_and_that_is_said(window, own_clip, soon):
    said = []
    window.unattended.status_changed.connect(lambda text, tip: said.append(text))
    window.add_clips([own_clip, own_clip])
    window.action_table["restore"].trigger()
    soon(lambda: states(window) == ["done", "done"])
    soon(lambda: not window.progress.status.text())
    assert "stays awake" in said
    assert window.unattended._awake.held is None


def test_a_plan_keeps_nothing_awake(window, own_clip, soon):
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    window.runs.estimate()
    soon(lambda: window.runner.activity == Activity.IDLE)
    assert window.unattended._awake._thread is None
    window.runs.plan_dialog.reject()


def test_the_users_command_follows_the_whole_queue_once(window, own_clip, soon, started):
    window.preferences.after_command = "backup results"
    window.action_table["afterward.command"].trigger()
    window.add_clips([own_clip, own_clip])
    window.action_table["restore"].trigger()
    soon(lambda: started == ["backup results"])
    assert states(window) == ["done", "done"]


def test_nothing_follows_a_preview_or_a_cancelled_run(open_window, own_clip, soon, started):
    window = without_plan(open_window(holds_from_tile=4))
    window.preferences.after_command = "backup results"
    window.unattended.choose("command")
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    window.runs.preview_a()
    soon(lambda: window.runner.activity == Activity.IDLE)
    window.action_table["restore"].trigger()
    soon(lambda: window.queue.queue[0].progress > 0)
    window.runner.cancel()
    soon(lambda: states(window) == ["cancelled"])
    assert not started


def test_shutting_down_leaves_time_to_prevent_it(window, started):
    window.unattended.choose("shut down")
    end_of_queue(window)
    countdown = window.unattended.countdown
    assert "60 s" in countdown.text() and countdown.defaultButton().text().replace("&", "") == "Cancel"
    countdown._tick()
    assert "59 s" in countdown.text()
    countdown.defaultButton().click()
    assert not started and not countdown._timer.isActive()


@pytest.mark.parametrize("deed", ["sleep", "shut down"])
def test_a_computer_that_shuts_down_is_not_kept_on_by_a_question(window, started, tmp_path, deed):
    """macOS closes all windows first, and stays on where one does not close."""
    window.intake.watch(tmp_path)
    window.unattended.choose(deed)
    end_of_queue(window)
    window.unattended.countdown.now_button.click()
    assert started and (window.unattended.at_stake() is None) == (deed == "shut down")
    window.unattended._end_command(1)
    assert window.unattended.at_stake() is not None, "it was refused"


def test_nothing_is_run_where_nothing_came_out(window, started):
    window.preferences.after_command = "backup results"
    for deed in ("command", "shut down"):
        window.unattended.choose(deed)
        end_of_queue(window, done=0)
    assert not started and window.unattended.countdown is None


def test_nothing_follows_while_clips_wait(window, own_clip, soon, started):
    window.preferences.after_command = "backup results"
    window.unattended.choose("command")
    window.add_clips([own_clip, own_clip])
    window.runner.start_item(window.queue.queue[1].id)
    soon(lambda: states(window) == ["waiting", "done"] and window.runner.activity == Activity.IDLE)
    assert not started


def test_who_says_nothing_gets_what_was_chosen(window, started):
    window.unattended.choose("sleep")
    end_of_queue(window)
    countdown = window.unattended.countdown
    for _ in range(60):
        countdown._tick()
    assert len(started) == 1 and not countdown.isVisible()


def test_a_command_that_fails_is_told(window):
    window.preferences.after_command = "echo no room on nas >&2; exit 7"
    window.unattended.choose("command")
    end_of_queue(window)
    window.unattended._command.wait(60)
    window.unattended._look()
    assert "exit code 7" in window.notices.text and "no room on nas" in window.notices.text
    assert not window.unattended._clock.isActive()


def test_without_a_command_it_is_said_where_to_write_one(window):
    window.unattended.choose("command")
    end_of_queue(window)
    assert "Preferences" in window.notices.text


def test_the_queue_starts_at_its_time(window, own_clip, soon):
    window.add_clips([own_clip])
    window.unattended.start_later(datetime.now() + timedelta(hours=1))
    assert window.action_table["start_at"].text().startswith("Do not start at")
    assert f"at {window.unattended.start_at:%H:%M}" in window.progress.status.text()
    window.unattended._look()
    assert states(window) == ["waiting"]
    window.unattended.start_later(datetime.now() - timedelta(seconds=1))
    window.unattended._look()
    soon(lambda: states(window) == ["done"])
    assert window.unattended.start_at is None


def test_the_start_can_be_asked_for_and_taken_back(window):
    window.action_table["start_at"].trigger()
    dialog = window.unattended.dialog
    assert dialog.field.displayFormat() == "HH:mm"  # no half of the day that could be the wrong one
    when = moment_words(dialog.moment, datetime.now())
    assert dialog.until.text().startswith(f"{when}, in ")
    dialog.accept()
    assert window.unattended.start_at is not None and window.unattended.dialog is None
    assert f"starts at {when}" in window.progress.status.text()
    window.action_table["start_at"].trigger()
    assert window.unattended.start_at is None and not window.unattended._clock.isActive()


def test_the_dialog_promises_to_keep_the_computer_awake_only_where_it_can(window, monkeypatch, soon):
    monkeypatch.setattr(window.unattended._awake, "_way", lambda: nullcontext(False))
    window.action_table["start_at"].trigger()
    dialog = window.unattended.dialog
    assert "awake" not in dialog.hint.text()
    soon(lambda: "cannot be kept awake" in dialog.hint.text())
    dialog.reject()
    assert window.unattended._awake._thread is None


def test_a_time_that_is_past_today_is_tomorrows():
    now = datetime(2026, 11, 26, 22, 30)
    assert next_moment(time(23, 0), now) == datetime(2026, 11, 26, 23, 0)
    assert next_moment(time(7, 0), now) == datetime(2026, 11, 27, 7, 0)
    assert moment_words(next_moment(time(23, 0), now), now) == "23:00 today"
    assert moment_words(next_moment(time(7, 0), now), now) == "07:00 tomorrow"
