"""What goes on while nobody watches: the computer stays awake, the queue starts at a time, and something follows its end."""

import logging
import os
import subprocess
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from app.engine.runner import Activity, EngineRun, JobRunner
from app.engine.start_dialog import StartDialog, moment_words
from app.system.awake import KeepAwake
from app.system.desktop import Notifier
from app.system.power import POWERS, Afterward, deed_name, play_chime, power_command, start_command
from app.system.preferences import Preferences
from app.widgets.countdown import Countdown
from app.widgets.formats import shortened
from app.widgets.notices import NoticeBar

log = logging.getLogger(__name__)

AWAKE_WHILE = (Activity.RUNNING, Activity.PAUSING, Activity.CANCELLING)
WARNING_SECONDS = 60
MOST_SAID = 200
"""Characters of what a command said that are shown."""
LOOK_MS = 5000
"""How often the clock and a command that runs are looked at; a computer that slept wakes up later than a timer thinks."""


class Unattended(QObject):
    """Watches the runner and acts around its work.

    Attributes:
        status_changed: what is to be said beside the progress, and why, for the tool tip.
        changed: another time or another deed was chosen.
        start_at: when the queue starts by itself, or ``None``.
        countdown: the warning before the computer sleeps or shuts down.
        dialog: asks for the time to start at, while it is open.
    """

    status_changed = Signal(str, str)
    changed = Signal()

    def __init__(
        self,
        window: QWidget,
        runner: JobRunner,
        preferences: Preferences,
        notices: NoticeBar,
        keep_awake: KeepAwake,
    ) -> None:
        super().__init__(window)
        self._window, self._runner, self._preferences, self._notices = window, runner, preferences, notices
        self._awake, self._notifier = keep_awake, Notifier(window)
        self.start_at: datetime | None = None
        self.countdown: Countdown | None = None
        self.dialog: StartDialog | None = None
        self._watched: Path | None = None
        self._takes_part = self._shuts_down = False
        self._done = self._failed = 0
        self._command: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._clock = QTimer(self)
        self._clock.setInterval(LOOK_MS)
        self._clock.timeout.connect(self._look)
        # after what else hears of it: between two clips the engine is idle for a moment
        self._settle_soon = QTimer(self)
        self._settle_soon.setSingleShot(True)
        self._settle_soon.timeout.connect(self._settle)
        runner.activity_changed.connect(lambda _: self._settle_soon.start(0))
        runner.finished.connect(self._count_done)
        runner.failed.connect(lambda run, *_: self._count_failed(run))
        runner.died.connect(lambda _, run: self._count_failed(run))
        runner.emptied.connect(self._on_emptied)
        keep_awake.changed.connect(self._on_awake)

    def stop(self) -> None:
        """Let the computer sleep, and leave the tray; a command that runs goes on."""
        self._settle_soon.stop()
        self._clock.stop()
        self._awake.hold(False)
        self._notifier.stop()

    # -- awake --------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        waits = self.start_at is not None or self.dialog is not None or self._watched is not None or self._takes_part
        self._awake.hold(self._runner.activity in AWAKE_WHILE or waits)
        self._say()

    def _say(self) -> None:
        """Say what nobody would see otherwise."""
        parts, tips = [], []
        if self._takes_part:
            parts.append(self.tr("in a farm"))
        if self._watched is not None:
            parts.append(self.tr("watches “{name}”").format(name=self._watched.name))
            tips.append(str(self._watched))
        if self.start_at is not None:
            parts.append(self.tr("starts at {time}").format(time=moment_words(self.start_at, datetime.now())))
        if self._awake.held is True:
            parts.append(self.tr("stays awake"))
            tips.append(self.tr("The computer does not fall asleep while clips are restored or waited for."))
        elif self._awake.held is False:
            parts.append(self.tr("may fall asleep"))
            tips.append(self.tr("This computer cannot be kept awake; change its power settings for long runs."))
        if self._runner.running_item and self.afterward != "nothing":
            parts.append(self.tr("then: {deed}").format(deed=deed_name(self.afterward)))
        self.status_changed.emit(" · ".join(parts), "\n".join(tips))

    def _on_awake(self, held: bool | None) -> None:
        if self.dialog is not None:
            self.dialog.show_awake(held)
        self._say()

    def note_watched(self, folder: Path | None) -> None:
        """Stay awake for what comes into a folder, and say that it is watched."""
        self._watched = folder
        self._settle()

    def note_farm(self, takes_part: bool) -> None:
        """Stay awake for others while this computer is in their farm."""
        if takes_part != self._takes_part:
            self._takes_part = takes_part
            self._settle()

    def at_stake(self) -> tuple[str, str] | None:
        """What would not come about if the program ended now, and what the button that stays is called; ``None``: nothing."""
        if self._shuts_down:
            return None  # the user has chosen it, and a question would keep the computer on
        if self._takes_part:
            lost = self.tr("This computer leaves the farm; if the farm was started here, it ends for all.")
            return lost, self.tr("Stay in the farm")
        if self.start_at is not None:
            lost = self.tr("The queue is to start at {time}. It does so only while the program is open.")
            return lost.format(time=moment_words(self.start_at, datetime.now())), self.tr("Keep waiting")
        if self._watched is not None:
            lost = self.tr("The folder “{name}” is watched only while the program is open.")
            return lost.format(name=self._watched.name), self.tr("Keep watching")
        return None

    # -- start at a time ----------------------------------------------------------------------------------------

    def ask_time(self) -> None:
        """Ask when to start; where a time is set already, forget it."""
        if self.start_at is not None:
            self.start_later(None)
            return
        self.dialog = StartDialog(self._window)
        self.dialog.chosen.connect(self.start_later)
        self.dialog.finished.connect(self._on_dialog_closed)
        self.dialog.show_awake(self._awake.held)
        self.dialog.open()
        # asked for now, so that the dialog can say whether it is granted
        self._settle()

    def _on_dialog_closed(self) -> None:
        self.dialog = None
        self._settle()

    def start_later(self, moment: datetime | None) -> None:
        """Start the queue at a moment, or not by itself."""
        self.start_at = moment
        self._run_clock()
        self._settle()
        self.changed.emit()

    def _run_clock(self) -> None:
        """Look at the clock while there is something to wait for."""
        if self.start_at is not None or self._command is not None:
            self._clock.start()
        else:
            self._clock.stop()

    def _look(self) -> None:
        if self.start_at is not None and datetime.now() >= self.start_at:
            log.info("The queue starts at its time")
            self._runner.start_queue()
            self.start_later(None)
        self._say()  # tomorrow becomes today
        if self._command is not None and self._command.poll() is not None:
            self._end_command(self._command.returncode)

    # -- after the queue ----------------------------------------------------------------------------------------

    @property
    def afterward(self) -> Afterward:
        """What is to follow."""
        return self._preferences.afterward

    def choose(self, afterward: Afterward) -> None:
        """Have something else follow."""
        self._preferences.afterward = afterward
        self._say()
        self.changed.emit()

    def _count_done(self, run: EngineRun, _report: object) -> None:
        self._done += run.restores

    def _count_failed(self, run: EngineRun | None) -> None:
        self._failed += run is not None and run.restores

    def _on_emptied(self) -> None:
        """All that was to run has ended: do what is to follow; nothing but a sign of it where nothing came out."""
        done, failed, self._done, self._failed = self._done, self._failed, 0, 0
        log.info("The queue is done: %s restored, %s failed", done, failed)
        if self.afterward == "sound":
            play_chime()
        elif self.afterward == "notify":
            text = self.tr("The queue is done: {done} restored, {failed} failed.").format(done=done, failed=failed)
            self._notifier.notify(self._window.windowTitle(), text)
        elif not done:
            return
        elif self.afterward == "command":
            self._run_command(self._preferences.after_command)
        elif self.afterward in POWERS:
            self._warn(self.afterward)

    def _warn(self, afterward: Afterward) -> None:
        """Leave a minute in which it can be prevented."""
        if afterward == "sleep":
            text, now = self.tr("All clips are done. The computer goes to sleep in {seconds} s."), self.tr("Sleep now")
        else:
            text, now = self.tr("All clips are done. The computer shuts down in {seconds} s."), self.tr("Shut down now")
        self._window.activateWindow()
        self.countdown = Countdown(self._window, text, now, WARNING_SECONDS, lambda: self._use_power(afterward))

    def _use_power(self, afterward: Afterward) -> None:
        self._shuts_down = afterward == "shut down"
        self._run_command(power_command(afterward))

    def _run_command(self, command: list[str] | str) -> None:
        if not command:
            self._notices.caution(self.tr("No command is set; write one under Edit ▸ Preferences."))
            return
        try:
            self._errors = TemporaryFile()  # noqa: SIM115  # open as long as the command runs
            self._command = start_command(command, self._errors)
        except OSError as error:
            self._shuts_down = False
            self._notices.caution(self.tr("The command after the queue cannot be started: {error}.").format(error=error.strerror))
        self._run_clock()

    def _end_command(self, code: int) -> None:
        self._command = None
        self._run_clock()
        if code:
            self._shuts_down = False
            text = self.tr("The command after the queue failed (exit code {code}); what is restored is there all the same.")
            self._notices.caution("\n".join(filter(None, [text.format(code=code), self._last_error()])))
        if self._errors is not None:
            self._errors.close()

    def _last_error(self) -> str:
        """The last line of what the command said went wrong."""
        assert self._errors
        end = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, end - 10 * MOST_SAID))
        lines = self._errors.read().decode(errors="replace").split("\n")
        return next((shortened(line.strip(), MOST_SAID) for line in reversed(lines) if line.strip()), "")
