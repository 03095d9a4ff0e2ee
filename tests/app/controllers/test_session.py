from datetime import datetime

import pytest
from steering import boxes, press, without_plan


def question_at_the_end(window) -> str:
    """What is asked when the window is closed; it closes."""
    window.close()
    (box,) = boxes(window)
    press(box, "Quit")
    return box.informativeText() + box.text()


@pytest.mark.parametrize(
    ("steps", "keeps", "words"),
    [(1, True, "from the last finished segment"), (2, True, "last finished step"), (1, False, "would have to start again")],
)
def test_the_question_at_the_end_says_what_is_kept(open_window, own_clip, soon, steps, keeps, words):
    window = without_plan(open_window(holds_from_tile=0, keeps=keeps))
    window.add_clips([own_clip])
    window.settings_panel.rows["steps"].editor.field.setValue(steps)
    window.action_table["restore"].trigger()
    soon(lambda: window.queue.queue[0].folder is not None)
    assert words in question_at_the_end(window)


def test_a_clip_of_which_nothing_is_finished_is_not_said_to_be_resumed(open_window, own_clip, soon):
    window = without_plan(open_window(holds_from_tile=0, keeps=False))
    window.add_clips([own_clip])
    window.action_table["restore"].trigger()
    soon(lambda: window.queue.queue[0].folder is not None)
    window.action_table["cancel"].trigger()
    soon(lambda: window.queue.queue[0].state == "cancelled")
    assert window.notices.text == f"{own_clip.name} was cancelled."
    assert not window.action_table["resume"].isEnabled() and window.action_table["start_again"].isEnabled()


def test_a_preview_is_not_said_to_be_resumed(open_window, own_clip, soon):
    window = open_window(tile_seconds=0.5)
    window.add_clips([own_clip])
    soon(window.action_table["preview_a"].isEnabled)
    window.action_table["preview_a"].trigger()
    assert "preview is being made; it would be lost" in question_at_the_end(window)


def test_the_program_is_not_closed_silently_while_it_waits_for_a_time_or_a_folder(open_window, tmp_path):
    window = open_window(start=False)
    window.intake.watch(tmp_path)
    window.close()
    (box,) = boxes(window)
    assert f"The folder “{tmp_path.name}” is watched only while" in box.informativeText() + box.text()
    press(box, "Keep watching")
    assert window.isVisible()
    window.unattended.start_later(datetime.now().replace(hour=23, minute=59))
    assert "is to start at 23:59 today" in question_at_the_end(window)
    assert not window.isVisible()


def test_the_next_start_shows_a_clip_of_the_queue(open_window, own_clip, soon):
    window = open_window(start=False)
    window.add_clips([own_clip, own_clip])
    window.close()
    again = open_window(start=False)
    soon(lambda: again.preview.info is not None)
    assert again.shown.item.id == again.queue.queue[0].id


def test_the_next_start_offers_to_resume_the_clip_of_which_something_is_finished(open_window, own_clip, tmp_path):
    window = open_window(start=False)
    other = own_clip.with_name("other.mp4")
    other.write_bytes(own_clip.read_bytes())
    window.add_clips([own_clip, other])
    (tmp_path / "unit-00000.video").touch()
    for item, folder in zip(list(window.queue.queue), (None, tmp_path), strict=True):
        window.queue.set_state(item.id, "interrupted", folder=folder)
    window.close()
    again = open_window(start=False)
    assert again.notices.text == "other.mp4 was not finished." and again.notices.buttons[0].text() == "Resume"


def test_a_preset_of_another_version_is_named_when_it_is_left_out(open_window, folders):
    folders.presets.mkdir(parents=True)
    (folders.presets / "tapes.json").write_text('{"name": "Tapes", "settings": {"old_switch": true}}')
    window = open_window(start=False)
    assert "“tapes” is left out" in window.notices.text and window.notices.isVisible()
