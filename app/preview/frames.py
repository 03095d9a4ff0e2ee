"""Source frames decoded beside the window, and restored frames as they come."""

import threading
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal

from app.preview.cache import ByteCache
from app.preview.picture import RgbPixels
from app.preview.playback import FrameTimes
from dcvsr_engine.errors import UserError
from dcvsr_engine.events import PreviewFrame
from dcvsr_engine.video.arrays import to_uint8

if TYPE_CHECKING:
    from dcvsr_engine.video.index import FrameIndex
    from dcvsr_engine.video.probe import VideoInfo
    from dcvsr_engine.video.reader import VideoReader

DECODE_AHEAD = 8
"""Frames decoded beyond the wanted one, so that playing and stepping do not wait."""

SOURCE_BYTES = 384 * 2**20
RESULT_BYTES = 768 * 2**20


@dataclass(frozen=True)
class SourceFrame:
    """A decoded frame: RGB ``pixels`` uint8 ``(height, width, 3)`` and its time in seconds from the clip's start."""

    pixels: RgbPixels
    seconds: float


@dataclass(frozen=True)
class ResultFrame:
    """A restored frame, or the part of it from ``origin`` (x, y) on, computed at ``scale`` times the input's size.

    ``enlarged`` is the input as the network was given it, of the same size; ``None`` where the result is what it is.
    """

    pixels: RgbPixels
    origin: tuple[int, int]
    scale: float
    step: int
    final: bool
    enlarged: RgbPixels | None = None

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return self.pixels.nbytes + (0 if self.enlarged is None else self.enlarged.nbytes)


class FrameSource(QObject):
    """Frames of one clip at a time. The newest request wins; nothing here waits for a file.

    Signals:
        opened: the clip's `VideoInfo`, with its frames counted, and its `FrameTimes`.
        failed: the sentence that says why a clip or frame cannot be read.
        frame_ready: a frame has been decoded and is available from `frame`.
    """

    opened = Signal(object, object)
    failed = Signal(str)
    frame_ready = Signal(int)

    def __init__(self, parent: QObject | None = None, capacity: int = SOURCE_BYTES) -> None:
        super().__init__(parent)
        self._cache = ByteCache[int, SourceFrame](capacity, lambda frame: frame.pixels.nbytes)
        self._clip = 0
        self._decoder = _Decoder(self._cache)
        self._decoder.opened.connect(self._on_opened)
        self._decoder.failed.connect(self._on_failed)
        self._decoder.frame_ready.connect(self._on_frame_ready)
        self._decoder.start()

    def open(self, path: Path, rate: Fraction | None = None) -> None:
        """Open another clip, pictures at a frame ``rate`` if not their own; answered by `opened` or `failed`."""
        self._clip = self._decoder.want_clip(path, rate)

    def close(self) -> None:
        """Forget the clip and its frames."""
        self._clip = self._decoder.want_clip(None)

    def request(self, frame: int) -> None:
        """Decode a frame soon; it replaces any earlier request. Answered by `frame_ready` or `failed`."""
        self._decoder.want_frame(frame)

    def frame(self, index: int) -> SourceFrame | None:
        """A frame if it is cached."""
        return self._cache.get(index)

    def cached(self) -> list[int]:
        """The cached frames."""
        return list(self._cache)

    def shutdown(self) -> None:
        """Stop the worker thread and wait for it."""
        self._decoder.stop()
        self._decoder.wait()

    def _on_opened(self, clip: int, info: object, times: object) -> None:
        if clip == self._clip:
            self.opened.emit(info, times)

    def _on_failed(self, clip: int, message: str) -> None:
        if clip == self._clip:
            self.failed.emit(message)

    def _on_frame_ready(self, clip: int, frame: int) -> None:
        if clip == self._clip:
            self.frame_ready.emit(frame)


