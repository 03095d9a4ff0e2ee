import os
import signal
from pathlib import Path

import pytest

from app.engine.runner import Activity, JobRunner, with_target
from app.engine.thread import EngineDied
from app.queue.job_queue import JobQueue, QueueItem
from app.queue.model import QueueModel
from app.queue.unfinished import retry
from app.system.result_rule import ResultRule
from dcvsr_engine.events import PreviewFrame, TileFinished
from dcvsr_engine.planning.request import JobRequest, Region
from dcvsr_engine.settings import OutputSettings, RestoreSettings


class Bench:
    """A runner with its engine and queue, and a record of what it says."""

    def __init__(self, engine, path: Path, qtbot) -> None:
        self.engine, self.qtbot = engine, qtbot
        self.queue = QueueModel(JobQueue(), path)
        self.runner = JobRunner(engine, self.queue)
        self.plans, self.events, self.failures, self.deaths, self.activities = [], [], [], [], []
        self.runner.planned.connect(lambda run, plan: self.plans.append((run, plan)))
        self.runner.progressed.connect(lambda run, event: self.events.append((run, event)))
        self.runner.failed.connect(lambda run, message, details: self.failures.append(message))
        self.runner.died.connect(lambda death, run: self.deaths.append((death, run)))
        self.runner.activity_changed.connect(self.activities.append)

    def add(self, source: Path, **values) -> str:
        item = QueueItem(JobRequest(source=source, **values))
        self.queue.add(item)
        return item.id

    def states(self) -> list[str]:
        return [item.state for item in self.queue.queue]

    def wait_for(self, condition) -> None:
        self.qtbot.waitUntil(condition)

    def wait_for_tile(self) -> None:
        self.wait_for(lambda: any(isinstance(event, TileFinished) for _, event in self.events))

    def wait_until_idle(self) -> None:
        self.wait_for(lambda: self.runner.activity == Activity.IDLE)


@pytest.fixture
def bench(start_engine, tmp_path, qtbot):
    benches = []

    def make(**behaviour) -> Bench:
        benches.append(Bench(start_engine(**behaviour), tmp_path / "queue.json", qtbot))
        return benches[-1]

    yield make
    for each in benches:
        each.queue.save()


@pytest.fixture
def own_clip(clip, tmp_path) -> Path:
    (tmp_path / "clip.mp4").write_bytes(clip.read_bytes())
    return tmp_path / "clip.mp4"


def test_waiting_jobs_run_one_after_another_into_names_of_their_own(bench, own_clip):
    b = bench()
    b.add(own_clip)
    b.add(own_clip)
    b.runner.start_queue()
    b.wait_for(lambda: b.states() == ["done", "done"])
    assert [item.result.name for item in b.queue.queue] == ["clip_x4.mp4", "clip_x4_2.mp4"]
    assert all(item.result.exists() and item.request.target is None and item.report for item in b.queue.queue)


def test_a_failed_job_does_not_stop_the_queue_and_can_be_resumed(bench, own_clip):
    b = bench(fail_at_tile=3)
    first = b.add(own_clip)
    b.runner.start_item(first)
    b.wait_for(lambda: b.states() == ["failed"])
    item = b.queue.item(first)
    assert b.failures == [item.message] and item.can_resume and item.details
    result = item.result
    retry(b.queue, item, resume=True)
    b.runner.start_queue()
    b.wait_for(lambda: b.states() == ["done"])
    assert b.queue.item(first).result == result


def test_a_retry_from_the_start_forgets_finished_work(bench, own_clip):
    b = bench(fail_at_tile=3)
    first = b.add(own_clip)
    b.runner.start_item(first)
    b.wait_for(lambda: b.states() == ["failed"])
    manifest = b.queue.item(first).folder / "job.json"
    manifest.write_text("{}")
    retry(b.queue, b.queue.item(first), resume=False)
    assert not manifest.exists()
    assert (b.queue.item(first).folder, b.states()) == (None, ["waiting"])
    b.runner.start_queue()
    b.wait_for(lambda: len(b.failures) == 2)


def test_cancelling_stops_the_queue(bench, own_clip):
    b = bench(holds_from_tile=1)
    b.add(own_clip)
    b.add(own_clip)
    b.runner.start_queue()
    b.wait_for_tile()
    b.runner.cancel()
    assert b.runner.activity == Activity.CANCELLING
    b.wait_until_idle()
    assert b.states() == ["cancelled", "waiting"]
    assert b.queue.queue[0].can_resume


def test_pause_and_resume(bench, own_clip, go_on):
    b = bench(holds_from_tile=1)
    b.add(own_clip)
    b.runner.start_queue()
    b.wait_for_tile()
    b.runner.pause()
    b.wait_for(lambda: b.runner.activity == Activity.PAUSED)
    go_on()
    b.runner.resume()
    b.wait_for(lambda: b.states() == ["done"])
    assert b.activities == [Activity.RUNNING, Activity.PAUSING, Activity.PAUSED, Activity.RUNNING, Activity.IDLE]


def test_a_killed_engine_interrupts_its_job_which_then_resumes(bench, own_clip):
    b = bench(holds_from_tile=1)
    item_id = b.add(own_clip)
    b.runner.start_queue()
    b.wait_for_tile()
    os.kill(b.engine.process_id, signal.SIGKILL)
    b.wait_for(lambda: bool(b.deaths))
    death, run = b.deaths[0]
    assert death.restarting and run.job == item_id
    assert b.states() == ["interrupted"] and b.queue.item(item_id).folder == death.folder
    retry(b.queue, b.queue.item(item_id), resume=True)
    b.runner.start_queue()
    b.wait_for(lambda: b.states() == ["done"])


