"""What a run reports, and to whom: nothing of a run stays behind in the control that was lent to it."""

import gc
import inspect
import weakref

import jobs
import pytest
from jobs import Watch

from dcvsr_engine.control import Control
from dcvsr_engine.errors import Cancelled
from dcvsr_engine.events import MemoryUsed, PhaseStarted, PreviewFrame, Warned
from dcvsr_engine.jobs import job as running
from dcvsr_engine.jobs import telemetry as observing
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.telemetry import Telemetry


def frame(index: int) -> PreviewFrame:
    return PreviewFrame(index, 0, None)


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test winds on."""
    now = [100.0]
    monkeypatch.setattr(observing.time, "monotonic", lambda: now[0])
    return now


def test_one_control_serves_many_runs_and_keeps_none_of_them(clip, tiny_model, loader, monkeypatch):
    runs, depths = [], []

    class Counted(Telemetry):
        def __init__(self, control):
            super().__init__(control)
            runs.append(weakref.ref(self))
            depths.append(0)

    def look(event):
        depths[-1] = max(depths[-1], len(inspect.stack(0)))

    monkeypatch.setattr(running, "Telemetry", Counted)
    watch = Watch(look)
    attributes = {name: value for name, value in vars(watch).items() if name != "events"}
    for _ in range(3):
        run_job(jobs.request(clip, None, tiny_model, frames=(0, 1)), watch, None, loader)
    assert {name: value for name, value in vars(watch).items() if name != "events"} == attributes
    assert len(runs) == 3 and len(set(depths)) == 1
    gc.collect()
    assert not [run for run in runs if run() is not None]


def test_previews_are_held_back_and_not_even_made(clock):
    watch, made = Watch(), []
    telemetry = Telemetry(watch)
    for index in range(100):
        clock[0] += 0.03
        telemetry.preview(lambda index=index: made.append(index) or frame(index))
    assert len(made) == len(watch.of(PreviewFrame)) and 10 <= len(made) <= 13


def test_previews_that_take_long_are_made_seldom(clock):
    """A picture of 4K takes as long to make as some tiles."""
    watch = Watch()
    telemetry = Telemetry(watch)

    def make():
        clock[0] += 1.0
        return frame(0)

    for _ in range(100):
        clock[0] += 0.5
        telemetry.preview(make)
    assert 5 <= len(watch.of(PreviewFrame)) <= 7


def test_no_preview_is_made_where_nobody_looks():
    told = []
    watched = Telemetry(Control(told.append, pictures=False))
    watched.preview(lambda: pytest.fail("made"))
    watched.preview(lambda: frame(1), always=True)
    assert [event.frame for event in told] == [1]


def test_frames_of_a_preview_are_never_held_back(clock):
    watch = Watch()
    telemetry = Telemetry(watch)
    for index in range(100):
        telemetry.preview(lambda index=index: frame(index), always=True)
    assert [event.frame for event in watch.of(PreviewFrame)] == list(range(100))


def test_a_preview_that_there_is_no_memory_for_is_left_out():
    watch = Watch()
    Telemetry(watch).preview(lambda: None)
    assert not watch.events


def test_what_is_reported_within_a_segment_belongs_to_it(clock):
    watch = Watch()
    telemetry = Telemetry(watch)
    telemetry.emit(Warned("before"))
    with telemetry.segment(1, 3) as work:
        telemetry.emit(Warned("within"))
        for _ in range(2):
            with telemetry.phase("sample", 7):
                clock[0] += 2.0
        telemetry.measure_memory("cpu")
    with telemetry.phase("write"):
        clock[0] += 1.0
    assert work.warnings == ["within"] and telemetry.job.warnings == ["before"]
    assert work.seconds == {"sample": 4.0} and telemetry.job.seconds == {"write": 1.0}
    assert watch.of(PhaseStarted) == [PhaseStarted("sample", 1, 3, 7)] * 2 + [PhaseStarted("write", 0, 1, 0)]
    [used] = watch.of(MemoryUsed)
    assert work.peak_memory == used.used > 0 and used.total > used.used and telemetry.job.peak_memory == 0


def test_a_phase_that_fails_is_timed_too(clock):
    telemetry = Telemetry(Watch())
    with pytest.raises(ZeroDivisionError), telemetry.phase("load"):
        clock[0] += 3.0
        raise ZeroDivisionError
    assert telemetry.job.seconds == {"load": 3.0}


def test_waiting_is_a_share_of_the_whole_run(clock):
    telemetry = Telemetry(Watch())
    with telemetry.phase("analyse"):
        clock[0] += 1.0
    with telemetry.segment(0, 1), telemetry.phase("sample"):
        clock[0] += 2.0
    telemetry.add_waiting(1.0)
    clock[0] += 1.0
    assert telemetry.waiting_share == pytest.approx(0.5)


def test_cancelling_the_callers_control_stops_the_run():
    watch = Watch()
    telemetry = Telemetry(watch)
    telemetry.check()
    watch.cancel()
    with pytest.raises(Cancelled):
        telemetry.check()
