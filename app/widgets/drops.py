"""Files that are dropped or pasted."""

from pathlib import Path

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QDropEvent


def local_paths(data: QMimeData) -> list[Path]:
    """The files and folders among dropped or pasted data."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


def accept_copy(event: QDropEvent) -> None:
    """Accept what is dragged or dropped as a copy: the source of a “move” would delete its files."""
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()
