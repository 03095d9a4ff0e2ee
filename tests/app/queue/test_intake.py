import pytest
from clip_files import write_clip
from steering import states


@pytest.mark.parametrize("content", [b"", b"Not a video.", b"\x00\x00\x00\x20ftypisom" + bytes(400)])
def test_an_unreadable_file_is_marked_at_once_and_not_recent(open_window, tmp_path, soon, content):
    (tmp_path / "notes.mp4").write_bytes(content)
    window = open_window(start=False)
    window.add_clips([tmp_path / "notes.mp4"])
    soon(lambda: states(window) == ["failed"])
    assert window.queue.queue[0].message and window.preferences.recent == []
    assert not window.action_table["restore"].isEnabled()


def test_a_file_that_does_not_exist_is_marked(open_window, tmp_path, soon):
    window = open_window(start=False)
    window.add_clips([tmp_path / "nowhere.mp4"])
    soon(lambda: states(window) == ["failed"])


def test_an_unreadable_file_does_not_block_the_queue(open_window, own_clip, soon):
    bad = own_clip.with_name("bad.mp4")
    bad.write_text("Not a video.")
    window = open_window()
    window.add_clips([bad, own_clip])
    soon(lambda: states(window) == ["failed", "waiting"])
    window.action_table["restore"].trigger()
    soon(window.runs.plan_dialog.start_button.isEnabled)
    window.runs.plan_dialog.start_button.click()
    soon(lambda: states(window) == ["failed", "done"])


def test_a_folder_that_is_dropped_again_does_not_bring_its_results(open_window, tmp_path, own_clip):
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("a.avi", "a_x4.mp4", "a_x4_2.mp4", "b_x2.mp4"):
        write_clip(folder / name) if name == "a.avi" else (folder / name).write_bytes(own_clip.read_bytes())
    window = open_window(start=False)
    window.add_clips([folder])
    assert [item.request.source.name for item in window.queue.queue] == ["a.avi", "b_x2.mp4"]


def test_results_with_names_of_their_own_are_known_by_the_queue(open_window, tmp_path, own_clip):
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / "mine.mp4").write_bytes(own_clip.read_bytes())
    window = open_window(start=False)
    window.add_clips([own_clip])
    window.queue.change(window.queue.queue[0].id, result=folder / "mine.mp4")
    window.add_clips([folder])
    assert len(window.queue.queue) == 1 and "clips" in window.notices.text


def test_a_folder_without_clips_is_said_beside_others(open_window, tmp_path, own_clip):
    (tmp_path / "empty").mkdir()
    window = open_window(start=False)
    window.add_clips([tmp_path / "empty", own_clip])
    assert len(window.queue.queue) == 1 and "empty" in window.notices.text
    window.add_clips([own_clip])
    assert not window.notices.isVisible()


def test_every_clip_gets_a_picture_also_those_of_the_last_session(open_window, own_clip, soon):
    window = open_window(start=False)
    window.add_clips([own_clip])
    item = window.queue.queue[0].id
    soon(lambda: window.queue.picture(item) is not None)
    assert window.queue.picture(item).size().toTuple() == (64, 48)
    window.close()
    again = open_window(start=False)
    assert again.queue.picture(item) is None
    again.intake._picture_known()
    soon(lambda: again.queue.picture(item) is not None)


def test_a_known_clip_that_is_away_keeps_its_state(open_window, own_clip, soon):
    window = open_window(start=False)
    window.add_clips([own_clip])
    soon(lambda: window.queue.queue[0].size is not None)
    own_clip.unlink()
    window.intake._prober.look_up(window.queue.queue[0].id, own_clip, known=True)
    window.intake.stop()
    assert states(window) == ["waiting"]
