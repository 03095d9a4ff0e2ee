"""Watches a folder: clips that come into it are announced once they are complete."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QThreadPool, QTimer, Signal

from dcvsr_engine.errors import UserError
from dcvsr_engine.jobs.clips import ClipFacts, FoundClip, facts_of_clip

LOOK_EVERY_MS = 5000
"""Between two looks; a clip that did not change between them is complete."""

Search = Callable[[Path], list[FoundClip]]


@dataclass(frozen=True)
class Sight:
    """What was seen at one look: whether the folder is there, and facts about the clips in it."""

    there: bool
    clips: dict[FoundClip, ClipFacts]


class Look(QRunnable):
    """Looks into the folder on the pool's thread: a disk may be slow."""

    def __init__(self, watch: "FolderWatch", folder: Path, search: Search) -> None:
        super().__init__()
        self._watch, self._folder, self._search = watch, folder, search

    def run(self) -> None:
        """Look, and report what there is."""
        self._watch.looked.emit(self._folder, look_into(self._folder, self._search))


def look_into(folder: Path, search: Search) -> Sight:
    """See which clips are in a folder now."""
    try:
        found = search(folder) if folder.is_dir() else None
    except (UserError, OSError):
        found = None
    if found is None:
        return Sight(False, {})
    return Sight(True, {clip: facts for clip in found if (facts := facts_of_clip(clip.path))})


class FolderWatch(QObject):
    """Looks into one folder every few seconds.

    Attributes:
        arrived: a list of `FoundClip` that are new and complete.
        missing: whether the folder is gone; ``False`` when it is back.
        looked: the folder and the `Sight` of one look.
        folder: what is watched, or ``None``.
    """

    arrived = Signal(list)
    missing = Signal(bool)
    looked = Signal(object, object)

    def __init__(self, search: Search, parent: QObject | None = None) -> None:
        """``search`` finds the clips of a folder; it is called on another thread."""
        super().__init__(parent)
        self.folder: Path | None = None
        self._search = search
        self._seen: dict[FoundClip, ClipFacts] = {}
        self._known: dict[FoundClip, ClipFacts] = {}
        self._gone = False
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_EVERY_MS)
        self._timer.timeout.connect(self.look)
        self.looked.connect(self._on_looked)

    def watch(self, folder: Path | None) -> None:
        """Watch a folder from now on, or none."""
        self.folder, self._seen, self._known, self._gone = folder, {}, {}, False
        if folder is None:
            self._timer.stop()
        else:
            self._timer.start()
            self.look()

    def look(self) -> None:
        """Look now, unless the last look still takes its time."""
        if self.folder is not None and not self._pool.activeThreadCount():
            self._pool.start(Look(self, self.folder, self._search))

    def stop(self) -> None:
        """End the timer and wait for the last look."""
        self._timer.stop()
        self._pool.clear()
        self._pool.waitForDone()

    def _on_looked(self, folder: Path, sight: Sight) -> None:
        """Announce what has come and did not change since the last look."""
        if folder != self.folder:
            return
        if sight.there is self._gone:
            self._gone = not sight.there
            self.missing.emit(self._gone)
        ready = [clip for clip, facts in sight.clips.items() if self._seen.get(clip) == facts != self._known.get(clip)]
        self._seen = sight.clips
        self._known |= {clip: sight.clips[clip] for clip in ready}
        if ready:
            self.arrived.emit(ready)
