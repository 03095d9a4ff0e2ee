"""Decoded frames, one segment ahead of the one that is being restored, on a thread of their own."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import chain
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

from dcvsr_engine.errors import Cancelled
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.planning.request import Region
from dcvsr_engine.video.arrays import FloatArray
from dcvsr_engine.video.reader import Frame, VideoReader

PATIENCE = 0.1
"""Seconds between two looks at whether the job was cancelled."""


@dataclass(frozen=True)
class Footage:
    """Frames of a segment as far as they can be decoded.

    Attributes:
        indices: of the frames in the clip, ascending.
        pts, durations: in ticks of the input.
        pixels: RGB 0..1 ``(frames, 3, height, width)`` of the region.
    """

    indices: tuple[int, ...]
    pts: tuple[int, ...]
    durations: tuple[int, ...]
    pixels: Tensor

    def __len__(self) -> int:
        return len(self.indices)

    def select(self, places: Sequence[int]) -> "Footage":
        """Some of the frames."""
        indices, pts, durations = (
            tuple(values[place] for place in places) for values in (self.indices, self.pts, self.durations)
        )
        return Footage(indices, pts, durations, self.pixels[list(places)])


EMPTY = Footage((), (), (), torch.zeros(0, 3, 1, 1))


class FootageReader:
    """Reads the footage of segments in order. A context manager that ends its thread.

    Attributes:
        reader: the video.
        region: the part of the picture that is wanted.
        check: called while footage is waited for; may raise to stop.
        waited: seconds for which footage was waited for.
    """

    def __init__(self, reader: VideoReader, region: Region | None, check: Callable[[], None]) -> None:
        self.reader, self.region, self.check = reader, region, check
        self.waited = 0.0
        self._pool = ThreadPoolExecutor(1, "reader")
        self._stopped = threading.Event()
        self._frames: Iterator[Frame] = iter(())
        self._next = -1
        self._last: Footage | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._stopped.set()
        self._pool.shutdown(cancel_futures=True)

    def segments(self, segments: Sequence[Segment]) -> Iterator[tuple[Segment, Footage]]:
        """Each segment with its footage; while it is worked on, the next one is decoded."""
        coming = [self._pool.submit(self.read, segment) for segment in segments[:1]]
        for place, segment in enumerate(segments):
            footage = self.awaited(coming.pop())
            coming += [self._pool.submit(self.read, following) for following in segments[place + 1 : place + 2]]
            yield segment, footage

    def awaited(self, footage: Future[Footage]) -> Footage:
        """Footage that is being decoded."""
        began = time.monotonic()
        while not wait([footage], PATIENCE).done:
            self.check()
        self.waited += time.monotonic() - began
        return footage.result()

    def read(self, segment: Segment) -> Footage:
        """Decode a segment's frames, but for those that the segment before had too."""
        known = self._last if self._next == segment.first + segment.shared else None
        if known is None:
            self._frames = self.reader.frames(segment.first)
        self._last = self.gather(segment, known)
        self._next = segment.last + 1
        return self._last

    def gather(self, segment: Segment, known: Footage | None) -> Footage:
        """Frames of a segment from what is ``known`` and from the video."""
        kept = [] if known is None else [place for place, index in enumerate(known.indices) if index >= segment.first]
        shared = EMPTY if known is None else known.select(kept)
        indices, pts, durations = list(shared.indices), list(shared.pts), list(shared.durations)
        pictures = list(shared.pixels)
        for frame in self.until(segment.last):
            indices.append(frame.index)
            pts.append(frame.pts)
            durations.append(frame.duration)
            pictures.append(torch.from_numpy(crop(frame.pixels, self.region)).permute(2, 0, 1))
        pixels = torch.stack(pictures) if pictures else EMPTY.pixels
        return Footage(tuple(indices), tuple(pts), tuple(durations), pixels)

    def until(self, last: int) -> Iterator[Frame]:
        """Further frames up to ``last``."""
        for frame in self._frames:
            if self._stopped.is_set():
                raise Cancelled
            if frame.index > last:
                self._frames = chain([frame], self._frames)
                return
            yield frame
            if frame.index == last:
                return


def crop(pixels: FloatArray, region: Region | None) -> FloatArray:
    """The region of a frame ``(height, width, 3)``."""
    if region is None:
        return pixels
    return pixels[region.y : region.y + region.height, region.x : region.x + region.width]
