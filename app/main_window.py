"""The window: lays out the panels, makes menus from the actions, and connects the controllers."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QToolBar, QVBoxLayout, QWidget

from app.actions import VIEW_MENU, Actions, Targets
from app.controllers.devices import Devices
from app.controllers.exports import Exports
from app.controllers.full_screen import FullScreen
from app.controllers.history import History
from app.controllers.preferences_menu import PreferencesMenu
from app.controllers.run_display import TITLE, RunDisplay
from app.controllers.runs import Runs
from app.controllers.selected_items import SelectedItems
from app.controllers.session import WindowSession
from app.controllers.shown_item import ShownItem
from app.controllers.state import window_state
from app.controllers.unattended import Unattended
from app.engine.progress import ProgressPanel
from app.engine.runner import JobRunner
from app.engine.thread import EngineThread
from app.help.log import LogPanel
from app.help.menu import HelpMenu
from app.models.menu import ModelsMenu
from app.preview.compare_view import view_keys
from app.preview.keys import PlayerKeys
from app.preview.panel import PreviewPanel
from app.queue.intake import ClipIntake
from app.queue.model import QueueModel
from app.queue.panel import QueuePanel
from app.queue.recent_menu import RecentMenu
from app.queue.report import ReportPanel
from app.settings.panel import SettingsPanel
from app.settings.presets import Presets
from app.system.awake import KeepAwake
from app.system.crash_report import CrashReport
from app.system.desktop import app_icon
from app.system.folders import UserFolders
from app.system.preferences import Preferences
from app.widgets.action_table import ActionTable
from app.widgets.docks import add_dock, toggle_actions
from app.widgets.drops import accept_copy, local_paths
from app.widgets.engine_words import engine_words
from app.widgets.focus import chain_panels
from app.widgets.notices import NoticeAction, NoticeBar
from app.widgets.placement import open_on_screen
from dcvsr_engine.jobs.clips import FoundClip
from dcvsr_engine.models.registry import chosen_default, known_models

DOCK_AREAS = {
    "queue": Qt.DockWidgetArea.LeftDockWidgetArea,
    "settings": Qt.DockWidgetArea.RightDockWidgetArea,
    "report": Qt.DockWidgetArea.BottomDockWidgetArea,
    "log": Qt.DockWidgetArea.BottomDockWidgetArea,
}
HIDDEN_AT_FIRST = ("report", "log")
LOW_SCREEN = 640
"""Logical pixels below which there is no room for a panel beneath the preview."""
WIDE_SCREEN = 1200
"""Logical pixels from which there is room for all facts in the queue."""
QUEUE_WIDTHS = 200, 260
"""On a narrow screen, and on a wide one."""
PROGRESS_BUTTONS = ("preview", "restore", "pause", "cancel", "stop")


class MainWindow(QMainWindow):
    """Assembles the panels around one engine.

    Attributes:
        queue, runner: the jobs, and what runs them.
        queue_panel, settings_panel, preview, progress, report, log_panel, notices: the panels.
        shown, runs, run_display, selected, session, intake, unattended, preferences_menu, exports, full_screen, history,
            devices: the controllers.
        models, help: what their menus open.
        action_table: every action by its id.
        docks: the movable panels by name.
    """

    def __init__(self, engine: EngineThread, folders: UserFolders, preferences: Preferences, crash: CrashReport) -> None:
        super().__init__()
        self.engine, self.preferences, self.crash = engine, preferences, crash
        self.queue = QueueModel.load(folders.queue, self)
        self.runner = JobRunner(engine, self.queue, self, lambda: preferences.result_rule, lambda: self.devices.farm)
        self.presets = Presets(folders.presets)
        self.setWindowTitle(TITLE)
        self.setWindowIcon(app_icon())
        self.setAcceptDrops(True)
        self._make_panels()
        self._make_docks()
        self._make_controllers(folders)
        self._make_actions()
        self._lay_out()
        self._connect_controllers()
        self._connect_state()
        self._restore_layout()
        preferences.begin_with(chosen_default())
        self.settings_panel.name_results(preferences.result_rule)
        self.reload_models()
        self.shown.show_defaults()
        self.run_display.show_idle()
        self.update_actions()
        self.session.greet()

    # -- parts --------------------------------------------------------------------------------------------------

    def _make_panels(self) -> None:
        self.preview, self.notices = PreviewPanel(), NoticeBar()
        self.queue_panel, self.settings_panel = QueuePanel(self.queue), SettingsPanel(self.presets)
        self.report, self.log_panel = ReportPanel(), LogPanel()
        self.recent_menu = RecentMenu(self.preferences, self)

    def _make_docks(self) -> None:
        panels: dict[str, tuple[str, QWidget]] = {
            "queue": (self.tr("Queue"), self.queue_panel),
            "settings": (self.tr("Settings"), self.settings_panel),
            "report": (self.tr("Report"), self.report),
            "log": (self.tr("Log"), self.log_panel),
        }
        low = self.screen().availableSize().height() < LOW_SCREEN
        areas = DOCK_AREAS | (dict.fromkeys(HIDDEN_AT_FIRST, DOCK_AREAS["settings"]) if low else {})
        self.docks = {
            name: add_dock(self, name, title, panel, areas[name], shortcut=f"Ctrl+{number}")
            for number, (name, (title, panel)) in enumerate(panels.items(), 1)
        }
        for name in HIDDEN_AT_FIRST:
            self.docks[name].hide()
        if low:
            self.tabifyDockWidget(self.docks["settings"], self.docks["report"])
        self.tabifyDockWidget(self.docks["report"], self.docks["log"])
        queue = QUEUE_WIDTHS[self.screen().availableSize().width() >= WIDE_SCREEN]
        self.resizeDocks([self.docks["queue"], self.docks["settings"]], [queue, 350], Qt.Orientation.Horizontal)
        self.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)

    def _make_controllers(self, folders: UserFolders) -> None:
        queue, runner, preview, settings = self.queue, self.runner, self.preview, self.settings_panel
        preferences = self.preferences
        PlayerKeys(preview, self)
        self.intake = ClipIntake(self, queue, preferences)
        self.models = ModelsMenu(self, preferences)
        self.help = HelpMenu(self, preferences, folders.data)
        self.history = History(queue, preferences, self)
        self.shown = ShownItem(queue, self.queue_panel, settings, preview, runner, preferences, self.history)
        self.runs = Runs(self, runner, queue, self.shown, preview, settings, preferences)
        self.selected = SelectedItems(self.queue_panel, queue, self.runs, self.report, self.notices, self.history)
        self.unattended = Unattended(self, runner, preferences, self.notices, KeepAwake(self))
        self.full_screen = FullScreen(self, preview.view)
        self.exports = Exports(self, preview, self.shown, runner, self.notices)
        self.session = WindowSession(
            self, runner, queue, self.shown, self.runs, self.presets, self.notices, preferences, self.crash,
            self.unattended,
        )  # fmt: skip
        self.preferences_menu = PreferencesMenu(self, preferences, self.session, self.unattended, self.settings_panel)
        self.devices = Devices(self, queue, self.queue_panel, self.shown, settings, preferences, self.history)

    def _make_actions(self) -> None:
        targets = Targets(
            self, self.intake, self.settings_panel, self.shown, self.runs, self.runner, self.selected, self.models, self.help,
            self.session, self.unattended, self.preferences_menu, self.exports, self.full_screen, self.history, self.devices,
        )  # fmt: skip
        actions = Actions(targets)
        self.menus = actions.menus()
        self.action_table = ActionTable(actions.rows(), self)
        self.action_table.adopt(self.preview.actions_by_id)
        self.action_table.adopt(toggle_actions(self.docks))
        self.addActions(self.action_table.window_wide())
        self.queue_panel.show_actions(self.action_table)
        self.action_table["full_screen"].setIconText("⤢")  # on its button; menus show the text
        self.preview.toolbar.add_action(self.action_table["full_screen"])
        self.preview.addAction(self.action_table["copy_frame"])
        self.preview.view.show_menu(self.action_table.fill(QMenu(self), VIEW_MENU))
        for menu in self.menus:
            own = {"recent": self.recent_menu, "compute_on": self.devices.menu}
            self.action_table.fill(self.menuBar().addMenu(menu.title), menu.entries, own)

    def _lay_out(self) -> None:
        center = QWidget()
        column = QVBoxLayout(center)
        column.setContentsMargins(4, 4, 4, 0)
        column.addWidget(self.notices)
        column.addWidget(self.preview, 1)
        self.setCentralWidget(center)
        self.progress = ProgressPanel({name: self.action_table[name] for name in PROGRESS_BUTTONS})
        bar = QToolBar(self.tr("Run"))
        bar.setObjectName("run")
        bar.setMovable(False)
        bar.addWidget(self.progress)
        # without this bar nothing could be started or stopped
        bar.toggleViewAction().setEnabled(False)
        self.addToolBar(Qt.ToolBarArea.BottomToolBarArea, bar)
        chain_panels([self.queue_panel, self.notices, *self.preview.parts, self.settings_panel, self.progress, self.report])

    def _connect_controllers(self) -> None:
        self.run_display = RunDisplay(
            self, self.runner, self.queue, self.shown, self.runs, self.preview, self.settings_panel, self.progress, self.notices
        )
        self.run_display.title_changed.connect(self.setWindowTitle)
        self.run_display.gpu_requested.connect(self.help.show_gpu)
        self.run_display.log_requested.connect(partial(self.show_dock, "log"))
        self.run_display.play_requested.connect(self.selected.play)
        self.queue_panel.opened.connect(self.selected.play_result_of)
        self.run_display.report_requested.connect(self.selected.show_report_of)
        self.selected.report_shown.connect(partial(self.show_dock, "report"))
        self.runner.ready.connect(self.help.note_engine)
        self.runner.ready.connect(self.preferences_menu.note_engine)
        self.runner.ready.connect(self.devices.note_engine)
        self.unattended.status_changed.connect(self.progress.show_status)
        self.devices.changed.connect(lambda: self.unattended.note_farm(self.devices.link.takes_part))
        self.help.models_requested.connect(self.models.open)
        self.help.clips_requested.connect(self.intake.ask_for_clips)
        self.help.clips_chosen.connect(self.add_clips)
        self.help.shortcuts_requested.connect(self._show_shortcuts)
        self.models.use_requested.connect(self.settings_panel.choose_model)
        self.models.models_changed.connect(self.reload_models)
        self.session.quit_requested.connect(self.close)
        self.settings_panel.groups_changed.connect(self.session.remember_groups)
        self.intake.added.connect(self._on_added)
        self.intake.came.connect(self.runner.start_items)
        self.intake.watch_changed.connect(lambda: self.unattended.note_watched(self.intake.watched))
        self.history.refused.connect(self.notices.caution)
        self.intake.judging.connect(self._on_judging)
        self.intake.left_out.connect(self._on_left_out)
        self.intake.recognised.connect(self.recent_menu.refresh)
        self.intake.nothing_found.connect(self.notices.caution)
        self.intake.more_inside.connect(self._on_more_inside)
        for clips in (self.queue.files_dropped, self.preview.files_dropped, self.recent_menu.chosen):
            clips.connect(self.add_clips)
        for request in (self.queue_panel.add_requested, self.preview.open_requested):
            request.connect(self.intake.ask_for_clips)

    def _connect_state(self) -> None:
        """Everything that decides which actions are available."""
        for change in (
            self.runner.activity_changed, self.shown.changed, self.session.changed, self.unattended.changed,
            self.intake.watch_changed, self.preview.stills_changed, self.full_screen.changed, self.history.changed,
            self.devices.changed,
            self.queue_panel.selection_changed,
            self.queue.rowsInserted, self.queue.rowsRemoved, self.queue.item_changed,
        ):  # fmt: skip
            change.connect(self.update_actions)

    def _restore_layout(self) -> None:
        open_on_screen(self, self.preferences.geometry)
        # after all docks and bars are made: Qt finds them by their names
        self.restoreState(self.preferences.layout)
        self.settings_panel.open_these_groups(self.preferences.open_groups)
        sound = self.preview.timeline.sound_controls
        sound.show_choice(self.preferences.volume, self.preferences.muted)
        sound.changed.connect(self.preferences.set_sound)

    # -- actions ------------------------------------------------------------------------------------------------

    def update_actions(self) -> None:
        """Enable and check the actions by the window's state."""
        state = window_state(
            self.runner,
            self.runs,
            self.shown,
            self.preview,
            self.queue,
            self.queue_panel,
            self.history,
            self.crash,
            self.preferences,
            self.unattended,
            self.intake.watched,
            self.full_screen.on,
            self.devices,
        )
        self.action_table.update(state)
        self.run_display.show_idle()

    def show_dock(self, name: str) -> None:
        """Show a panel in front of others at its place."""
        self.docks[name].show()
        self.docks[name].raise_()
        self.docks[name].widget().setFocus()

    def _show_shortcuts(self) -> None:
        groups = self.action_table.shortcuts(self.menus)
        self.help.show_shortcuts([*groups, (self.tr("In the preview"), view_keys())])

    # -- clips and models ---------------------------------------------------------------------------------------

    def add_clips(self, paths: Sequence[Path]) -> None:
        """Add files and folders to the queue and show the first of them; a model among them is imported."""
        self.intake.take(self.models.take_models(paths))

    def _on_added(self, ids: Sequence[str]) -> None:
        self.queue_panel.select(ids[0])
        self.notices.withdraw()

    def _on_judging(self, clips: int) -> None:
        text = self.tr("Clips that seem to have a result already, which is being looked at: {count} …")
        self.notices.caution(text.format(count=clips))

    def _on_left_out(self, clips: Sequence[FoundClip], flaws: Sequence[str], inside: Sequence[Path]) -> None:
        texts = [engine_words(flaws[0]), self.tr("Its clip is restored beside it.")] if flaws else []
        actions: list[NoticeAction] = []
        if len(flaws) > 1:
            texts.append(self.tr("More results that are not whole: {count}.").format(count=len(flaws) - 1))
        if clips:
            texts.append(self.tr("Left out, as their results are there: {count}.").format(count=len(clips)))
            actions.append((self.tr("Add them all the same"), partial(self.intake.add_all, clips)))
        if inside:
            texts.append(self._inside_text(inside))
            actions.append((self.tr("Add those, too"), partial(self.intake.take_inside, inside)))
        if texts:
            self.notices.say(" ".join(texts), "caution", actions)
        else:
            self.notices.withdraw()

    def _on_more_inside(self, folders: Sequence[Path]) -> None:
        actions = [(self.tr("Add those, too"), partial(self.intake.take_inside, folders))]
        self.notices.say(self._inside_text(folders), "caution", actions)

    def _inside_text(self, folders: Sequence[Path]) -> str:
        names = ", ".join(folder.name for folder in folders)
        return self.tr("Folders inside “{names}” hold clips, too.").format(names=names)

    def receive_files(self, paths: Sequence[Path]) -> None:
        """Come to the front and add the files that a second start was given."""
        # raising alone does not bring back a minimised window
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.raise_()
        self.activateWindow()
        self.add_clips(paths)

    def reload_models(self) -> None:
        """Look for models again."""
        self.settings_panel.show_models(known_models(self.preferences.model_folders))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files may be dropped anywhere, but not the queue's own results."""
        if local_paths(event.mimeData()) and event.source() is None:
            accept_copy(event)
            self.preview.view.set_highlighted(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """They went elsewhere."""
        self.preview.view.set_highlighted(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Add dropped files and folders."""
        accept_copy(event)
        self.preview.view.set_highlighted(False)
        self.add_clips(local_paths(event.mimeData()))

    # -- end ----------------------------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close when the session may end."""
        if self.session.may_close():
            self.shut_down()
            super().closeEvent(event)
        else:
            event.ignore()

    def shut_down(self) -> None:
        """Remember everything; end threads and the engine's process."""
        self.full_screen.show(False)
        self.preferences.geometry, self.preferences.layout = self.saveGeometry(), self.saveState()
        # ending takes up to some seconds, which nobody has to watch
        self.hide()
        try:
            self.preferences.save()
            self.queue.save()
            self.preview.shutdown()
            for part in (
                self.intake,
                self.shown,
                self.models,
                self.help,
                self.log_panel,
                self.run_display,
                self.unattended,
                self.exports,
            ):
                part.stop()
        finally:
            # whatever went wrong before: no process may stay behind
            self.engine.shut_down()
            self.devices.stop()
