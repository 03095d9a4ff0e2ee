import pytest
from PySide6.QtCore import QByteArray, QRect, QSize
from PySide6.QtWidgets import QMainWindow

from app.widgets.placement import FRAME, first_size, inside, open_on_screen


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


@pytest.mark.parametrize(
    ("place", "moved"),
    [
        ((100, 100, 300, 200), (100, 100)),
        ((100, 500, 300, 200), (100, 400)),
        ((-20, -5, 300, 200), (0, 0)),
        ((900, 10, 300, 200), (700, 10)),
        ((50, 50, 2000, 900), (0, 0)),
    ],
)
def test_what_has_grown_is_moved_back_onto_the_screen(place, moved):
    assert inside(QRect(*place), QRect(0, 0, 1000, 600)).topLeft().toTuple() == moved
