"""One job on several devices: real engine processes, of which some die, and the frames of a single one."""

import multiprocessing
import os
import signal
from functools import partial

import jobs
import pytest
from held import serve_held_member
from jobs import CancelAt, Watch

from dcvsr_engine import cli
from dcvsr_engine.errors import Cancelled, JobError, SettingsError
from dcvsr_engine.events import PhaseStarted, SegmentFinished, StepStarted, Waiting, Warned
from dcvsr_engine.jobs.folders import job_folder
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.manifest import read_manifest
from dcvsr_engine.paths import jobs_folder
from dcvsr_engine.settings import RestoreSettings, devices_of, needs_crew
from dcvsr_engine.worker import crew, messages
from dcvsr_engine.worker.crew import Crew, run_on_devices

FRAMES = 42
"""Five segments: three bricks, and two between them."""


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory):
    return jobs.short_clip(tmp_path_factory.mktemp("crew") / "clip.mkv", FRAMES)


@pytest.fixture
def asked(long_clip, tiny_model, tmp_path):
    return jobs.request(long_clip, tmp_path / "out.mkv", tiny_model, order="bricks", device="cpu,cpu")


@pytest.fixture(scope="module")
def restored(long_clip, tiny_model, tmp_path_factory):
    """The frames of an undisturbed run on one device."""
    folder = tmp_path_factory.mktemp("restored")
    run_job(jobs.request(long_clip, folder / "out.mkv", tiny_model, order="bricks"), folder=folder / "job")
    return jobs.fingerprint(folder / "out.mkv")


@pytest.fixture
def forked(monkeypatch):
    """Processes that have torch loaded already, forked from one that has only that: locks of other threads are not inherited."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    multiprocessing.set_forkserver_preload(["dcvsr_engine.worker.process"])
    monkeypatch.setattr(crew, "START", "forkserver")


@pytest.fixture
def hold(forked, monkeypatch, tmp_path):
    """Has every process stand still at an event until it is told something, or the file that is returned is there."""

    def hold(event, **facts):
        monkeypatch.setattr(crew, "serve_member", partial(serve_held_member, event, facts, tmp_path / "go"))
        return tmp_path / "go"

    return hold


def test_a_worker_that_is_killed_is_started_again_and_the_frames_are_those_of_one(hold, asked, restored, tmp_path):
    killed, plans, go = [], [], hold(StepStarted)

    def act(event) -> None:
        if isinstance(event, StepStarted) and not killed:
            killed.append(team.members[0]._process)
            os.kill(killed[0].pid, signal.SIGKILL)
            killed[0].join(60)
            go.touch()

    watch = Watch(act)
    team = Crew(asked, watch, tmp_path / "job", plans.append)
    report = team.run()
    assert (report["frames_out"], report["joins"], report["segments"]) == (FRAMES, 4, 5) and len(plans) == 1
    assert jobs.fingerprint(asked.target) == restored
    assert ["ended unexpectedly; it is started again" in event.message for event in watch.of(Warned)] == [True]
    done = [event.segment for event in watch.of(SegmentFinished)]
    assert done == list(range(len(done))) and all(event.segments == 5 for event in watch.of(SegmentFinished))
    assert not (tmp_path / "job").exists()


def test_what_was_cancelled_on_two_devices_goes_on_on_one(hold, asked, restored, tmp_path, loader):
    hold(StepStarted, step=1)
    with pytest.raises(Cancelled):
        run_on_devices(asked, CancelAt(StepStarted, 2).watch, job_folder(asked))
    single = asked.replace(settings=asked.settings.replace(device="cpu"))
    assert job_folder(single) == job_folder(asked) and read_manifest(job_folder(asked)).request == asked
    assert run_job(single, None, None, loader)["resumed"] and jobs.fingerprint(asked.target) == restored


@pytest.mark.slow
def test_workers_wait_together_when_the_job_is_paused(hold, asked, tmp_path):
    hold(StepStarted)

    def act(event) -> None:
        if isinstance(event, StepStarted) and not watch.of(Waiting):
            watch.pause()
        if isinstance(event, Waiting) and event.paused:
            watch.resume()

    watch = Watch(act)
    run_on_devices(asked, watch, tmp_path / "job")
    assert [event.paused for event in watch.of(Waiting)][:2] == [True, False]


def test_when_no_device_can_do_it_the_reason_is_said_and_nothing_is_lost(forked, asked, tmp_path):
    broken = asked.replace(source=tmp_path / "none.mkv")
    with pytest.raises(JobError, match="does not exist"):
        run_on_devices(broken, Watch(), tmp_path / "job")


@pytest.mark.slow
def test_a_worker_that_always_dies_is_given_up(forked, asked, restored, tmp_path):
    """The other one does its work."""

    def act(event) -> None:
        if isinstance(event, PhaseStarted) and team.members[1].outcome is None:
            os.kill(team.members[1]._process.pid, signal.SIGKILL)

    watch = Watch(act)
    team = Crew(asked, watch, tmp_path / "job", lambda plan: None)
    team.run()
    told = [event.message for event in watch.of(Warned)]
    assert told[-1].endswith("the other devices go on without it.") and len(told) == crew.MOST_DEATHS
    assert jobs.fingerprint(asked.target) == restored


def test_devices_are_named_in_one_setting():
    assert devices_of("cuda:0,cuda:1") == ("cuda:0", "cuda:1") and devices_of("cpu") == ("cpu",)
    assert needs_crew("cuda:1") and needs_crew("cpu,cpu") and not needs_crew("cuda") and not needs_crew("auto")
    for wrong in ("cuda:0,cpu", "cuda:", "cpu,", "gpu", "cuda:x"):
        with pytest.raises(SettingsError, match="device must be"):
            RestoreSettings(device=wrong)


@pytest.mark.slow
def test_an_engine_of_the_window_starts_the_others(forked, engine, asked, restored):
    engine.send(messages.RunJob("7", asked))
    finished = engine.wait_for(messages.JobFinished, messages.Failed)
    assert isinstance(finished, messages.JobFinished) and finished.report["frames_out"] == FRAMES
    assert any(isinstance(event, messages.JobPlanned) for event in engine.received)
    assert jobs.fingerprint(asked.target) == restored


@pytest.mark.slow
def test_the_command_line_takes_several_devices(long_clip, tiny_model, restored, tmp_path, monkeypatch):
    """With processes as users have them."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    options = ["--segment-frames", "14", "--overlap", "0", "--codec", "ffv1", "--order", "bricks", "--precision", "fp32"]
    target = tmp_path / "out.mkv"
    words = ["restore", str(long_clip), "-o", str(target), "--model", str(tiny_model), "--device", "cpu,cpu", *options]
    assert cli.main(words) == 0 and jobs.fingerprint(target) == restored
    assert not list(jobs_folder().glob("*/worker-*"))
