import dataclasses
from fractions import Fraction

import pytest
from clips import Clip, write_clip
from PIL import Image
from steering import without_plan

from app.engine.runner import Activity
from app.preview.model import CompareMode
from dcvsr_engine.worker.messages import LookAt, RunJob


@pytest.fixture
def two(open_window, own_clip, soon):
    other = own_clip.with_name("other.mp4")
    other.write_bytes(own_clip.read_bytes())
    window = open_window()
    window.add_clips([own_clip, other])
    soon(lambda: window.preview.info is not None)
    return window


def test_all_frames_of_a_finished_result_are_marked(two, own_clip, soon):
    item, track = two.queue.queue[0], two.preview.timeline.track
    two.queue.set_state(item.id, "done", result=own_clip, finished=own_clip, first_frame=0)
    soon(lambda: (0, 7) in track._restored)
    two.queue_panel.select(two.queue.queue[1].id)
    assert track._restored == []
    two.queue_panel.select(item.id)
    soon(lambda: (0, 7) in track._restored)
    two.queue.set_state(item.id, "waiting")
    assert not two.preview._finished, "but for those that have been read already"


def test_pictures_are_seen_at_the_frame_rate_that_they_are_given(open_window, tmp_path, soon):
    (tmp_path / "shot").mkdir()
    for number in range(4):
        Image.new("RGB", (64, 48), (40 * number, 0, 0)).save(tmp_path / "shot" / f"{number:04d}.png")
    window = open_window(start=False)
    window.add_clips([tmp_path / "shot"])
    soon(lambda: window.preview.info is not None)
    timeline, rate = window.preview.timeline, window.settings_panel.rows["frame_rate"]
    window.preview.go_to(3)
    soon(lambda: timeline.time_label.text() == "00:00.120")
    rate.edited.emit("frame_rate", "10")
    soon(lambda: timeline.time_label.text() == "00:00.300" and window.preview.view.scene.frame == 3)
    soon(lambda: window.queue.queue[0].seconds == 0.4)


@pytest.mark.parametrize(
    ("size", "aspect", "pixels"),
    [("40x30", Fraction(1), (40, 30)), ("100x90", Fraction(1), (100, 76)), ("40x40", Fraction(4, 3), (40, 22))],
)
def test_a_result_of_any_size_covers_its_clip(open_window, tmp_path, soon, size, aspect, pixels):
    clip = write_clip(tmp_path / "clip.mkv", Clip(pts=range(3), width=64, height=48, aspect=aspect))
    window = without_plan(open_window())
    window.add_clips([clip])
    soon(lambda: window.preview.info is not None)
    window.settings_panel.rows["size"].edited.emit("size", size)
    window.action_table["restore"].trigger()
    soon(lambda: window.queue.queue[0].state == "done")
    result = window.queue.queue[0].result
    write_clip(result, Clip(pts=range(3), width=pixels[0], height=pixels[1]))
    window.preview.clear_results()
    window.shown.results.open(window.queue.queue[0])
    soon(lambda: window.preview.view.scene.sides[1].result is not None)
    scene = window.preview.view.scene
    assert scene._results[1].size == pytest.approx(scene.viewport.picture, abs=2)


def show(window, row: int, soon) -> None:
    window.queue_panel.select(window.queue.queue[row].id)
    soon(lambda: window.preview.info is not None)


def variants(window) -> set[str]:
    return {window.preview.right_box.itemData(index) for index in range(window.preview.right_box.count())}


def test_previews_range_frame_and_zoom_come_back_with_their_clip(two, soon):
    two.preview.timeline.set_chosen(2, 5)
    two.preview.go_to(4)
    two.action_table["preview_a"].trigger()
    soon(lambda: two.runner.activity == Activity.IDLE)
    two.preview.view.set_viewport(two.preview.view.scene.viewport.zoomed(3))
    seen = two.preview.view.scene.viewport
    show(two, 1, soon)
    assert two.preview.timeline.range.is_whole and "A" not in variants(two) and two.preview.view.scene.viewport.fitting
    show(two, 0, soon)
    chosen = two.preview.timeline.range
    assert (chosen.first, chosen.last, chosen.current) == (2, 5, 4)
    # notices come and go and leave the view more or less room; zoom and place are the clip's
    back = two.preview.view.scene.viewport
    assert "A" in variants(two) and dataclasses.replace(back, view=seen.view) == seen
    soon(lambda: two.preview.view.scene.frame == 4 and two.preview.view.has_picture)


