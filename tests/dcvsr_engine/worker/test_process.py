"""The engine process: every command is answered, jobs can be stopped at any time, nothing outlives the window."""

import dataclasses
import multiprocessing
from contextlib import suppress

import jobs
import pytest
from held import progressed, serve_held
from jobs import FRAMES

from dcvsr_engine import __version__
from dcvsr_engine.errors import JobError
from dcvsr_engine.events import FrameDone, PhaseStarted, PreviewFrame, StepStarted, TileFinished, TileStarted
from dcvsr_engine.network.oom import is_out_of_memory
from dcvsr_engine.worker import process
from dcvsr_engine.worker.messages import (
    Cancel,
    Failed,
    JobCancelled,
    JobFinished,
    JobPlanned,
    JobStarted,
    LoadModel,
    ModelLoaded,
    Pause,
    Paused,
    PlanJob,
    Progress,
    Ready,
    Resume,
    Resumed,
    Shutdown,
)


def is_started(message) -> bool:
    return isinstance(message, JobStarted)


def test_it_says_what_it_is_and_what_it_can_use(engine):
    [ready] = engine.received
    assert ready.version == __version__ and "cpu" in [device.name for device in ready.devices]
    assert all(device.memory > 0 and device.title for device in ready.devices)


def test_a_model_is_loaded_ahead_of_time(engine, tiny_model):
    engine.send(LoadModel(str(tiny_model), "cpu", "fp32"))
    assert engine.wait_for(ModelLoaded, Failed) == ModelLoaded(str(tiny_model), "cpu", "fp32")
    engine.send(LoadModel("nothing of the kind"))
    failed = engine.wait_for(ModelLoaded, Failed)
    assert failed.user_error and "nothing of the kind" in failed.message and not failed.job


def test_a_plan_is_measured_once(engine, run_of):
    engine.send(PlanJob("mine", run_of().request, calibrate=False))
    assert engine.wait_for(JobPlanned, Failed).plan.seconds is None
    engine.send(PlanJob("mine", run_of().request))
    planned = engine.wait_for(JobPlanned, Failed)
    assert planned.job == "mine" and planned.plan.frames == FRAMES and planned.plan.seconds > 0 and planned.plan.shots == 1
    engine.send(PlanJob("mine", run_of().request, calibrate=False))
    assert engine.wait_for(JobPlanned, Failed).plan.seconds == pytest.approx(planned.plan.seconds)
    engine.send(PlanJob("mine", run_of(frames=(90, 99)).request))
    assert "has 20 frames" in engine.wait_for(JobPlanned, Failed).message


def test_a_job_is_run_and_its_progress_told(engine, run_of, tmp_path):
    engine.send(run_of())
    finished = engine.wait_for(JobFinished, Failed)
    assert finished.target == tmp_path / "out.mkv" and len(jobs.pictures(finished.target)) == FRAMES
    assert finished.report["frames_out"] == FRAMES
    kinds = [type(event) for event in engine.received if not isinstance(event, Progress)]
    assert kinds == [Ready, JobStarted, JobPlanned, JobFinished]
    told = {type(event.event) for event in engine.received if isinstance(event, Progress)}
    assert {PhaseStarted, StepStarted, TileStarted, TileFinished, FrameDone, PreviewFrame} <= told


def test_a_preview_shows_every_finished_frame_and_writes_nothing(engine, run_of, tmp_path):
    engine.send(run_of(None, frames=(4, 6)))
    finished = engine.wait_for(JobFinished, Failed)
    assert finished.target is None and finished.report["frames_out"] == 3
    shown = [event.event for event in engine.received if isinstance(event, Progress) and isinstance(event.event, PreviewFrame)]
    assert [event.frame for event in shown if event.final] == [4, 5, 6]
    assert not list(tmp_path.rglob("*.mkv"))


def test_a_cancelled_job_is_kept_and_gone_on_with(engine, hold, run_of, tmp_path):
    engine.send(run_of("whole.mkv"))
    engine.wait_for(JobFinished, Failed)
    cancelled = None
    hold(progressed(StepStarted, segment=1), lambda: cancelled)
    engine.send(run_of())
    engine.wait_for_progress(StepStarted, segment=1)
    engine.send(Cancel())
    cancelled = engine.wait_for(JobCancelled, JobFinished, Failed)
    assert cancelled.folder.is_dir()
    engine.send(run_of(folder=cancelled.folder))
    assert engine.wait_for(JobFinished, Failed).report["resumed"]
    assert jobs.fingerprint(tmp_path / "out.mkv") == jobs.fingerprint(tmp_path / "whole.mkv")


