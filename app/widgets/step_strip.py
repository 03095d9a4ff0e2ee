"""One cell per sampling step: whether attention propagates in space (SAP), in time (TAP, in which direction), or not."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.widgets.appearance import tones
from app.widgets.step_kinds import STEP_SIGNS, step_explanation
from dcvsr_engine.events import StepKind

STRIP_HEIGHT = 20
SIGN_WIDTH = 11
"""Cells narrower than this carry no sign."""


class StepStrip(QWidget):
    """Cells in the colours of their steps; those that have run are filled, the running one is framed, the others are outlines.

    Attributes:
        kinds: what each step is.
        gammas: γ of each step, for the tool tip.
        current: the running step; ``None`` when nothing runs, and then all cells are filled.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kinds: tuple[StepKind, ...] = ()
        self.gammas: tuple[float, ...] = ()
        self.current: int | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Sampling steps"))

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(240, STRIP_HEIGHT)

    def show_steps(self, kinds: Sequence[StepKind], gammas: Sequence[float] = ()) -> None:
        """Show these steps."""
        self.kinds, self.gammas = tuple(kinds), tuple(gammas)
        text = self.tr("{steps} steps, {sap} of them SAP and {tap} TAP.")
        tap = sum(kind.is_tap for kind in self.kinds)
        self.setAccessibleDescription(text.format(steps=len(self.kinds), sap=self.kinds.count(StepKind.SAP), tap=tap))
        self.update()

    def show_step(self, step: int | None) -> None:
        """Mark the step that runs, or none."""
        self.current = step
        self.update()

    def step_at(self, x: float) -> int | None:
        """The step under a horizontal position."""
        step = int(x * len(self.kinds) / max(1, self.width()))
        return step if 0 <= step < len(self.kinds) else None

    def step_text(self, step: int) -> str:
        """A step in words."""
        text = self.tr("Step {step} of {steps}: {kind}").format(
            step=step + 1, steps=len(self.kinds), kind=step_explanation(self.kinds[step])
        )
        return text + (f", γ = {self.gammas[step]:.2f}" if step < len(self.gammas) else "")

    def event(self, event: QEvent) -> bool:
        """A tool tip for the step under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            step = self.step_at(event.pos().x())
            if step is not None:
                QToolTip.showText(event.globalPos(), self.step_text(step), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The cells."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = self.width() / max(1, len(self.kinds))
        for step, kind in enumerate(self.kinds):
            # many steps make narrow cells, of which a gap would leave little
            gap = 1 if width > 3 else 0
            self._draw_cell(painter, QRectF(step * width, 1, width - gap, self.height() - 2), step, kind)

    def _draw_cell(self, painter: QPainter, cell: QRectF, step: int, kind: StepKind) -> None:
        color = QColor(tones(self.palette()).step[kind])
        waiting = self.current is not None and step > self.current
        text = self.palette().color(QPalette.ColorRole.WindowText)
        painter.setPen(QPen(text, 2) if step == self.current else QPen(color, 1.5) if waiting else Qt.PenStyle.NoPen)
        painter.setBrush(Qt.BrushStyle.NoBrush if waiting else color)  # an outline cannot be taken for a bar that is full
        painter.drawRoundedRect(cell.adjusted(1, 1, -1, -1) if step == self.current or waiting else cell, 2, 2)
        if cell.width() >= SIGN_WIDTH:
            painter.setPen(text if waiting else Qt.GlobalColor.white if color.lightness() < 150 else Qt.GlobalColor.black)
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, STEP_SIGNS[kind])
