"""Requests to the desktop: show a folder, show a notification."""

import sys
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QProcess, QUrl
from PySide6.QtGui import QDesktopServices, QIcon
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from app.widgets.messages import show_error
from dcvsr_engine.resources import resource


def app_icon() -> QIcon:
    """The program's icon."""
    return QIcon(str(resource("icons", "dcvsr-studio.svg")))


def local_url(path: Path) -> QUrl:
    """The address of a local file; Qt's own would lose the bytes of names that are not UTF-8."""
    return QUrl.fromEncoded(path.absolute().as_uri().encode())


def open_file(path: Path) -> bool:
    """Open a file with the program that the user has for it; returns whether there is one."""
    return QDesktopServices.openUrl(local_url(path))


def folder_command(path: Path, platform: str = sys.platform) -> list[str]:
    """The command that shows a file in the platform's file manager; empty where no common one exists."""
    if platform == "win32":
        # apart, as a name with a blank is put in quotes, which must begin after the comma
        return ["explorer", "/select,", str(path)]
    return ["open", "-R", str(path)] if platform == "darwin" else []


def show_in_folder(path: Path) -> None:
    """Show a file in the file manager, selected where that is possible."""
    command = folder_command(path)
    if command:
        QProcess.startDetached(command[0], command[1:])
        return
    from app.system.file_manager import select_file  # loads D-Bus: not at the window's start

    select_file(path, lambda: open_or_tell(path if path.is_dir() else path.parent))


def reveal_folder(folder: Path) -> None:
    """Show a folder in the file manager; it is made if nothing was put there yet."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    open_or_tell(folder)


def open_or_tell(folder: Path) -> None:
    """Open a folder in the file manager; where there is none, say which folder it is, to be copied."""
    window = QApplication.activeWindow()
    if not open_file(folder) and window:
        title = QCoreApplication.translate("Desktop", "No program on this computer shows folders, or this one is gone:")
        show_error(window, title, str(folder))


class Notifier:
    """Notifies a user who works in another window."""

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self._tray: QSystemTrayIcon | None = None

    def notify(self, title: str, text: str) -> None:
        """Ask for attention, unless the window has it already."""
        if self._window.isActiveWindow():
            return
        QApplication.alert(self._window)
        if QSystemTrayIcon.isSystemTrayAvailable():
            if self._tray is None:
                self._tray = QSystemTrayIcon(app_icon(), self._window)
                self._tray.messageClicked.connect(self._window.activateWindow)
            self._tray.show()
            self._tray.showMessage(title, text)

    def stop(self) -> None:
        """Leave the tray."""
        if self._tray:
            self._tray.hide()
