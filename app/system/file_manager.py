"""The file manager of a Linux desktop, asked over D-Bus (freedesktop.org, “File Manager D-Bus Interface”)."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusPendingCallWatcher

FILE_MANAGER = "org.freedesktop.FileManager1"
FILE_MANAGER_PATH = "/org/freedesktop/FileManager1"


def select_file(path: Path, otherwise: Callable[[], object], connection: QDBusConnection | None = None) -> None:
    """Have a file shown and selected; ``otherwise`` is called where no file manager answers on the session's bus."""
    bus = connection or QDBusConnection.sessionBus()
    if not bus.isConnected():
        otherwise()
        return
    message = QDBusMessage.createMethodCall(FILE_MANAGER, FILE_MANAGER_PATH, FILE_MANAGER, "ShowItems")
    message.setArguments([[path.absolute().as_uri()], ""])
    # it may have to be started first: the answer is not waited for
    watcher = QDBusPendingCallWatcher(bus.asyncCall(message), QCoreApplication.instance())

    def on_answer() -> None:
        if watcher.isError():
            otherwise()
        watcher.deleteLater()

    watcher.finished.connect(on_answer)