class _Decoder(QThread):
    """The worker behind `FrameSource`. Clips are numbered, so that late signals of an earlier one are ignored.

    What is wanted – `_clip`, `_path`, `_rate`, `_frame`, `_stopping` – is guarded by `_wanted`.
    """

    opened = Signal(int, object, object)
    failed = Signal(int, str)
    frame_ready = Signal(int, int)

    def __init__(self, cache: ByteCache[int, SourceFrame]) -> None:
        super().__init__()
        self._cache = cache
        self._wanted = threading.Condition()
        self._clip = 0
        self._path: Path | None = None
        self._rate: Fraction | None = None
        self._frame: int | None = None
        self._stopping = False

    # -- called by the window -----------------------------------------------------------------------------------

    def want_clip(self, path: Path | None, rate: Fraction | None = None) -> int:
        """Turn to another clip; returns its number."""
        with self._wanted:
            self._clip += 1
            self._path, self._rate, self._frame = path, rate, None
            self._cache.discard(lambda _: True)
            self._wanted.notify()
            return self._clip

    def want_frame(self, frame: int) -> None:
        """Turn to another frame of the clip."""
        with self._wanted:
            self._frame = frame
            self._wanted.notify()

    def stop(self) -> None:
        """End the thread."""
        with self._wanted:
            self._stopping = True
            self._wanted.notify()

    # -- the thread ---------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve requests until stopped."""
        clip = 0
        reader: VideoReader | None = None
        while True:
            with self._wanted:
                self._wanted.wait_for(lambda: self._stopping or self._clip != clip or self._frame is not None)  # noqa: B023
                wanted, path, rate, frame, stopping = self._clip, self._path, self._rate, self._frame, self._stopping
                # a frame that was asked for with a new clip waits until that is open
                if wanted == clip:
                    self._frame = None
            if stopping or wanted != clip:
                if reader is not None:
                    reader.close()
                if stopping:
                    return
                clip, reader = wanted, self._open(wanted, path, rate) if path else None
            elif reader is not None and frame is not None:
                self._decode(clip, reader, frame)

    def _open(self, clip: int, path: Path, rate: Fraction | None) -> "VideoReader | None":
        from dcvsr_engine.video.probe import at_rate, probe  # not at the window's start: they load FFmpeg
        from dcvsr_engine.video.reader import VideoReader

        try:
            reader = VideoReader(at_rate(probe(path), rate))
            # counted, not estimated: the timeline goes by exact frames
            info = reader.counted_info()
        except UserError as error:
            self.failed.emit(clip, str(error))
            return None
        self.opened.emit(clip, info, times_of(info, reader.index))
        return reader

    def _decode(self, clip: int, reader: "VideoReader", wanted: int) -> None:
        """Decode the wanted frame and, as long as nothing else is wanted, the ones after it."""
        # half of the cache: frames ahead must not push out the wanted one
        room = self._cache.capacity // (2 * 3 * reader.info.width * reader.info.height)
        last = min(wanted + min(DECODE_AHEAD, room), reader.frames_total - 1)
        for index in range(wanted, last + 1):
            if index > wanted and self._is_busy():
                return
            if index in self._cache:
                continue
            try:
                frame = self._converted(reader, index)
            except UserError as error:
                # frames ahead were not asked for; they fail when they are
                if index == wanted:
                    self.failed.emit(clip, str(error))
                return
            with self._wanted:
                # another clip was opened meanwhile, and the cache is its own now
                if clip != self._clip:
                    return
                self._cache.put(index, frame)
            self.frame_ready.emit(clip, index)

    def _is_busy(self) -> bool:
        """Whether something else is wanted by now."""
        with self._wanted:
            return self._stopping or self._frame is not None

    @staticmethod
    def _converted(reader: "VideoReader", index: int) -> SourceFrame:
        frame = reader.frame(index)
        return SourceFrame(to_uint8(frame.pixels), float((frame.pts - reader.info.start_pts) * frame.time_base))


def times_of(info: "VideoInfo", index: "FrameIndex") -> FrameTimes:
    """When each frame of a clip is seen."""
    # frames that all have the same time would be gone at once
    if not index.pts or info.duration <= 0:
        return FrameTimes.even(index.frames, float(info.frame_rate) if info.frame_rate else None)
    tick = float(info.time_base)
    begins = tuple((pts - info.start_pts) * tick for pts in index.pts)
    return FrameTimes(begins, begins[0] + info.duration)


class ResultStore:
    """Restored frames by clip and variant, in bounded memory.

    Attributes:
        clip: the clip whose frames are asked for.
    """

    def __init__(self, capacity: int = RESULT_BYTES) -> None:
        self.clip = ""
        self._variants: dict[str, list[str]] = {}
        self._cache = ByteCache[tuple[str, str, int], ResultFrame](capacity, lambda frame: frame.nbytes)

    @property
    def variants(self) -> list[str]:
        """Names of the clip's variants, in the order they first came."""
        return list(self._variants.get(self.clip, ()))

    def turn_to(self, clip: str) -> None:
        """Ask for the frames of another clip; those of the former one are kept."""
        self.clip = clip

    def put(self, variant: str, frame: PreviewFrame, scale: float, clip: str | None = None) -> None:
        """Keep a frame in place of an earlier one; ``clip`` if not the one asked for."""
        clip = self.clip if clip is None else clip
        variants = self._variants.setdefault(clip, [])
        if variant not in variants:
            variants.append(variant)
        kept = ResultFrame(frame.pixels, frame.origin, scale, frame.step, frame.final, frame.enlarged)
        self._cache.put((clip, variant, frame.frame), kept)

    def get(self, variant: str, frame: int) -> ResultFrame | None:
        """A frame of a variant if it is cached."""
        return self._cache.get((self.clip, variant, frame))

    def frames(self, variant: str) -> list[int]:
        """The cached frames of a variant."""
        return [frame for clip, name, frame in self._cache if (clip, name) == (self.clip, variant)]

    def clear(self, variant: str | None = None) -> None:
        """Forget a variant of the clip, or all."""
        self._cache.discard(lambda key: key[0] == self.clip and variant in (None, key[1]))
        self._variants[self.clip] = [name for name in self.variants if variant not in (None, name)]

    def forget(self, clip: str) -> None:
        """Forget everything of a clip."""
        self._cache.discard(lambda key: key[0] == clip)
        self._variants.pop(clip, None)
