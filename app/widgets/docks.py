"""Panels around the middle of a window, which can be moved, hidden and put side by side."""

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPalette, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QDockWidget, QMainWindow, QWidget

MARK_SIZE = 10.0
Line = list[tuple[float, float]]
MARKS: dict[str, tuple[Line, Line]] = {
    "qt_dockwidget_closebutton": ([(2, 2), (8, 8)], [(8, 2), (2, 8)]),
    "qt_dockwidget_floatbutton": (
        [(1.5, 3.5), (6.5, 3.5), (6.5, 8.5), (1.5, 8.5), (1.5, 3.5)],
        [(3.5, 1.5), (8.5, 1.5), (8.5, 6.5)],
    ),
}
"""Lines of the marks in a dock's title, by Qt's names of their buttons."""


class Dock(QDockWidget):
    """A panel whose marks for floating and closing are seen in light and dark; the style's own are dark in both."""

    def __init__(self, title: str, window: QMainWindow) -> None:
        super().__init__(title, window)
        self._draw_marks()
        self.toggleViewAction().triggered.connect(self._come_forward)

    def _come_forward(self, shown: bool) -> None:
        """Come before the panels at the same place, behind which nobody would see it."""
        if shown:
            self.raise_()

    def _draw_marks(self) -> None:
        for button in self.findChildren(QAbstractButton, options=Qt.FindChildOption.FindDirectChildrenOnly):
            if button.objectName() in MARKS:
                button.setIcon(mark(button.objectName(), self.palette().color(QPalette.ColorRole.WindowText)))

    def changeEvent(self, event: QEvent) -> None:
        """Follow light and dark, and draw again what another style has drawn."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._draw_marks()


def mark(name: str, color: QColor) -> QIcon:
    """The mark of a button in a dock's title."""
    result = QIcon()
    # screens differ in device pixels per logical one
    for ratio in (1, 2, 3):
        pixmap = QPixmap(round(MARK_SIZE * ratio), round(MARK_SIZE * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(color, 1.2))
        for line in MARKS[name]:
            painter.drawPolyline(QPolygonF([QPointF(*point) for point in line]))
        painter.end()
        result.addPixmap(pixmap)
    return result


def add_dock(window: QMainWindow, name: str, title: str, panel: QWidget, area: Qt.DockWidgetArea, shortcut: str) -> QDockWidget:
    """Put a panel at an edge of a window; ``shortcut`` shows and hides it."""
    dock = Dock(title, window)
    # by this name Qt finds its place again
    dock.setObjectName(name)
    dock.setWidget(panel)
    dock.toggleViewAction().setShortcut(shortcut)
    window.addDockWidget(area, dock)
    return dock


def toggle_actions(docks: Mapping[str, QDockWidget]) -> dict[str, QAction]:
    """The actions that show and hide the panels, by id."""
    return {f"panel.{name}": dock.toggleViewAction() for name, dock in docks.items()}
