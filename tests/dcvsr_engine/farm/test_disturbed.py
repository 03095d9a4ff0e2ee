"""A farm of two nodes on this computer of which a worker or a node is killed: the frames are those of an undisturbed run.

All slow.
"""

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import jobs
import psutil
import pytest

from dcvsr_engine.farm.address import farm_job_folder, token
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.manifest import read_manifest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None or os.name == "nt", reason="needs Ray, an optional extra, and Linux's signals"),
]
FRAMES, PORT, SECONDS = 56, 6391, 240.0
ADDRESS = f"127.0.0.1:{PORT}"


def dcvsr(log, *words: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "dcvsr_engine", *words], stdout=log, stderr=log, start_new_session=True)


def kill_all(process: subprocess.Popen) -> None:
    """SIGKILL a process and all that it has started, as a machine that loses its power."""
    family = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
    for pid in family:
        os.kill(pid, signal.SIGKILL)
    process.wait()


class Office:
    """A head and a second node, and the jobs that are begun on them."""

    def __init__(self, log) -> None:
        self.log, self.nodes = log, {}

    def start(self, name: str) -> None:
        words = ["start", "--port", str(PORT)] if name == "head" else ["join", ADDRESS, "--token", token()]
        begins = Path(self.log.name).stat().st_size
        self.nodes[name] = dcvsr(self.log, "farm", *words, "--devices", "1")
        wait_until(lambda: f"in the farm at {ADDRESS}" in self.said(begins))

    def said(self, begins: int) -> str:
        with Path(self.log.name).open(encoding="utf-8") as words:
            words.seek(begins)
            return words.read()

    def restore(self, request) -> subprocess.Popen:
        settings = {"model": request.settings.model, "segment-frames": "14", "overlap": "0", "device": "cpu", "precision": "fp32"}
        options = [
            word for name, value in (settings | {"order": "bricks", "codec": "ffv1"}).items() for word in (f"--{name}", value)
        ]
        return dcvsr(self.log, "restore", str(request.source), "-o", str(request.target), "--farm", ADDRESS, *options)

    def end(self) -> None:
        for process in self.nodes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.nodes.values():
            process.wait(60)


def wait_until(holds, seconds: float = SECONDS) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def begun(request) -> list:
    """Units that somebody is at."""
    known = read_manifest(farm_job_folder(request, ADDRESS))
    return [] if known is None else [unit for unit in known.units if unit.state == "begun"]


def pid_of(request) -> int:
    """The process of the worker that is at a unit."""
    owner = begun(request)[0].owner
    return int((farm_job_folder(request, ADDRESS) / f"worker-{owner}.lock").read_text(encoding="utf-8").split()[1])


@pytest.fixture
def office(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with (tmp_path / "log.txt").open("a", encoding="utf-8") as log:
        office = Office(log)
        try:
            yield office
        finally:
            office.end()


@pytest.mark.parametrize("what", ["worker", "node"])
def test_a_disturbed_job_gives_the_frames_of_an_undisturbed_one(what, office, tiny_model, tmp_path):
    clip = jobs.short_clip(tmp_path / "clip.mkv", FRAMES)
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, order="bricks")
    run_job(request.replace(target=tmp_path / "alone.mkv"), folder=tmp_path / "alone")
    office.start("head")
    office.start("second")
    driver = office.restore(request)
    wait_until(lambda: bool(begun(request)))
    if what == "worker":
        os.kill(pid_of(request), signal.SIGKILL)
    else:
        kill_all(office.nodes.pop("second"))
    assert driver.wait(SECONDS) == 0, office.said(0)
    assert jobs.fingerprint(tmp_path / "out.mkv") == jobs.fingerprint(tmp_path / "alone.mkv")
