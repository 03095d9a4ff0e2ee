"""Files that the desktop hands to the running program: dropped on its icon in the dock, or opened with it (macOS)."""

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QFileOpenEvent


class FileOpenRequests(QObject):
    """Watches an application, as its event filter.

    Attributes:
        received: a list with the path of a file.
    """

    received = Signal(list)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take requests to open a file; everything else goes its way."""
        if isinstance(event, QFileOpenEvent) and event.file():
            self.received.emit([Path(event.file())])
            return True
        return False
