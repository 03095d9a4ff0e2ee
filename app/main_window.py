"""The window: panels, menus, and who tells whom."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QMainWindow,
    QMenu,
    QMessageBox,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from app.actions import Actions
from app.controllers.result_reader import ResultReader
from app.controllers.tile_guide import TileGuide
from app.engine.plan_dialog import PlanDialog
from app.engine.progress import ProgressPanel
from app.engine.runner import Activity, JobRunner, Run, Variant, retry
from app.engine.thread import EngineDied, EngineThread
from app.help.log import LogPanel
from app.help.menu import HelpMenu
from app.models.dialog import open_models_folder
from app.models.menu import ModelsMenu
from app.preview.panel import PreviewPanel
from app.queue.intake import ClipIntake
from app.queue.job_queue import JobQueue, QueueItem
from app.queue.model import QueueModel, local_paths
from app.queue.panel import QueuePanel
from app.queue.prober import Prober
from app.queue.report import ReportPanel
from app.queue.unfinished import UnfinishedWork
from app.settings.panel import SettingsPanel
from app.settings.presets import Presets
from app.system.crash_report import CrashReport
from app.system.desktop import Notifier, app_icon, show_in_folder
from app.system.folders import UserFolders
from app.system.preferences import Preferences
from app.widgets.appearance import Appearance, apply_appearance
from app.widgets.messages import ask, show_error
from app.widgets.notices import NoticeBar
from dcvsr_engine.events import Event, PreviewFrame, StepStarted, Warned
from dcvsr_engine.models.registry import chosen_default, known_models
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.worker.messages import Ready

log = logging.getLogger(__name__)

TITLE = "DC-VSR Studio"
DOCK_AREAS = {
    "queue": Qt.DockWidgetArea.LeftDockWidgetArea,
    "settings": Qt.DockWidgetArea.RightDockWidgetArea,
    "report": Qt.DockWidgetArea.BottomDockWidgetArea,
    "log": Qt.DockWidgetArea.BottomDockWidgetArea,
}
SHOWN_AT_FIRST = ("queue", "settings")


class MainWindow(QMainWindow):
    """Assembles the panels around one engine.

    Attributes:
        queue, runner: the jobs, and what runs them.
        queue_panel, settings_panel, preview, progress, report, log_panel, notices: the panels.
        models: what the Models menu does.
        docks: the movable ones by name.
        plan_dialog: the plan that is being looked at.
    """

    def __init__(
        self,
        engine: EngineThread,
        folders: UserFolders,
        preferences: Preferences,
        crash: CrashReport,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.engine, self.preferences, self.crash = engine, preferences, crash
        self._torch = ""
        self._shown: QueueItem | None = None
        self._may_close = False
        self._error_box: QMessageBox | None = None
        self.plan_dialog: PlanDialog | None = None
        self.queue = QueueModel(load_queue(folders.queue), folders.queue, self)
        self.runner = JobRunner(engine, self.queue, self)
        self.intake = ClipIntake(self, preferences)
        self.models = ModelsMenu(self, preferences)
        self.help = HelpMenu(self, preferences, folders.data)
        self.prober, self.results = Prober(self), ResultReader(self)
        self.presets = Presets(folders.presets)
        self.notifier = Notifier(self)
        self.actions_ = Actions(self)
        self.setWindowTitle(TITLE)
        self.setWindowIcon(app_icon())
        self.setAcceptDrops(True)
        self._make_panels()
        self._make_docks()
        self._make_menus()
        self._connect_actions()
        self._connect_panels()
        self._connect_runner()
        self._restore_layout()
        preferences.begin_with(chosen_default())
        self.reload_models()
        self._show_defaults()
        self._on_activity(Activity.IDLE)
        self._greet()

    # -- parts --------------------------------------------------------------------------------------------------

    def _make_panels(self) -> None:
        a = self.actions_
        self.preview, self.notices = PreviewPanel(), NoticeBar()
        self.tiles = TileGuide(self.preview)
        self.queue_panel, self.settings_panel = QueuePanel(self.queue), SettingsPanel(self.presets)
        self.report, self.log_panel = ReportPanel(), LogPanel()
        self.progress = ProgressPanel(
            {"preview": a.preview, "restore": a.restore, "pause": a.pause, "cancel": a.cancel, "stop": a.stop}
        )
        center = QWidget()
        column = QVBoxLayout(center)
        column.setContentsMargins(4, 4, 4, 0)
        column.addWidget(self.notices)
        column.addWidget(self.preview, 1)
        self.setCentralWidget(center)
        bar = QToolBar(self.tr("Run"))
        bar.setObjectName("run")
        bar.setMovable(False)
        bar.addWidget(self.progress)
        bar.toggleViewAction().setEnabled(False)
        self.addToolBar(Qt.ToolBarArea.BottomToolBarArea, bar)

    def _make_docks(self) -> None:
        panels: dict[str, tuple[str, QWidget]] = {
            "queue": (self.tr("Queue"), self.queue_panel),
            "settings": (self.tr("Settings"), self.settings_panel),
            "report": (self.tr("Report"), self.report),
            "log": (self.tr("Log"), self.log_panel),
        }
        self.docks: dict[str, QDockWidget] = {}
        for number, (name, (title, panel)) in enumerate(panels.items(), 1):
            dock = QDockWidget(title)
            dock.setObjectName(name)
            dock.setWidget(panel)
            dock.toggleViewAction().setShortcut(f"Ctrl+{number}")
            self.addDockWidget(DOCK_AREAS[name], dock)
            dock.setVisible(name in SHOWN_AT_FIRST)
            self.docks[name] = dock
        self.tabifyDockWidget(self.docks["report"], self.docks["log"])
        self.resizeDocks([self.docks["queue"], self.docks["settings"]], [230, 350], Qt.Orientation.Horizontal)
        self.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)

    def _make_menus(self) -> None:
        a, q = self.actions_, self.queue_panel
        bar = self.menuBar()
        file = bar.addMenu(self.tr("&File"))
        file.addActions([a.open, a.open_folder])
        self.recent_menu = file.addMenu(self.tr("Open &recent"))
        file.addSeparator()
        file.addActions([a.target, q.show_action])
        file.addSeparator()
        file.addAction(a.quit)
        edit = bar.addMenu(self.tr("&Edit"))
        edit.addAction(a.paste)
        edit.addActions([q.up_action, q.down_action, q.remove_action])
        edit.addSeparator()
        edit.addActions([a.defaults, a.save_preset])
        self._make_view_menu(bar.addMenu(self.tr("&View")))
        job = bar.addMenu(self.tr("&Job"))
        job.addAction(a.plan)
        job.addActions([a.preview_a, a.preview_b, a.visible_only])
        job.addSeparator()
        job.addActions([a.restore, q.start_action, a.in_out_only])
        job.addActions([a.pause, a.cancel, a.stop])
        job.addSeparator()
        job.addActions([q.resume_action, q.retry_action, q.report_action, q.failure_action])
        bar.addMenu(self.tr("&Models")).addActions([a.models, a.add_model, a.models_folder])
        bar.addMenu(self.tr("&Help")).addActions([a.welcome, a.gpu, self.docks["log"].toggleViewAction(), a.crash, a.about])
        self._show_recent()

    def _make_view_menu(self, menu: QMenu) -> None:
        a, p = self.actions_, self.preview
        menu.addActions(list(p.mode_actions.values()))
        menu.addSeparator()
        menu.addActions([p.tiles_action, p.loupe_action, p.actual_size_action, p.fit_action])
        menu.addActions([p.play_action, p.in_action, p.out_action])
        menu.addSeparator()
        menu.addActions([dock.toggleViewAction() for dock in self.docks.values()])
        menu.addSeparator()
        a.appearance_menu(self.preferences.appearance, self.choose_appearance, menu)
        a.language_menu(self.preferences.language, self.choose_language, menu)
        menu.addAction(a.full_screen)

    def _connect_actions(self) -> None:
        a = self.actions_
        self.addActions([a.stop, a.preview_a, a.preview_b])
        a.open.triggered.connect(self.intake.ask_for_clips)
        a.open_folder.triggered.connect(self.intake.ask_for_folder)
        a.target.triggered.connect(self.settings_panel.choose_target)
        a.quit.triggered.connect(self.close)
        a.paste.triggered.connect(self.intake.paste)
        a.defaults.triggered.connect(self.settings_panel.reset_all)
        a.save_preset.triggered.connect(self.settings_panel.ask_preset_name)
        a.full_screen.toggled.connect(lambda on: self.showFullScreen() if on else self.showNormal())
        a.preview.triggered.connect(lambda: self.start_preview("A"))
        a.preview_a.triggered.connect(lambda: self.start_preview("A"))
        a.preview_b.triggered.connect(lambda: self.start_preview("B"))
        a.in_out_only.toggled.connect(self._use_in_out)
        a.plan.triggered.connect(lambda: self.show_plan(start=False))
        a.restore.triggered.connect(self.restore)
        a.pause.triggered.connect(self.pause_or_resume)
        a.cancel.triggered.connect(self.runner.cancel)
        a.stop.triggered.connect(self.runner.stop_now)
        a.models.triggered.connect(self.models.open)
        a.add_model.triggered.connect(self.models.ask_folder)
        a.models_folder.triggered.connect(open_models_folder)
        a.welcome.triggered.connect(self.help.show_welcome)
        a.gpu.triggered.connect(self.help.show_gpu)
        a.about.triggered.connect(self.show_about)
        a.crash.triggered.connect(self.show_crash)
        a.crash.setEnabled(bool(self.crash.last))

    def _connect_panels(self) -> None:
        self.intake.clips_found.connect(self._add)
        self.intake.nothing_found.connect(lambda text: self.notices.say(text, "caution"))
        self.queue.files_dropped.connect(self.add_clips)
        q = self.queue_panel
        q.current_changed.connect(self._show_item)
        q.add_requested.connect(self.intake.ask_for_clips)
        q.start_requested.connect(self.runner.start_item)
        q.retry_requested.connect(self.run_again)
        q.show_requested.connect(self._show_result_of)
        q.report_requested.connect(self.show_report)
        q.failure_requested.connect(self.show_failure)
        q.drop_requested.connect(UnfinishedWork(self.queue, self).ask)
        self.queue.rowsInserted.connect(lambda *_: self._allow())
        self.queue.rowsRemoved.connect(lambda *_: self._allow())
        self.queue.item_changed.connect(self._on_item_changed)
        self.settings_panel.request_changed.connect(self._on_request_edited)
        self.settings_panel.groups_changed.connect(lambda keys: setattr(self.preferences, "open_groups", keys))
        self.preview.files_dropped.connect(self.add_clips)
        self.preview.open_requested.connect(self.intake.ask_for_clips)
        self.preview.clip_opened.connect(self._on_clip_opened)
        self.preview.clip_failed.connect(self._on_clip_failed)
        self.preview.range_changed.connect(lambda *_: self._use_in_out(self.actions_.in_out_only.isChecked()))
        self.preview.frame_changed.connect(self.results.request)
        self.preview.frame_changed.connect(lambda _: self.tiles.follow_frame())
        self.results.frame_ready.connect(lambda frame: self.preview.show_result(self.preview.running_variant, frame))
        self.prober.probed.connect(self._on_probed)
        self.help.models_requested.connect(self.models.open)
        self.help.clips_requested.connect(self.intake.ask_for_clips)
        self.help.clips_chosen.connect(self.add_clips)
        self.models.use_requested.connect(self.settings_panel.choose_model)
        self.models.models_changed.connect(self.reload_models)

    def _connect_runner(self) -> None:
        r = self.runner
        r.activity_changed.connect(self._on_activity)
        r.planned.connect(self._on_planned)
        r.progressed.connect(self._on_progress)
        r.finished.connect(self._on_finished)
        r.failed.connect(self._on_failed)
        r.died.connect(self._on_death)
        r.ready.connect(self._on_ready)

    def _restore_layout(self) -> None:
        self.resize(1280, 820)
        self.restoreGeometry(self.preferences.geometry)
        self.restoreState(self.preferences.layout)
        self.settings_panel.open_these_groups(self.preferences.open_groups)

    def show_dock(self, name: str) -> None:
        """Show a panel in front of others at its place."""
        self.docks[name].show()
        self.docks[name].raise_()
        self.docks[name].widget().setFocus()

    # -- clips --------------------------------------------------------------------------------------------------

    def add_clips(self, paths: Sequence[Path]) -> None:
        """Add files and folders to the queue and look at the first of them; a model among them is imported."""
        self.intake.take(self.models.take_models(paths))

    def _request_for(self, source: Path) -> JobRequest:
        """A job with the settings that the next clip starts with."""
        return JobRequest(source=source, settings=self.preferences.restore, output=self.preferences.output)

    def _add(self, clips: Sequence[Path]) -> None:
        items = [QueueItem(self._request_for(clip)) for clip in clips]
        for item in items:
            self.queue.add(item)
            self.preferences.add_recent(item.request.source)
            self.prober.look_up(item.id, item.request.source)
        self.queue_panel.select(items[0].id)
        self._show_recent()

    def _show_recent(self) -> None:
        self.actions_.fill_recent(self.recent_menu, self.preferences.recent, self.add_clips, self._forget_recent)

    def _forget_recent(self) -> None:
        self.preferences.forget_recent()
        self._show_recent()

    # -- the item that is looked at -----------------------------------------------------------------------------

    def _show_item(self, item_id: str) -> None:
        """Look at another item."""
        former, self._shown = self._shown, self.queue.item(item_id)
        if self._shown is None:
            self.preview.close_clip()
            self._show_defaults()
        else:
            if former is None or former.request.source != self._shown.request.source or self.preview.info is None:
                self.preview.open_clip(self._shown.request.source)
            else:
                self._show_result()
            self._show_settings(self._shown)
        self._allow()

    def _show_defaults(self) -> None:
        """With no clip, the settings are those that the next one starts with."""
        self.settings_panel.lock("")
        self.settings_panel.show_request(self._request_for(Path()))
        self._follow_settings()

    def _show_settings(self, item: QueueItem) -> None:
        running = item.state == "running"
        self.settings_panel.show_request(item.request)
        self.settings_panel.lock(self.tr("This clip is being restored with these settings.") if running else "")
        self.actions_.in_out_only.blockSignals(True)
        self.actions_.in_out_only.setChecked(item.request.frames is not None)
        self.actions_.in_out_only.blockSignals(False)
        self._follow_settings()

    def _on_item_changed(self, item_id: str) -> None:
        if self._shown and item_id == self._shown.id:
            former, self._shown = self._shown, self.queue.item(item_id)
            if self._shown and self._shown.state != former.state:
                self._show_settings(self._shown)
                self._show_result()
        self._allow()

    def _on_request_edited(self, request: JobRequest) -> None:
        """Settings are changed for all selected items; where the result goes only for the one that is looked at."""
        self.preferences.restore, self.preferences.output = request.settings, request.output
        for item_id in self.queue_panel.selected_ids():
            item = self.queue.item(item_id)
            if item and item.state != "running":
                target = request.target if self._shown and item.id == self._shown.id else item.request.target
                changed = item.request.replace(settings=request.settings, output=request.output, target=target)
                self.queue.change(item_id, request=changed)
        self._follow_settings()

    def _on_clip_opened(self, info: object) -> None:
        if self._shown:
            self._on_probed(self._shown.id, info)
            if self._shown.request.frames:
                self.preview.timeline.set_chosen(*self._shown.request.frames)
        self._show_result()
        self._follow_settings()
        self._allow()

    def _show_result(self) -> None:
        """Have the finished result of what is looked at beside it."""
        self.results.open(self._shown)
        self.results.request(self.preview.timeline.range.current)

    def _on_clip_failed(self, message: str) -> None:
        log.warning("%s", message)
        self._allow()

    def _on_probed(self, item_id: str, info: object) -> None:
        from dcvsr_engine.video.probe import VideoInfo  # is loaded by now

        if isinstance(info, VideoInfo) and item_id in self.queue.queue:
            self.queue.change(item_id, size=(info.width, info.height), seconds=info.duration)

    def _use_in_out(self, on: bool) -> None:
        """Restore only the chosen part of the clip that is looked at, or all of it."""
        if self._shown and self._shown.state != "running":
            frames = self.preview.chosen_frames if on else None
            if frames != self._shown.request.frames:
                self.queue.change(self._shown.id, request=self._shown.request.replace(frames=frames))
                self.settings_panel.show_request(self._shown.request)

    def _follow_settings(self) -> None:
        """Draw the tiles that the settings make."""
        self.tiles.running = self._runs_what_is_shown()
        self.tiles.follow(self.settings_panel.request, self.settings_panel.model)

    def _runs_what_is_shown(self) -> bool:
        run = self.runner.current
        return bool(run and not run.plan_only and self._shown and run.request.source == self._shown.request.source)

    # -- jobs ---------------------------------------------------------------------------------------------------

    def restore(self) -> None:
        """Run the waiting clips, after a look at the plan of the first."""
        if self.preferences.plan_first:
            self.show_plan(start=True)
        else:
            self.runner.start_queue()

    def show_plan(self, start: bool) -> None:
        """Estimate a clip: the first waiting one when it is to be started, else the one that is looked at."""
        waiting = [item for item in self.queue.queue if item.state == "waiting"]
        item = waiting[0] if start and waiting else self._shown
        if item is None or self.runner.current:
            return
        others = len(waiting) - 1 if start else 0
        dialog = PlanDialog(item.request, others, self.preferences.plan_first, self)
        dialog.ask_again_changed.connect(lambda on: setattr(self.preferences, "plan_first", on))
        dialog.accepted.connect(self.runner.start_queue if start else lambda: self.runner.start_item(item.id))
        dialog.finished.connect(self._on_plan_closed)
        self.plan_dialog = dialog
        dialog.open()
        self.runner.plan(item.request)

    def _on_plan_closed(self) -> None:
        self.plan_dialog = None
        self.runner.forget_plan()

    def start_preview(self, variant: Variant) -> None:
        """Restore the part from in to out, or a window of frames from here on, to look at."""
        info = self.preview.info
        if self._shown is None or info is None:
            return
        frames = self.preview.chosen_frames
        if frames is None:
            window = self.settings_panel.model.resolve(self._shown.request.settings).window
            first = min(self.preview.timeline.range.current, max(0, info.frames - window))
            frames = first, min(first + window, info.frames) - 1
            self.preview.timeline.set_chosen(*frames)
        region = self.preview.visible_region() if self.actions_.visible_only.isChecked() else self.preview.region
        self.preview.clear_results(variant)
        self.runner.preview(self._shown.request.replace(frames=frames, region=region), variant)

    def pause_or_resume(self) -> None:
        """Pause what runs, or go on."""
        if self.runner.activity in (Activity.PAUSED, Activity.PAUSING):
            self.runner.resume()
        else:
            self.runner.pause()

    def run_again(self, ids: Sequence[str], resume: bool) -> None:
        """Have items run once more, from finished work where there is some and ``resume`` says so."""
        for item_id in ids:
            item = self.queue.item(item_id)
            if item and item.state not in ("waiting", "running") and (item.can_resume or not resume):
                retry(self.queue, item, resume)
        if not self.runner.current:
            self.runner.start_queue()

    def _on_activity(self, activity: Activity) -> None:
        run = self.runner.current
        if run and activity in (Activity.RUNNING, Activity.PLANNING) and run.job != self.progress.job:
            self.progress.begin(run)
        self.progress.show_activity(activity, run)
        paused = activity in (Activity.PAUSED, Activity.PAUSING)
        self.actions_.pause.setText(self.tr("Resume") if paused else self.tr("Pause"))
        if activity == Activity.IDLE:
            self.settings_panel.show_step(None)
            self.preview.end_steps()
            self._follow_settings()
            self.setWindowTitle(TITLE)
        self._allow()

    def _allow(self) -> None:
        """Enable what can be done now."""
        a, activity = self.actions_, self.runner.activity
        idle, clip = activity == Activity.IDLE, self._shown is not None and self.preview.info is not None
        busy = activity in (Activity.RUNNING, Activity.PAUSING, Activity.PAUSED)
        for action in (a.preview, a.preview_a, a.preview_b, a.plan):
            action.setEnabled(idle and clip)
        a.restore.setEnabled(idle and self.queue.queue.first("waiting") is not None)
        a.pause.setEnabled(busy)
        a.cancel.setEnabled(busy)
        a.stop.setEnabled(activity == Activity.CANCELLING)
        for action in (a.target, a.in_out_only):
            action.setEnabled(clip)
        if idle:
            self.progress.show_idle(self._idle_text())

    def _idle_text(self) -> str:
        if not len(self.queue.queue):
            return self.tr("Drop a clip on the window to begin.")
        counts = Counter(self.queue.state_text(item) for item in self.queue.queue)
        return " · ".join(f"{state}: {count}" for state, count in counts.items())

    def _on_planned(self, run: Run, plan: Plan) -> None:
        self.tiles.take_plan(run.request, plan)
        if run.plan_only:
            if self.plan_dialog:
                self.plan_dialog.show_plan(plan, run.request)
            return
        log.info(
            "%s: %s frames, %s evaluations on %s", run.request.source.name, plan.frames, f"{plan.evaluations:,}", plan.device
        )
        self.progress.show_plan(plan)
        if self._runs_what_is_shown():
            self.tiles.running = True
            self.tiles.show_run(run.request, plan)

    def _on_progress(self, run: Run, event: Event) -> None:
        self.progress.on_event(event)
        if isinstance(event, StepStarted):
            self.settings_panel.show_step(event.step if self._runs_what_is_shown() else None)
        if isinstance(event, Warned):
            log.warning("%s", event.message)
        if self._runs_what_is_shown():
            if isinstance(event, PreviewFrame) and run.variant:
                self.preview.show_result(run.variant, event)
            else:
                self.preview.on_event(event)
        item_id = self.runner.running_item
        if item_id and not isinstance(event, PreviewFrame):
            self.queue.change(item_id, progress=self.progress.share)
            self.setWindowTitle(f"{self.progress.share:.0%} – {run.request.source.name} – {TITLE}")

    def _on_finished(self, run: Run, report: dict[str, object]) -> None:
        if run.variant or run.request.target is None:
            return
        target = run.request.target
        log.info("%s is done", target)
        text = self.tr("{name} is ready.").format(name=target.name)
        show = self.tr("Show in folder"), lambda: show_in_folder(target)
        self.notices.say(text, "good", [show, (self.tr("Report"), lambda: self.show_report(run.job))])
        self.notifier.tell(TITLE, text)

    def _on_failed(self, run: Run | None, message: str, details: str) -> None:
        log.error("%s", message)
        if run and run.plan_only and self.plan_dialog:
            self.plan_dialog.show_failure(message)
            return
        name = run.request.source.name if run else self.tr("The engine")
        if self._error_box is None:  # further failures of a long queue are marked in it
            self._error_box = show_error(self, self.tr("{name} was not restored").format(name=name), message, details)
            self._error_box.finished.connect(self._on_error_closed)
        self.notifier.tell(TITLE, message)

    def _on_error_closed(self) -> None:
        self._error_box = None

    def show_failure(self, item_id: str) -> None:
        """Say again why an item failed."""
        item = self.queue.item(item_id)
        if item:
            show_error(self, self.tr("{name} was not restored").format(name=item.request.source.name), item.message, item.details)

    def _on_death(self, death: EngineDied, run: Run | None) -> None:
        if not death.restarting:
            text = self.tr("The engine does not start (exit code {code}). The log may say why.").format(code=death.exit_code)
            again = self.tr("Try again"), self.runner.restart_engine
            self.notices.say(text, "bad", [again, (self.tr("Show the log"), lambda: self.show_dock("log"))])
            return
        if death.fell_back:
            text = self.tr("The PyTorch for your GPU does not start (exit code {code}); the engine goes on without the GPU.")
            self.notices.say(text.format(code=death.exit_code), "caution", [(self.tr("Use my GPU…"), self.help.show_gpu)])
            return
        text = self.tr("The engine ended unexpectedly (exit code {code}) and was started again.").format(code=death.exit_code)
        item = self.queue.item(run.job) if run else None
        if item and item.can_resume:
            text += " " + self.tr("{name} can go on from where it was.").format(name=item.request.source.name)
            self.notices.say(text, "bad", [(self.tr("Resume"), lambda: self.run_again([item.id], resume=True))])
        else:
            self.notices.say(text, "bad")

    def _on_ready(self, ready: Ready) -> None:
        self._torch = ready.torch
        self.settings_panel.allow_gpu_codecs(ready.gpu_codecs)
        self.help.device = next((device.title for device in ready.devices if device.name == "cuda"), "")
        log.info("The engine is ready: PyTorch %s, %s", ready.torch, ", ".join(device.title for device in ready.devices))

    # -- results ------------------------------------------------------------------------------------------------

    def _show_result_of(self, item_id: str) -> None:
        item = self.queue.item(item_id)
        if item and item.result:
            show_in_folder(item.result)

    def show_report(self, item_id: str) -> None:
        """Show the report of a finished item."""
        item = self.queue.item(item_id)
        if item:
            self.report.show_report(self.tr("Report of {name}").format(name=item.request.source.name), item.report)
            self.show_dock("report")

    # -- models, looks, language --------------------------------------------------------------------------------

    def reload_models(self) -> None:
        """Look for models again."""
        self.settings_panel.show_models(known_models(self.preferences.model_folders))

    def choose_appearance(self, appearance: Appearance) -> None:
        """Be light, dark or like the system from now on."""
        self.preferences.appearance = appearance
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        apply_appearance(app, appearance)

    def choose_language(self, language: str) -> None:
        """Speak another language from the next start on."""
        self.preferences.language = language
        self.notices.say(self.tr("The language changes when the program is started again."))

    # -- beginning and end --------------------------------------------------------------------------------------

    def _greet(self) -> None:
        """Offer what the last run left behind."""
        texts, actions = [], []
        if self.crash.last:
            texts.append(self.tr("The program ended unexpectedly last time."))
            actions.append((self.tr("Show the report"), self.show_crash))
        items = [item for item in self.queue.queue if item.state == "interrupted"]
        if items:
            texts.append(self.tr("{name} was not finished.").format(name=items[0].request.source.name))
            resume = any(item.can_resume for item in items)
            ids = [item.id for item in items]
            name = self.tr("Resume") if resume else self.tr("Start again")
            actions.append((name, lambda: self.run_again(ids, resume)))
        for problem in self.presets.problems:
            log.warning("%s", problem)
        if texts:
            self.notices.say(" ".join(texts), "caution", actions)

    def show_about(self) -> None:
        """Say what this program is."""
        from app.help.about import AboutDialog  # reads all packages' metadata: not at every start

        AboutDialog(self._torch, self).open()

    def show_crash(self) -> None:
        """Show what the fault handler wrote in the last run."""
        text = self.tr("The program ended unexpectedly. The details help to find out why; they are also kept in {file}.")
        show_error(self, self.tr("Crash report"), text.format(file=self.crash.kept), self.crash.last)

    def show_unexpected(self, details: str) -> None:
        """Tell of an error that nobody caught; the window stays."""
        message = self.tr("The program met an error it does not know. You can go on; if it happens again, please report it.")
        show_error(self, self.tr("Unexpected error"), message, details)

    def receive_files(self, paths: Sequence[Path]) -> None:
        """A second start was given these files."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.raise_()
        self.activateWindow()
        self.add_clips(paths)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files may be dropped anywhere."""
        if local_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add what is dropped."""
        event.acceptProposedAction()
        self.add_clips(local_paths(event.mimeData()))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask while a job runs; otherwise remember everything and end."""
        if self.runner.current and not self.runner.current.plan_only and not self._may_close:
            event.ignore()
            question = self.tr("A clip is being restored. Finished steps are kept, and it can go on at the next start.")
            ask(self, self.tr("Quit now?"), question, self.tr("Quit"), self.tr("Keep on restoring"), self.quit_now)
            return
        self.shut_down()
        super().closeEvent(event)

    def quit_now(self) -> None:
        """Close the window although a job runs."""
        self._may_close = True
        self.close()

    def shut_down(self) -> None:
        """Remember everything; end threads and the engine's process."""
        self.preferences.geometry, self.preferences.layout = self.saveGeometry(), self.saveState()
        self.hide()
        try:
            self.preferences.save()
            self.queue.save()
            self.preview.shutdown()
            self.prober.stop()
            self.results.stop()
            self.models.stop()
            self.help.stop()
            self.log_panel.stop()
            self.notifier.stop()
        finally:
            self.engine.shut_down()


def load_queue(path: Path) -> JobQueue:
    """The saved queue; a damaged one is put aside."""
    try:
        return JobQueue.load(path)
    except (OSError, ValueError) as error:
        log.warning("%s", error)
        if path.is_file():
            path.replace(path.with_suffix(".damaged.json"))
        return JobQueue()
