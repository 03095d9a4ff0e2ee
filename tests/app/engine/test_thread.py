import os
import signal
from pathlib import Path

import psutil
import pytest
from fake_engine import fake_engine, serve_with_a_member

from app.engine.entry import serve_bundled_engine
from app.engine.thread import EngineDied, EngineThread, without_overtaken
from dcvsr_engine import events
from dcvsr_engine.events import PreviewFrame, StepKind
from dcvsr_engine.gpu import switch
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.worker.messages import (
    Cancel,
    JobCancelled,
    JobFinished,
    JobPlanned,
    JobStarted,
    Pause,
    Paused,
    PlanJob,
    Progress,
    Ready,
    Resume,
    Resumed,
    RunJob,
)


class Log(list):
    """Everything an engine sends."""

    def __init__(self, engine: EngineThread, qtbot) -> None:
        self.qtbot = qtbot
        engine.received.connect(self.append)
        engine.died.connect(self.append)

    def wait_for(self, kind: type, count: int = 1):
        self.qtbot.waitUntil(lambda: sum(isinstance(event, kind) for event in self) >= count)
        return [event for event in self if isinstance(event, kind)][count - 1]

    def progress(self, kind: type) -> list:
        return [event.event for event in self if isinstance(event, Progress) and isinstance(event.event, kind)]


@pytest.fixture
def request_(clip: Path, tmp_path: Path) -> JobRequest:
    return JobRequest(source=clip, target=tmp_path / "out.mp4")


def test_a_job_runs_to_its_end_with_every_kind_of_progress(start_engine, qtbot, request_):
    engine = start_engine(segments=2)
    log = Log(engine, qtbot)
    engine.send(RunJob("j", request_))
    assert log.wait_for(JobFinished).target == request_.target
    assert isinstance(log[0], Ready)
    plan = log.wait_for(JobPlanned).plan
    tiles = log.progress(events.TileFinished)
    assert len(tiles) == 2 * plan.settings.steps * len(plan.grid)
    assert [step.kind for step in log.progress(events.StepStarted)][:4] == [
        StepKind.SAP,
        StepKind.TAP_FORWARD,
        StepKind.SAP,
        StepKind.TAP_BACKWARD,
    ]
    assert [frame.frame for frame in log.progress(PreviewFrame) if frame.final] == list(range(8))


def test_a_plan_needs_no_run(start_engine, qtbot, request_):
    engine = start_engine()
    log = Log(engine, qtbot)
    engine.send(PlanJob("j", request_))
    assert log.wait_for(JobPlanned).plan.output_size == (256, 192)
    assert not request_.target.exists()


def test_cancel_stops_within_a_tile(start_engine, qtbot, request_):
    engine = start_engine(holds_from_tile=1)
    log = Log(engine, qtbot)
    engine.send(RunJob("j", request_))
    qtbot.waitUntil(lambda: bool(log.progress(events.TileFinished)))
    engine.send(Cancel())
    assert log.wait_for(JobCancelled).folder is not None
    assert len(log.progress(events.TileFinished)) == 1


def test_pause_stops_the_tiles_and_resume_goes_on(start_engine, qtbot, request_, go_on):
    engine = start_engine(holds_from_tile=1)
    log = Log(engine, qtbot)
    engine.send(RunJob("j", request_))
    qtbot.waitUntil(lambda: bool(log.progress(events.TileFinished)))
    engine.send(Pause())
    log.wait_for(Paused)
    go_on()
    engine.send(PlanJob("other", request_))
    log.wait_for(JobPlanned, 2)
    assert len(log.progress(events.TileFinished)) == 1
    engine.send(Resume())
    log.wait_for(Resumed)
    log.wait_for(JobFinished)


def test_a_killed_process_is_reported_and_restarted_and_its_job_resumes(start_engine, qtbot, request_):
    engine = start_engine(holds_from_tile=0)
    log = Log(engine, qtbot)
    engine.send(RunJob("j", request_))
    folder = log.wait_for(JobStarted).folder
    first = engine.process_id
    os.kill(first, signal.SIGKILL)
    died = log.wait_for(EngineDied)
    assert died == EngineDied(-signal.SIGKILL, "j", folder, restarting=True)
    log.wait_for(Ready, 2)
    assert engine.process_id != first
    engine.send(RunJob("j", request_, died.folder))
    log.wait_for(JobFinished)


