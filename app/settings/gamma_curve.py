"""The γ(t) curve over the sampling steps."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.widgets.appearance import tones

MARGIN_LEFT, MARGIN_RIGHT, MARGIN_TOP, MARGIN_BOTTOM = 34, 8, 12, 20
DOTTED_STEPS = 60
"""Up to this many steps each gets a dot."""


class GammaCurve(QWidget):
    """Draws γ over the steps, and where a running job is."""

    def __init__(self) -> None:
        super().__init__()
        self.values = np.zeros(1)
        self._step: int | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("γ over the steps"))

    def sizeHint(self) -> QSize:
        """A few lines high."""
        return QSize(240, 104)

    def show_gammas(self, values: Sequence[float]) -> None:
        """Draw γ of each step."""
        self.values = np.array(values)
        text = self.tr("γ goes from {first:.2f} in the first step to {last:.2f} in the last.")
        self.setAccessibleDescription(text.format(first=self.values[0], last=self.values[-1]))
        self.setToolTip(self.accessibleDescription())
        self.update()

    def show_step(self, step: int | None) -> None:
        """Mark the step that runs, or none."""
        self._step = step
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Axes, curve and dots."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(MARGIN_LEFT, MARGIN_TOP, -MARGIN_RIGHT, -MARGIN_BOTTOM)
        top = max(1.0, float(self.values.max()))
        self._draw_axes(painter, area, top)
        accent = self.palette().color(QPalette.ColorRole.Accent)
        points = [self._point(area, top, step) for step in range(len(self.values))]
        self._draw_curve(painter, area, points, accent)
        if self._step is not None and self._step < len(points):
            painter.setBrush(self.palette().color(QPalette.ColorRole.WindowText))
            painter.drawEllipse(points[self._step], 4.5, 4.5)

    def _point(self, area: QRectF, top: float, step: int) -> QPointF:
        x = area.left() + area.width() * (step / max(1, len(self.values) - 1))
        return QPointF(x, area.bottom() - area.height() * float(self.values[step]) / top)

    def _draw_axes(self, painter: QPainter, area: QRectF, top: float) -> None:
        quiet = tones(self.palette()).quiet
        painter.setFont(self.font())
        for value in (0.0, top):
            y = area.bottom() - area.height() * value / top
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Mid), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(quiet)
            box = QRectF(0, y - 10, MARGIN_LEFT - 6, 20)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{value:.3g}")
        below = QRectF(area.left(), area.bottom() + 2, area.width(), MARGIN_BOTTOM - 2)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, self.tr("step 1"))
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, str(len(self.values)))

    def _draw_curve(self, painter: QPainter, area: QRectF, points: list[QPointF], accent: QColor) -> None:
        ground = [QPointF(points[-1].x(), area.bottom()), QPointF(points[0].x(), area.bottom())]
        wash = QColor(accent)
        wash.setAlpha(40)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(wash)
        painter.drawPolygon(QPolygonF(points + ground))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(accent, 2))
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        if len(points) <= DOTTED_STEPS:
            for point in points:
                painter.drawEllipse(point, 2.5, 2.5)
