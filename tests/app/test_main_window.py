import os
import signal

import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QListView
from steering import boxes, drop, files, notice_button, press, restoring, states, without_plan

from app.engine.runner import Activity
from app.studio import error_hook
from dcvsr_engine.events import TileFinished, TileStarted

# -- clips ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["window", "preview", "queue"])
def test_a_dropped_clip_is_queued_and_looked_at(open_window, own_clip, soon, target):
    window = open_window(start=False)
    widget = {"window": window, "preview": window.preview, "queue": window.queue_panel.view.viewport()}[target]
    drop(widget, own_clip)
    soon(lambda: window.preview.info is not None)
    item = window.queue.queue[0]
    assert (item.request.source, item.size, item.state) == (own_clip, (64, 48), "waiting")
    assert window.preview.tiling.grid is not None
    soon(lambda: window.preferences.recent == [own_clip])


def test_a_dropped_folder_brings_all_its_clips(open_window, own_clip, soon):
    (own_clip.parent / "two").mkdir()
    for name in ("b.mp4", "a.mp4"):
        (own_clip.parent / "two" / name).write_bytes(own_clip.read_bytes())
    window = open_window(start=False)
    drop(window, own_clip.parent / "two")
    assert [item.request.source.name for item in window.queue.queue] == ["a.mp4", "b.mp4"]
    soon(lambda: all(item.size for item in window.queue.queue))


def test_a_folder_without_clips_is_told(open_window, tmp_path):
    (tmp_path / "empty").mkdir()
    window = open_window(start=False)
    drop(window, tmp_path / "empty")
    assert "empty" in window.notices.text and not len(window.queue.queue)


def test_clips_are_pasted_as_files_or_as_text(open_window, own_clip, soon):
    window = open_window(start=False)
    QGuiApplication.clipboard().setMimeData(files(own_clip))
    window.action_table["paste"].trigger()
    QGuiApplication.clipboard().setText(f'"{own_clip}"\nnothing that exists\n')
    window.action_table["paste"].trigger()
    assert [item.request.source for item in window.queue.queue] == [own_clip, own_clip]
    QGuiApplication.clipboard().setText("no file")
    window.action_table["paste"].trigger()
    assert window.notices.isVisible() and len(window.queue.queue) == 2


def test_a_recent_name_keeps_its_ampersand(open_window, tmp_path):
    window = open_window(start=False)
    window.preferences.add_recent(tmp_path / "Tom & Jerry.mp4")
    window.recent_menu.refresh()
    assert "Tom && Jerry.mp4" in window.recent_menu.actions()[0].text()


def test_recent_clips_are_offered_again_and_forgotten(open_window, own_clip, soon):
    window = open_window(start=False)
    assert not window.recent_menu.isEnabled()
    window.add_clips([own_clip])
    soon(window.recent_menu.isEnabled)
    window.recent_menu.actions()[0].trigger()
    assert len(window.queue.queue) == 2
    soon(lambda: all(item.size for item in window.queue.queue))
    window.recent_menu.actions()[-1].trigger()
    assert window.preferences.recent == [] and not window.recent_menu.isEnabled()


def test_a_file_that_is_no_clip_is_told_in_the_preview(open_window, tmp_path, soon):
    (tmp_path / "notes.txt").write_text("Not a video.")
    window = open_window(start=False)
    drop(window, tmp_path / "notes.txt")
    soon(lambda: "notes.txt" in window.log_panel.text.toPlainText())
    assert not window.action_table["preview"].isEnabled()


def test_a_second_start_hands_its_clips_to_this_window(open_window, own_clip):
    window = open_window(start=False)
    window.receive_files([own_clip])
    assert len(window.queue.queue) == 1
    window.receive_files([])
    assert len(window.queue.queue) == 1 and not window.notices.isVisible()


# -- the item that is looked at ---------------------------------------------------------------------------------


def test_settings_belong_to_the_selected_item(open_window, own_clip, soon):
    window = open_window(start=False)
    window.add_clips([own_clip])
    window.settings_panel.rows["steps"].editor.field.setValue(9)
    window.add_clips([own_clip])
    window.settings_panel.rows["steps"].editor.field.setValue(5)
    assert [item.request.settings.steps for item in window.queue.queue] == [9, 5]
    window.queue_panel.select(window.queue.queue[0].id)
    assert window.settings_panel.request.settings.steps == 9
    assert window.preferences.restore.steps is None


