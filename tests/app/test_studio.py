"""The program as it is started from outside."""

import logging
import os
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import psutil
import pytest

from app.queue.job_queue import JobQueue
from app.studio import log_handler
from app.system.single_instance import hand_over

ROOT = Path(__file__).parents[2]


@pytest.fixture
def user_env(tmp_path) -> dict[str, str]:
    """The environment of someone who has never started the program."""
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
    folders["XDG_RUNTIME_DIR"] = tempfile.mkdtemp()  # short enough for a socket
    return os.environ | folders | {"LOGNAME": f"test-{uuid.uuid4().hex[:8]}", "PYTHONPATH": str(ROOT)}


def wait_for(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_help_needs_no_window(user_env):
    result = subprocess.run([sys.executable, "-m", "app", "--help"], env=user_env, capture_output=True, text=True, check=True)
    assert "dcvsr-studio" in result.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="names are encoded in UTF-8 everywhere else")
def test_names_are_utf_8_in_another_locale_too(user_env, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import sys, app.__main__\napp.__main__.name_files_in_utf8()\nprint(ascii(sys.argv[1]))")
    plain = user_env | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run([sys.executable, program, "größe"], env=plain, capture_output=True, text=True, check=True)
    assert done.stdout == "'gr\\xf6\\xdfe'\n"


def test_the_log_holds_names_that_are_not_utf_8(tmp_path):
    handler = log_handler(tmp_path / "logs" / "studio.log")
    handler.handle(logging.makeLogRecord({"msg": "caf\udce9.mp4 é"}))
    handler.close()
    assert (tmp_path / "logs" / "studio.log").read_text(encoding="utf-8") == "caf\\udce9.mp4 é\n"


def test_the_window_waits_neither_for_ffmpeg_nor_for_torch(user_env):
    names = "import sys, app.studio; print([name for name in ('av', 'torch') if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", names], env=user_env, capture_output=True, text=True, check=True).stdout == "[]\n"
    )


def test_a_second_start_gives_its_clip_to_the_first_and_a_killed_window_leaves_no_engine(user_env, clip, qapp):
    first = subprocess.Popen([sys.executable, "-m", "app"], env=user_env)
    try:
        wait_for(lambda: hand_over([], f"{user_env['XDG_RUNTIME_DIR']}/dcvsr-studio"))
        subprocess.run([sys.executable, "-m", "app", str(clip)], env=user_env, check=True, timeout=60)
        queue = Path(user_env["XDG_DATA_HOME"]) / "dcvsr-studio" / "queue.json"
        wait_for(queue.exists)
        assert [item.request.source for item in JobQueue.load(queue)] == [clip]
        wait_for(lambda: bool(psutil.Process(first.pid).children(recursive=True)))
        children = psutil.Process(first.pid).children(recursive=True)
    finally:
        first.kill()
        first.wait()
    wait_for(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children), 120)
