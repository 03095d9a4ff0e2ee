"""Several processes at work on one job: each takes what it can, and the frames are those of a single one."""

import multiprocessing
import time
from pathlib import Path

import jobs
import pytest
from jobs import CancelAt, Watch

from dcvsr_engine.control import Control
from dcvsr_engine.errors import Cancelled, JobError
from dcvsr_engine.events import StepStarted
from dcvsr_engine.jobs import presence
from dcvsr_engine.jobs.folders import discard_job
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.manifest import read_manifest
from dcvsr_engine.jobs.presence import Presence, in_use
from dcvsr_engine.jobs.store import JobStore

FRAMES = 28
"""Three segments of a shot: two bricks, and one between them."""


@pytest.fixture(scope="module")
def asked(tmp_path_factory, tiny_model):
    clip = jobs.short_clip(tmp_path_factory.mktemp("several") / "clip.mkv", FRAMES)
    return lambda target: jobs.request(clip, target, tiny_model, order="bricks")


@pytest.fixture(scope="module")
def restored(asked, tmp_path_factory):
    """The frames of an undisturbed run of one process."""
    folder = tmp_path_factory.mktemp("restored")
    run_job(asked(folder / "out.mkv"), folder=folder / "job")
    return jobs.fingerprint(folder / "out.mkv")


@pytest.fixture(autouse=True)
def server(monkeypatch):
    """Other processes are forked from one that has only loaded torch: locks of other threads are not inherited."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    multiprocessing.set_forkserver_preload(["dcvsr_engine.jobs.job"])


CONTEXT = multiprocessing.get_context("forkserver")


def in_another_process(work, *arguments):
    process = CONTEXT.Process(target=work, args=arguments)
    process.start()
    return process


def wait_for_units(folder: Path, count: int) -> None:
    """Wait until another process has begun ``count`` units."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        known = read_manifest(folder)
        if known is not None and sum(unit.state != "open" for unit in known.units) >= count:
            return
        time.sleep(0.02)
    raise AssertionError


def test_two_processes_share_a_job_and_both_answer(asked, restored, tmp_path, loader):
    request, folder = asked(tmp_path / "out.mkv"), tmp_path / "job"
    taken = []

    def act(event) -> None:
        if isinstance(event, StepStarted) and not taken:
            taken.append(event.segment)
            other = in_another_process(run_job, request, None, folder)
            wait_for_units(folder, 2)
            taken.append(other)

    report = run_job(request, Watch(act), folder, loader)
    taken[1].join(60)
    assert taken[1].exitcode == 0 and report["frames_out"] == FRAMES and report["joins"] == 2
    assert jobs.fingerprint(tmp_path / "out.mkv") == restored and not folder.exists()


@pytest.mark.parametrize("end", [jobs.die, jobs.hang])
def test_what_a_killed_or_hanging_process_had_is_taken_over(end, asked, restored, tmp_path, loader, monkeypatch):
    request, folder = asked(tmp_path / "out.mkv"), tmp_path / "job"
    reached = CONTEXT.Event()
    other = in_another_process(jobs.run_to, request, folder, reached, end)
    assert reached.wait(60)
    monkeypatch.setattr(presence, "PATIENCE_SECONDS", 900.0)
    monkeypatch.setattr(presence, "STALE_SECONDS", 0.2)
    report = run_job(request, None, folder, loader)
    other.kill()
    other.join(60)
    assert report["frames_out"] == FRAMES and jobs.fingerprint(tmp_path / "out.mkv") == restored


def test_a_process_that_hung_changes_nothing_when_it_comes_back(asked, tmp_path):
    folder = tmp_path / "job"
    late, other = (JobStore(folder, jobs.manifest(folder), Presence(folder)) for _ in range(2))
    JobStore.begin(folder, late.manifest)
    assert late.take() == 0 and late.begin_unit(0, None)
    with other.presence:
        assert other.take() == 0  # the first one is not there for it
        path = folder / "late"
        path.write_text("late")
        late.finish(0, path, 6)
        assert not path.exists() and not late.begin_unit(0, None)
        assert [(unit.state, unit.owner) for unit in other.read().units] == [("open", other.presence.name), ("open", None)]


def test_a_process_whose_job_another_one_ends_meanwhile_has_nothing_more_to_do(tmp_path):
    folder = tmp_path / "job"
    late, other = (JobStore(folder, jobs.manifest(folder), Presence(folder)) for _ in range(2))
    JobStore.begin(folder, late.manifest)
    assert late.take() == 0
    other.end({})
    path = folder / "late"
    path.write_text("late")
    late.finish(0, path, 6)
    assert late.take() is None and not late.begin_unit(0, None) and not path.exists()


def test_a_job_at_work_is_not_removed(asked, tmp_path, loader):
    request, folder = asked(tmp_path / "out.mkv"), tmp_path / "job"
    with pytest.raises(Cancelled):
        run_job(request, CancelAt(StepStarted).watch, folder, loader)
    with Presence(folder), pytest.raises(JobError, match="is being run by another process"):
        discard_job(folder)
    assert not in_use(folder)
    discard_job(folder)
    assert not folder.exists()


def test_whoever_waits_for_a_job_can_be_cancelled(tmp_path):
    control = Control()
    with Presence(tmp_path).lock():
        control.cancel()
        with pytest.raises(Cancelled), Presence(tmp_path).lock(control.check):
            pass
