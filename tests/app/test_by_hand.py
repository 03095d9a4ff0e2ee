"""The real window with the real engine on a desktop of its own, by keyboard: through the queue, and through two kills."""

from pathlib import Path

import av
import pytest
from clip_files import write_clip
from desk import RESTORATION, Desk, desk, missing, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]

FRAMES = 30
SETTINGS = '{"segment_frames": 14, "tile": 16, "window": 4}'
"""Several segments and some tens of tiles, which take half a minute on two cores."""


def frames_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def write_preferences(own: Desk, settings: str = SETTINGS) -> None:
    """A user who has seen the first steps."""
    folder = own.home / "config" / "dcvsr-studio"
    folder.mkdir(parents=True)
    escaped = settings.replace('"', '\\"')
    (folder / "studio.ini").write_text(f'[General]\nwelcomed=yes\nrestore="{escaped}"\n', encoding="utf-8")


def begin_to_restore(own: Desk) -> None:
    """Start the queue: *Restore*, then *Start* in the plan, which Enter presses once it can be."""
    own.press("ctrl+Return")
    own.wait_for_title("Plan for")

    def started() -> bool:
        if "Plan for" in own.title():
            own.press("Return")
        return "running" in own.states()

    wait_for("the start", started)


def resume(own: Desk) -> None:
    """Resume the chosen clip, as soon as the engine is up."""
    # a window that was killed has left “running” behind
    before = own.queue_written()

    def resumed() -> bool:
        own.press("ctrl+r")
        return own.states()[0] == "running" and own.queue_written() != before

    wait_for("the clip to be resumed", resumed)


def test_through_the_queue_and_two_kills(tmp_path):
    clip, second = write_clip(tmp_path / "tape 1998.mp4", FRAMES), write_clip(tmp_path / "second.mp4", 4)
    with desk(tmp_path / "home") as own:
        write_preferences(own)
        window = own.start()
        own.wait_for_title("DC-VSR Studio")
        own.press("ctrl+o")
        own.wait_for_title("Open clips")
        own.write(str(clip))
        own.press("Return")
        own.wait_for_states("waiting")
        begin_to_restore(own)
        wait_for("the first finished segment", lambda: list(own.home.glob("data/**/unit-*")))
        own.press("ctrl+period")
        own.wait_for_states("cancelled")
        resume(own)

        engine = own.engine_of(window)
        engine.kill()
        own.wait_for_states("interrupted")
        assert own.engine_of(window).pid != engine.pid, "another engine is there"
        resume(own)

        orphan = own.engine_of(window)
        window.kill()
        window.wait()
        wait_for("the end of the engine", lambda: not orphan.is_running() or orphan.status() == "zombie")
        again = own.start()
        own.wait_for_title("DC-VSR Studio")
        resume(own)
        assert own.start(second).wait(60) == 0, "a second start hands its clip over"
        own.wait_for_states("done", "waiting", seconds=RESTORATION)
        assert own.queue()[0]["report"]["resumed"] and frames_in(clip.with_name("tape 1998_x4.mp4")) == FRAMES

        own.press("ctrl+q")
        assert again.wait(60) == 0
        assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "second.mp4", "tape 1998.mp4", "tape 1998_x4.mp4"]


CHOOSE, RESTORE, START = (70, -70), (183, -40), (-140, -25)
"""Where the buttons are: *Choose clips…* in the first steps, *Restore* in the window, *Start* in the plan."""


def test_from_the_first_start_to_a_restored_own_clip_in_three_clicks(tmp_path):
    phone = write_clip(tmp_path / "phone.mp4", frames=1, width=1920, height=1080)
    with desk(tmp_path / "home") as own:
        own.start()
        own.wait_for_title("First steps")
        own.click(*CHOOSE)
        own.wait_for_title("Open clips")
        own.write(str(phone))
        own.press("Return")
        own.wait_for_states("waiting")
        own.wait_for_title("DC-VSR Studio")
        wait_for("the clip to be known", lambda: own.queue()[0]["size"])
        own.click(*RESTORE)
        own.wait_for_title("Plan for")
        wait_for("the plan", lambda: own.size()[1] > 300)
        own.look(tmp_path / "plan.png")
        own.click(*START)
        own.wait_for_states("running")
        assert own.clicks == 3
        wait_for("the result", (tmp_path / "phone_4k.mp4").exists, RESTORATION)
        own.wait_for_states("done")


DIALOG, PICTURE, LIST = (250, 120), (600, 300), (60, -150)
"""Places in the first steps, and in the window: on the picture and below the queue's rows."""


def test_files_of_another_program_are_dropped_from_the_first_start_on(tmp_path):
    clips = [write_clip(tmp_path / name, frames=2) for name in ("first tape.mp4", "second.mp4", "third.mp4")]
    with desk(tmp_path / "home") as own:
        own.start()
        own.wait_for_title("First steps")
        assert own.drop(*DIALOG, clips[0]) == "CopyAction"
        own.wait_for_states("waiting")
        own.wait_for_title("DC-VSR Studio")
        assert own.drop(*PICTURE, clips[1]) == own.drop(*LIST, clips[2]) == "CopyAction"
        own.wait_for_states("waiting", "waiting", "waiting")
        begin_to_restore(own)
        own.wait_for_states("done", "done", "done", seconds=RESTORATION)
        results = {clip.with_name(f"{clip.stem}_x4.mp4") for clip in clips}
        assert set(tmp_path.glob("*.mp4")) == {*clips, *results} and all(frames_in(path) == 2 for path in results)
