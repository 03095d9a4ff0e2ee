"""The README's way to a bundle, exactly as written, in a clone and an environment of their own; what it makes is used.

``pytest -m slow tests/packaging/test_readme.py`` takes as long as three bundles do; it works on what has been committed.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIP = ROOT / "resources" / "clips" / "sample.mp4"
SETTINGS = ["--codec", "ffv1", "--region", "0,0,48,48", "--steps", "2", "--segment-frames", "14"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(sys.platform != "linux", reason="the README's block is for a POSIX shell, and Xvfb for Linux"),
]


def block(name: str) -> str:
    """The code block of the README that follows a comment."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.search(rf"<!-- {name} -->\n```bash\n(.*?)```", text, re.DOTALL)[1]


def outside(folder: Path, **more: str) -> dict[str, str]:
    """The environment of somebody who is in no virtual environment and has never used the program."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "LD_", "QT_", "DISPLAY"))
    }
    own = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
    return kept | own | more


def call(*words: object, environment: dict[str, str], cwd: Path | None = None) -> str:
    """What a command prints; it has to end well."""
    done = subprocess.run([*map(str, words)], env=environment, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def frames(path: Path) -> str:
    """The hash of every frame of a video, by FFmpeg."""
    return subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-map", "v", "-f", "framemd5", "-"], capture_output=True, check=True, text=True
    ).stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone in which the README's block was run."""
    folder = tmp_path_factory.mktemp("readme")
    subprocess.run(["git", "clone", "--quiet", ROOT, folder / "clone"], check=True)
    call("bash", "-euc", block("bundle"), environment=outside(folder), cwd=folder / "clone")
    return folder / "clone"


@pytest.fixture
def dcvsr(clone):
    """The frozen command line."""
    return clone / "dist" / "dcvsr-studio" / "dcvsr"


def test_the_frozen_program_restores_a_clip(dcvsr, tmp_path):
    call(
        dcvsr,
        "restore",
        CLIP,
        "-o",
        tmp_path / "out.mp4",
        "--frames",
        "0-3",
        "--region",
        "0,0,48,48",
        environment=outside(tmp_path),
    )
    assert len([line for line in frames(tmp_path / "out.mp4").splitlines() if not line.startswith("#")]) == 4


def test_a_killed_job_goes_on_to_the_same_frames(dcvsr, tmp_path):
    environment = outside(tmp_path)
    call(dcvsr, "restore", CLIP, "-o", tmp_path / "whole.mkv", *SETTINGS, environment=environment)
    command = [dcvsr, "restore", CLIP, "-o", tmp_path / "killed.mkv", *SETTINGS]
    job = subprocess.Popen(command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(tmp_path.glob("data/**/state-*")):
        assert job.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    assert not (tmp_path / "killed.mkv").exists()
    [name] = [entry["name"] for entry in json.loads(call(dcvsr, "jobs", "--json", environment=environment))]
    call(dcvsr, "resume", name, environment=environment)
    assert frames(tmp_path / "killed.mkv") == frames(tmp_path / "whole.mkv")


def on_a_screen(program: Path, folder: Path) -> dict:
    """The report of a program's self-test, which opens the window, on a screen of its own."""
    reading, writing = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1440x900x24", "-nolisten", "tcp"], pass_fds=[writing]
    )
    try:
        os.close(writing)
        display = f":{os.read(reading, 16).decode().strip()}"
        environment = outside(folder, DISPLAY=display, QT_QPA_PLATFORM="xcb")
        call(program, "--self-test", "--report", folder / "report.json", environment=environment)
    finally:
        screen.terminate()
        screen.wait()
        os.close(reading)
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


@pytest.mark.skipif(not shutil.which("Xvfb"), reason="needs Xvfb")
def test_the_window_opens_on_a_screen(clone, tmp_path):
    report = on_a_screen(clone / "dist" / "dcvsr-studio" / "dcvsr-studio", tmp_path)
    assert report["ok"] and report["frozen"] and report["qt_platform"] == "xcb"
    assert any(check["name"] == "window" and check["ok"] for check in report["checks"])


@pytest.mark.skipif(not (shutil.which("mksquashfs") and Path("/usr/include/squashfuse").exists()), reason="needs appimage.TOOLS")
def test_the_appimage_works_too(clone, tmp_path):
    call(
        clone / ".venv" / "bin" / "python", "packaging/build.py", "--keep", "--appimage", environment=outside(tmp_path), cwd=clone
    )
    [program] = (clone / "dist").glob("*.AppImage")
    assert on_a_screen(program, tmp_path)["frozen"]


def test_an_editable_installation_builds_the_same(clone, tmp_path):
    editable = block("bundle").replace("pip install ", "pip install -e ") + " --dist dist/editable"
    call("bash", "-euc", editable.replace("\n", ""), environment=outside(tmp_path), cwd=clone)
    found = {path.relative_to(folder) for folder in [clone / "dist" / "editable" / "dcvsr-studio"] for path in folder.rglob("*")}
    expected = {path.relative_to(folder) for folder in [clone / "dist" / "dcvsr-studio"] for path in folder.rglob("*")}
    assert {str(path) for path in found ^ expected if "dist-info" not in str(path)} == set()
