"""The bar along the window's bottom: the buttons of a run, and its progress."""

import time
from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QPalette
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QToolButton, QWidget

from app.engine.eta import ProgressEstimator
from app.engine.runner import Activity, EngineRun
from app.widgets.elided_label import ElidedLabel
from app.widgets.formats import PERMILLE, amount, clock_time
from app.widgets.phases import phase_name
from app.widgets.plain import plain_label, plain_tip
from app.widgets.step_kinds import step_name
from app.widgets.step_strip import StepStrip
from dcvsr_engine.diffusion.schedule import step_kinds
from dcvsr_engine.events import Event, FrameDone, MemoryUsed, PhaseStarted, StepStarted, TileFinished
from dcvsr_engine.planning.plan import Plan

REFRESH_MS = 500
STOP_NOW_AFTER_MS = 10_000


class ProgressPanel(QWidget):
    """Buttons for the window's actions, and the running job in words, steps and bars.

    Attributes:
        moved: another share is shown.
        job: the id of the job that is shown; empty when nothing runs.
        patience: milliseconds after which a job that does not cancel can be stopped by force.
    """

    moved = Signal()

    def __init__(
        self, actions: Mapping[str, QAction], now: Callable[[], float] = time.monotonic, parent: QWidget | None = None
    ) -> None:
        """Make a button of each action.

        Args:
            actions: by name; "stop" is shown only while a job does not cancel.
            now: a steady clock, in seconds.
            parent: the widget around the panel.
        """
        super().__init__(parent)
        self._actions, self._now = actions, now
        self.job = ""
        self.patience = STOP_NOW_AFTER_MS
        self._estimator = ProgressEstimator()
        self._name = self._note = self._step_text = self._unit_text = ""
        self._paused_at: float | None = None
        self._on_gpu = False
        self._share = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._show_times)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._build()
        self._patience.timeout.connect(self.buttons["stop"].show)
        self.show_idle()

    def _build(self) -> None:
        self.buttons = {name: self._button(name, action) for name, action in self._actions.items()}
        self.title, self.times = ElidedLabel(), QLabel()
        self.title.setAccessibleName(self.tr("Current job"))
        self.times.setAccessibleName(self.tr("Speed and time left"))
        self.strip = StepStrip()
        self.bar = QProgressBar()
        self.bar.setRange(0, PERMILLE)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setAccessibleName(self.tr("Progress"))
        self.percent, self.status = QLabel(), plain_label()
        self.status.setAccessibleName(self.tr("What happens by itself"))
        self.status.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.memory = QProgressBar()
        self.memory.setRange(0, PERMILLE)
        self.memory.setFixedWidth(190)
        self.memory.setAccessibleName(self.tr("Memory in use"))
        row = QHBoxLayout()
        row.setSpacing(6)
        for button in self.buttons.values():
            row.addWidget(button)
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 6, 8, 6)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.addLayout(row, 0, 0, 3, 1)
        grid.addWidget(self.title, 0, 1)
        facts = QHBoxLayout()
        facts.setSpacing(16)
        facts.addWidget(self.status)
        facts.addWidget(self.times)
        grid.addLayout(facts, 0, 2, 1, 2, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self.strip, 1, 1, 1, 2)
        grid.addWidget(self.memory, 1, 3)
        grid.addWidget(self.bar, 2, 1, 1, 2)
        grid.addWidget(self.percent, 2, 3, Qt.AlignmentFlag.AlignRight)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(0, 1)
        self.setMinimumHeight(self.sizeHint().height())  # a job that starts must not move the picture

    def _button(self, name: str, action: QAction) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        # Space, pressed to play after a click, must not begin the preview anew
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(action.text().replace("&", ""))
        button.setMinimumHeight(32)
        button.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        if action.menu():
            button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        button.setVisible(name != "stop")
        return button

    # -- what runs ----------------------------------------------------------------------------------------------

    def show_idle(self, text: str = "") -> None:
        """Show that nothing runs, with a text about what could."""
        self.job = ""
        self._timer.stop()
        self._patience.stop()
        self.title.set_whole(text)
        self.times.clear()
        self.percent.clear()
        for widget in (self.strip, self.bar, self.memory):
            widget.hide()
        self.buttons["stop"].hide()

    def show_activity(self, activity: Activity, run: EngineRun | None) -> None:
        """Follow what the engine is busy with."""
        if run is None:
            self.show_idle()
            return
        if activity == Activity.CANCELLING:
            self._patience.start(self.patience)
        self._take_pause(activity)
        notes = {
            Activity.PLANNING: self.tr("estimating"),
            Activity.PAUSING: self.tr("pausing after this tile"),
            Activity.PAUSED: self.tr("paused, GPU memory is free") if self._on_gpu else self.tr("paused"),
            Activity.CANCELLING: self.tr("cancelling after this tile"),
        }
        self._note = notes.get(activity, "")
        self._show_title()

    def show_status(self, text: str, tip: str) -> None:
        """Say what happens by itself: that the computer stays awake, what follows the queue."""
        self.status.setText(text)
        self.status.setToolTip(plain_tip(tip))

    def begin(self, run: EngineRun) -> None:
        """A job starts."""
        self.job = run.job
        self._name = run.request.source.name
        if run.variant:
            self._name = self.tr("Preview {variant} of {name}").format(variant=run.variant, name=self._name)
        elif run.compares:
            self._name = self.tr("{name} before and after").format(name=self._name)
        elif run.farm:
            self._name = self.tr("{name} on the farm").format(name=self._name)
        self._estimator = ProgressEstimator(main="write" if run.compares else "sample")
        self._step_text, self._unit_text, self._note = self.tr("starting …"), "", ""
        self._paused_at = None
        self._share = 0.0
        self.strip.show_steps(())
        # nothing is measured yet; so thin a bar of Qt's that moves seems to be full
        self.bar.setValue(0)
        self.bar.show()
        self._timer.start()
        self._show_title()

    def show_plan(self, plan: Plan) -> None:
        """Show what the running job will do."""
        self._estimator = ProgressEstimator(plan.frames, plan.seconds, segments=len(plan.segments))
        self.strip.show_steps(step_kinds(plan.settings.steps, plan.settings))
        self.strip.show_step(-1)
        self.strip.setVisible(plan.settings.steps > 1)  # a single cell looks like a full bar
        self._show_times()

    def on_event(self, event: Event) -> None:
        """Follow the running job."""
        self._estimator.on_event(event, self._now())
        # an estimate that grows must not move the bar back
        self._share = max(self._share, self._estimator.share)
        match event:
            case PhaseStarted():
                self._show_phase(event)
            case StepStarted():
                self.strip.show_step(event.step)
                text = self.tr("step {step}/{steps} {kind}")
                numbered = text.format(step=event.step + 1, steps=event.steps, kind=step_name(event.kind))
                self._step_text = numbered if event.steps > 1 else phase_name("sample")
            case TileFinished():
                self._unit_text = self._units(self.tr("tile {done}/{total}"))
            case FrameDone():
                self._unit_text = self._units(self.tr("frame {done}/{total}"))
            case MemoryUsed():
                self._show_memory(event)
            case _:
                return
        self._show_title()

    @property
    def share(self) -> float:
        """Share of the job that is done, 0 … 1; it never falls."""
        return self._share

    def _units(self, text: str) -> str:
        done, total = self._estimator.units
        return text.format(done=done, total=total)

    def _show_phase(self, event: PhaseStarted) -> None:
        self._unit_text = ""
        if event.phase == "sample":
            self.strip.show_step(-1)
        else:
            self._step_text = phase_name(event.phase)

    def _show_title(self) -> None:
        segment = ""
        if self._estimator.segments > 1:
            number = min(self._estimator.segment + 1, self._estimator.segments)
            segment = self.tr("segment {number}/{segments}").format(number=number, segments=self._estimator.segments)
        parts = [self._name, self._note or self._step_text, segment, "" if self._note else self._unit_text]
        self.title.set_whole(" · ".join(filter(None, parts)))

    def _show_times(self) -> None:
        # the time left stands still while the job is paused
        now = self._now() if self._paused_at is None else self._paused_at
        self._share = max(self._share, self._estimator.share_at(now))
        per_frame, left = self._estimator.seconds_per_frame, self._estimator.seconds_left_at(now)
        texts = []
        if per_frame is not None:
            texts.append(
                self.tr("{seconds} s/frame").format(seconds=f"{per_frame:.2g}" if per_frame < 10 else f"{per_frame:.0f}")
            )
        if left is not None and self._paused_at is None:
            texts.append(self.tr("{time} left").format(time=clock_time(left)))
        self.times.setText(" · ".join(texts))
        if self._share > 0 or self._estimator.segment_seconds is not None:
            self.bar.setValue(round(PERMILLE * self.share))
            self.percent.setText(f"{self.share:.0%}")
            self.moved.emit()

    def _show_memory(self, event: MemoryUsed) -> None:
        self._on_gpu = event.device not in ("host", "cpu")
        device = self.tr("GPU") if self._on_gpu else self.tr("RAM")
        self.memory.setValue(round(PERMILLE * event.used / max(1, event.total)))
        self.memory.setFormat(f"{device} {amount(event.used)} / {amount(event.total)}")
        self.memory.show()

    def _take_pause(self, activity: Activity) -> None:
        """Keep pauses out of the measured speed."""
        if activity == Activity.PAUSED:
            self._paused_at = self._now()
        elif self._paused_at is not None:
            self._estimator.skip_pause(self._now() - self._paused_at)
            self._paused_at = None
