"""Names that are not UTF-8 are restored, resumed and reported like any other."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from clips import Clip, write_clip

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="names are Unicode on Windows")


@pytest.mark.parametrize("command", ["info", "restore"])
def test_commands_take_a_name_that_is_not_utf_8(command: str, tmp_path: Path) -> None:
    made = write_clip(tmp_path / "made.mp4", Clip(pts=range(2), width=32, height=24))
    source, target, report = (
        os.fsdecode(os.fsencode(tmp_path) + name) for name in (b"/caf\xe9.mp4", b"/r\xe9.mp4", b"/r\xe9.json")
    )
    made.rename(source)
    words = [sys.executable, "-m", "dcvsr_engine", command, source]
    if command == "restore":
        words += ["-o", target, "--steps", "1", "--size", "x1", "--tile", "16", "--report", report]
    environment = os.environ | {"PYTHONUTF8": "1", "XDG_DATA_HOME": str(tmp_path / "data"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, cwd=ROOT, capture_output=True, env=environment, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    if command == "restore":
        assert Path(target).is_file() and json.loads(Path(report).read_text(encoding="utf-8"))["frames_out"] == 2
        assert b"2 frames" in done.stdout
