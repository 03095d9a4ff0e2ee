"""How a session of the program begins and ends, the user's choices for it, and unexpected errors."""

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from app.controllers.runs import Runs
from app.controllers.shown_item import ShownItem
from app.controllers.unattended import Unattended
from app.engine.runner import EngineRun, JobRunner
from app.queue.model import QueueModel
from app.queue.unfinished import resume_point
from app.settings.presets import Presets
from app.system.crash_report import CrashReport
from app.system.preferences import Preferences
from app.widgets.appearance import Appearance, apply_appearance
from app.widgets.messages import ask, show_error
from app.widgets.notices import NoticeAction, NoticeBar
from dcvsr_engine.jobs.folders import has_work

log = logging.getLogger(__name__)


class WindowSession(QObject):
    """Greets, asks before the end, and keeps the user's choices.

    Attributes:
        quit_requested: the user wants to quit although a job runs.
        changed: another appearance or language was chosen.
    """

    quit_requested = Signal()
    changed = Signal()

    def __init__(
        self,
        window: QWidget,
        runner: JobRunner,
        queue: QueueModel,
        shown: ShownItem,
        runs: Runs,
        presets: Presets,
        notices: NoticeBar,
        preferences: Preferences,
        crash: CrashReport,
        unattended: Unattended,
    ) -> None:
        super().__init__(window)
        self._window, self._runner, self._queue, self._shown, self._runs = window, runner, queue, shown, runs
        self._presets, self._notices, self._preferences, self._crash = presets, notices, preferences, crash
        self._unattended, self._may_quit = unattended, False

    # -- beginning and end --------------------------------------------------------------------------------------

    def greet(self) -> None:
        """Show a clip of the queue and offer what the last session left behind: a crash report, interrupted jobs."""
        texts = []
        for name, problem in self._presets.problems.items():
            log.warning("The preset “%s” is left out: %s", name, problem)
            texts.append(self.tr("The preset “{name}” is left out; the log says why.").format(name=name))
        offers = [offer for offer in (self._crash_offer(), self._resume_offer()) if offer]
        shown = self._queue.queue.first("interrupted", "waiting", "running") or next(iter(self._queue.queue), None)
        if shown:
            self._shown.select(shown.id)
        texts += [text for text, _ in offers]
        if texts:
            self._notices.say(" ".join(texts), "caution", [action for _, action in offers])

    def _crash_offer(self) -> tuple[str, NoticeAction] | None:
        if not self._crash.last:
            return None
        return self.tr("The program ended unexpectedly last time."), (self.tr("Show the report"), self.show_crash)

    def _resume_offer(self) -> tuple[str, NoticeAction] | None:
        items = [item for item in self._queue.queue if item.state == "interrupted"]
        if not items:
            return None
        resumable = [item for item in items if item.can_resume]
        items, resume = resumable or items, bool(resumable)
        ids = [item.id for item in items]
        run_again: Callable[[], object] = lambda: self._runs.run_again(ids, resume)  # noqa: E731
        text = self.tr("{name} was not finished.").format(name=items[0].request.source.name)
        return text, (self.tr("Resume") if resume else self.tr("Start again"), run_again)

    def may_close(self) -> bool:
        """Whether the window may close now; where something would be lost by it, the user is asked first."""
        loss = None if self._may_quit else self._loss(self._runner.current)
        if loss is None:
            return True
        question, stay = loss
        # nothing waits here for the answer, which closes the window again
        ask(self._window, self.tr("Quit now?"), question, self.tr("Quit"), stay, self.quit_now)
        return False

    def _loss(self, run: EngineRun | None) -> tuple[str, str] | None:
        """What would be lost by quitting now, and what the button that stays is called."""
        if run is None or run.plan_only:
            return self._unattended.at_stake()
        if run.compares:
            return self.tr("A before/after video is being written; it would be lost."), self.tr("Continue writing")
        if run.variant:
            return self.tr("A preview is being made; it would be lost."), self.tr("Continue the preview")
        return self._lost_of(run), self.tr("Continue restoring")

    def _lost_of(self, run: EngineRun) -> str:
        """What becomes of a clip that is being restored when the program ends."""
        item = self._queue.item(run.job)
        if item and item.folder and has_work(item.folder):
            kept = self.tr("A clip is being restored. At the next start it can be resumed {from_where}.")
            return kept.format(from_where=resume_point(run.request))
        return self.tr("A clip is being restored. Nothing of it is finished yet; it would have to start again.")

    def quit_now(self) -> None:
        """Quit although a job runs."""
        self._may_quit = True
        self.quit_requested.emit()

    # -- errors -------------------------------------------------------------------------------------------------

    def show_crash(self) -> None:
        """Show what the fault handler wrote in the last session."""
        text = self.tr("The program ended unexpectedly. The details help to find out why; they are also kept in {file}.")
        show_error(self._window, self.tr("Crash report"), text.format(file=self._crash.kept), self._crash.last)

    def show_unexpected(self, details: str) -> None:
        """Show an error that no code handled; the window stays open."""
        message = self.tr("The program met an unknown error. You can continue; if it happens again, please report it.")
        show_error(self._window, self.tr("Unexpected error"), message, details)

    # -- choices ------------------------------------------------------------------------------------------------

    def choose_appearance(self, appearance: Appearance) -> None:
        """Be light, dark or like the system from now on."""
        self._preferences.appearance = appearance
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        apply_appearance(app, appearance)
        self.changed.emit()

    def remember_groups(self, keys: list[str]) -> None:
        """Remember which groups of the settings panel are unfolded."""
        self._preferences.open_groups = keys

    def choose_language(self, language: str) -> None:
        """Use another language from the next start on."""
        self._preferences.language = language
        self._notices.say(self.tr("The language changes when the program is restarted."))
        self.changed.emit()
