"""The frame track: scrub by exact frame, in and out points, marks for decoded and restored frames."""

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QToolTip, QWidget

from app.preview import hud
from app.preview.model import FrameRange, runs
from app.preview.time_scale import STRIP_MARGIN, TimeScale
from app.widgets.plain import plain_tip

HANDLE = 7.0
"""Logical pixels around an in or out point in which it can be grabbed."""


class FrameTrack(QAbstractSlider):
    """Frames of the clip to scrub through, with in and out points; the slider's value is the current frame.

    Signals:
        range_edited: an in or out point was dragged to (first, last).
        scale_changed: another part of the clip is visible.
    """

    range_edited = Signal(int, int)
    scale_changed = Signal(TimeScale)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Timeline"))
        self.setAccessibleDescription(self._meaning())
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setPageStep(10)
        self.range = FrameRange.whole(1)
        self.scale = TimeScale.whole(1, self.width())
        self._cached: list[tuple[int, int]] = []
        self._restored: list[tuple[int, int]] = []
        self._dragged: str | None = None

    def _meaning(self) -> str:
        """What can be done here, and what the marks mean."""
        handling = self.tr("Drag to go to a frame; drag the brackets to set the range; the wheel zooms in time.")
        marks = self.tr(
            "Blue: the selected range. Green, below: restored frames. Grey, above: frames that are ready to be shown."
        )
        return f"{handling}\n{marks}"

    def describe(self, position: QPoint) -> str:
        """The frame at a position, whether it is restored, and what the marks mean."""
        frame = self.scale.frame(position.x())
        restored = any(first <= frame <= last for first, last in self._restored)
        text = self.tr("Frame {frame}: restored") if restored else self.tr("Frame {frame}: not restored yet")
        return f"{text.format(frame=frame)}\n\n{self._meaning()}"

    def event(self, event: QEvent) -> bool:
        """Show a tool tip for the frame under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(
                event.globalPos(), plain_tip(self.describe(event.pos()) if self.isEnabled() else self._meaning()), self
            )
            return True
        return super().event(event)

    def sizeHint(self) -> QSize:
        """One line of frames."""
        return QSize(300, 36)

    def set_clip(self, frames: int) -> None:
        """Another clip of ``frames`` frames."""
        self.range = FrameRange.whole(frames)
        self._cached, self._restored = [], []
        self.setRange(0, frames - 1)
        self._set_scale(TimeScale.whole(frames, self.width()))

    def set_range(self, frame_range: FrameRange) -> None:
        """Show the chosen range and the current frame."""
        self.range = frame_range
        self.setValue(frame_range.current)
        self._set_scale(self.scale.showing(frame_range.current))

    def set_cached(self, frames: list[int]) -> None:
        """Mark frames that can be shown at once."""
        self._cached = runs(frames)
        self.update()

    def set_restored(self, frames: list[int], finished: range = range(0)) -> None:
        """Mark frames that have a result: single ones, and those of a finished result."""
        self._restored = runs(frames) + ([(finished[0], finished[-1])] if finished else [])
        self.update()

    def _set_scale(self, scale: TimeScale) -> None:
        if scale != self.scale:
            self.scale = scale
            self.scale_changed.emit(scale)
        self.update()

    # -- painting -----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Bar, chosen range, marks, handles, playhead."""
        painter = QPainter(self)
        palette = self.palette()
        bar = QRectF(STRIP_MARGIN, 8, self.width() - 2 * STRIP_MARGIN, self.height() - 16)
        painter.fillRect(bar, palette.color(QPalette.ColorRole.Base))
        if self.isEnabled():
            painter.save()
            painter.setClipRect(bar)
            chosen = QColor(palette.color(QPalette.ColorRole.Highlight))
            chosen.setAlpha(70)
            painter.fillRect(self._stretch(bar, self.range.first, self.range.last), chosen)
            for first, last in self._cached:
                painter.fillRect(self._line(bar, first, last, bar.top(), 3), palette.color(QPalette.ColorRole.PlaceholderText))
            for first, last in self._restored:
                painter.fillRect(self._line(bar, first, last, bar.bottom() - 6, 6), hud.DONE_COLOR)
            self._paint_frame_lines(painter, bar)
            painter.restore()
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight if self.hasFocus() else QPalette.ColorRole.Mid), 1))
        painter.drawRect(bar.adjusted(-0.5, -0.5, 0.5, 0.5))
        if self.isEnabled():
            self._paint_handles(painter, bar)
            self._paint_playhead(painter, bar)
        if self.hasFocus():
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 3, 3)
        painter.end()

    def _stretch(self, bar: QRectF, first: int, last: int) -> QRectF:
        left, right = self.scale.x(first), self.scale.x(last + 1)
        return QRectF(left, bar.top(), max(1.0, right - left), bar.height())

    def _line(self, bar: QRectF, first: int, last: int, top: float, height: float) -> QRectF:
        stretch = self._stretch(bar, first, last)
        return QRectF(stretch.left(), top, stretch.width(), height)

    def _paint_frame_lines(self, painter: QPainter, bar: QRectF) -> None:
        """Lines between frames, if they are wide enough."""
        if self.scale.frame_width < 6:
            return
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.PlaceholderText), 1))
        for frame in range(int(self.scale.first), int(self.scale.first + self.scale.count) + 2):
            x = self.scale.x(frame)
            painter.drawLine(QPointF(x, bar.bottom() - 8), QPointF(x, bar.bottom()))

    def _paint_handles(self, painter: QPainter, bar: QRectF) -> None:
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.WindowText), 2.5))
        for x, inward in ((self.scale.x(self.range.first), HANDLE), (self.scale.x(self.range.last + 1), -HANDLE)):
            if STRIP_MARGIN - 1 <= x <= self.width() - STRIP_MARGIN + 1:
                top, bottom = bar.top() - 3, bar.bottom() + 3
                corners = [(x + inward, top), (x, top), (x, bottom), (x + inward, bottom)]
                painter.drawPolyline(QPolygonF([QPointF(*corner) for corner in corners]))

    def _paint_playhead(self, painter: QPainter, bar: QRectF) -> None:
        x = self.scale.x(self.range.current + 0.5)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.scale.frame_width > 4:
            frame = self._stretch(bar, self.range.current, self.range.current)
            color = QColor(self.palette().color(QPalette.ColorRole.Highlight))
            color.setAlpha(110)
            painter.fillRect(frame, color)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Base), 1))
        painter.setBrush(self.palette().color(QPalette.ColorRole.Highlight))
        painter.drawRect(QRectF(x - 1.5, bar.top() - 2, 3, bar.height() + 4))
        painter.drawPolygon(QPolygonF([QPointF(x - 7, 1), QPointF(x + 7, 1), QPointF(x, 11)]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    # -- pointer and keys ---------------------------------------------------------------------------------------

    def _part_at(self, position: QPointF) -> str:
        """What a press grabs: an end of the range, or the playhead."""
        distances = {
            "first": abs(position.x() - self.scale.x(self.range.first)),
            "last": abs(position.x() - self.scale.x(self.range.last + 1)),
        }
        nearest = min(distances, key=lambda part: distances[part])
        head = abs(position.x() - self.scale.x(self.range.current + 0.5))
        # where both are as near, the playhead is taken
        return nearest if distances[nearest] <= HANDLE and distances[nearest] < head else "current"

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take a handle or go to the frame."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragged = self._part_at(event.position())
            self.setSliderDown(self._dragged == "current")
            self._drag_to(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag what was grabbed."""
        if self._dragged is not None:
            self._drag_to(event.position())
        else:
            over_handle = self._part_at(event.position()) != "current"
            self.setCursor(Qt.CursorShape.SizeHorCursor if over_handle else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._dragged = None
        self.setSliderDown(False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show the whole clip."""
        self._set_scale(TimeScale.whole(self.range.frames, self.width()))

    def _drag_to(self, position: QPointF) -> None:
        if self._dragged == "current":
            self.setValue(self.scale.frame(position.x()))
        elif self._dragged == "first":
            # a handle lies between two frames and goes to the nearest such place
            moved = self.range.starting(self.scale.frame(position.x() + self.scale.frame_width / 2))
            self.range_edited.emit(moved.first, moved.last)
        elif self._dragged == "last":
            moved = self.range.ending(self.scale.frame(position.x() - self.scale.frame_width / 2))
            self.range_edited.emit(moved.first, moved.last)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Show less or more of the clip around the pointer."""
        self._set_scale(self.scale.zoomed(2 ** (event.angleDelta().y() / 240), event.position().x()))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Plus and minus show less or more of the clip; the rest is a slider's."""
        factors = {Qt.Key.Key_Plus: 1.5, Qt.Key.Key_Equal: 1.5, Qt.Key.Key_Minus: 1 / 1.5}
        if event.key() in factors:
            self._set_scale(self.scale.zoomed(factors[Qt.Key(event.key())], self.scale.x(self.range.current)))
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The same frames on another width."""
        self._set_scale(self.scale.resized(self.width()))