def test_a_process_that_never_gets_ready_is_not_restarted_for_ever(start_engine, qtbot):
    engine = start_engine(die_at_start=True)
    log = Log(engine, qtbot)
    assert log.wait_for(EngineDied) == EngineDied(3, restarting=False)
    assert engine.wait(60_000)
    engine.start()
    log.wait_for(EngineDied, 2)


def test_shutting_down_ends_the_process_in_time_even_if_it_does_not_listen(start_engine, qtbot):
    engine = start_engine(deaf=True)
    Log(engine, qtbot).wait_for(Ready)
    process = psutil.Process(engine.process_id)
    engine.shut_down(0.2)  # it never listens: who waited for it would wait for ever
    assert engine.isFinished() and not process.is_running()
    engine.send(Cancel())  # as the window may, when an event that was under way comes


def test_shutting_down_during_a_job_reports_no_death(start_engine, qtbot, request_):
    engine = start_engine(holds_from_tile=0)
    log = Log(engine, qtbot)
    engine.send(RunJob("j", request_))
    log.wait_for(JobStarted)
    engine.shut_down()
    qtbot.wait(50)
    assert not [event for event in log if isinstance(event, EngineDied)]


def test_the_engine_leaves_the_window_the_first_turn(start_engine, qtbot):
    engine = start_engine()
    Log(engine, qtbot).wait_for(Ready)
    assert psutil.Process(engine.process_id).nice() > psutil.Process().nice()


def test_commands_sent_before_the_process_is_up_are_kept(start_engine, qtbot, request_):
    engine = start_engine()
    log = Log(engine, qtbot)
    engine.send(PlanJob("early", request_))
    assert log.wait_for(JobPlanned).job == "early"


def test_only_the_newest_preview_of_a_frame_is_delivered():
    def preview(frame: int, step: int) -> Progress:
        return Progress("j", PreviewFrame(frame, step, None))

    tile = Progress("j", events.TileStarted(0, 0))
    received = [preview(0, 0), tile, preview(0, 1), preview(1, 1), preview(0, 2)]
    assert without_overtaken(received) == [tile, preview(1, 1), preview(0, 2)]


def test_an_engine_that_cannot_start_is_replaced_by_its_fallback(qapp, qtbot, tmp_path, request_):
    engine = EngineThread(fake_engine(tmp_path, die_at_start=True), fallback=fake_engine(tmp_path))
    log = Log(engine, qtbot)
    engine.start()
    death = log.wait_for(EngineDied)
    assert death.fell_back and death.restarting and death.exit_code == 3
    log.wait_for(Ready)
    engine.send(RunJob("j", request_))
    log.wait_for(JobFinished)
    engine.shut_down()
    assert sum(isinstance(event, EngineDied) for event in log) == 1


def test_an_engine_runs_no_module_of_the_current_folder(start_engine, qtbot, tmp_path, monkeypatch):
    for name in ("signal", "multiprocessing", "psutil"):
        (tmp_path / f"{name}.py").write_text("from pathlib import Path\nPath('trapped').touch()\n")
    monkeypatch.chdir(tmp_path)
    Log(start_engine(), qtbot).wait_for(Ready)
    assert not (tmp_path / "trapped").exists()


@pytest.mark.slow
def test_a_build_for_the_gpu_that_does_not_start_is_replaced_by_the_bundled_one(qapp, qtbot, tmp_path, monkeypatch):
    """For real: a side folder that is switched on, and the real engine."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    broken = switch.gpu_folder() / "torch-x" / "torch"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise OSError('the driver is gone')")
    switch.switch_on(switch.Build("torch-x", switch.wanted_version(), "13.0", "Pretend GPU", switch.this_python()))
    engine = EngineThread(fallback=serve_bundled_engine)
    log = Log(engine, qtbot)
    engine.start()
    qtbot.waitUntil(lambda: any(isinstance(event, Ready) for event in log), timeout=120_000)
    assert [type(event) for event in log] == [EngineDied, Ready] and log[0].fell_back
    assert log[1].torch.startswith(switch.wanted_version())
    engine.shut_down()


def test_the_engine_may_have_processes_of_its_own(qtbot):
    """One for each of several devices."""
    engine = EngineThread(serve_with_a_member)
    log = Log(engine, qtbot)
    engine.start()
    try:
        assert log.wait_for(Ready).version == "0"
    finally:
        engine.shut_down()
