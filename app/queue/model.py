"""The queue as a Qt model that saves itself."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractListModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QImage

from app.queue.job_queue import ItemState, JobQueue, QueueItem
from app.system.desktop import local_url
from app.widgets.drops import local_paths
from app.widgets.engine_words import engine_words
from app.widgets.formats import readable
from app.widgets.plain import plain_tip

log = logging.getLogger(__name__)

Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()
ITEM_ROLE = Qt.ItemDataRole.UserRole
ROW_MIME = "application/x-dcvsr-queue-row"
SAVE_AFTER_MS = 300
LEADING_NAME = re.compile(r"^“[^”]*” ?")


class QueueModel(QAbstractListModel):
    """Rows are `QueueItem`, found under the role `ITEM_ROLE`; every change is written to the queue's file soon after.

    Attributes:
        files_dropped: local paths that were dropped on the list.
        item_changed: the id of an item of which anything but its progress changed.
        removed: the id of an item that was taken out.
    """

    files_dropped = Signal(list)
    item_changed = Signal(str)
    removed = Signal(str)

    def __init__(self, queue: JobQueue, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.queue = queue
        self._path = path
        self._paused = False
        self._pictures: dict[str, QImage] = {}
        self._save_timer = QTimer(self)
        self._save_timer.setSingleShot(True)
        self._save_timer.setInterval(SAVE_AFTER_MS)
        self._save_timer.timeout.connect(self.save)

    @classmethod
    def load(cls, path: Path, parent: QObject | None = None) -> Self:
        """The queue in a file; a damaged file is put aside."""
        try:
            return cls(JobQueue.load(path), path, parent)
        except (OSError, ValueError) as error:
            log.warning("%s", error)
            if path.is_file():
                path.replace(path.with_suffix(".damaged.json"))
            return cls(JobQueue(), path, parent)

    def save(self) -> None:
        """Write the queue now; a full disk is logged and does not stop anything."""
        self._save_timer.stop()
        try:
            self.queue.save(self._path)
        except OSError as error:
            log.warning("The queue could not be saved: %s", error)

    def item(self, item_id: str) -> QueueItem | None:
        """An item by its id."""
        return self.queue[self.queue.row(item_id)] if item_id in self.queue else None

    def add(self, item: QueueItem) -> QModelIndex:
        """Append an item; returns where it is."""
        return self.insert(len(self.queue), item)

    def insert(self, row: int, item: QueueItem) -> QModelIndex:
        """Put an item in at a row, or at the end; returns where it is."""
        row = min(row, len(self.queue))
        self.beginInsertRows(QModelIndex(), row, row)
        self.queue.insert(row, item)
        self.endInsertRows()
        self._save_timer.start()
        return self.index(row)

    def remove(self, item_id: str) -> tuple[int, QueueItem]:
        """Take an item out of the queue; returns its row and itself."""
        row = self.queue.row(item_id)
        item = self.queue[row]
        self.beginRemoveRows(QModelIndex(), row, row)
        self.queue.remove(row)
        self.endRemoveRows()
        self.removed.emit(item_id)
        self._save_timer.start()
        return row, item

    def move(self, row: int, to: int) -> None:
        """Move an item to row ``to``, or to the nearest existing row."""
        to = min(max(0, to), len(self.queue) - 1)
        if to == row:
            return
        # Qt counts the place as long as the row is still in
        self.beginMoveRows(QModelIndex(), row, row, QModelIndex(), to + (to > row))
        self.queue.move(row, to)
        self.endMoveRows()
        self._save_timer.start()

    def change(self, item_id: str, **changes: Any) -> None:
        """Replace fields of an item."""
        row = self.queue.row(item_id)
        self.queue.change(row, **changes)
        self.dataChanged.emit(self.index(row), self.index(row))
        # progress comes several times a second, and is not saved
        if set(changes) != {"progress"}:
            self._save_timer.start()
            self.item_changed.emit(item_id)

    def note_video(self, item_id: str, info: object) -> None:
        """Remember size and duration of an item's clip; the item may be gone by now."""
        from dcvsr_engine.video.probe import VideoInfo  # loaded by now, and not at the window's start

        if isinstance(info, VideoInfo) and item_id in self.queue:
            self.change(item_id, size=(info.width, info.height), seconds=info.duration)

    def note_fit(self, item_id: str, fit: object) -> None:
        """Remember how containers keep the tracks of an item's clip; the item may be gone by now."""
        from dcvsr_engine.video.tracks import ContainerFit

        if isinstance(fit, ContainerFit) and item_id in self.queue:
            self.change(item_id, losses=fit.losses, unfit=fit.unfit)

    def note_picture(self, item_id: str, pixels: NDArray[np.uint8] | None) -> None:
        """Show a small picture ``(height, width, 3)`` of an item's clip; the item may be gone by now."""
        if pixels is None or item_id not in self.queue:
            return
        height, width = pixels.shape[:2]
        # a copy, as the image would share the array's memory
        self._pictures[item_id] = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        index = self.index(self.queue.row(item_id))
        self.dataChanged.emit(index, index)

    def picture(self, item_id: str) -> QImage | None:
        """The small picture of an item's clip, once it is known."""
        return self._pictures.get(item_id)

    def note_unreadable(self, item_id: str, message: str) -> None:
        """Mark an item whose clip cannot be read, so that the queue passes it over; the item may be gone by now."""
        item = self.item(item_id)
        if item and item.state == "waiting":
            self.set_state(item_id, "failed", message=message)

    def show_paused(self, paused: bool) -> None:
        """Say of the item that runs that it is paused, or no longer."""
        if paused != self._paused:
            self._paused = paused
            self.dataChanged.emit(self.index(0), self.index(len(self.queue) - 1))

    def set_state(self, item_id: str, state: ItemState, **changes: Any) -> None:
        """Change an item's state, and write it down at once: it must be known after a crash."""
        self.change(item_id, state=state, **changes)
        self.save()

    # -- QAbstractListModel -------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Number of items."""
        return 0 if parent.isValid() else len(self.queue)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The item itself, its name, or what a screen reader says."""
        if not index.isValid():
            return None
        item = self.queue[index.row()]
        if role == ITEM_ROLE:
            return item
        if role == Qt.ItemDataRole.DisplayRole:
            return readable(item.request.source.name)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip("\n".join(filter(None, [str(item.request.source), engine_words(item.message)])))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{readable(item.request.source.name)}, {self.state_text(item)}"
        return None

    def state_text(self, item: QueueItem) -> str:
        """An item's state in a word or two."""
        texts: dict[ItemState, str] = {
            "waiting": self.tr("waiting to resume") if item.folder else self.tr("waiting"),
            "running": self.tr("paused") if self._paused else self.tr("running"),
            "done": self.tr("done"),
            "failed": self.tr("failed"),
            "cancelled": self.tr("cancelled"),
            "interrupted": self.tr("interrupted"),
        }
        return texts[item.state]

    def reason(self, item: QueueItem) -> str:
        """Why an item has failed, without its name; empty where it has not."""
        return LEADING_NAME.sub("", engine_words(item.message)) if item.state == "failed" else ""

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Items can be dragged between others."""
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        return Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsDragEnabled

    def supportedDropActions(self) -> Qt.DropAction:
        """Files are copied in, rows are moved."""
        return Qt.DropAction.CopyAction | Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        """Rows of this list, and files."""
        return [ROW_MIME, "text/uri-list"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """The dragged row for this list, and the results of all dragged ones for other programs."""
        mime = QMimeData()
        mime.setData(ROW_MIME, str(indexes[0].row()).encode())
        results = [path for index in indexes if (path := self.queue[index.row()].finished) and path.exists()]
        if results:
            mime.setUrls([local_url(path) for path in results])
        return mime

    def dropMimeData(self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index) -> bool:
        """Move a row to where it was dropped, or pass on dropped files."""
        if data.hasFormat(ROW_MIME):
            dragged = int(bytes(data.data(ROW_MIME).data()))
            before = parent.row() if parent.isValid() else (row if row >= 0 else len(self.queue))
            self.move(dragged, before - (before > dragged))
            return False  # a view that thinks the drop succeeded would remove the dragged row
        paths = local_paths(data)
        if paths:
            self.files_dropped.emit(paths)
        return bool(paths)
