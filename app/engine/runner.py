"""Runs the queue's jobs one after another on the engine, and previews in between."""

import logging
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Signal, Slot

from app.engine.thread import EngineDied, EngineThread
from app.models.declared import declared
from app.queue.job_queue import QueueItem
from app.queue.model import QueueModel
from app.system.result_rule import UNKNOWN, ResultRule, SourceFacts
from dcvsr_engine.farm.address import farm_job_folder
from dcvsr_engine.planning.disk import existing
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.worker.messages import (
    Cancel,
    CompareVideos,
    EngineEvent,
    Failed,
    JobCancelled,
    JobFinished,
    JobPlanned,
    JobStarted,
    LookAt,
    ModelLoaded,
    Pause,
    Paused,
    PlanJob,
    Progress,
    Ready,
    Resume,
    Resumed,
    RunJob,
)

if TYPE_CHECKING:
    from dcvsr_engine.video.comparison import ComparisonMode

log = logging.getLogger(__name__)

Variant = Literal["A", "B"]


class Activity(StrEnum):
    """What the engine is busy with."""

    IDLE = "idle"
    PLANNING = "planning"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"


@dataclass(frozen=True)
class EngineRun:
    """The job that the engine has now: an item of the queue, a preview (``variant``), only a plan, or a comparison.

    Attributes:
        job: its id in messages; an item's own id.
        request: the request as it runs.
        variant: which preview it is, or ``None``.
        plan_only: only an estimate is made.
        compares: a video of the clip before and after is written.
        item: the id of the item it belongs to, also for a preview.
        farm: address of the farm that restores it; empty for this computer.
    """

    job: str
    request: JobRequest
    variant: Variant | None = None
    plan_only: bool = False
    compares: bool = False
    item: str = ""
    farm: str = ""

    @property
    def restores(self) -> bool:
        """Whether an item of the queue is restored."""
        return self.variant is None and not self.plan_only and not self.compares


