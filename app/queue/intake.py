"""How clips come into the queue: dialogs, dropping, pasting, a second start."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from app.queue.job_queue import QueueItem
from app.queue.model import QueueModel
from app.queue.prober import Prober
from app.queue.unfinished import retry
from app.queue.watch import FolderWatch, Search
from app.system.preferences import Preferences
from app.widgets.drops import local_paths
from app.widgets.engine_words import engine_words
from dcvsr_engine.errors import UserError
from dcvsr_engine.jobs.clips import FoundClip, found_clips, has_clips_inside
from dcvsr_engine.settings import OutputSettings, UnfitTracks
from dcvsr_engine.video.suffixes import VIDEO_SUFFIXES

Results = dict[FoundClip, list[Path]]
TrackChoice = tuple[bool, bool, UnfitTracks]
PICTURES_AFTER_MS = 1500
"""By this time the window is up; decoding would hold it up."""


@dataclass
class Judging:
    """Clips of a folder that seem to be done, while their results are looked at.

    Attributes:
        left: how many were not looked at yet.
        watched: whether the folder is the watched one.
        quiet: whether another of the clips that came with them is shown already.
        done: those with a whole result.
        flaws: sentences on what is no whole result.
        inside: see `ClipIntake.more_inside`.
    """

    left: int
    watched: bool
    quiet: bool
    done: list[FoundClip] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)
    inside: Sequence[Path] = ()

    def note(self, clip: FoundClip, flaw: str | None) -> None:
        """One of them was looked at."""
        self.left -= 1
        if flaw is None:
            self.done.append(clip)
        else:
            self.quiet = True
            self.flaws += [flaw] if flaw else []


class ClipIntake(QObject):
    """Turns files and folders into items of the queue.

    Attributes:
        added: the ids of new items.
        came: the ids of new items from the watched folder, which are to be restored.
        judging: how many clips seem to be done, whose results are looked at now.
        left_out: a list of `FoundClip` that have a result, sentences on what is no whole result of the others, and folders as in
            ``more_inside``.
        watch_changed: another folder is watched, or none.
        recognised: a clip can be read, and is the first among the recent ones now.
        nothing_found: a sentence that says why no clip was found.
        more_inside: folders of which clips were taken, but not those in folders inside them.
    """

    added = Signal(list)
    came = Signal(list)
    judging = Signal(int)
    left_out = Signal(list, list, list)
    watch_changed = Signal()
    recognised = Signal()
    nothing_found = Signal(str)
    more_inside = Signal(list)

    def __init__(self, window: QWidget, queue: QueueModel, preferences: Preferences) -> None:
        super().__init__(window)
        self._window, self._queue, self._preferences = window, queue, preferences
        self._prober = Prober(self)
        self._fitted: dict[str, TrackChoice] = {}
        self._judged: dict[int, Judging] = {}
        self._groups = count()
        self._prober.probed.connect(self._on_probed)
        self._prober.fitted.connect(queue.note_fit)
        self._prober.pictured.connect(queue.note_picture)
        self._prober.failed.connect(queue.note_unreadable)
        self._prober.judged.connect(self._on_judged)
        queue.item_changed.connect(self._on_item_changed)
        self._watch: FolderWatch | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._picture_known)
        self._later.start(PICTURES_AFTER_MS)

    def _picture_known(self) -> None:
        """Take pictures of the clips that the last session left in the queue."""
        for item in self._queue.queue:
            if self._queue.picture(item.id) is None:
                self._look_up(item, known=True)

    def _look_up(self, item: QueueItem, known: bool = False) -> None:
        self._fitted[item.id] = track_choice(item.request.output)
        self._prober.look_up(item.id, item.request.source, item.request.output, known)

    def _on_item_changed(self, item_id: str) -> None:
        """Look again how containers keep the tracks where other tracks are wanted."""
        item, former = self._queue.item(item_id), self._fitted.get(item_id)
        if item is not None and former is not None and former != track_choice(item.request.output):
            self._look_up(item, known=True)

    def stop(self) -> None:
        """Stop probing clips."""
        self._later.stop()
        self.watch(None)
        self._prober.stop()

    def take(self, paths: Sequence[Path]) -> None:
        """Add files, and the clips in folders, with the settings that the next clip starts with."""
        recursive, results = self._preferences.recursive, self._preferences.result_rule.folder
        inside = [] if recursive else [path for path in paths if path.is_dir() and has_clips_inside(path, results)]
        self._take(paths, search_with(self._preferences, recursive), inside)

    def take_inside(self, folders: Sequence[Path]) -> None:
        """Add the clips that are in folders inside these folders."""
        flat, deep = search_with(self._preferences, recursive=False), search_with(self._preferences, recursive=True)

        def inside(folder: Path) -> list[FoundClip]:
            there = set(flat(folder))
            return [clip for clip in deep(folder) if clip not in there]

        self._take(folders, inside)

    def _take(self, paths: Sequence[Path], search: Search, more_inside: Sequence[Path] = ()) -> None:
        try:
            found = [self._found(path, search) for path in paths]
        except UserError as error:  # a folder that cannot be read
            self.nothing_found.emit(engine_words(str(error)))
            return
        clips = [clip for clips, _ in found for clip in clips]
        if clips:
            self.added.emit([self._add(clip) for clip in clips])
        results = {clip: paths for _, results in found for clip, paths in results.items()}
        if results:
            self.judging.emit(len(results))
            self._judge(results, watched=False, quiet=bool(clips), inside=more_inside)
        without = [path.name for path, (clips, results) in zip(paths, found, strict=True) if not clips and not results]
        if without:
            self.nothing_found.emit(self.tr("There are no new clips in {names}.").format(names=", ".join(without)))
        # of those that are still looked at it is said with the rest
        if more_inside and not results:
            self.more_inside.emit(more_inside)

    def _found(self, path: Path, search: Search) -> tuple[list[FoundClip], Results]:
        """The clips that a path stands for, and those with what seems to be their results."""
        clips = search(path)
        # what is chosen by itself may be restored again; in a folder it is passed over
        own = {item.result for item in self._queue.queue} if path.is_dir() else set()
        clips = [clip for clip in clips if clip.path not in own]
        return self._parted(clips) if self._preferences.skip_done and path.is_dir() else (clips, {})

    def _parted(self, clips: Sequence[FoundClip]) -> tuple[list[FoundClip], Results]:
        """Clips without a result, and the others with what seems to be theirs."""
        rule = self._preferences.result_rule
        results = {clip: paths for clip in clips if (paths := rule.results_of(clip.path, clip.below))}
        return [clip for clip in clips if clip not in results], results

    def _judge(self, results: Results, watched: bool, quiet: bool, inside: Sequence[Path] = ()) -> None:
        group = next(self._groups)
        self._judged[group] = Judging(len(results), watched, quiet, inside=inside)
        self._prober.judge(group, results)

    def _on_judged(self, group: int, clip: FoundClip, flaw: str | None) -> None:
        """Leave out a clip whose result is whole; those of others stay as they are, beside new ones."""
        judged = self._judged[group]
        if flaw is not None:
            item = self._add(clip)
            if judged.watched:
                self.came.emit([item])
            elif not judged.quiet:
                self.added.emit([item])
        judged.note(clip, flaw)
        if not judged.left:
            del self._judged[group]
            # what is done in a watched folder was told when it was done
            if judged.flaws or not judged.watched:
                self.left_out.emit([] if judged.watched else judged.done, judged.flaws, judged.inside)

    def add_all(self, clips: Sequence[FoundClip]) -> None:
        """Add clips to the queue, those that have a result too."""
        self.added.emit([self._add(clip) for clip in clips])

    def _add(self, clip: FoundClip) -> str:
        item = QueueItem(self._preferences.request_for(clip.path), below=clip.below)
        self._queue.add(item)
        self._look_up(item)
        return item.id

    # -- a watched folder ---------------------------------------------------------------------------------------

    def watch_or_not(self) -> None:
        """Ask for a folder to watch; the one that is watched is let go instead."""
        if self.watched is not None:
            self.watch(None)
        else:
            title = self.tr("Watch a folder: clips that come into it are restored")
            self._ask(title, QFileDialog.FileMode.Directory, lambda names: self.watch(Path(names[0])))

    def watch(self, folder: Path | None) -> None:
        """Restore what comes into a folder from now on; with ``None`` no longer."""
        if self._watch is not None:
            self._watch.stop()
            self._watch.deleteLater()
            self._watch = None
        if folder is not None:
            self._watch = FolderWatch(search_with(self._preferences, self._preferences.recursive), self)
            self._watch.arrived.connect(self._on_arrived)
            self._watch.missing.connect(self._on_missing)
            self._watch.watch(folder)
        self.watch_changed.emit()

    @property
    def watched(self) -> Path | None:
        """The folder that is watched."""
        return self._watch.folder if self._watch else None

    def _on_arrived(self, clips: Sequence[FoundClip]) -> None:
        """Queue what has come, but for what is there already or done."""
        there = {clip.path for clip in clips}
        again = [item for item in self._queue.queue if item.state == "failed" and item.request.source in there]
        for item in again:  # its clip has been mended
            retry(self._queue, item, resume=False)
        if again:
            self.came.emit([item.id for item in again])
        known = {item.request.source for item in self._queue.queue} | {item.result for item in self._queue.queue}
        new, results = self._parted([clip for clip in clips if clip.path not in known])
        if new:
            self.came.emit([self._add(clip) for clip in new])
        if results:
            self._judge(results, watched=True, quiet=False)

    def _on_missing(self, missing: bool) -> None:
        name = self.watched.name if self.watched else ""
        gone = self.tr("The watched folder “{name}” is gone; it is watched again when it is back.")
        self.nothing_found.emit((gone if missing else self.tr("The watched folder “{name}” is back.")).format(name=name))

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
        self._ask(self.tr("Open clips"), QFileDialog.FileMode.ExistingFiles, self._take_names)

    def ask_for_folder(self) -> None:
        """Ask for a folder of clips or pictures."""
        self._ask(self.tr("Open a folder of clips or pictures"), QFileDialog.FileMode.Directory, self._take_names)

    def _take_names(self, names: Sequence[str]) -> None:
        self.take([Path(name) for name in names])

    def _ask(self, title: str, mode: QFileDialog.FileMode, then: Callable[[list[str]], object]) -> None:
        recent = self._preferences.recent
        dialog = QFileDialog(self._window, title, str(recent[0].parent if recent else Path.home()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(mode)
        if mode == QFileDialog.FileMode.ExistingFiles:
            patterns = " ".join(f"*{suffix}" for suffix in sorted(VIDEO_SUFFIXES))
            dialog.setNameFilters([self.tr("Videos ({patterns})").format(patterns=patterns), self.tr("All files (*)")])
        dialog.filesSelected.connect(then)
        dialog.open()


def track_choice(output: OutputSettings) -> TrackChoice:
    """What decides how containers keep a clip's tracks: which are wanted, and what becomes of those that do not fit."""
    return output.audio, output.subtitles, output.unfit_tracks


def search_with(preferences: Preferences, recursive: bool) -> Search:
    """What finds the clips that a path stands for, with names of results as the user has them now; for any thread."""
    rule = preferences.result_rule
    results = [rule.folder] if rule.folder else []
    return lambda path: found_clips([path], recursive and path.is_dir(), rule.pattern, results)


def pasted_paths(data: QMimeData) -> list[Path]:
    """Files on the clipboard: copied in a file manager, or paths of existing files as text."""
    paths = local_paths(data)
    if paths or not data.hasText():
        return paths
    # Windows copies paths in quotation marks
    lines = (line.strip().strip('"') for line in data.text().splitlines())
    return [Path(line) for line in lines if line and Path(line).exists()]
