"""How clips come into the queue: dialogs, dropping, pasting, a second start."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from app.queue.clips import expand_clips
from app.queue.job_queue import QueueItem
from app.queue.model import QueueModel
from app.queue.prober import Prober
from app.system.preferences import Preferences
from app.widgets.drops import local_paths
from dcvsr_engine.video.suffixes import VIDEO_SUFFIXES

PICTURES_AFTER_MS = 1500
"""By this time the window is up; decoding would hold it up."""


class ClipIntake(QObject):
    """Turns files and folders into items of the queue.

    Attributes:
        added: the ids of new items.
        recognised: a clip can be read, and is the first among the recent ones now.
        nothing_found: a sentence that says why no clip was found.
    """

    added = Signal(list)
    recognised = Signal()
    nothing_found = Signal(str)

    def __init__(self, window: QWidget, queue: QueueModel, preferences: Preferences) -> None:
        super().__init__(window)
        self._window, self._queue, self._preferences = window, queue, preferences
        self._prober = Prober(self)
        self._prober.probed.connect(self._on_probed)
        self._prober.pictured.connect(queue.note_picture)
        self._prober.failed.connect(queue.note_unreadable)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._picture_known)
        self._later.start(PICTURES_AFTER_MS)

    def _picture_known(self) -> None:
        """Take pictures of the clips that the last session left in the queue."""
        for item in self._queue.queue:
            if self._queue.picture(item.id) is None:
                self._prober.look_up(item.id, item.request.source, known=True)

    def stop(self) -> None:
        """Stop probing clips."""
        self._later.stop()
        self._prober.stop()

    def take(self, paths: Sequence[Path]) -> None:
        """Add files, and the clips in folders, with the settings that the next clip starts with."""
        results = {item.result for item in self._queue.queue}
        # a result that is chosen by itself may be restored again; in a folder it is passed over
        found = [[clip for clip in expand_clips([path]) if clip == path or clip not in results] for path in paths]
        clips = [clip for clips in found for clip in clips]
        if clips:
            self.added.emit([self._add(clip) for clip in clips])
        without = [path.name for path, clips in zip(paths, found, strict=True) if not clips]
        if without:
            self.nothing_found.emit(self.tr("There are no new clips in {names}.").format(names=", ".join(without)))

    def _add(self, clip: Path) -> str:
        item = QueueItem(self._preferences.request_for(clip))
        self._queue.add(item)
        self._prober.look_up(item.id, clip)
        return item.id

    def _on_probed(self, item_id: str, info: object) -> None:
        self._queue.note_video(item_id, info)
        item = self._queue.item(item_id)
        if item:
            self._preferences.add_recent(item.request.source)
            self.recognised.emit()

    def paste(self) -> None:
        """Take the files on the clipboard, copied in a file manager or written as text."""
        paths = pasted_paths(QGuiApplication.clipboard().mimeData())
        if paths:
            self.take(paths)
        else:
            self.nothing_found.emit(self.tr("There are no files on the clipboard."))

    def ask_for_clips(self) -> None:
        """Ask for files."""
        self._ask(self.tr("Open clips"), QFileDialog.FileMode.ExistingFiles)

    def ask_for_folder(self) -> None:
        """Ask for a folder of clips or pictures."""
        self._ask(self.tr("Open a folder of clips or pictures"), QFileDialog.FileMode.Directory)

    def _ask(self, title: str, mode: QFileDialog.FileMode) -> None:
        recent = self._preferences.recent
        dialog = QFileDialog(self._window, title, str(recent[0].parent if recent else Path.home()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(mode)
        if mode == QFileDialog.FileMode.ExistingFiles:
            patterns = " ".join(f"*{suffix}" for suffix in sorted(VIDEO_SUFFIXES))
            dialog.setNameFilters([self.tr("Videos ({patterns})").format(patterns=patterns), self.tr("All files (*)")])
        dialog.filesSelected.connect(lambda names: self.take([Path(name) for name in names]))
        dialog.open()


def pasted_paths(data: QMimeData) -> list[Path]:
    """Files on the clipboard: copied in a file manager, or paths of existing files as text."""
    paths = local_paths(data)
    if paths or not data.hasText():
        return paths
    # Windows copies paths in quotation marks
    lines = (line.strip().strip('"') for line in data.text().splitlines())
    return [Path(line) for line in lines if line and Path(line).exists()]