class JobRunner(QObject):
    """Gives the engine one thing to do at a time and keeps the queue's states true.

    Attributes:
        activity_changed: an `Activity`.
        planned: a `EngineRun` and its `Plan`, on request and when a run begins.
        progressed: the running `EngineRun` and a `dcvsr_engine.events.Event`.
        finished: a `EngineRun` and its report.
        cancelled: a `EngineRun` that was ended before its end because the user wanted it.
        failed: a `EngineRun`, a sentence, and details to fold away.
        died: an unexpected `EngineDied`, and the `EngineRun` that it ended or ``None``.
        ready: the engine's `Ready`.
        emptied: the last of the items has ended by itself, and none waits.
    """

    activity_changed = Signal(object)
    planned = Signal(object, object)
    progressed = Signal(object, object)
    finished = Signal(object, dict)
    cancelled = Signal(object)
    failed = Signal(object, str, str)
    died = Signal(object, object)
    ready = Signal(object)
    emptied = Signal()

    def __init__(
        self,
        engine: EngineThread,
        queue: QueueModel,
        parent: QObject | None = None,
        rule: Callable[[], ResultRule] = ResultRule,
        farm: Callable[[], str] = str,
    ) -> None:
        """Run nothing yet.

        Args:
            engine: the engine's process.
            queue: the items.
            parent: the window.
            rule: says how results are named that have no name yet.
            farm: gives the address of the farm that is to restore; empty for this computer.
        """
        super().__init__(parent)
        self._engine, self._queue, self._rule, self._farm = engine, queue, rule, farm
        self._activity = Activity.IDLE
        self._run: EngineRun | None = None
        self._stopped = False
        self._whole_queue = False
        self._chosen: list[str] = []
        engine.received.connect(self._on_event)
        engine.died.connect(self._on_death)

    @property
    def activity(self) -> Activity:
        """What the engine is busy with."""
        return self._activity

    @property
    def current(self) -> EngineRun | None:
        """What runs now."""
        return self._run

    @property
    def farm(self) -> str:
        """Address of the farm that restores; empty for this computer."""
        return self._farm()

    @property
    def running_item(self) -> str | None:
        """The id of the queue's item that runs now."""
        return self._run.job if self._run and self._run.job in self._queue.queue else None

    # -- what the user asks for ------------------------------------------------------------------------------------

    def start_queue(self) -> None:
        """Run all waiting items, in order."""
        self._whole_queue = True
        self._start_next()

    def start_items(self, ids: Iterable[str]) -> None:
        """Run these items, in this order, and no others; while something runs, after it."""
        self._chosen += ids
        if not self._run:
            self._start_next()

    def start_item(self, item_id: str) -> None:
        """Run one item in whatever state it is; one that waits to resume keeps its finished work."""
        item = self._queue.item(item_id)
        if item is None or self._run:
            return
        # a job is resumed only with the request that it began with, to which the chosen name belongs
        resumed = item.request.replace(target=item.result) if item.folder else item.request
        request = with_target(resumed, self._promised_targets(item_id), item.facts, self._rule())
        make_folder(request.target)
        self._queue.set_state(item_id, "running", result=request.target, message="", details="", progress=0.0)
        farm = self.farm
        folder = item.folder or (farm_job_folder(request, farm) if farm else None)
        self._begin(EngineRun(item_id, request, item=item_id, farm=farm), RunJob(item_id, request, folder, farm))

    def preview(self, request: JobRequest, variant: Variant, item_id: str = "") -> None:
        """Restore a range of frames of an item only to show it."""
        run = EngineRun(f"preview-{uuid.uuid4().hex}", request.replace(target=None), variant, item=item_id)
        if not self._run:
            self._begin(run, RunJob(run.job, run.request))

    def compare(self, item: QueueItem, target: Path, mode: "ComparisonMode", frames: tuple[int, int], replace: bool) -> bool:
        """Write a video of frames of a finished item before and after; returns whether the engine was free to begin."""
        if self._run or item.finished is None:
            return False
        output = OutputSettings(overwrite=replace)
        request = JobRequest(source=item.request.source, target=target, output=output, frames=frames)
        run = EngineRun(f"comparison-{uuid.uuid4().hex}", request, compares=True)
        files = request.source, item.finished, target
        self._begin(run, CompareVideos(run.job, *files, mode, frames, item.first_frame, output))
        return True

    def plan(self, request: JobRequest, measure: bool = True) -> None:
        """Estimate a job, with the device's speed if it is to ``measure`` it; answered by `planned` or `failed`."""
        # with the name that it would get: disk space and losses depend on it
        wanted = request.source, request.output
        alike = (item.facts for item in self._queue.queue if (item.request.source, item.request.output) == wanted)
        named = with_target(request, self._promised_targets(""), next(alike, UNKNOWN), self._rule())
        # folders of results are made only when something is restored
        target = named.target and existing(named.target.parent) / named.target.name
        run = EngineRun(f"plan-{uuid.uuid4().hex}", named, plan_only=True)
        if not self._run:
            self._begin(run, PlanJob(run.job, named.replace(target=target), calibrate=measure))

    def forget_plan(self) -> None:
        """Drop the estimate that is being made; its answer is ignored."""
        if self._run and self._run.plan_only:
            self._end(self._run)

    def pause(self) -> None:
        """Stop at the next tile and free the device."""
        if self._activity == Activity.RUNNING:
            self._engine.send(Pause())
            self._set_activity(Activity.PAUSING)

    def resume(self) -> None:
        """Resume after a pause."""
        if self._activity in (Activity.PAUSED, Activity.PAUSING):
            self._engine.send(Resume())

    def look_at(self, frame: int) -> None:
        """Have the running job show this frame of its clip on the way."""
        if self._run and not self._run.plan_only:
            self._engine.send(LookAt(frame))

    def cancel(self) -> None:
        """Stop at the next tile and keep what is done; the rest of the queue waits."""
        self._stop_queue()
        if self._run:
            self._engine.send(Cancel())
            self._set_activity(Activity.CANCELLING)

    def stop_now(self) -> None:
        """Kill an engine that does not reach the next tile; finished work is kept."""
        self._stopped = True
        self._engine.kill_process()

    def restart_engine(self) -> None:
        """Start the engine if it does not run."""
        if not self._engine.isRunning():
            self._engine.start()

    # -- what the engine says -----------------------------------------------------------------------------------

    @Slot(object)
    def _on_event(self, event: EngineEvent) -> None:
        if isinstance(event, Ready):
            self.ready.emit(event)
        # late answers to what was dropped meanwhile are ignored
        elif not isinstance(event, ModelLoaded) and self._run and event.job == self._run.job:
            self._on_job_event(event, self._run)
        elif isinstance(event, Failed) and not event.job:
            self.failed.emit(self._run, event.message, event.details)

    def _on_job_event(self, event: EngineEvent, run: EngineRun) -> None:
        match event:
            case Progress():
                self.progressed.emit(run, event.event)
            case JobPlanned():
                self._on_planned(event.plan, run)
            case JobStarted():
                self._note_folder(event.folder)
            case Paused():
                self._set_activity(Activity.PAUSED)
            case Resumed():
                self._set_activity(Activity.RUNNING)
            case JobFinished():
                first = run.request.frames[0] if run.request.frames else 0
                done = {"finished": run.request.target, "first_frame": first, "report": event.report}
                self._end(run, "done", folder=None, progress=1.0, **done)
                self.finished.emit(run, event.report)
                self._go_on_after(run)
            case JobCancelled():
                # nothing is started after it: cancelling stops the queue
                self._end(run, "cancelled", folder=event.folder)
                self.cancelled.emit(run)
            case Failed():
                self._end(run, "failed", folder=event.folder, message=event.message, details=event.details)
                self.failed.emit(run, event.message, event.details)
                self._go_on_after(run)
            case _:
                pass

    def _on_planned(self, plan: Plan, run: EngineRun) -> None:
        if run.plan_only:
            self._end(run)
        self.planned.emit(run, plan)

    def _note_folder(self, folder: Path | None) -> None:
        """Remember where a job can be resumed from, before anything can happen to it."""
        if self.running_item:
            self._queue.set_state(self.running_item, "running", folder=folder)

    @Slot(object)
    def _on_death(self, death: EngineDied) -> None:
        run, cancelling = self._run, self._activity == Activity.CANCELLING
        stopped, self._stopped = self._stopped, False
        # a clip that kills the engine must not cost the others the night
        goes_on = bool(run and death.restarting and not cancelling and not stopped)
        if not goes_on:
            self._stop_queue()
        if run and cancelling:
            self._end(run, "cancelled", folder=death.folder)
            self.cancelled.emit(run)
        elif run:
            self._end(run, "interrupted", folder=death.folder)
        # the user asked for it, and it may have been cancelled just before: there is nothing to report
        if not (death.restarting and (cancelling or (stopped and run is None))):
            self.died.emit(death, run)
        if run and goes_on:
            self._go_on_after(run)

    # -- bookkeeping --------------------------------------------------------------------------------------------

    def _begin(self, run: EngineRun, command: RunJob | PlanJob | CompareVideos) -> None:
        self._run = run
        # an engine that died at its start is tried again
        self.restart_engine()
        self._engine.send(command)
        self._set_activity(Activity.PLANNING if run.plan_only else Activity.RUNNING)

    def _end(
        self, run: EngineRun, state: Literal["done", "cancelled", "failed", "interrupted"] = "done", **changes: object
    ) -> None:
        """The engine is free again; an item of the queue gets its final state."""
        # first: those who hear of the state find the engine free
        self._run = None
        if run.job in self._queue.queue:
            self._queue.set_state(run.job, state, **changes)
        self._set_activity(Activity.IDLE)

    def _go_on_after(self, run: EngineRun) -> None:
        self._start_next()
        if self._run is None and run.restores and self._queue.queue.first("waiting") is None:
            self.emptied.emit()

    def _start_next(self) -> None:
        item = self._next_chosen() or (self._queue.queue.first("waiting") if self._whole_queue else None)
        if item:
            self.start_item(item.id)
        else:
            self._whole_queue = False

    def _next_chosen(self) -> QueueItem | None:
        """The next of the items that were asked for by themselves and still wait."""
        while self._chosen:
            item = self._queue.item(self._chosen.pop(0))
            if item and item.state == "waiting":
                return item
        return None

    def _stop_queue(self) -> None:
        self._whole_queue, self._chosen = False, []

    def _set_activity(self, activity: Activity) -> None:
        self._activity = activity
        self.activity_changed.emit(activity)

    def _promised_targets(self, but: str) -> list[Path]:
        """Names that the jobs other than ``but`` will need."""
        names = [item.result or item.request.target for item in self._queue.queue if item.id != but]
        return [name for name in names if name]


def make_folder(target: Path | None) -> None:
    """Make the folder of a result; where that cannot be, the engine says why it cannot write there."""
    if target is not None:
        with suppress(OSError):
            target.parent.mkdir(parents=True, exist_ok=True)


def with_target(
    request: JobRequest, taken: list[Path], facts: SourceFacts = UNKNOWN, rule: ResultRule | None = None
) -> JobRequest:
    """The request with a target: its own, or a free name.

    Args:
        request: what is to be restored.
        taken: names that others will need.
        facts: about the clip.
        rule: how results are named.
    """
    if request.target is not None:
        return request
    model = declared(request.settings.model)
    return request.replace(target=(rule or ResultRule()).suggest(request, model, facts, taken))
