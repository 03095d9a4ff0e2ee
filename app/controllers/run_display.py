"""Shows what the engine reports: progress, plans, results, failures, its own death."""

import logging
from collections import Counter

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from app.controllers.runs import Runs
from app.controllers.shown_item import ShownItem
from app.engine.progress import ProgressPanel
from app.engine.runner import Activity, EngineRun, JobRunner
from app.engine.thread import EngineDied
from app.preview.panel import PreviewPanel
from app.queue.model import QueueModel
from app.queue.unfinished import resume_point
from app.settings.panel import SettingsPanel
from app.system.desktop import Notifier, show_in_folder
from app.widgets.engine_words import engine_words
from app.widgets.formats import readable
from app.widgets.messages import show_error, show_failure
from app.widgets.notices import NoticeAction, NoticeBar
from dcvsr_engine.events import Event, PreviewFrame, StepStarted, Warned
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.worker.messages import Ready

log = logging.getLogger(__name__)

TITLE = "DC-VSR Studio"


class RunDisplay(QObject):
    """Follows the runner's signals.

    Attributes:
        title_changed: what the window's title is to be.
        gpu_requested, log_requested: a button of a notice was pressed.
        play_requested: likewise; the path of a video that is ready.
        report_requested: likewise; the id of a finished item.
    """

    title_changed = Signal(str)
    gpu_requested = Signal()
    log_requested = Signal()
    play_requested = Signal(object)
    report_requested = Signal(str)

    def __init__(
        self,
        window: QWidget,
        runner: JobRunner,
        queue: QueueModel,
        shown: ShownItem,
        runs: Runs,
        preview: PreviewPanel,
        settings: SettingsPanel,
        progress: ProgressPanel,
        notices: NoticeBar,
    ) -> None:
        super().__init__(window)
        self._window, self._runner, self._queue, self._shown, self._runs = window, runner, queue, shown, runs
        self._preview, self._settings, self._progress, self._notices = preview, settings, progress, notices
        self._notifier = Notifier(window)
        self._error_box: QMessageBox | None = None
        self._ready = 0
        self._scale: float | None = None
        runner.activity_changed.connect(self._on_activity)
        runner.planned.connect(self._on_planned)
        runner.progressed.connect(self._on_progress)
        runner.finished.connect(self._on_finished)
        runner.cancelled.connect(self._on_cancelled)
        runner.failed.connect(self._on_failed)
        runner.died.connect(self._on_death)
        runner.ready.connect(self._on_ready)
        progress.moved.connect(self._show_share)

    def stop(self) -> None:
        """Leave the desktop's tray."""
        self._notifier.stop()

    # -- progress -----------------------------------------------------------------------------------------------

    def _on_activity(self, activity: Activity) -> None:
        run = self._runner.current
        if run and activity in (Activity.RUNNING, Activity.PLANNING):
            self._notices.settle(run.job)
            # a job that was paused keeps its progress
            if run.job != self._progress.job:
                self._progress.begin(run)
        self._progress.show_activity(activity, run)
        self._queue.show_paused(activity == Activity.PAUSED)
        if activity == Activity.IDLE:
            self._settings.show_step(None)
            self._preview.end_steps()
            self._shown.follow_settings()
            self.title_changed.emit(TITLE)
            self.show_idle()

    def show_idle(self) -> None:
        """While nothing runs, count the queue's items by state, or say how to begin."""
        if self._runner.activity != Activity.IDLE:
            return
        counts = Counter(self._queue.state_text(item) for item in self._queue.queue)
        text = " · ".join(f"{state}: {count}" for state, count in counts.items())
        self._progress.show_idle(text or self.tr("Drop a clip on the window to begin."))

    def _on_planned(self, run: EngineRun, plan: Plan) -> None:
        if run.plan_only:  # these are `Planning`'s
            return
        self._shown.take_plan(run, plan)
        name, evaluations = run.request.source.name, f"{plan.evaluations:,}"
        log.info("%s: %s frames, %s evaluations on %s", name, plan.frames, evaluations, plan.device)
        # frames of a run do not say how much larger they are
        self._scale = plan.output_size[1] / plan.input_size[1]
        self._progress.show_plan(plan)

    def _on_progress(self, run: EngineRun, event: Event) -> None:
        self._progress.on_event(event)
        if isinstance(event, StepStarted):
            self._settings.show_step(event.step if self._shown.is_running else None)
        if isinstance(event, Warned):
            log.warning("%s", event.message)
        self._show_in_preview(run, event)
        item_id = self._runner.running_item
        # pictures come often and say nothing about progress
        if item_id and not isinstance(event, PreviewFrame):
            self._queue.change(item_id, progress=self._progress.share)
            self._show_share()

    def _show_share(self) -> None:
        """Show in the window's title what the bar shows."""
        run = self._runner.current
        if run and run.restores:
            self.title_changed.emit(f"{self._progress.share:.0%} – {readable(run.request.source.name)} – {TITLE}")

    def _show_in_preview(self, run: EngineRun, event: Event) -> None:
        """Keep frames of whichever clip runs; show tiles and steps of the one that is seen."""
        if isinstance(event, PreviewFrame):
            self._preview.show_result(run.variant or self._preview.running_variant, event, self._scale, run.item)
        elif self._shown.is_running:
            self._preview.on_event(event)

    # -- ends ---------------------------------------------------------------------------------------------------

    def _on_finished(self, run: EngineRun, report: dict[str, object]) -> None:
        if run.variant and run.item == (self._shown.item and self._shown.item.id):
            self._preview.begin_comparing()
        # a preview leaves no file that could be ready
        if run.variant or run.request.target is None:
            return
        target = run.request.target
        log.info("%s is done", target)
        text = self._ready_text(target.name) if run.restores else self.tr("{name} is ready.").format(name=target.name)
        actions: list[NoticeAction] = [
            (self.tr("Play"), lambda: self.play_requested.emit(target)),
            (self.tr("Show in folder"), lambda: show_in_folder(target)),
        ]
        if run.restores:
            actions.append((self.tr("Report"), lambda: self.report_requested.emit(run.job)))
        self._notices.say(text, "good", actions, stays=True)
        self._notifier.notify(TITLE, text)

    def _ready_text(self, name: str) -> str:
        """Announce all results that became ready since the notice was closed."""
        self._ready = self._ready + 1 if self._notices.isVisible() else 1
        if self._ready == 1:
            return self.tr("{name} is ready.").format(name=name)
        return self.tr("{count} results are ready, the last one is {name}.").format(count=self._ready, name=name)

    def _on_cancelled(self, run: EngineRun) -> None:
        """Say how it can go on."""
        item = self._queue.item(run.job)
        if item is None:
            return
        text, actions = self.tr("{name} was cancelled.").format(name=item.request.source.name), []
        if item.can_resume:
            text += " " + self.tr("It can be resumed {from_where}.").format(from_where=resume_point(item.request))
            actions.append((self.tr("Resume"), lambda: self._runs.run_again([item.id], resume=True)))
        actions.append((self.tr("Start again"), lambda: self._runs.run_again([item.id], resume=False)))
        self._notices.say(text, "caution", actions, about=run.job)

    def _on_failed(self, run: EngineRun | None, message: str, details: str) -> None:
        """Show a failure; of a long queue only the first, as the others are marked in it."""
        log.error("%s", message)
        if run and run.plan_only:
            return
        if self._error_box is None:
            self._error_box = self._show_why(run, message, details)
            self._error_box.finished.connect(self._on_error_closed)
        self._notifier.notify(TITLE, engine_words(message))

    def _show_why(self, run: EngineRun | None, message: str, details: str) -> QMessageBox:
        if run and run.compares:
            return show_error(self._window, self.tr("The before/after video was not written"), engine_words(message), details)
        return show_failure(self._window, run.request.source.name if run else self.tr("The engine"), message, details)

    def _on_error_closed(self) -> None:
        self._error_box = None

    # -- the engine ---------------------------------------------------------------------------------------------

    def _on_ready(self, ready: Ready) -> None:
        self._settings.forbid_codecs(ready.missing_codecs)
        self._settings.show_devices(ready.devices)
        log.info("The engine is ready: PyTorch %s, %s", ready.torch, ", ".join(device.title for device in ready.devices))

    def _on_death(self, death: EngineDied, run: EngineRun | None) -> None:
        if not death.restarting:
            self._show_no_start(death)
        elif death.fell_back:
            self._show_fallback(death)
        else:
            self._show_restart(death, run)

    def _show_no_start(self, death: EngineDied) -> None:
        text = self.tr("The engine does not start (exit code {code}). The log may say why.").format(code=death.exit_code)
        actions = [(self.tr("Try again"), self._runner.restart_engine), (self.tr("Show the log"), self.log_requested.emit)]
        self._notices.say(text, "bad", actions)

    def _show_fallback(self, death: EngineDied) -> None:
        text = self.tr("The PyTorch for your GPU does not start (exit code {code}); the engine runs without the GPU.")
        self._notices.say(text.format(code=death.exit_code), "caution", [(self.tr("Use my GPU…"), self.gpu_requested.emit)])

    def _show_restart(self, death: EngineDied, run: EngineRun | None) -> None:
        text = self.tr("The engine ended unexpectedly (exit code {code}) and was restarted.").format(code=death.exit_code)
        item = self._queue.item(run.job) if run else None
        if item and item.can_resume:
            text += " " + self.tr("{name} can be resumed {from_where}.").format(
                name=item.request.source.name, from_where=resume_point(item.request)
            )
            resume = self.tr("Resume"), lambda: self._runs.run_again([item.id], resume=True)
            self._notices.say(text, "bad", [resume], about=item.id)
        elif item:
            text += " " + self.tr("{name} has to start again.").format(name=item.request.source.name)
            again = self.tr("Start again"), lambda: self._runs.run_again([item.id], resume=False)
            self._notices.say(text, "bad", [again], about=item.id)
        else:
            self._notices.say(text, "bad")
