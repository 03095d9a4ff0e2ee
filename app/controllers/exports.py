"""What is kept of a comparison: a frame as a picture or on the clipboard, and a video before and after."""

from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from app.controllers.shown_item import ShownItem
from app.engine.runner import JobRunner
from app.preview.panel import PreviewPanel
from app.preview.stills import Still, StillKind, pixels_of
from app.queue.job_queue import QueueItem
from app.system.background_work import BackgroundWork
from app.system.desktop import show_in_folder
from app.widgets.engine_words import engine_words
from app.widgets.notices import NoticeBar
from dcvsr_engine.errors import UserError
from dcvsr_engine.jobs.naming import BEFORE_AFTER
from dcvsr_engine.storage import refuse_replacing

if TYPE_CHECKING:
    from dcvsr_engine.video.comparison import ComparisonMode

PICTURE_FILES, VIDEO_FILES = (".png",), (".mp4", ".mkv", ".mov")
NAME_ENDS: dict[StillKind, str] = {"frame": "", "original": "_original", "both": "_before_after"}

Chosen = Callable[[Path, bool], None]
"""Called with a file, and whether the user has agreed to replace it."""


class Exports(QObject):
    """Asks where to, makes the pictures on a thread of their own, and has the engine write videos.

    Attributes:
        dialog: asks for a file, while it is open.
    """

    def __init__(self, window: QWidget, preview: PreviewPanel, shown: ShownItem, runner: JobRunner, notices: NoticeBar) -> None:
        super().__init__(window)
        self._window, self._preview, self._shown, self._runner, self._notices = window, preview, shown, runner, notices
        self._folder: Path | None = None
        self._works: list[BackgroundWork] = []
        self.dialog: QFileDialog | None = None

    def stop(self) -> None:
        """Wait for the pictures that are being written."""
        for work in self._works:
            work.stop()

    # -- pictures -----------------------------------------------------------------------------------------------

    def save(self, kind: StillKind) -> None:
        """Ask where to keep a picture of the frame that is seen."""
        still, item = self._preview.still(), self._shown.item
        if still and item:
            name = f"{item.request.source.stem}_{still.number:05d}{NAME_ENDS[kind]}"
            self._ask(self.tr("Save the frame"), item, name, PICTURE_FILES, partial(self._write, still, kind))

    def copy(self, kind: StillKind) -> None:
        """Put a picture of the frame that is seen on the clipboard."""
        still = self._preview.still()
        if still:
            self._work("copy", lambda: still.picture(kind), self._to_clipboard)

    def _to_clipboard(self, image: QImage) -> None:
        QGuiApplication.clipboard().setImage(image)
        size = f"{image.width()}×{image.height()}"
        self._notices.say(self.tr("The frame is on the clipboard: {size} pixels.").format(size=size))

    def _write(self, still: Still, kind: StillKind, target: Path, replace: bool) -> None:
        """Write a picture, never over what it was made from."""
        inputs = [path for item in [self._shown.item] if item for path in (item.request.source, item.finished) if path]
        inputs += self._preview.info.pictures if self._preview.info else ()

        def write() -> Path:
            from dcvsr_engine.video.comparison import save_picture  # loads FFmpeg: not on the window's thread

            refuse_replacing(inputs, [target])
            save_picture(pixels_of(still.picture(kind)), target, replace)
            return target

        self._work("save", write, self._announce)

    def _announce(self, target: Path) -> None:
        show = self.tr("Show in folder"), lambda: show_in_folder(target)
        self._notices.say(self.tr("{name} is saved.").format(name=target.name), "good", [show], stays=True)

    def _work(self, name: str, job: Callable[[], object], then: Callable[..., None]) -> None:
        """Do something on a thread of its own, and something with its answer here."""
        work = BackgroundWork(name, lambda _progress: job(), self)
        work.succeeded.connect(then)
        work.failed.connect(self._refuse)
        work.unexpected.connect(self._notices.caution)
        work.finished.connect(lambda: self._forget(work))
        self._works.append(work)
        work.start()

    def _forget(self, work: BackgroundWork) -> None:
        self._works.remove(work)
        work.deleteLater()

    def _refuse(self, error: UserError | None) -> None:
        if error is not None:
            self._notices.caution(engine_words(str(error)))

    # -- videos -------------------------------------------------------------------------------------------------

    def compare(self, mode: "ComparisonMode") -> None:
        """Ask where to write a video of the chosen range before and after."""
        item, info = self._shown.item, self._preview.info
        if item is None or item.finished is None or info is None:
            return
        frames = self._preview.chosen_frames or (0, info.frames - 1)
        own = item.finished.suffix.lower()
        # tracks of the result fit best into its own kind of file
        suffixes = (own, *(each for each in VIDEO_FILES if each != own)) if own in VIDEO_FILES else VIDEO_FILES
        write = partial(self._write_video, item, mode, frames)
        name = BEFORE_AFTER.format(name=item.request.source.stem)
        self._ask(self.tr("Save the before/after video"), item, name, suffixes, write)

    def _write_video(self, item: QueueItem, mode: "ComparisonMode", frames: tuple[int, int], target: Path, replace: bool) -> None:
        """Write a video, unless the engine has begun something else while the name was being chosen."""
        if not self._runner.compare(item, target, mode, frames, replace):
            self._notices.caution(self.tr("The engine has begun something else: save the video when it is done."))

    # -- where to -----------------------------------------------------------------------------------------------

    def _ask(self, title: str, item: QueueItem, name: str, suffixes: tuple[str, ...], then: Chosen) -> None:
        """Ask for a file; a free name is proposed, where the last one went or else beside the result."""
        folder = self._folder or (item.finished or item.request.source).parent
        dialog = QFileDialog(self._window, title, str(folder))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(" ".join(f"*{suffix}" for suffix in suffixes))
        dialog.setDefaultSuffix(suffixes[0])
        dialog.selectFile(free_name(folder, name, suffixes[0]).name)
        dialog.fileSelected.connect(lambda chosen: self._take(Path(chosen), suffixes, then))
        dialog.finished.connect(self._close)
        self.dialog = dialog
        dialog.open()

    def _take(self, target: Path, suffixes: tuple[str, ...], then: Chosen) -> None:
        """Take the file that was chosen; its replacing was agreed to only under the name that was seen."""
        replace = target.suffix.lower() in suffixes
        if not replace:
            target = target.with_name(target.name + suffixes[0])
        self._folder = target.parent
        then(target, replace and target.exists())

    def _close(self) -> None:
        self.dialog = None


def free_name(folder: Path, name: str, suffix: str) -> Path:
    """The first path of this name, with a number if need be, that does not exist."""
    names = (f"{name}{suffix}" if number == 1 else f"{name}_{number}{suffix}" for number in count(1))
    return next(path for each in names if not (path := folder / each).exists())
