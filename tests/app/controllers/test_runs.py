import os
import signal

import pytest
from clip_files import write_clip
from steering import notice_button, restoring, states, without_plan

from app.engine.runner import Activity


def test_resume_in_the_notice_runs_that_clip_and_no_other(open_window, own_clip, soon):
    window = without_plan(open_window(holds_from_tile=4))
    window.add_clips([own_clip, own_clip, own_clip])
    last = window.queue.queue[2]
    window.queue_panel.select(last.id)
    window.action_table["start"].trigger()
    soon(lambda: window.queue.queue[2].progress > 0)
    os.kill(window.engine.process_id, signal.SIGKILL)
    soon(window.notices.isVisible)
    window.queue_panel.select(window.queue.queue[0].id)
    notice_button(window, "Resume").click()
    assert window.runner.running_item == last.id and window.shown.item.id == last.id
    soon(lambda: states(window) == ["waiting", "waiting", "done"] and window.runner.activity == Activity.IDLE)


def test_the_detail_slider_changes_an_open_preview_at_once(open_window, own_clip, soon):
    window = open_window()
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    window.settings_panel.rows["strength"].editor.field.setValue(0.5)
    ran = []
    window.runner.planned.connect(lambda run, plan: ran.append(run.request.settings.strength))
    window.runs.preview_a()
    soon(lambda: window.runner.activity == Activity.IDLE)
    assert ran == [1.0] and window.preview.view.scene.strength == 0.5
    window.settings_panel.rows["strength"].editor.field.setValue(0.2)
    assert window.preview.view.scene.strength == 0.2 and window.queue.queue[0].request.settings.strength == 0.2


def test_start_again_runs_the_selected_clip_and_no_other(open_window, own_clip, soon):
    window = without_plan(open_window())
    window.add_clips([own_clip, own_clip])
    second = window.queue.queue[1].id
    window.queue_panel.select(second)
    window.action_table["start"].trigger()
    soon(lambda: states(window) == ["waiting", "done"])
    window.action_table["start_again"].trigger()
    soon(lambda: window.runner.running_item == second)
    soon(lambda: window.runner.activity == Activity.IDLE)
    assert states(window) == ["waiting", "done"]


@pytest.mark.parametrize(("action", "state"), [("start", "waiting"), ("start_again", "cancelled")])
def test_one_clip_alone_starts_after_its_plan_too(open_window, own_clip, soon, action, state):
    window = open_window()
    window.add_clips([own_clip, own_clip])
    window.queue.set_state(window.queue.queue[1].id, state)
    window.queue_panel.select(window.queue.queue[1].id)
    window.action_table[action].trigger()
    window.runs.plan_dialog.reject()
    assert states(window) == ["waiting", state]
    window.action_table[action].trigger()
    soon(window.runs.plan_dialog.start_button.isEnabled)
    window.runs.plan_dialog.accept()
    soon(lambda: states(window) == ["waiting", "done"] and window.runner.activity == Activity.IDLE)


def test_what_is_to_start_alone_while_something_runs_comes_next(open_window, own_clip, soon, go_on):
    window = restoring(open_window, own_clip, soon)
    window.add_clips([own_clip, own_clip])
    window.queue_panel.select(window.queue.queue[2].id)
    window.action_table["start"].trigger()
    go_on()
    soon(lambda: states(window)[2] == "done")
    assert states(window)[1] != "done"


def test_what_is_resumed_while_something_runs_comes_next(open_window, own_clip, soon, go_on):
    window = without_plan(open_window(holds_from_tile=4))
    window.add_clips([own_clip, own_clip, own_clip])
    window.queue.set_state(window.queue.queue[2].id, "cancelled")
    window.queue_panel.select(window.queue.queue[1].id)
    window.action_table["start"].trigger()
    soon(lambda: window.queue.queue[1].progress > 0)
    window.runs.run_again([window.queue.queue[2].id], resume=False)
    go_on()
    soon(lambda: states(window) == ["waiting", "done", "done"])