def test_a_killed_engine_does_not_stop_the_queue(bench, own_clip, go_on):
    b, emptied = bench(holds_from_tile=1), []
    b.runner.emptied.connect(lambda: emptied.append(True))
    for _ in range(3):
        b.add(own_clip)
    b.runner.start_queue()
    b.wait_for_tile()
    os.kill(b.engine.process_id, signal.SIGKILL)
    go_on()
    b.qtbot.waitUntil(lambda: b.states() == ["interrupted", "done", "done"])
    assert b.deaths and emptied == [True]


def test_a_queue_that_is_stopped_at_once_does_not_go_on(bench, own_clip):
    b = bench(tile_seconds=30.0)
    for _ in range(2):
        b.add(own_clip)
    b.runner.start_queue()
    b.wait_for(lambda: b.queue.queue[0].folder is not None)
    b.runner.stop_now()
    b.wait_until_idle()
    assert b.states() == ["interrupted", "waiting"]


def test_an_engine_that_does_not_cancel_can_be_stopped_at_once(bench, own_clip):
    b = bench(tile_seconds=30.0)
    b.add(own_clip)
    b.runner.start_queue()
    b.wait_for(lambda: b.queue.queue[0].folder is not None)
    b.runner.cancel()
    b.runner.stop_now()
    b.wait_until_idle()
    assert b.states() == ["cancelled"] and not b.deaths


def test_an_engine_that_cancels_just_before_it_is_stopped_is_not_said_to_have_died(bench, own_clip):
    b = bench(holds_from_tile=1)
    b.add(own_clip)
    b.runner.start_queue()
    b.wait_for_tile()
    b.runner.cancel()
    b.wait_until_idle()
    first = b.engine.process_id
    b.runner.stop_now()
    b.wait_for(lambda: b.engine.process_id not in (None, first))
    b.add(own_clip)
    b.runner.start_queue()
    b.wait_for_tile()
    assert b.states()[0] == "cancelled" and not b.deaths
    b.runner.cancel()
    b.wait_until_idle()


def test_an_engine_that_cannot_start_is_told(bench):
    b = bench(die_at_start=True)
    b.wait_for(lambda: bool(b.deaths))
    assert b.deaths == [(EngineDied(3, restarting=False), None)]
    assert b.engine.wait(60_000)
    b.runner.restart_engine()
    b.wait_for(lambda: len(b.deaths) == 2)


def test_a_job_tries_to_start_an_engine_that_could_not_be_started(bench, own_clip):
    b = bench(die_at_start=True)
    b.wait_for(lambda: bool(b.deaths))
    assert b.engine.wait(60_000)
    b.add(own_clip)
    b.runner.start_queue()
    b.wait_for(lambda: len(b.deaths) == 2)
    assert b.states() == ["interrupted"] and b.runner.activity == Activity.IDLE


def test_a_preview_sends_frames_of_its_range_and_region_and_leaves_no_file(bench, own_clip):
    b = bench()
    request = JobRequest(
        source=own_clip, target=own_clip.with_name("not_this.mp4"), frames=(2, 4), region=Region(x=8, y=8, width=32, height=24)
    )
    b.runner.preview(request, "B")
    b.wait_until_idle()
    frames = [(run.variant, event) for run, event in b.events if isinstance(event, PreviewFrame) and event.final]
    assert [(variant, frame.frame, frame.pixels.shape) for variant, frame in frames] == [
        ("B", n, (96, 128, 3)) for n in (2, 3, 4)
    ]
    assert sorted(path.name for path in own_clip.parent.glob("*.mp4")) == ["clip.mp4"]


def test_a_plan_names_the_place_that_is_not_there_yet(bench, own_clip, tmp_path):
    b, folder = bench(), tmp_path / "new" / "out"
    b.runner._rule = lambda: ResultRule(folder)
    b.runner.plan(JobRequest(source=own_clip))
    assert b.runner.current.request.target == folder / "clip_x4.mp4" and not folder.exists()
    b.wait_until_idle()


def test_a_plan_is_only_a_plan(bench, own_clip):
    b = bench(problems=("Too little memory; choose smaller tiles.",))
    b.runner.plan(JobRequest(source=own_clip))
    b.wait_until_idle()
    ((run, plan),) = b.plans
    assert run.plan_only and plan.problems and run.request.target == own_clip.with_name("clip_x4.mp4")
    assert not b.events


def test_the_engine_gets_one_thing_at_a_time(bench, own_clip):
    b = bench(holds_from_tile=1)
    first, second = b.add(own_clip), b.add(own_clip)
    b.runner.start_item(first)
    b.runner.start_item(second)
    b.runner.preview(JobRequest(source=own_clip), "A")
    b.runner.plan(JobRequest(source=own_clip))
    assert b.states() == ["running", "waiting"]
    b.runner.cancel()
    b.wait_until_idle()
    assert {run.job for run, _ in b.events} <= {first}


def test_a_target_of_ones_own_is_kept(tmp_path):
    request = JobRequest(source=tmp_path / "a.avi", target=tmp_path / "b.mkv")
    assert with_target(request, [tmp_path / "b.mkv"]) == request


def test_a_target_is_named_by_scale_and_codec(tmp_path):
    request = JobRequest(source=tmp_path / "a.avi", settings=RestoreSettings(size="x2"), output=OutputSettings(codec="ffv1"))
    assert with_target(request, []).target == tmp_path / "a_x2.mkv"
