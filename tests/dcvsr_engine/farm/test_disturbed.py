"""A farm of two nodes on this computer that is disturbed 20 times: whatever dies, the frames are those of an undisturbed run.

All slow. Every row of `RUNS` is one run; a point is how many units are finished when it is disturbed.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib.util import find_spec
from pathlib import Path

import jobs
import pytest
from office import Office, kill_all, office_in

from dcvsr_engine.farm.address import farm_job_folder
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.planning.request import JobRequest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(
        find_spec("ray") is None or not sys.platform.startswith("linux"),
        reason="needs Ray, an optional extra, and Linux's signals and loopback addresses",
    ),
]
FRAMES = 84
RUNS = [
    *[("worker", 0), ("driver", 2), ("node", 2), ("late", 0), ("full", 3), ("two", 0), ("head", 3), ("hang", 0)],
    *[("worker", 2), ("driver", 0), ("node", 0), ("late", 3), ("full", 0), ("two", 3), ("head", 0), ("hang", 3)],
    *[("worker", 5), ("driver", 5), ("node", 5), ("head", 5)],
]
DISK = 24 * 2**20
"""Bytes of the disk that is filled."""


def pid_of(office: Office, request: JobRequest) -> int:
    """The process of a worker that is at a unit."""
    owner = office.units(request, "begun")[0].owner
    return int((farm_job_folder(request, office.address) / f"worker-{owner}.lock").read_text(encoding="utf-8").split()[1])


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of `DISK` bytes."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder], check=False).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> Path:
    """Fill the disk of a folder with a file."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        with suppress(OSError):
            while True:
                file.write(bytes(2**16))
        with suppress(OSError):
            while True:
                file.write(b"0")
    assert shutil.disk_usage(folder).free == 0
    return path


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    with office_in(tmp_path_factory.mktemp("office"), 6391) as office:
        yield office


@pytest.fixture(autouse=True)
def home(office):
    """That of the nodes, with their token, and not one for every test."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The request of a job, without a target, and the frames that it gives without a farm."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "tiny").mkdir()
    clip, model = jobs.short_clip(folder / "clip.mkv", FRAMES), jobs.write_model(folder / "tiny")
    request = jobs.request(clip, folder / "alone.mkv", model, order="bricks")
    run_job(request, folder=folder / "job")
    return request, jobs.fingerprint(request.target)


def disturb(office: Office, what: str, point: int, request: JobRequest, other: JobRequest) -> None:
    """Begin a job, disturb it, and see it done, by the same command again where the first one cannot go on."""
    if what == "late" and "second" in office.nodes:
        kill_all(office.nodes.pop("second"))
    office.start("head", *(["second"] if what != "late" else []))
    driver = office.restore(request)
    rival = office.restore(other) if what == "two" else None
    office.reach_point(request, point)
    match what:
        case "worker":
            os.kill(pid_of(office, request), signal.SIGKILL)
        case "two":
            os.kill(pid_of(office, request), signal.SIGKILL)
        case "hang":
            os.kill(pid_of(office, request), signal.SIGSTOP)
        case "node":
            kill_all(office.nodes.pop("second"))
        case "late":
            office.start("second")
        case "driver":
            kill_all(driver)
            driver = office.restore(request)
        case "head":
            kill_all(office.nodes.pop("head"))
            assert office.done(driver) == 2, office.said()
            office.start("head", "second")
            driver = office.restore(request)
        case "full":
            filler = fill(request.target.parent)
            assert office.done(driver) == 2, office.said()
            filler.unlink()
            driver = office.restore(request)
    assert office.done(driver) == 0, office.said()
    assert rival is None or office.done(rival) == 0, office.said()


@pytest.mark.parametrize("what, point", RUNS)
def test_a_disturbed_job_gives_the_frames_of_an_undisturbed_one(what, point, office, undisturbed, tmp_path):
    asked, frames = undisturbed
    with small_disk(tmp_path / "disk") if what == "full" else nullcontext(tmp_path) as folder:
        request, other = (asked.replace(target=folder / name) for name in ("out.mkv", "other.mkv"))
        disturb(office, what, point, request, other)
        assert jobs.fingerprint(request.target) == frames
        assert what != "two" or jobs.fingerprint(other.target) == frames
        assert not farm_job_folder(request, office.address).exists()