def test_what_is_resumed_by_the_menu_is_no_longer_said_to_be_cancelled(open_window, own_clip, soon):
    window = restoring(open_window, own_clip, soon)
    window.action_table["cancel"].trigger()
    soon(lambda: "was cancelled" in window.notices.text and window.runner.activity == Activity.IDLE)
    window.action_table["resume"].trigger()
    assert states(window) == ["running"] and not window.notices.isVisible()
    soon(lambda: states(window) == ["done"])


def test_the_words_say_from_where_it_resumes(open_window, own_clip, soon):
    window = without_plan(open_window(holds_from_tile=4))
    window.add_clips([own_clip])
    window.settings_panel.rows["steps"].editor.field.setValue(4)
    window.action_table["restore"].trigger()
    soon(lambda: window.queue.queue[0].progress > 0)
    os.kill(window.engine.process_id, signal.SIGKILL)
    soon(window.notices.isVisible)
    assert "from the last finished step" in window.notices.text


def test_a_segment_of_one_step_resumes_from_the_last_segment(open_window, own_clip, soon):
    window = without_plan(open_window(holds_from_tile=0))
    window.add_clips([own_clip])
    window.settings_panel.rows["steps"].editor.field.setValue(1)
    window.action_table["restore"].trigger()
    soon(lambda: window.queue.queue[0].folder is not None)
    os.kill(window.engine.process_id, signal.SIGKILL)
    soon(window.notices.isVisible)
    assert "from the last finished segment" in window.notices.text


def test_a_clip_of_which_nothing_is_kept_can_be_started_again(open_window, own_clip, soon):
    window = without_plan(open_window(deaf=True))
    window.add_clips([own_clip])
    window.action_table["restore"].trigger()
    soon(lambda: window.engine.process_id is not None and window.engine._ready)
    os.kill(window.engine.process_id, signal.SIGKILL)
    soon(window.notices.isVisible)
    assert "clip.mp4 has to start again" in window.notices.text and notice_button(window, "Start again").isVisible()


@pytest.fixture
def hd_clip(tmp_path):
    return write_clip(tmp_path / "hd.mp4", 3, 1280, 720)


@pytest.mark.parametrize("chosen", [False, True])
def test_all_that_is_seen_of_the_first_preview_of_a_visible_part_is_restored(open_window, hd_clip, soon, chosen):
    window = open_window()
    window.add_clips([hd_clip])
    soon(lambda: window.preview.info is not None)
    if chosen:
        window.preview.view.actual_size()
        window.action_table["visible_only"].setChecked(True)
    window.action_table["preview_a"].trigger()
    region = window.runner.current.request.region
    soon(lambda: window.runner.activity == Activity.IDLE)
    seen = window.preview.view.visible_region()
    assert region.x <= seen.x and seen.x + seen.width <= region.x + region.width, "the tools may take a line of its height"


def test_an_hd_clip_is_previewed_in_its_visible_part(open_window, hd_clip, soon):
    window = open_window()
    window.add_clips([hd_clip])
    soon(lambda: window.preview.info is not None)
    assert window.action_table["visible_only"].isChecked()
    window.action_table["preview"].trigger()
    region = window.runner.current.request.region
    assert region is not None and region.width < 640 and region.height < 640
    soon(lambda: window.runner.activity == Activity.IDLE)
    window.action_table["visible_only"].setChecked(False)
    window.action_table["preview"].trigger()
    assert window.runner.current.request.region is None
    window.runner.stop_now()
    soon(lambda: window.runner.activity == Activity.IDLE)


def test_a_preview_leaves_in_and_out_alone(open_window, own_clip, soon):
    window = open_window()
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    window.action_table["preview"].trigger()
    assert window.preview.timeline.range.is_whole and window.queue.queue[0].request.frames is None
    soon(lambda: window.runner.activity == Activity.IDLE)


def test_a_failed_second_run_leaves_the_first_result_in_reach(open_window, own_clip, soon):
    window = without_plan(open_window())
    window.add_clips([own_clip])
    window.action_table["restore"].trigger()
    soon(lambda: states(window) == ["done"])
    item = window.queue.queue[0]
    window.queue.set_state(item.id, "failed", message="no", result=own_clip.with_name("other.mp4"))
    assert window.action_table["show_in_folder"].isEnabled() and window.action_table["show_report"].isEnabled()
    assert window.queue.queue[0].finished == item.finished == own_clip.with_name("clip_x4.mp4")
