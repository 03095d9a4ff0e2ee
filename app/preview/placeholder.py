"""What the view shows instead of pictures: nothing opened, opening, or an error."""

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPalette, QPen, QPolygonF

from app.preview import hud


@dataclass(frozen=True)
class Placeholder:
    """A message in the middle of the view: ``title`` in large, ``text`` below it."""

    kind: Literal["empty", "busy", "error"]
    title: str
    text: str = ""


ICON = 72.0


def paint_placeholder(painter: QPainter, area: QRectF, placeholder: Placeholder, palette: QPalette, highlighted: bool) -> None:
    """Paint icon, title and text centred in ``area``; ``highlighted`` while a file hovers over it."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if placeholder.kind == "empty":
        _paint_frame(painter, area.adjusted(16, 16, -16, -16), palette, highlighted)
    strong, weak = palette.color(QPalette.ColorRole.WindowText), palette.color(QPalette.ColorRole.PlaceholderText)
    title_font = QFont(painter.font())
    title_font.setPointSizeF(title_font.pointSizeF() * 1.5)
    wrap = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
    width = min(area.width() - 64, 520.0)
    column = QRectF(area.center().x() - width / 2, 0, width, area.height())
    text_height = painter.boundingRect(column, wrap, placeholder.text).height() if placeholder.text else 0.0
    body_font = painter.font()
    painter.setFont(title_font)
    title_height = painter.boundingRect(column, wrap, placeholder.title).height()
    top = max(area.top() + 24, area.center().y() - (ICON + 16 + title_height + 8 + text_height) / 2)
    _paint_icon(painter, QRectF(area.center().x() - ICON / 2, top, ICON, ICON), placeholder.kind, weak)
    painter.setPen(strong)
    painter.drawText(column.translated(0, top + ICON + 16), wrap, placeholder.title)
    painter.setFont(body_font)
    painter.setPen(weak)
    painter.drawText(column.translated(0, top + ICON + 16 + title_height + 8), wrap, placeholder.text)
    painter.restore()


def paint_drop_mark(painter: QPainter, area: QRectF, text: str, palette: QPalette) -> None:
    """A frame and a line of text over pictures, while a file hovers over them."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    wash = QColor(palette.color(QPalette.ColorRole.Window))
    wash.setAlpha(150)
    painter.fillRect(area, wash)
    _paint_frame(painter, area.adjusted(16, 16, -16, -16), palette, highlighted=True)
    box = hud.label_size(painter.font(), text)
    hud.paint_label(painter, area.center() - box.center(), text)
    painter.restore()


def _paint_frame(painter: QPainter, rect: QRectF, palette: QPalette, highlighted: bool) -> None:
    color = palette.color(QPalette.ColorRole.Highlight if highlighted else QPalette.ColorRole.PlaceholderText)
    painter.setPen(QPen(color, 3 if highlighted else 1.5, Qt.PenStyle.DashLine))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect, 12, 12)


def _paint_icon(painter: QPainter, box: QRectF, kind: str, color: QColor) -> None:
    """A film frame with an arrow into it, an hour glass' three dots, or an exclamation mark in a triangle."""
    painter.setPen(QPen(color, 4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    center = box.center()
    if kind == "empty":
        film = box.adjusted(2, 10, -2, -10)
        painter.drawRoundedRect(film, 6, 6)
        for index in range(5):
            x = film.left() + film.width() * (index + 0.5) / 5
            painter.drawPoints([QPointF(x, film.top() + 8), QPointF(x, film.bottom() - 8)])
        painter.drawLine(center + QPointF(0, -12), center + QPointF(0, 10))
        painter.drawPolyline(QPolygonF([center + QPointF(-9, 2), center + QPointF(0, 11), center + QPointF(9, 2)]))
    elif kind == "busy":
        painter.setPen(QPen(color, 10, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPoints([center + QPointF(dx, 0) for dx in (-20, 0, 20)])
    else:
        painter.setPen(QPen(hud.RUNNING_COLOR, 4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        corners = [QPointF(center.x(), box.top() + 6), box.bottomRight() - QPointF(2, 8), box.bottomLeft() + QPointF(2, -8)]
        painter.drawPolygon(QPolygonF(corners))
        painter.drawLine(center + QPointF(0, -8), center + QPointF(0, 10))
        painter.drawPoint(center + QPointF(0, 20))
