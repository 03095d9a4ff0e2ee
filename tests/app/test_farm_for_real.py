"""The window on a real farm: Ray on this computer with two workers on its processor."""

import importlib.util
import os
import socket
import subprocess
import sys

import pytest
from clip_files import write_clip
from test_end_to_end import MINUTES, SETTINGS, frames_of, real_window

from app.engine.runner import Activity
from app.farm.link import FarmLink, farm_command
from dcvsr_engine.events import FrameDone

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is an optional extra"),
]
FRAMES = 42
"""Three segments and two joints between them."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def window(qtbot, folders, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    port = str(free_port())

    def command(*words: str) -> list[str]:
        return farm_command(*words, *(["--devices", "2", "--port", port] if words[0] == "start" else []))

    monkeypatch.setattr("app.controllers.devices.FarmLink", lambda parent: FarmLink(parent, command))
    with real_window(folders, order="bricks", device="cpu") as window:
        yield window


def test_a_clip_is_restored_cancelled_and_resumed_on_a_farm_with_the_frames_of_one_computer(window, qtbot, tmp_path):
    def soon(condition) -> None:
        qtbot.waitUntil(condition, timeout=MINUTES)

    clip = write_clip(tmp_path / "clip.mp4", frames=FRAMES, width=32, height=32)
    window.add_clips([clip])
    window.action_table["farm"].trigger()
    window.devices.dialog.start_button.click()
    soon(lambda: window.devices.link.view.state != "entering")
    assert not window.devices.link.view.problem
    soon(lambda: len(window.devices.link.view.rows) == 2)
    soon(lambda: window.preview.info is not None)

    done, busy = [], []
    window.runner.progressed.connect(lambda run, event: done.append(event.done) if isinstance(event, FrameDone) else None)
    window.devices.link.changed.connect(lambda: busy.append([row.job for row in window.devices.link.view.rows]))
    window.action_table["restore"].trigger()
    soon(lambda: bool(done) and done[-1] > 0)
    window.action_table["cancel"].trigger()
    soon(lambda: window.runner.activity == Activity.IDLE)
    item = window.queue.queue[0]
    assert item.state == "cancelled" and item.can_resume and item.folder.parent == clip.parent
    assert window.devices.link.view.state == "in"

    done.clear()
    window.action_table["resume"].trigger()
    soon(lambda: window.queue.queue[0].state in ("done", "failed"))
    item = window.queue.queue[0]
    assert item.state == "done", item.message
    assert done[0] > 0  # it did not begin anew
    assert any("clip.mp4" in jobs for jobs in busy)
    window.devices.dialog.leave_button.click()
    soon(lambda: window.devices.link.view.state == "out")

    options = [f"--{name.replace('_', '-')}={value}" for name, value in (SETTINGS | {"order": "bricks", "device": "cpu"}).items()]
    command = [sys.executable, "-m", "dcvsr_engine", "restore", str(clip), "-o", str(tmp_path / "other.mkv"), "--codec=ffv1"]
    subprocess.run(
        [*command, *options], check=True, capture_output=True, env=os.environ | {"XDG_DATA_HOME": str(tmp_path / "elsewhere")}
    )
    ours, theirs = frames_of(item.result), frames_of(tmp_path / "other.mkv")
    assert len(ours) == len(theirs) == FRAMES
    assert all((a == b).all() for a, b in zip(ours, theirs, strict=True))
