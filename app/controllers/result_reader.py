"""Decodes a finished result, so that it can be compared with its clip at any frame."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.preview.frames import FrameSource
from app.queue.job_queue import QueueItem
from dcvsr_engine.events import PreviewFrame

if TYPE_CHECKING:
    from dcvsr_engine.video.probe import VideoInfo

CAPACITY = 192 * 2**20


class ResultReader(QObject):
    """Reads the result of one item at a time.

    Attributes:
        opened: the `range` of the clip's frames that the result holds.
        frame_ready: a decoded `PreviewFrame`, numbered as in the clip.
    """

    opened = Signal(object)
    frame_ready = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source: FrameSource | None = None
        self._first = 0
        self._wanted = 0

    def open(self, item: QueueItem | None) -> None:
        """Read this item's result, if it has one."""
        if item is not None and item.state == "done" and item.result is not None and item.result.exists():
            self._first = item.first_frame
            self._started().open(item.result)
        elif self._source:
            self._source.close()

    def request(self, frame: int) -> None:
        """Decode a frame of the clip; the newest request wins."""
        self._wanted = frame
        # the result of a part begins later than its clip
        if self._source and frame >= self._first:
            self._source.request(frame - self._first)

    def stop(self) -> None:
        """End the thread that decodes."""
        if self._source:
            self._source.shutdown()

    def _started(self) -> FrameSource:
        """The decoder, whose thread starts with the first result."""
        if self._source is None:
            self._source = FrameSource(self, CAPACITY)
            self._source.opened.connect(self._on_opened)
            self._source.frame_ready.connect(self._on_frame)
        return self._source

    def _on_opened(self, info: "VideoInfo") -> None:
        self.opened.emit(range(self._first, self._first + info.frames))
        # what was asked for while it was being opened
        self.request(self._wanted)

    def _on_frame(self, number: int) -> None:
        frame = self._source.frame(number) if self._source else None
        if frame is not None:
            self.frame_ready.emit(PreviewFrame(number + self._first, 0, frame.pixels, final=True))