def test_settings_change_the_item_that_is_shown_when_another_was_removed(open_window, own_clip):
    window = open_window(start=False)
    window.add_clips([own_clip, own_clip])
    window.queue_panel.select(window.queue.queue[1].id)
    window.action_table["remove"].trigger()
    window.settings_panel.rows["seed"].editor.field.setValue(7)
    assert [item.request.settings.seed for item in window.queue.queue] == [7]


def test_settings_change_all_selected_items(open_window, own_clip):
    window = open_window(start=False)
    window.add_clips([own_clip, own_clip])
    window.queue_panel.view.selectAll()
    window.settings_panel.rows["seed"].editor.field.setValue(7)
    assert [item.request.settings.seed for item in window.queue.queue] == [7, 7]


def test_the_grid_follows_the_tile_settings_before_anything_runs(open_window, own_clip, soon):
    window = open_window(start=False)
    window.add_clips([own_clip])
    soon(lambda: window.preview.tiling.grid is not None)
    before = window.preview.tiling.grid
    window.settings_panel.rows["tile"].editor.field.setValue(24)
    after = window.preview.tiling.grid
    # fast tiling makes tiles as small as their number allows
    assert before.tile_height > 24 >= after.tile_height and after.tile_width == 24
    assert len(after) > len(before)


def test_only_the_part_from_in_to_out_can_be_restored(open_window, own_clip, soon):
    window = open_window(start=False)
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    window.preview.timeline.set_chosen(2, 5)
    assert window.queue.queue[0].request.frames == (2, 5)
    window.preview.timeline.set_chosen(1, 5)
    assert window.queue.queue[0].request.frames == (1, 5)
    window.action_table["in_out_only"].trigger()
    assert window.queue.queue[0].request.frames is None


def test_removing_the_last_item_empties_the_preview(open_window, own_clip, soon):
    window = open_window(start=False)
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    window.action_table["remove"].trigger()
    assert not len(window.queue.queue) and window.preview.info is None
    assert not window.action_table["restore"].isEnabled()


# -- jobs -------------------------------------------------------------------------------------------------------


def test_two_variants_of_a_segment_are_kept(open_window, own_clip, soon):
    window = open_window()
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    window.preview.timeline.set_chosen(2, 4)
    window.action_table["preview_a"].trigger()
    soon(lambda: window.runner.activity == Activity.RUNNING)
    soon(lambda: window.runner.activity == Activity.IDLE)
    window.settings_panel.rows["gamma_peak"].editor.field.setValue(2)
    window.action_table["preview_b"].trigger()
    soon(lambda: window.runner.activity == Activity.IDLE)
    offered = [window.preview.right_box.itemData(index) for index in range(window.preview.right_box.count())]
    assert {"A", "B"} <= set(offered)
    assert states(window) == ["waiting"] and list(own_clip.parent.glob("*.mp4")) == [own_clip]


def test_without_in_and_out_a_preview_takes_a_window_of_frames_from_here(open_window, own_clip, soon):
    window = open_window()
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    window.settings_panel.rows["window"].editor.field.setValue(3)
    window.preview.go_to(4)
    window.action_table["preview"].trigger()
    assert window.runner.current.request.frames == (4, 6)
    soon(lambda: window.runner.activity == Activity.IDLE)


def test_a_preview_of_the_visible_part_only(open_window, own_clip, soon):
    window = open_window()
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    window.action_table["visible_only"].setChecked(True)
    window.action_table["preview"].trigger()
    region = window.runner.current.request.region
    assert region is not None and region.width <= 64
    soon(lambda: window.runner.activity == Activity.IDLE)


def test_restoring_shows_the_plan_first_and_then_runs_the_queue(open_window, own_clip, soon):
    window = open_window()
    window.add_clips([own_clip, own_clip])
    window.action_table["restore"].trigger()
    soon(window.runs.plan_dialog.start_button.isEnabled)
    assert states(window) == ["waiting", "waiting"] and not window.runs.plan_dialog.problems.isVisible()
    window.runs.plan_dialog.start_button.click()
    soon(lambda: states(window) == ["done", "done"])
    assert window.notices.isVisible() and "clip_x4_2.mp4" in window.notices.text
    notice_button(window, "Report").click()
    assert window.docks["report"].isVisible() and window.report.tree.topLevelItemCount() > 5


def test_a_plan_that_does_not_fit_says_what_to_change_and_does_not_start(open_window, own_clip, soon):
    window = open_window(problems=("The tiles do not fit into the device's memory: choose a smaller tile.",))
    window.add_clips([own_clip])
    window.action_table["restore"].trigger()
    soon(window.runs.plan_dialog.problems.isVisible)
    assert "smaller tile" in window.runs.plan_dialog.problems.text() and not window.runs.plan_dialog.start_button.isEnabled()
    window.runs.plan_dialog.reject()
    assert window.runs.plan_dialog is None and window.runner.activity == Activity.IDLE


