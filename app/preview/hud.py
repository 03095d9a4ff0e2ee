"""Labels and lines over pictures: legible on any picture, in light and dark."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

INK = QColor(255, 255, 255)
SHADE = QColor(0, 0, 0, 170)
HALO = QColor(0, 0, 0, 140)
# After Okabe and Ito's palette, whose colours the colour-blind can tell apart.
RUNNING_COLOR = QColor(230, 159, 0)
DONE_COLOR = QColor(0, 178, 130)
OVERLAP_COLOR = QColor(86, 180, 233)
CHOSEN_COLOR = QColor(240, 228, 66)
SWATCH = 10.0
"""Side of a patch of colour in a legend."""
MARGIN = 8.0
LABEL_PADDING = 6.0
ANYWHERE = QRectF(0, 0, 1e5, 1e5)
LegendEntry = tuple[QColor, str]
"""A colour and what it means."""


def label_size(font: QFont, text: str) -> QRectF:
    """The size of a label with some lines of text, at the origin."""
    metrics = QFontMetricsF(font)
    width = max(metrics.horizontalAdvance(line) for line in text.split("\n"))
    # as it is laid out: characters that another font has to supply may be higher
    height = metrics.boundingRect(ANYWHERE, Qt.AlignmentFlag.AlignLeft, text).height()
    return QRectF(0, 0, width + 2 * LABEL_PADDING, height + LABEL_PADDING)


def paint_label(painter: QPainter, corner: QPointF, text: str) -> None:
    """White text on a dark box whose upper left corner is given; nothing without text."""
    if not text:
        return
    box = label_size(painter.font(), text).translated(corner)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(SHADE)
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(INK)
    painter.drawText(
        box.adjusted(LABEL_PADDING, LABEL_PADDING / 2, -LABEL_PADDING, -LABEL_PADDING / 2), Qt.AlignmentFlag.AlignLeft, text
    )
    painter.restore()


def legend_lines(font: QFont, entries: Sequence[LegendEntry], width: float) -> list[list[LegendEntry]]:
    """The entries of a legend, in as many lines as a width asks for."""
    lines: list[list[LegendEntry]] = []
    for entry in entries:
        if lines and legend_width(font, [*lines[-1], entry]) <= width:
            lines[-1].append(entry)
        else:
            lines.append([entry])
    return lines


def legend_width(font: QFont, entries: Sequence[LegendEntry]) -> float:
    """The width of a legend in one line."""
    metrics = QFontMetricsF(font)
    return sum(SWATCH + metrics.horizontalAdvance(text) + 3 * LABEL_PADDING for _, text in entries) + LABEL_PADDING


def paint_legend(painter: QPainter, corner: QPointF, entries: Sequence[LegendEntry], width: float) -> None:
    """What colours mean, on a dark box whose upper left corner is given; no wider than ``width`` unless an entry is."""
    metrics, lines = QFontMetricsF(painter.font()), legend_lines(painter.font(), entries, width)
    longest = max((legend_width(painter.font(), line) for line in lines), default=0.0)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(SHADE)
    painter.drawRoundedRect(QRectF(corner.x(), corner.y(), longest, len(lines) * metrics.height() + LABEL_PADDING), 4, 4)
    for number, line in enumerate(lines):
        x, top = corner.x() + 2 * LABEL_PADDING, corner.y() + LABEL_PADDING / 2 + number * metrics.height()
        for color, text in line:
            painter.setPen(QPen(INK, 1))
            painter.setBrush(color)
            painter.drawRect(QRectF(x, top + (metrics.height() - SWATCH) / 2, SWATCH, SWATCH))
            painter.drawText(QPointF(x + SWATCH + LABEL_PADDING, top + metrics.ascent()), text)
            x += SWATCH + metrics.horizontalAdvance(text) + 3 * LABEL_PADDING
    painter.restore()


def outlined(color: QColor, width: float) -> tuple[QPen, QPen]:
    """Pens for a line that stands out on any picture: a dark rim, then the line."""
    return QPen(HALO, 3 * width), QPen(color, width)


def stroke(painter: QPainter, pens: tuple[QPen, ...], draw: Callable[[], None]) -> None:
    """Draw the same lines with each pen, nothing filled."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in pens:
        painter.setPen(pen)
        draw()


def arrow(center: QPointF, length: float, height: float, forward: bool) -> QPolygonF:
    """A flat arrow to the right (``forward``) or left."""
    half, head, shaft, sign = length / 2, height * 0.75, height * 0.2, 1 if forward else -1
    shape = [(-half, -shaft), (half - head, -shaft), (half - head, -height / 2), (half, 0)]
    points = shape + [(x, -y) for x, y in reversed(shape[:-1])]
    return QPolygonF([QPointF(center.x() + sign * x, center.y() + y) for x, y in points])
