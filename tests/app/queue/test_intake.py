import threading

import av
import numpy as np
import pytest
from clip_files import write_clip
from PySide6.QtWidgets import QApplication
from steering import notice_button, states, without_plan

from app.engine.runner import with_target
from app.queue.watch import look_into
from app.system.result_rule import ResultRule


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
    window.preferences.skip_done = False
    window.add_clips([folder])
    assert [item.request.source.name for item in window.queue.queue] == ["a.avi", "b_x2.mp4"]


def test_clips_of_a_folder_that_have_a_result_are_left_out_unless_they_are_wanted(open_window, tmp_path, own_clip, soon):
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("a.mp4", "a_x4.mp4", "b.mp4"):
        (folder / name).write_bytes(own_clip.read_bytes())
    window = open_window(start=False)
    window.add_clips([folder])
    assert [item.request.source.name for item in window.queue.queue] == ["b.mp4"]
    soon(lambda: window.notices.text == "Left out, as their results are there: 1.")
    notice_button(window, "Add them all the same").click()
    assert [item.request.source.name for item in window.queue.queue] == ["b.mp4", "a.mp4"]
    window.add_clips([folder / "a.mp4"])  # chosen by itself
    assert len(window.queue.queue) == 3


def test_clips_in_folders_inside_a_folder_are_offered(open_window, tmp_path, own_clip):
    folder = tmp_path / "clips"
    for name in ("top.mp4", "one/a.mp4", "two/three/b.mp4", "restored/top_x4.mp4"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(own_clip.read_bytes())
    window = open_window(start=False)
    window.preferences.result_rule = ResultRule(folder / "restored")
    window.preferences.skip_done = False
    window.add_clips([folder])
    assert window.notices.text == "Folders inside “clips” hold clips, too."
    notice_button(window, "Add those, too").click()
    assert [item.request.source.name for item in window.queue.queue] == ["top.mp4", "a.mp4", "b.mp4"]


def test_clips_inside_are_offered_beside_those_that_are_left_out(open_window, tmp_path, own_clip, soon):
    folder = tmp_path / "clips"
    for name in ("a.mp4", "a_x4.mp4", "one/b.mp4"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(own_clip.read_bytes())
    window = open_window(start=False)
    window.add_clips([folder])
    soon(lambda: "Left out" in window.notices.text)
    assert "hold clips, too" in window.notices.text
    notice_button(window, "Add those, too").click()
    assert [item.request.source.name for item in window.queue.queue] == ["b.mp4"]


def test_folders_without_clips_are_not_mentioned(open_window, tmp_path, own_clip):
    (tmp_path / "clips" / "texts").mkdir(parents=True)
    (tmp_path / "clips" / "a.mp4").write_bytes(own_clip.read_bytes())
    window = open_window(start=False)
    window.add_clips([tmp_path / "clips"])
    assert window.notices.isHidden()


def test_what_is_no_whole_result_is_named_and_its_clip_is_taken(open_window, tmp_path, own_clip, soon):
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(own_clip.read_bytes())
    (folder / "a_x4.mp4").write_bytes(own_clip.read_bytes()[:600])
    (folder / "b.mp4").write_bytes(own_clip.read_bytes())
    (folder / "b_1080p.mp4").write_bytes(own_clip.read_bytes())
    window = without_plan(open_window())
    window.add_clips([folder])
    soon(lambda: "Left out" in window.notices.text)
    assert [item.request.source.name for item in window.queue.queue] == ["a.mp4"]
    assert window.notices.text == (
        "“a_x4.mp4” is there, but it cannot be read as a video. Its clip is restored beside it. "
        "Left out, as their results are there: 1."
    )
    window.action_table["restore"].trigger()
    soon(lambda: states(window) == ["done"])
    assert (folder / "a_x4_2.mp4").is_file() and (folder / "a_x4.mp4").stat().st_size == 600


def test_nothing_waits_for_results_that_are_still_looked_at(open_window, tmp_path, own_clip, soon, monkeypatch):
    """Neither clips that are not done, nor those that come later; and the one that is shown stays."""
    folder, looked = tmp_path / "clips", threading.Event()
    folder.mkdir()
    for name in ("slow.mp4", "slow_x4.mp4", "bad.mp4", "bad_x4.mp4", "worse.mp4", "worse_x4.mp4"):
        (folder / name).write_bytes(own_clip.read_bytes())

    def flaw(source, results):
        return "It is bad." if source.name != "slow.mp4" else None if looked.wait(120) else "late"

    monkeypatch.setattr("app.queue.prober.flaw_of_all", flaw)
    window = open_window(start=False)
    window.add_clips([folder])
    assert window.notices.text == "Clips that seem to have a result already, which is being looked at: 3 …"
    soon(lambda: {item.request.source.name for item in window.queue.queue} == {"bad.mp4", "worse.mp4"})
    window.add_clips([own_clip])
    soon(lambda: all(item.size for item in window.queue.queue))
    assert window.shown.item.request.source == own_clip and "left out" not in window.notices.text
    looked.set()
    soon(lambda: "as their results are there: 1" in window.notices.text)
    assert window.notices.text.startswith("It is bad.") and len(window.queue.queue) == 3


def test_a_watched_folder_restores_what_has_no_whole_result(open_window, tmp_path, own_clip, soon):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4", "b_x4.mp4"):
        (folder / name).write_bytes(own_clip.read_bytes())
    write_clip(folder / "a_x4.mp4", frames=3)
    window = without_plan(open_window())
    begin_to_watch(window, folder, soon)
    look(window)
    soon(lambda: states(window) == ["done"])
    assert window.queue.queue[0].request.source.name == "a.mp4" and (folder / "a_x4_2.mp4").is_file()


def test_folders_inside_folders_are_searched_where_wanted_and_kept_below_the_results(open_window, tmp_path, own_clip, soon):
    (tmp_path / "in" / "1998").mkdir(parents=True)
    (tmp_path / "in" / "1998" / "a.mp4").write_bytes(own_clip.read_bytes())
    window = without_plan(open_window())
    window.preferences.result_rule = ResultRule(tmp_path / "out", "{name} new")
    window.add_clips([tmp_path / "in"])
    assert len(window.queue.queue) == 0
    window.preferences.recursive = True
    window.add_clips([tmp_path / "in"])
    window.action_table["restore"].trigger()
    soon(lambda: states(window) == ["done"])
    assert (tmp_path / "out" / "1998" / "a new.mp4").is_file()


def test_what_comes_into_a_watched_folder_is_restored_once_it_is_complete(open_window, tmp_path, own_clip, soon):
    folder = tmp_path / "in"
    folder.mkdir()
    window = without_plan(open_window())
    begin_to_watch(window, folder, soon)
    assert window.action_table["watch"].text() == "Do not &watch “in” any more"
    soon(lambda: window.progress.status.text() == "watches “in” · stays awake")
    (folder / "a.mp4").write_bytes(own_clip.read_bytes())
    look(window)
    assert len(window.queue.queue) == 0  # it may still grow
    look(window)
    soon(lambda: states(window) == ["done"])
    assert (folder / "a_x4.mp4").is_file()
    for _ in range(3):
        look(window)
    assert states(window) == ["done"]  # neither again nor its result
    window.action_table["watch"].trigger()
    assert window.intake.watched is None and window.progress.status.text() == ""


def test_a_watched_folder_may_vanish_and_come_back(open_window, tmp_path, soon):
    folder = tmp_path / "in"
    folder.mkdir()
    window = open_window(start=False)
    begin_to_watch(window, folder, soon)
    folder.rmdir()
    look(window)
    assert "is gone" in window.notices.text
    folder.mkdir()
    look(window)
    assert "is back" in window.notices.text


def test_a_clip_that_failed_and_comes_again_is_tried_again(open_window, tmp_path, own_clip, soon):
    folder = tmp_path / "in"
    folder.mkdir()
    window = without_plan(open_window())
    begin_to_watch(window, folder, soon)
    for _ in range(2):
        (folder / "a.mp4").write_bytes(own_clip.read_bytes())
        look(window)
        look(window)
        soon(lambda: states(window) == ["done"])
        window.queue.set_state(window.queue.queue[0].id, "failed")
    assert (folder / "a_x4_2.mp4").exists()


def begin_to_watch(window, folder, soon):
    """Watch a folder, whose first look is over then; the others are the test's."""
    window.intake.watch(folder)
    window.intake._watch._timer.stop()
    soon(lambda: not window.intake._watch._pool.activeThreadCount())
    QApplication.processEvents()


def look(window):
    """One look at the watched folder, and what follows from it."""
    watch = window.intake._watch
    watch._on_looked(watch.folder, look_into(watch.folder, watch._search))


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


@pytest.fixture
def old_clip(tmp_path):
    """An AVI with sound that MP4 does not take, but Matroska does."""
    with av.open(str(tmp_path / "old.avi"), "w") as out:
        video, sound = out.add_stream("mjpeg", 25), out.add_stream("pcm_u8", 11025)
        video.width, video.height, video.pix_fmt = 32, 32, "yuvj420p"
        out.mux(video.encode(av.VideoFrame(32, 32, "yuvj420p")))
        silence = av.AudioFrame.from_ndarray(np.full((1, 441), 128, np.uint8), "u8", "mono")
        silence.sample_rate = 11025
        out.mux([*video.encode(None), *sound.encode(silence), *sound.encode(None)])
    return tmp_path / "old.avi"


def test_the_result_of_a_clip_gets_the_container_that_keeps_its_sound(open_window, old_clip, soon):
    window = open_window()
    window.add_clips([old_clip])
    soon(lambda: bool(window.queue.queue[0].losses))
    item = window.queue.queue[0]
    assert item.losses[".mkv"] == 0 < item.losses[".mp4"]
    assert with_target(item.request, [], item.facts).target == old_clip.with_name("old_x4.mkv")
    assert window.settings_panel.target_field.placeholderText() == "old_x4.mkv"


def test_the_container_follows_the_tracks_that_are_wanted(open_window, old_clip, soon):
    window = open_window(start=False)
    window.add_clips([old_clip])
    row = window.settings_panel.rows["unfit_tracks"]
    soon(lambda: bool(window.queue.queue[0].losses))
    assert row.isHidden()
    window.settings_panel.take_target(old_clip.with_name("new.mp4"), replace=False)
    assert not row.isHidden() and "converted to FLAC" in row.problem.text()
    window.settings_panel._edit("unfit_tracks", "drop")
    soon(lambda: window.queue.queue[0].losses[".mp4"] == 10)
    window.settings_panel._edit("audio", False)
    soon(lambda: not any(window.queue.queue[0].unfit.values()))


def test_so_it_does_after_the_clip_was_removed_and_came_back(open_window, old_clip, soon):
    window = open_window(start=False)
    window.add_clips([old_clip])
    soon(lambda: bool(window.queue.queue[0].losses))
    window.action_table["remove"].trigger()
    window.action_table["undo"].trigger()
    window.settings_panel._edit("audio", False)
    soon(lambda: not any(window.queue.queue[0].unfit.values()))


def test_a_known_clip_that_is_away_keeps_its_state(open_window, own_clip, soon):
    window = open_window(start=False)
    window.add_clips([own_clip])
    soon(lambda: window.queue.queue[0].size is not None)
    own_clip.unlink()
    window.intake._look_up(window.queue.queue[0], known=True)
    window.intake.stop()
    assert states(window) == ["waiting"]