def test_after_a_plan_the_tiles_are_those_of_the_segment_that_is_seen(open_window, own_clip, soon):
    window = open_window(segments=2)
    window.add_clips([own_clip])
    soon(window.action_table["plan"].isEnabled)
    assert (window.preview.tiling.first_frame, window.preview.tiling.grid.frames) == (0, 8)
    window.action_table["plan"].trigger()
    soon(window.runs.plan_dialog.start_button.isEnabled)
    window.runs.plan_dialog.reject()
    window.preview.go_to(6)
    assert (window.preview.tiling.first_frame, window.preview.tiling.grid.frames) == (4, 4)
    window.settings_panel.rows["segment_frames"].editor.field.setValue(20)
    assert window.preview.tiling.first_frame == 0


def test_the_plan_can_be_left_out_and_asked_for(open_window, own_clip, soon):
    window = open_window()
    window.add_clips([own_clip])
    soon(window.action_table["plan"].isEnabled)
    window.action_table["plan"].trigger()
    window.runs.plan_dialog.ask_again.click()
    window.runs.plan_dialog.reject()
    assert not window.preferences.plan_first
    window.action_table["restore"].trigger()
    assert window.runs.plan_dialog is None
    soon(lambda: states(window) == ["done"])


def test_a_run_is_seen_in_bar_strip_title_queue_and_overlay(open_window, own_clip, soon, go_on):
    window = without_plan(open_window(holds_from_tile=5))
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    seen: list[str] = []

    def note(run, event) -> None:
        if isinstance(event, TileFinished):
            seen.append(window.preview.tiling.tile_state(event.m, event.n))

    window.runner.progressed.connect(note)
    before = window.preview.geometry()
    window.action_table["restore"].trigger()
    soon(lambda: len(seen) > 3)
    assert window.progress.strip.isVisible() and window.progress.strip.current is not None
    assert "step" in window.progress.title.whole and window.progress.buttons["pause"].isEnabled()
    assert "%" in window.windowTitle() and window.queue.queue[0].progress > 0
    assert set(seen) == {"done"} and window.preview.geometry() == before
    assert not window.settings_panel.rows["steps"].isEnabled() and window.settings_panel.note.isVisible()
    go_on()
    soon(lambda: states(window) == ["done"])
    assert window.settings_panel.rows["steps"].isEnabled() and window.windowTitle() == "DC-VSR Studio"


def test_pause_resume_and_cancel(open_window, own_clip, soon):
    window = without_plan(open_window(holds_from_tile=4))
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    window.action_table["restore"].trigger()
    soon(lambda: window.queue.queue[0].progress > 0)
    window.action_table["pause"].trigger()
    soon(lambda: window.runner.activity == Activity.PAUSED)
    assert window.action_table["pause"].text() == "Resume" and "paused" in window.progress.title.whole
    window.action_table["pause"].trigger()
    soon(lambda: window.runner.activity == Activity.RUNNING)
    window.action_table["cancel"].trigger()
    soon(lambda: states(window) == ["cancelled"])
    assert not window.action_table["cancel"].isEnabled() and window.action_table["resume"].isEnabled()
    assert "clip.mp4 was cancelled. It can be resumed" in window.notices.text and notice_button(window, "Start again")
    notice_button(window, "Resume").click()
    soon(lambda: states(window) == ["done"])


def test_an_engine_that_takes_too_long_to_cancel_can_be_stopped(open_window, own_clip, soon):
    window = without_plan(open_window(tile_seconds=60))
    window.add_clips([own_clip])
    window.progress.patience = 50
    started = []
    window.runner.progressed.connect(lambda run, event: started.append(event) if isinstance(event, TileStarted) else None)
    window.action_table["restore"].trigger()
    soon(lambda: bool(started))
    window.action_table["cancel"].trigger()
    soon(window.progress.buttons["stop"].isVisible)
    window.progress.buttons["stop"].click()
    soon(lambda: states(window) == ["cancelled"])
    assert "unexpectedly" not in window.notices.text


def test_a_killed_engine_is_told_and_its_job_resumes(open_window, own_clip, soon):
    window = restoring(open_window, own_clip, soon)
    os.kill(window.engine.process_id, signal.SIGKILL)
    soon(window.notices.isVisible)
    assert states(window) == ["interrupted"] and "clip.mp4" in window.notices.text
    notice_button(window, "Resume").click()
    soon(lambda: states(window) == ["done"])


