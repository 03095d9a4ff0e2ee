"""Files that are dropped or pasted."""

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QDropEvent


def local_paths(data: QMimeData) -> list[Path]:
    """The files and folders among dropped or pasted data."""
    return [local_path(url) for url in data.urls() if url.isLocalFile()]


def local_path(url: QUrl) -> Path:
    """The path of a local file; Qt's own would lose the bytes of names that are not UTF-8."""
    name = url.toLocalFile()
    if os.name == "nt" or "\ufffd" not in name:
        return Path(name)
    return Path(os.fsdecode(unquote_to_bytes(url.path(QUrl.ComponentFormattingOption.FullyEncoded))))


def accept_copy(event: QDropEvent) -> None:
    """Accept what is dragged or dropped as a copy: the source of a “move” would delete its files."""
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()
