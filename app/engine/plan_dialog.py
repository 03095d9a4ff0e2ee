"""The plan before a run: work, time, and needed against available memory and disk."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QPalette, QResizeEvent
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
from app.widgets.engine_words import engine_words
from app.widgets.formats import PERMILLE, amount, readable, rough_time, shortened
from app.widgets.placement import keep_on_screen
from app.widgets.plain import plain_buttons, plain_label
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
        offer_buttons: changes of the settings that make a clip fit.
        start_button: enabled once a plan without problems has arrived.
        ask_again: whether the plan is shown before every run.
        ask_again_changed: the new value of ``ask_again``.
    """

    ask_again_changed = Signal(bool)

    def __init__(self, request: JobRequest, others: int, ask_again: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Plan for {name}").format(name=readable(request.source.name)))
        self.waiting = QLabel(self.tr("Planning …"))
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
        self._failed = False
        self.notes = plain_label()
        self.notes.setWordWrap(True)
        self.notes.hide()
        self.ask_again = QCheckBox(self.tr("Show this before every run"))
        self.ask_again.setChecked(ask_again)
        self.ask_again.toggled.connect(self.ask_again_changed)
        self.buttons = plain_buttons(QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel))
        text = self.tr("Start, with {others} more after it").format(others=others) if others else self.tr("Start")
        self.start_button: QPushButton = self.buttons.addButton(text, QDialogButtonBox.ButtonRole.AcceptRole)
        self.start_button.setEnabled(False)
        self.start_button.setDefault(True)
        # Enter must not mean Cancel while Start is not available
        self.buttons.button(QDialogButtonBox.StandardButton.Cancel).setAutoDefault(False)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.total = QLabel()
        self.total.setWordWrap(True)
        self.total.hide()
        self.offers = QWidget()
        self.offer_buttons: list[QPushButton] = []
        self._offered = QVBoxLayout(self.offers)
        self._offered.setContentsMargins(0, 0, 0, 0)
        self.offered_because = QLabel()
        self._offered.addWidget(self.offered_because)
        self.offers.hide()
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addWidget(self.waiting)
        column.addWidget(self.busy)
        column.addLayout(self.form)
        for part in (self.problems, self.offers, self.notes, self.total):
            column.addWidget(part)
        column.addStretch(1)
        column.addWidget(self.ask_again)
        column.addWidget(self.buttons)
        self.setMinimumWidth(PLAN_WIDTH)

    def wait_again(self) -> None:
        """Wait for another plan."""
        self.waiting.show()
        self.busy.show()
        self.start_button.setEnabled(False)
        self.offers.hide()
        for button in self.offer_buttons:
            button.deleteLater()
        self.offer_buttons = []
        self._clear_form()

    def _clear_form(self) -> None:
        while self.form.rowCount():
            self.form.removeRow(0)

    def show_plan(self, plan: Plan, request: JobRequest, measuring: bool = False) -> None:
        """Show the estimate; its time is missing while the device is still ``measuring``."""
        self._end_waiting()
        self._clear_form()
        self._add(self.tr("Frames"), f"{plan.frames:,}")
        size_in, size_out = (f"{size[0]}×{size[1]}" for size in (plan.input_size, plan.output_size))
        self._add(self.tr("Size"), f"{size_in} → {size_out}")
        self._add(self.tr("Work"), self._work(plan))
        at_once = self.tr("tiles: {tiles}, frames encoded or decoded: {frames}")
        self._add(self.tr("In one batch"), at_once.format(tiles=plan.tiles_at_once, frames=plan.decode_frames))
        self._add(self.tr("Device"), engine_words(plan.device))
        self._add(
            self.tr("Time"),
            self.tr("about {time}").format(time=rough_time(plan.seconds))
            if plan.seconds
            else self.tr("measuring …")
            if measuring
            else self.tr("not measured"),
        )
        # on the processor both are the same memory, of which the device's part is shown only where it is the one that is short
        alone = plan.settings.device == "cpu" and plan.device_memory <= plan.device_memory_available
        if not alone:
            self._need(self.tr("Device memory"), plan.device_memory, plan.device_memory_available)
        self._need(self.tr("Memory") if alone else self.tr("Main memory"), plan.host_memory, plan.host_memory_available)
        if plan.result_bytes is not None:
            self._add(self.tr("Size of the file"), self.tr("about {size}").format(size=amount(plan.result_bytes)))
        self._need(self.tr("Disk"), plan.disk, plan.disk_available)
        if request.target:
            self._add(self.tr("Result"), shortened(request.target))
        # why another clip failed is left to be read
        if plan.problems or not self._failed:
            self._show_lines(self.problems, plan.problems, "✕")
        color_text(self.problems, tones(self.palette()).bad)
        self._show_lines(self.notes, plan.notes, "·")
        self.start_button.setEnabled(not plan.problems)
        self.start_button.setFocus()

    def show_sum(self, planned: int, clips: int, frames: int, size: int, seconds: float | None) -> None:
        """Show what all clips together take; of one alone the plan says it."""
        if clips < 2:
            return
        text = self.tr("All {clips} clips: {frames} frames, files of about {size}, about {time}")
        if planned < clips:
            text = self.tr("{planned} of {clips} clips: {frames} frames, files of about {size}, about {time}")
        time = "…" if seconds is None else rough_time(seconds)
        self.total.setText(text.format(planned=planned, clips=clips, frames=f"{frames:,}", size=amount(size), time=time))
        self.total.show()

    def show_searching(self, searching: bool) -> None:
        """Say that settings that fit are still looked for, or no longer."""
        self.waiting.setText(self.tr("Looking for settings that fit …") if searching else self.tr("Planning …"))
        self.waiting.setVisible(searching)
        self.busy.setVisible(searching)

    def offer(self, text: str, choose: Callable[[], object], better: bool = False) -> None:
        """Offer a change of the settings that makes the clip fit, or that may do ``better``."""
        self.offered_because.setText(self.tr("This may do better:") if better else self.tr("This fits:"))
        button = QPushButton(text)
        button.clicked.connect(lambda _checked: choose())
        # Enter starts; it must not take an offer
        button.setAutoDefault(False)
        self.offer_buttons.append(button)
        self._offered.addWidget(button)
        self.offers.show()

    def event(self, event: QEvent) -> bool:
        """Grow with what is shown, once its parts are laid out: before, new ones count for nothing."""
        handled = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return handled

    def _fit(self) -> None:
        """Be as high as the wrapped lines need."""
        layout = self.layout()
        assert layout
        # a size hint does not know the height that wrapped lines need at this width
        layout.activate()
        self.resize(self.width(), max(layout.totalHeightForWidth(self.width()), layout.totalMinimumSize().height()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stay on the screen: what is found out makes the dialog grow."""
        super().resizeEvent(event)
        keep_on_screen(self)

    def show_failure(self, message: str) -> None:
        """Say why no estimate could be made."""
        self._end_waiting()
        lines = [line for line in self.problems.text().split("\n") if line] if self._failed else []
        self._failed = True
        self._show_lines(self.problems, (*(line.removeprefix("✕ ") for line in lines), message), "✕")
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
        label.setText("\n".join(f"{sign} {engine_words(line)}" for line in lines))
        label.setVisible(bool(lines))