def test_an_engine_that_does_not_start_is_told_once_and_can_be_tried_again(open_window, soon):
    window = open_window(die_at_start=True)
    soon(window.notices.isVisible)
    assert "3" in window.notices.text
    assert window.engine.wait(60_000)
    notice_button(window, "Try again").click()
    soon(window.notices.isVisible)


def test_a_failure_is_told_in_words_with_details_folded_away(open_window, own_clip, soon):
    window = without_plan(open_window(fail_at_tile=2))
    window.add_clips([own_clip, own_clip])
    window.action_table["restore"].trigger()
    soon(lambda: states(window) == ["failed", "failed"])
    (box,) = boxes(window)  # one for a queue, not one per clip
    assert "clip.mp4" in box.text() and "as it was told to" in box.informativeText() and "folded away" in box.detailedText()
    box.close()
    window.action_table["show_failure"].trigger()
    assert "as it was told to" in boxes(window)[0].informativeText()
    boxes(window)[0].close()


def test_a_plan_that_fails_is_told_in_its_dialog(open_window, tmp_path, own_clip, soon):
    window = open_window()
    window.add_clips([own_clip])
    soon(window.action_table["plan"].isEnabled)
    own_clip.unlink()
    window.action_table["plan"].trigger()
    soon(window.runs.plan_dialog.problems.isVisible)
    window.runs.plan_dialog.reject()


def test_one_item_can_be_run_alone(open_window, own_clip, soon):
    window = without_plan(open_window())
    window.add_clips([own_clip, own_clip])
    window.queue_panel.select(window.queue.queue[1].id)
    window.action_table["start"].trigger()
    soon(lambda: states(window) == ["waiting", "done"])
    assert window.action_table["show_in_folder"].isEnabled() and window.action_table["show_report"].isEnabled()
    assert not window.action_table["start"].isEnabled()


def test_a_finished_result_is_played_by_the_users_player(open_window, own_clip, soon, monkeypatch):
    played = []
    monkeypatch.setattr("app.controllers.selected_items.open_file", lambda path: played.append(path) or len(played) < 3)
    window = without_plan(open_window())
    window.add_clips([own_clip])
    assert not window.action_table["play_result"].isEnabled()
    window.action_table["restore"].trigger()
    soon(lambda: states(window) == ["done"])
    result = window.queue.queue[0].finished
    notice_button(window, "Play").click()
    window.queue_panel.view.doubleClicked.emit(window.queue.index(0))
    assert played == [result, result]
    window.action_table["play_result"].trigger()
    assert "No program" in window.notices.text and result.name in window.notices.text
    result.unlink()
    window.action_table["play_result"].trigger()
    assert "not there any more" in window.notices.text and len(played) == 3


