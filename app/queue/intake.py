"""How clips come into the queue: dialogs, dropping, pasting, a second start."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from app.queue.clips import expand_clips
from app.queue.job_queue import QueueItem
from app.queue.model import QueueModel
from app.queue.prober import Prober
from app.system.preferences import Preferences
from app.widgets.drops import local_paths


class ClipIntake(QObject):
    """Turns files and folders into items of the queue.

    Attributes:
        added: the ids of new items.
        nothing_found: a sentence that says why no clip was found.
    """

    added = Signal(list)
    nothing_found = Signal(str)

    def __init__(self, window: QWidget, queue: QueueModel, preferences: Preferences) -> None:
        super().__init__(window)
        self._window, self._queue, self._preferences = window, queue, preferences
        self._prober = Prober(self)
        self._prober.probed.connect(queue.note_video)

    def stop(self) -> None:
        """Stop probing clips."""
        self._prober.stop()

    def take(self, paths: Sequence[Path]) -> None:
        """Add files, and the clips in folders, with the settings that the next clip starts with."""
        clips = expand_clips(paths)
        if clips:
            self.added.emit([self._add(clip) for clip in clips])
        elif paths:
            self.nothing_found.emit(self.tr("There are no clips in {name}.").format(name=paths[0].name))

    def _add(self, clip: Path) -> str:
        item = QueueItem(self._preferences.request_for(clip))
        self._queue.add(item)
        self._preferences.add_recent(clip)
        self._prober.look_up(item.id, clip)
        return item.id

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
        dialog.filesSelected.connect(lambda names: self.take([Path(name) for name in names]))
        dialog.open()


def pasted_paths(data: QMimeData) -> list[Path]:
    """Files on the clipboard: copied in a file manager, or paths of existing files as text."""
    paths = local_paths(data)
    if paths or not data.hasText():
        return paths
    lines = (line.strip().strip('"') for line in data.text().splitlines())
    return [Path(line) for line in lines if line and Path(line).exists()]