def test_a_job_that_has_not_begun_can_be_cancelled(engine, hold, run_of):
    cancelled = None
    hold(is_started, lambda: cancelled)
    engine.send(run_of())
    engine.send(Cancel())
    cancelled = engine.wait_for(JobCancelled, JobFinished, Failed)
    assert cancelled == JobCancelled("job", None)
    engine.send(Cancel())
    engine.send(run_of(frames=(0, 0)))
    assert isinstance(engine.wait_for(JobCancelled, JobFinished, Failed), JobFinished)


def test_a_paused_job_stands_still_and_plans_are_made_meanwhile(engine, hold, run_of):
    hold(progressed(TileFinished))
    engine.send(run_of())
    engine.wait_for_progress(TileFinished)
    engine.send(Pause())
    assert engine.wait_for(Paused, JobFinished) == Paused("job")
    assert engine.is_quiet(0.3)
    engine.send(PlanJob("other", run_of("other.mkv").request))
    planned = engine.wait_for(JobPlanned, Failed)
    assert planned.job == "other" and planned.plan.seconds is None
    engine.send(Resume())
    assert engine.wait_for(Resumed, JobFinished) == Resumed("job")
    assert engine.wait_for(JobFinished, Failed).report["frames_out"] == FRAMES


def test_a_paused_job_can_be_cancelled(engine, hold, run_of):
    hold(is_started)
    engine.send(run_of())
    engine.send(Pause())
    engine.wait_for(Paused)
    engine.send(Cancel())
    assert isinstance(engine.wait_for(JobCancelled, JobFinished, Failed), JobCancelled)


def test_bad_input_fails_with_its_sentence_alone(engine, run_of, tmp_path):
    (tmp_path / "out.mkv").write_text("mine")
    engine.send(run_of())
    failed = engine.wait_for(JobFinished, Failed)
    assert failed.user_error and "exists already" in failed.message and not failed.details and failed.folder is None


def test_an_unknown_error_comes_with_details_and_the_job_to_resume(engine, run_of, monkeypatch):
    def burst(self, restored):
        raise ZeroDivisionError("burst")

    monkeypatch.setattr("dcvsr_engine.jobs.sinks.WrittenSegment.add", burst)
    engine.send(run_of())
    failed = engine.wait_for(JobFinished, Failed)
    assert not failed.user_error and "ZeroDivisionError: burst" in failed.message and "Traceback" in failed.details
    assert failed.folder.is_dir()


def test_memory_that_runs_out_is_told_in_words(engine, run_of, monkeypatch):
    def starve(*arguments, **options):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(process, "load_model", starve)
    engine.send(run_of())
    failed = engine.wait_for(JobFinished, Failed)
    assert failed.user_error and failed.message.startswith("Memory ran out")
    assert is_out_of_memory(RuntimeError("CUDA out of memory"))


def test_a_window_that_is_gone_stops_the_job(engine, hold, run_of, tmp_path):
    hold(progressed(TileFinished))
    engine.send(run_of())
    engine.wait_for_progress(TileFinished)
    engine.connection.close()
    engine.wait_for_the_end()
    assert not (tmp_path / "out.mkv").exists()


def test_a_process_of_its_own_obeys_and_ends(client_of, run_of, tmp_path):
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    engine = context.Process(target=serve_held, args=(TileFinished, theirs))
    engine.start()
    theirs.close()
    client = client_of(ours)
    client.wait_for(Ready)
    client.send(run_of())
    client.wait_for_progress(TileFinished)
    client.send(Pause())
    client.wait_for(Paused)
    client.send(Resume())
    client.wait_for(Resumed)
    assert client.wait_for(JobFinished, Failed).report["frames_out"] == FRAMES
    client.send(run_of("other.mkv"))
    client.wait_for_progress(TileFinished)
    client.send(Shutdown())
    engine.join()
    assert engine.exitcode == 0
    assert not (tmp_path / "other.mkv").exists()


def test_a_job_for_a_farm_is_handed_to_it_and_a_preview_is_not(run_of, tmp_path, monkeypatch):
    asked = []

    def on_farm(request, control, folder, address):
        asked.append((request, folder, address))
        control.emit(FrameDone(1, 2))
        raise JobError("There is no farm at box:1.")

    ours, theirs = multiprocessing.Pipe()
    served = process.Engine(theirs, on_farm=on_farm)
    command = dataclasses.replace(run_of(), folder=tmp_path / "shared", farm="box:1")
    for job in (command, dataclasses.replace(command, request=command.request.replace(target=None, frames=(0, 0)))):
        served.carry_out(job)
    served.jobs.shutdown()
    theirs.close()
    events = []
    with suppress(EOFError):
        while True:
            events.append(ours.recv())
    failed = next(event for event in events if isinstance(event, Failed))
    assert asked == [(command.request, tmp_path / "shared", "box:1")]
    assert failed.message == "There is no farm at box:1." and failed.user_error and failed.folder is None
    assert Progress(command.job, FrameDone(1, 2)) in events and isinstance(events[-1], JobFinished)
    assert JobStarted(command.job, tmp_path / "shared") in events
