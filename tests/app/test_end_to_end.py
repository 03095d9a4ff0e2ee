"""The window with the real engine process and the built-in model."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest
from clip_files import write_clip
from PySide6.QtWidgets import QApplication

from app.engine.runner import Activity
from app.engine.thread import EngineThread
from app.main_window import MainWindow
from app.system.crash_report import CrashReport
from app.system.preferences import Preferences
from dcvsr_engine.events import PreviewFrame, TileFinished

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SETTINGS = {"steps": 2, "tile": 16, "window": 4, "tiling": "fast", "segment_frames": 14, "color": "none"}
MINUTES = 5 * 60_000


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@contextmanager
def real_window(folders, **restore):
    """The window with the real engine, for results without loss; ``restore`` adds to `SETTINGS` for new clips."""
    preferences = Preferences(folders.preferences)
    preferences.plan_first = True
    preferences.restore = preferences.restore.replace(**SETTINGS, **restore)
    preferences.output = preferences.output.replace(codec="ffv1")
    window = MainWindow(EngineThread(), folders, preferences, CrashReport(folders.logs))
    window.show()
    window.engine.start()
    yield window
    window.session.quit_now()
    window.deleteLater()
    QApplication.processEvents()


@pytest.fixture
def window(qtbot, folders, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # threads that wait for each other crawl on a busy machine
    with real_window(folders) as window:
        yield window


def test_preview_restore_cancel_and_resume_give_the_command_lines_frames(window, qtbot, tmp_path):
    def soon(condition) -> None:
        qtbot.waitUntil(condition, timeout=MINUTES)

    clip = write_clip(tmp_path / "clip.mp4", frames=6, width=32, height=32)
    window.add_clips([clip])
    soon(lambda: window.preview.info is not None)

    previewed = []
    window.runner.progressed.connect(
        lambda run, event: previewed.append(event) if isinstance(event, PreviewFrame) and event.final else None
    )
    window.preview.timeline.set_chosen(1, 3)
    window.action_table["preview_a"].trigger()
    soon(lambda: window.runner.activity == Activity.IDLE)
    assert [event.frame for event in previewed] == [1, 2, 3]
    window.action_table["in_out_only"].trigger()  # the whole clip is restored

    tiles = []
    window.runner.progressed.connect(lambda run, event: tiles.append(event) if isinstance(event, TileFinished) else None)
    window.action_table["restore"].trigger()
    soon(window.runs.plan_dialog.start_button.isEnabled)
    window.runs.plan_dialog.start_button.click()
    soon(lambda: bool(tiles) and tiles[-1].done >= tiles[-1].total // 2)
    window.action_table["cancel"].trigger()
    soon(lambda: window.runner.activity == Activity.IDLE)
    item = window.queue.queue[0]
    assert item.state == "cancelled" and item.can_resume and not item.result.exists()

    tiles.clear()
    window.action_table["resume"].trigger()
    soon(lambda: window.queue.queue[0].state == "done")
    assert tiles[0].done > 1  # it did not begin anew

    result = window.queue.queue[0].result
    options = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()]
    command = [sys.executable, "-m", "dcvsr_engine", "restore", str(clip), "-o", str(tmp_path / "other.mkv"), "--codec=ffv1"]
    subprocess.run(
        [*command, *options], check=True, capture_output=True, env=os.environ | {"XDG_DATA_HOME": str(tmp_path / "elsewhere")}
    )
    ours, theirs = frames_of(result), frames_of(tmp_path / "other.mkv")
    assert len(ours) == len(theirs) == 6 and ours[0].shape == (128, 128, 3)
    assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
