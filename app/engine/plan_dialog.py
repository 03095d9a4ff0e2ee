"""The plan before a run: work, time, and needed against available memory and disk."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.widgets.appearance import color_text, tones
from app.widgets.formats import PERMILLE, amount, clock_time, shortened
from app.widgets.plain import plain_label
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.request import JobRequest

PLAN_WIDTH = 560
BAR_HEIGHT = 10
AMOUNT_WIDTH = 130


class NeedBar(QWidget):
    """A bar: the needed share of what is available."""

    def __init__(self, name: str, needed: int, available: int, text: str) -> None:
        super().__init__()
        bar = QProgressBar()
        bar.setAccessibleName(name)
        bar.setAccessibleDescription(text)
        bar.setRange(0, PERMILLE)
        bar.setValue(min(PERMILLE, round(PERMILLE * needed / max(1, available))))
        bar.setTextVisible(False)
        bar.setFixedHeight(BAR_HEIGHT)
        label = QLabel(text)
        label.setMinimumWidth(AMOUNT_WIDTH)
        if needed > available:
            palette = bar.palette()
            palette.setColor(QPalette.ColorRole.Highlight, tones(palette).bad)
            bar.setPalette(palette)
            color_text(label, tones(palette).bad)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(bar, 1)
        row.addWidget(label)


class PlanDialog(QDialog):
    """Waits for a plan, shows it, and asks whether to start.

    Attributes:
        start_button: enabled once a plan without problems has arrived.
        ask_again: whether the plan is shown before every run.
        ask_again_changed: the new value of ``ask_again``.
    """

    ask_again_changed = Signal(bool)

    def __init__(self, request: JobRequest, others: int, ask_again: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Plan for {name}").format(name=request.source.name))
        self.waiting = QLabel(self.tr("Measuring the speed of this device …"))
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setAccessibleName(self.tr("Estimating"))
        self.form = QFormLayout()
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self.form.setHorizontalSpacing(16)
        self.problems = plain_label()
        self.problems.setWordWrap(True)
        self.problems.setAccessibleName(self.tr("Problems"))
        self.problems.hide()
        self.notes = plain_label()
        self.notes.setWordWrap(True)
        self.notes.hide()
        self.ask_again = QCheckBox(self.tr("Show this before every run"))
        self.ask_again.setChecked(ask_again)
        self.ask_again.toggled.connect(self.ask_again_changed)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        text = self.tr("Start, with {others} more after it").format(others=others) if others else self.tr("Start")
        self.start_button: QPushButton = self.buttons.addButton(text, QDialogButtonBox.ButtonRole.AcceptRole)
        self.start_button.setEnabled(False)
        self.start_button.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        for part in (self.waiting, self.busy):
            column.addWidget(part)
        column.addLayout(self.form)
        for part in (self.problems, self.notes):
            column.addWidget(part)
        column.addStretch(1)
        column.addWidget(self.ask_again)
        column.addWidget(self.buttons)
        self.setMinimumWidth(PLAN_WIDTH)

    def show_plan(self, plan: Plan, request: JobRequest) -> None:
        """Show the estimate."""
        self._end_waiting()
        self._add(self.tr("Frames"), f"{plan.frames:,}")
        size_in, size_out = (f"{size[0]}×{size[1]}" for size in (plan.input_size, plan.output_size))
        self._add(self.tr("Size"), f"{size_in} → {size_out}")
        self._add(self.tr("Work"), self._work(plan))
        at_once = self.tr("tiles: {tiles}, frames encoded or decoded: {frames}")
        self._add(self.tr("In one batch"), at_once.format(tiles=plan.tiles_at_once, frames=plan.decode_frames))
        self._add(self.tr("Device"), plan.device)
        self._add(
            self.tr("Time"),
            self.tr("about {time}").format(time=clock_time(plan.seconds)) if plan.seconds else self.tr("not measured"),
        )
        self._need(self.tr("Device memory"), plan.device_memory, plan.device_memory_available)
        self._need(self.tr("Main memory"), plan.host_memory, plan.host_memory_available)
        self._need(self.tr("Disk"), plan.disk, plan.disk_available)
        if request.target:
            self._add(self.tr("Result"), shortened(request.target))
        self._show_lines(self.problems, plan.problems, "✕")
        color_text(self.problems, tones(self.palette()).bad)
        self._show_lines(self.notes, plan.notes, "·")
        self.start_button.setEnabled(not plan.problems)
        self.adjustSize()

    def show_failure(self, message: str) -> None:
        """Say why no estimate could be made."""
        self._end_waiting()
        self._show_lines(self.problems, (message,), "✕")
        color_text(self.problems, tones(self.palette()).bad)

    def _end_waiting(self) -> None:
        self.waiting.hide()
        self.busy.hide()

    def _work(self, plan: Plan) -> str:
        text = self.tr("segments: {segments}, tiles: {tiles}, steps: {steps}, network evaluations: {evaluations}")
        return text.format(
            segments=len(plan.segments), tiles=len(plan.grid), steps=plan.settings.steps, evaluations=f"{plan.evaluations:,}"
        )

    def _add(self, name: str, value: str) -> None:
        label = plain_label(value)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.form.addRow(name, label)

    def _need(self, name: str, needed: int, available: int) -> None:
        text = self.tr("{needed} of {available}").format(needed=amount(needed), available=amount(available))
        self.form.addRow(name, NeedBar(name, needed, available, text))

    def _show_lines(self, label: QLabel, lines: tuple[str, ...], sign: str) -> None:
        label.setText("\n".join(f"{sign} {line}" for line in lines))
        label.setVisible(bool(lines))
