import pytest
from PySide6.QtCore import QByteArray, QSize
from PySide6.QtWidgets import QMainWindow

from app.widgets.placement import FRAME, first_size, open_on_screen


@pytest.mark.parametrize(
    ("width", "height", "maximised"),
    [(1366, 768, True), (1280, 720, True), (960, 540, True), (1920, 1080, False), (1920, 1040, False), (1600, 840, True)],
)
def test_the_first_window_fits_the_screen(width, height, maximised):
    size, is_maximised = first_size(QSize(width, height))
    assert is_maximised == maximised
    assert size.width() + FRAME.width() <= width and size.height() + FRAME.height() <= height


def test_a_window_opens_whole_on_its_screen(qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    open_on_screen(window, QByteArray())
    window.show()
    assert window.screen().availableGeometry().contains(window.geometry())
