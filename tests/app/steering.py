"""What the tests of the whole window do to it, and what they read from it."""

from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton

from app.main_window import MainWindow


def files(*paths: Path) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def drop(widget, *paths: Path) -> None:
    where = Qt.DropAction.CopyAction, files(*paths), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(widget, QDragEnterEvent(QPoint(5, 5), *where))
    QApplication.sendEvent(widget, QDropEvent(QPointF(5, 5), *where))


def states(window: MainWindow) -> list[str]:
    return [item.state for item in window.queue.queue]


def boxes(window: MainWindow) -> list[QMessageBox]:
    return [box for box in window.findChildren(QMessageBox) if box.isVisible()]


def without_plan(window: MainWindow) -> MainWindow:
    window.preferences.plan_first = False
    return window


def restoring(open_window, clip: Path, soon) -> MainWindow:
    """A window that has begun to restore a clip, and does not get on with it before it says so to its engine."""
    window = without_plan(open_window(holds_from_tile=4))
    window.add_clips([clip])
    window.action_table["restore"].trigger()
    soon(lambda: window.queue.queue[0].progress > 0)
    return window


def press(box: QMessageBox, text: str) -> None:
    next(button for button in box.buttons() if button.text() == text).click()


def notice_button(window: MainWindow, text: str) -> QPushButton:
    return next(button for button in window.notices.buttons if button.text() == text)
