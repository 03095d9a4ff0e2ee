"""Looks of the previewer's buttons: symbols and marks in the palette's own colours, legible in light and dark."""

from collections.abc import Iterable

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPalette, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QToolButton

SYMBOL_SIZE = 16

BUTTON_STYLE = """
QToolButton {{ padding: 3px 7px; border: 1px solid transparent; border-radius: 4px; color: {text}; }}
QToolButton:disabled {{ color: {disabled}; }}
QToolButton:hover {{ border-color: {mid}; }}
QToolButton:checked {{ background: {highlight}; color: {highlighted}; }}
QToolButton:focus {{ border-color: {highlight}; }}
QToolButton:checked:focus {{ border-color: {text}; }}
"""
"""What is switched on, and what has the focus, must be plain to see in light and dark."""

TRIANGLES = {
    "play": [[(4, 2), (14, 8), (4, 14)]],
    "previous": [[(12, 2), (4, 8), (12, 14)]],
    "next": [[(4, 2), (12, 8), (4, 14)]],
}
BARS = {"pause": [(4, 3), (10, 3)], "previous": [(2, 3)], "next": [(12, 3)]}
SPEAKER = [(1, 6), (4, 6), (8, 2), (8, 14), (4, 10), (1, 10)]
WAVES = {
    "sound": [(10.0, 6.0, 10.0, 10.0), (12.5, 4.0, 12.5, 12.0)],
    "muted": [(10.0, 5.5, 15.0, 10.5), (15.0, 5.5, 10.0, 10.5)],
}
BRACKETS = {"in": [(11, 2), (5, 2), (5, 14), (11, 14)], "out": [(5, 2), (11, 2), (11, 14), (5, 14)]}


def style_buttons(buttons: Iterable[QToolButton], palette: QPalette) -> None:
    """Give buttons their look in a palette; again after every change of it.

    Colours are written out: a style sheet's own ``palette(…)`` keeps those of the palette that it first saw. The sheets are
    the buttons' own, as a widget with a sheet passes on palettes late.
    """
    colors = {
        "text": palette.color(QPalette.ColorRole.WindowText),
        "disabled": palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.WindowText),
        "mid": palette.color(QPalette.ColorRole.Mid),
        "highlight": palette.color(QPalette.ColorRole.Highlight),
        "highlighted": palette.color(QPalette.ColorRole.HighlightedText),
    }
    style = BUTTON_STYLE.format(**{name: color.name() for name, color in colors.items()})
    for button in buttons:
        if style != button.styleSheet():
            button.setStyleSheet(style)


def icon(name: str, palette: QPalette) -> QIcon:
    """The symbol ``name`` for a button with this palette, enabled and disabled."""
    result = QIcon()
    for mode, group in ((QIcon.Mode.Normal, QPalette.ColorGroup.Active), (QIcon.Mode.Disabled, QPalette.ColorGroup.Disabled)):
        # screens differ in device pixels per logical one
        for ratio in (1, 2, 3):
            result.addPixmap(_pixmap(name, palette, group, ratio), mode)
    return result


def _pixmap(name: str, palette: QPalette, group: QPalette.ColorGroup, ratio: int) -> QPixmap:
    pixmap = QPixmap(SYMBOL_SIZE * ratio, SYMBOL_SIZE * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    color = palette.color(group, QPalette.ColorRole.ButtonText)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    for corners in TRIANGLES.get(name, []):
        painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))
    for left, width in BARS.get(name, []):
        painter.drawRect(QRectF(left, 2, width - 1, 12))
    if name in WAVES:
        painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in SPEAKER]))
        painter.setPen(QPen(color, 1.5))
        for x1, y1, x2, y2 in WAVES[name]:
            painter.drawLine(QLineF(x1, y1, x2, y2))
    if name in BRACKETS:
        painter.setPen(QPen(color, 2))
        painter.drawPolyline(QPolygonF([QPointF(*corner) for corner in BRACKETS[name]]))
    painter.end()
    return pixmap
