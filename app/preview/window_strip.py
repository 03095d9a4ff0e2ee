"""The strip of temporal windows below the frame track (method.md §1.4, §4)."""

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.preview import hud
from app.preview.model import lanes
from app.preview.tiling_state import TilingState
from app.preview.time_scale import STRIP_MARGIN, TimeScale
from dcvsr_engine.events import StepKind

LANE = 13.0
"""Height of a lane in logical pixels."""

MAX_LANES = 3


class WindowStrip(QWidget):
    """The temporal windows of the tile grid as brackets in lanes, in the time scale of the track above.

    Running and finished windows are filled in the colour of their state; in TAP steps arrows show the direction and diamonds the
    chosen frames.
    """

    def __init__(self, state: TilingState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Temporal windows"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.scale = TimeScale.whole(1, self.width())
        self._state = state
        self._grid = state.grid
        self._rows = 0
        self._wanted = True
        state.changed.connect(self._on_state_changed)
        self.setVisible(state.grid is not None)

    def sizeHint(self) -> QSize:
        """As many lanes as the windows need, or did need since the clip was opened: the picture above must not jump."""
        return QSize(300, int(LANE * self._rows + LANE + 6))

    def want(self, wanted: bool) -> None:
        """Show the windows from now on, or hide them."""
        self._wanted = wanted
        self.setVisible(wanted and self._grid is not None)

    def set_scale(self, scale: TimeScale) -> None:
        """Follow the track above."""
        self.scale = scale
        self.update()

    def _lanes(self) -> list[int]:
        grid = self._state.grid
        # beyond the last lane windows share one, so that the strip stays low
        return [lane % MAX_LANES for lane in lanes(grid.windows, grid.tile_frames)] if grid else []

    def _on_state_changed(self) -> None:
        # by identity: the same signal reports every tile's progress
        if self._state.grid is not self._grid:
            self._grid = self._state.grid
            self._rows = max([self._rows, *self._lanes()]) if self._grid else 0
            self.setVisible(self._wanted and self._grid is not None)
            self.updateGeometry()
        self.update()

    def event(self, event: QEvent) -> bool:
        """Show a tooltip for the windows under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.describe(event.pos()), self)
            return True
        return super().event(event)

    def describe(self, position: QPoint) -> str:
        """The windows at a position, one per line; without any, what the strip shows."""
        lines = []
        for n in self._state.windows_at(self.scale.frame(position.x())):
            first, last = self._state.window_frames(n)
            line = self.tr("Window {n}: frames {first}–{last}").format(n=n + 1, first=first, last=last)
            if n in self._state.chosen:
                line += self.tr(", passes on {frames}").format(frames=", ".join(map(str, sorted(self._state.chosen[n]))))
            lines.append(line)
        return "\n".join(lines) or self.tr("Frames are processed in overlapping windows; each bracket is one window.")

    def paintEvent(self, event: QPaintEvent) -> None:
        """A bracket per window."""
        grid = self._state.grid
        if grid is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(QRectF(STRIP_MARGIN - 2, 0, self.width() - 2 * STRIP_MARGIN + 4, self.height()))
        for n, lane in enumerate(self._lanes()):
            first, last = self._state.window_frames(n)
            left, right = self.scale.x(first), self.scale.x(last + 1)
            if right >= 0 and left <= self.width():
                self._paint_window(painter, n, QRectF(left + 1, 3 + lane * LANE, max(1.0, right - left - 2), LANE - 4))
        painter.end()

    def _paint_window(self, painter: QPainter, n: int, box: QRectF) -> None:
        """A bracket with its number of frames, filled by its state."""
        state, palette = self._state.window_state(n), self.palette()
        if self._state.kind is not None and state != "waiting":
            fill = QColor(hud.RUNNING_COLOR if state == "running" else hud.DONE_COLOR)
            fill.setAlpha(130)
            painter.fillRect(box, fill)
        painter.setPen(QPen(palette.color(QPalette.ColorRole.WindowText), 1.25))
        corners = [box.topLeft(), box.bottomLeft(), box.bottomRight(), box.topRight()]
        painter.drawPolyline(QPolygonF(corners))
        if self._state.kind is not None and self._state.kind.is_tap:
            self._paint_passed_on(painter, n, box, self._state.kind == StepKind.TAP_FORWARD)
        elif box.width() > 36:
            assert self._state.grid is not None
            font = painter.font()
            font.setPixelSize(9)
            painter.setFont(font)
            painter.drawText(box.adjusted(0, -1, 0, -1), Qt.AlignmentFlag.AlignCenter, str(self._state.grid.tile_frames))

    def _paint_passed_on(self, painter: QPainter, n: int, box: QRectF, forward: bool) -> None:
        """A diamond per chosen frame, and an arrow at the end to which the window passes them."""
        painter.setPen(QPen(hud.HALO, 1))
        painter.setBrush(hud.CHOSEN_COLOR)
        for frame in self._state.chosen.get(n, ()):
            x, y = self.scale.x(frame + 0.5), box.center().y()
            painter.drawPolygon(QPolygonF([QPointF(x - 4, y), QPointF(x, y - 4), QPointF(x + 4, y), QPointF(x, y + 4)]))
        if box.width() > 24:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.palette().color(QPalette.ColorRole.WindowText))
            end = QPointF(box.right() - 8 if forward else box.left() + 8, box.center().y())
            painter.drawPolygon(hud.arrow(end, 10, 7, forward))
