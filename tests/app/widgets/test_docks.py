import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QAbstractButton, QMainWindow, QWidget

from app.widgets.docks import MARKS, add_dock


def lightest(button: QAbstractButton) -> int:
    picture = button.icon().pixmap(QSize(10, 10)).toImage()
    colors = [picture.pixelColor(x, y) for x in range(picture.width()) for y in range(picture.height())]
    return max(color.lightness() for color in colors if color.alpha() > 200)


@pytest.mark.parametrize("name", MARKS)
def test_the_marks_of_a_panel_are_seen_in_light_and_dark(qtbot, name):
    window = QMainWindow()
    qtbot.addWidget(window)
    dock = add_dock(window, "one", "One", QWidget(), Qt.DockWidgetArea.LeftDockWidgetArea, "Ctrl+1")
    button = dock.findChild(QAbstractButton, name)
    for color, is_light in (("#ffffff", True), ("#101010", False)):
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.WindowText, QColor(color))
        dock.setPalette(palette)
        assert (lightest(button) > 200) == is_light