def test_a_preview_that_ends_while_another_clip_is_seen_is_kept(two, soon):
    two.action_table["preview_a"].trigger()
    soon(lambda: two.runner.activity == Activity.RUNNING)
    show(two, 1, soon)
    soon(lambda: two.runner.activity == Activity.IDLE)
    assert "A" not in variants(two)
    show(two, 0, soon)
    assert "A" in variants(two)


def test_two_jobs_of_one_file_have_previews_of_their_own(open_window, own_clip, soon):
    window = open_window()
    window.add_clips([own_clip, own_clip])
    soon(lambda: window.preview.info is not None)
    window.action_table["preview_a"].trigger()
    soon(lambda: window.runner.activity == Activity.IDLE)
    show(window, 1, soon)
    assert "A" not in variants(window)
    show(window, 0, soon)
    assert "A" in variants(window)


def test_a_range_trims_as_soon_as_it_is_set_and_the_choice_is_seen(two):
    box = two.preview.timeline.part_box
    assert not box.isVisible()
    two.preview.timeline.set_chosen(2, 5)
    assert box.isVisible() and box.isChecked() and two.queue.queue[0].request.frames == (2, 5)
    box.click()
    assert two.queue.queue[0].request.frames is None and not two.action_table["in_out_only"].isChecked()
    two.preview.timeline.set_chosen(1, 5)
    assert two.queue.queue[0].request.frames is None
    box.click()
    assert two.queue.queue[0].request.frames == (1, 5)
    two.preview.timeline.set_chosen(0, 7)
    assert two.queue.queue[0].request.frames is None and not box.isVisible()


def test_an_experiment_is_not_what_the_next_clip_begins_with(two, own_clip):
    two.settings_panel.rows["steps"].editor.field.setValue(9)
    two.add_clips([own_clip])
    assert two.queue.queue[2].request.settings.steps is None


def test_a_chosen_preset_is_what_the_next_clip_begins_with(two, own_clip):
    box = two.settings_panel.preset_box
    box.activated.emit(box.findData("Paper"))
    two.settings_panel.rows["seed"].editor.field.setValue(7)
    two.add_clips([own_clip])
    assert two.queue.queue[2].request.settings.steps == 25 and two.queue.queue[2].request.settings.seed != 7


def test_permission_to_overwrite_is_for_one_clip(two, own_clip):
    two.settings_panel.sections["output"].set_open(True)
    two.settings_panel.rows["overwrite"].editor.click()
    assert two.queue.queue[0].request.output.overwrite
    two.add_clips([own_clip])
    assert not two.queue.queue[2].request.output.overwrite


def test_the_first_comparison_is_the_wipe_and_a_chosen_one_stays(two, soon):
    two.action_table["preview_a"].trigger()
    soon(lambda: two.runner.activity == Activity.RUNNING)
    soon(lambda: two.runner.activity == Activity.IDLE)
    assert two.preview.view.scene.comparison.mode == CompareMode.WIPE
    two.preview.actions_by_id["preview.ab"].trigger()
    two.action_table["preview_b"].trigger()
    soon(lambda: two.runner.activity == Activity.RUNNING)
    soon(lambda: two.runner.activity == Activity.IDLE)
    assert two.preview.view.scene.comparison.mode == CompareMode.AB


def test_the_engine_is_told_which_frame_is_seen_for_that_one_to_refine(open_window, own_clip, soon, go_on, monkeypatch):
    window, sent = without_plan(open_window(holds_from_tile=0)), []
    window.add_clips([own_clip])
    soon(lambda: window.preview.info is not None)
    send = window.engine.send
    monkeypatch.setattr(window.engine, "send", lambda command: sent.append(command) or send(command))
    window.preview.go_to(3)
    window.action_table["restore"].trigger()
    soon(lambda: len(sent) > 1)
    window.preview.go_to(5)
    assert isinstance(sent[0], RunJob) and sent[1:] == [LookAt(3), LookAt(5)]
    go_on()
    soon(lambda: window.queue.queue[0].state == "done")
