"""Where a window opens: whole on the screen that it opens on."""

from PySide6.QtCore import QByteArray, QRect, QSize, Qt
from PySide6.QtWidgets import QMainWindow, QWidget

PREFERRED = QSize(1280, 820)
FRAME = QSize(16, 48)
"""Room for the title bar and the borders that the desktop draws around a window."""


def first_size(available: QSize) -> tuple[QSize, bool]:
    """The size of a window without a remembered one, and whether to maximise it.

    Args:
        available: the screen without the desktop's panels, in logical pixels.
    """
    room = available - FRAME
    return PREFERRED.boundedTo(room), room.width() < PREFERRED.width() or room.height() < PREFERRED.height()


def open_on_screen(window: QMainWindow, remembered: QByteArray) -> None:
    """Give a window its remembered place and size, or else those that fit its screen; Qt fits remembered ones itself."""
    # false where nothing is remembered, or it is damaged
    if window.restoreGeometry(remembered):
        return
    size, maximised = first_size(window.screen().availableSize())
    window.resize(size)
    if maximised:
        window.setWindowState(window.windowState() | Qt.WindowState.WindowMaximized)


def resize_within(dialog: QWidget, wanted: QSize) -> None:
    """Give a dialog a size, or as much of it as its screen has."""
    dialog.resize(wanted.boundedTo(dialog.screen().availableSize() - FRAME))


def keep_on_screen(dialog: QWidget) -> None:
    """Move a dialog that has grown back onto its screen."""
    place = inside(dialog.frameGeometry(), dialog.screen().availableGeometry())
    if dialog.isVisible() and place != dialog.frameGeometry():
        dialog.move(place.topLeft())


def inside(place: QRect, room: QRect) -> QRect:
    """A rectangle moved into another; where it is larger, its upper left corner is in it."""
    left = max(room.left(), min(place.left(), room.right() - place.width() + 1))
    return QRect(left, max(room.top(), min(place.top(), room.bottom() - place.height() + 1)), place.width(), place.height())
