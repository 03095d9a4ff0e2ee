"""Jobs that are killed with SIGKILL resume to the same frames: a few points here, ``python tests/kills.py`` for many."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(__file__).parents[2] / "kills.py"


def kill(*arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(COMMAND.parents[1])}
    done = subprocess.run([sys.executable, COMMAND, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_killed_jobs_go_on_to_the_same_frames():
    assert "7 of 7 killed jobs resumed to the same frames" in kill("--points", "3", "--publish", "3")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("codec", ["ffv1", "h264"])
def test_jobs_killed_at_many_points_go_on_to_the_same_frames(codec):
    assert "44 of 44 killed jobs resumed to the same frames" in kill("--points", "24", "--publish", "12", "--codec", codec)
