"""A disk that fills up stops the job with a sentence, and nothing is lost."""

import errno
import os
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

import jobs
import pytest
from jobs import Watch

from dcvsr_engine.errors import DiskFullError, JobError
from dcvsr_engine.events import PhaseStarted, StepStarted
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.manifest import MANIFEST
from dcvsr_engine.jobs.plans import plan_job
from dcvsr_engine.jobs.store import JobStore

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(folder: Path) -> Path:
    """Leave no room at all."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC
    return filler


def fill_at(folder: Path, kind: type, **facts) -> Watch:
    """Fills a disk at an event."""

    def act(event):
        if isinstance(event, kind) and all(getattr(event, name) == value for name, value in facts.items()):
            fill(folder)

    return Watch(act)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        (StepStarted, {"step": 0, "segment": 0}),
        (StepStarted, {"step": 1, "segment": 1}),
        (PhaseStarted, {"phase": "decode", "segment": 0}),
        (PhaseStarted, {"phase": "write"}),
        (PhaseStarted, {"phase": "publish"}),
    ],
)
def test_a_full_disk_under_the_job_loses_nothing(kind, facts, small_disk, clip, whole, tiny_model, tmp_path, loader):
    folder, request = small_disk / "job", jobs.request(clip, small_disk / "out.mkv", tiny_model)
    with pytest.raises(DiskFullError, match=r"There is no room left on the disk of .* free some and resume"):
        run_job(request, fill_at(small_disk, kind, **facts), folder, loader)
    assert (folder / MANIFEST).exists() and not request.target.exists()
    with pytest.raises((DiskFullError, JobError), match=r"room|disk space"):  # and again, as long as nothing is done about it
        run_job(request, None, folder, loader)
    (small_disk / "filler").unlink()
    run_job(request, None, folder, loader)
    assert jobs.fingerprint(request.target) == whole
    assert [path.name for path in small_disk.iterdir()] == ["out.mkv"]


@pytest.mark.slow
def test_a_full_disk_under_the_target_alone_loses_nothing(small_disk, clip, whole, tiny_model, tmp_path, loader):
    request = jobs.request(clip, small_disk / "out.mkv", tiny_model)
    watch = fill_at(small_disk, PhaseStarted, phase="publish")
    with pytest.raises(DiskFullError):
        run_job(request, watch, tmp_path / "job", loader)
    (small_disk / "filler").unlink()
    steps = Watch()
    run_job(request, steps, tmp_path / "job", loader)
    assert jobs.fingerprint(request.target) == whole and not steps.of(StepStarted)


def test_room_is_looked_for_before_a_state_is_written(clip, whole, tiny_model, tmp_path, loader, monkeypatch):
    request, folder = jobs.request(clip, tmp_path / "out.mkv", tiny_model), tmp_path / "job"
    usage = shutil.disk_usage
    full = []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 1000) if full else usage(path))
    with pytest.raises(DiskFullError, match="There is no room left"):
        run_job(request, Watch(lambda event: full.append(1) if isinstance(event, StepStarted) else None), folder, loader)
    assert not list(folder.glob("*partial*")) and not list(folder.glob("state*"))
    full.clear()
    run_job(request, None, folder, loader)
    assert jobs.fingerprint(request.target) == whole


@pytest.mark.parametrize("failing", ["save_facts", "save_overlap", "write", "finish"])
def test_an_error_of_the_disk_is_told_in_words(failing, clip, tiny_model, tmp_path, loader, monkeypatch):
    method = getattr(JobStore, failing)

    def broken(self, *arguments):
        with self.writing():
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    request, folder = jobs.request(clip, tmp_path / "out.mkv", tiny_model), tmp_path / "job"
    monkeypatch.setattr(JobStore, failing, broken)
    with pytest.raises(Exception, match=r"cannot be written \(input/output error\)"):
        run_job(request, None, folder, loader)
    monkeypatch.setattr(JobStore, failing, method)
    assert run_job(request, None, folder, loader)["frames_out"] == jobs.FRAMES


def test_a_plan_refuses_what_does_not_fit_on_the_disk(clip, tiny_model, tmp_path, monkeypatch):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model)
    assert not plan_job(request).problems
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 1000))
    plan = plan_job(request)
    assert plan.disk > plan.disk_available == 1000 and "MB are needed, 1.0 KB are free" in plan.problems[0]
    with pytest.raises(JobError, match="not enough disk space"):
        run_job(request)
    preview = jobs.request(clip, None, tiny_model)
    assert not plan_job(preview).problems  # it writes nothing