def test_a_finished_result_is_dragged_out_but_not_in_again(open_window, own_clip, monkeypatch):
    offered = []
    monkeypatch.setattr(QListView, "startDrag", lambda view, actions: offered.append(actions))
    window = open_window(start=False)
    window.add_clips([own_clip])
    view, both = window.queue_panel.view, Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
    view.startDrag(both)
    assert not window.queue.mimeData([window.queue.index(0)]).hasUrls()
    window.queue.set_state(window.queue.queue[0].id, "done", finished=own_clip)
    view.startDrag(both)
    assert offered == [both, Qt.DropAction.CopyAction]  # nobody moves a result away
    assert window.queue.mimeData([window.queue.index(0)]).urls() == [QUrl.fromLocalFile(str(own_clip))]
    monkeypatch.setattr(QDragEnterEvent, "source", lambda event: view)
    data = files(own_clip)  # an event does not keep it
    for widget in (window, window.preview):
        event = QDragEnterEvent(QPoint(5, 5), both, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(widget, event)
        assert not event.isAccepted()


def test_a_finished_result_can_be_compared_at_any_frame(open_window, own_clip, soon):
    window = open_window(start=False)
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    result = own_clip.with_name("result.mp4")
    result.write_bytes(own_clip.read_bytes())
    frames = []
    window.shown.results.frame_ready.connect(frames.append)
    window.queue.set_state(window.queue.queue[0].id, "done", result=result, first_frame=2)
    window.preview.go_to(5)
    soon(lambda: any(frame.frame == 5 for frame in frames))
    third = next(frame for frame in frames if frame.frame == 5)
    window.preview.source.request(3)
    soon(lambda: window.preview.source.frame(3) is not None)
    assert (third.pixels == window.preview.source.frame(3).pixels).all()


# -- beginning and end ------------------------------------------------------------------------------------------


def test_quitting_during_a_run_asks_and_the_next_start_offers_to_resume(open_window, own_clip, soon):
    window = restoring(open_window, own_clip, soon)
    window.action_table["quit"].trigger()
    assert window.isVisible()
    press(boxes(window)[0], "Continue restoring")
    assert window.isVisible() and not window.engine.closed
    window.close()
    press(next(box for box in boxes(window) if box.isVisible()), "Quit")
    assert window.engine.isFinished() and not window.isVisible()

    again = open_window()
    assert states(again) == ["interrupted"] and "clip.mp4" in again.notices.text
    notice_button(again, "Resume").click()
    soon(lambda: states(again) == ["done"])


def test_quitting_an_idle_window_does_not_ask(open_window):
    window = open_window(start=False)
    window.close()
    assert not window.isVisible() and window.engine.closed


def test_a_crash_of_the_last_run_is_offered(open_window, folders):
    folders.logs.mkdir(parents=True)
    (folders.logs / "crash.txt").write_text("Fatal Python error: Segmentation fault")
    window = open_window(start=False)
    notice_button(window, "Show the report").click()
    assert "Segmentation fault" in boxes(window)[0].detailedText()
    boxes(window)[0].close()


def test_an_error_nobody_expected_is_shown_and_the_window_stays(open_window):
    window = open_window(start=False)
    error_hook(window)(ZeroDivisionError, ZeroDivisionError("by nothing"), None)
    (box,) = boxes(window)
    assert "by nothing" in box.detailedText() and window.isVisible()
    box.close()


def test_panels_size_and_volume_are_remembered(open_window, folders):
    window = open_window(start=False)
    window.showNormal()
    window.resize(790, 600)
    window.docks["queue"].close()
    window.docks["log"].show()
    window.settings_panel.sections["guidance"].set_open(True)
    window.preview.timeline.sound_controls.slider.setValue(40)
    window.action_table["preview.mute"].trigger()
    window.close()
    again = open_window(start=False)
    sound = again.preview.timeline.sound_controls
    assert (sound.slider.value(), sound.button.isChecked()) == (40, True)
    assert not again.docks["queue"].isVisible() and again.docks["log"].isVisible()
    assert again.settings_panel.open_groups == ["guidance"] and again.size().height() == 600


def test_on_a_low_screen_the_report_has_the_place_of_the_settings_and_comes_before_them(open_window, monkeypatch):
    monkeypatch.setattr("app.main_window.LOW_SCREEN", 5000)
    window = open_window(start=False)
    window.action_table["panel.report"].trigger()
    assert not window.report.visibleRegion().isEmpty() and window.settings_panel.visibleRegion().isEmpty()
    assert window.docks["report"] in window.tabifiedDockWidgets(window.docks["settings"])
    assert window.dockWidgetArea(window.docks["report"]) == Qt.DockWidgetArea.RightDockWidgetArea


def test_a_damaged_queue_is_put_aside(open_window, folders):
    folders.data.mkdir(parents=True)
    folders.queue.write_text("{ not a queue")
    window = open_window(start=False)
    assert not len(window.queue.queue) and folders.queue.with_suffix(".damaged.json").exists()


def test_light_and_dark_can_be_chosen(open_window, qapp):
    former = qapp.palette()
    window = open_window(start=False)
    window.session.choose_appearance("dark")
    assert qapp.palette().window().color().lightness() < 80 and window.preferences.appearance == "dark"
    window.session.choose_appearance("light")
    assert qapp.palette().window().color().lightness() > 200
    qapp.setPalette(former)


def test_another_language_is_remembered(open_window):
    window = open_window(start=False)
    window.session.choose_language("zh_CN")
    assert window.preferences.language == "zh_CN" and window.notices.isVisible()


def test_about_names_versions_and_licences(open_window):
    window = open_window(start=False)
    window.action_table["about"].trigger()
    dialog = next(child for child in window.children() if type(child).__name__ == "AboutDialog")
    dialog.copy_button.click()
    assert "Qt" in QGuiApplication.clipboard().text()
    dialog.close()


def test_models_from_elsewhere_are_offered_and_used(open_window, tmp_path):
    from fake_engine import MODEL

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "dcvsr.json").write_text(MODEL.to_json())
    window = open_window(start=False)
    window.models.add_folder(tmp_path / "mine")
    window.action_table["models"].trigger()
    dialog = window.models.dialog
    assert dialog.isVisible()
    dialog.reload(str(tmp_path / "mine"))
    assert "Nothing at all" in dialog.facts.toPlainText()
    dialog.use_button.click()
    assert window.settings_panel.request.settings.model == str(tmp_path / "mine")
    assert window.settings_panel.model.steps == MODEL.steps
