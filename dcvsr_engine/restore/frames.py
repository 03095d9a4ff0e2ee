"""Decoded frames, read one segment ahead of the one that is being restored, on a thread of their own."""

import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import chain
from types import TracebackType
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from dcvsr_engine.control import CHECK_SECONDS
from dcvsr_engine.errors import Cancelled
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.planning.request import Region
from dcvsr_engine.video.arrays import FloatArray
from dcvsr_engine.video.passage import Passage
from dcvsr_engine.video.reader import Frame, VideoReader
from dcvsr_engine.video.scaling import scaled, scaled_matte


@dataclass(frozen=True)
class SegmentFrames:
    """The frames of a segment that can be decoded.

    Attributes:
        indices: of the frames in the clip, ascending.
        pts, durations: in ticks of the input.
        pixels: RGB 0..1 ``(frames, 3, height, width)`` of the region.
        around: these frames and those before and after them that an upsampler may look at; ``None`` for these alone.
        passage: what was read of the input for those and those around, but for what was read for the segment before.
        alpha: the alpha channel 0..1 ``(frames, height, width)``, as large as the pixels, where the video has one.
        excess: by index, light ``(3, height, width)`` that a frame's pixels cannot hold, where it has some; see `reader.Frame`.
    """

    indices: tuple[int, ...]
    pts: tuple[int, ...]
    durations: tuple[int, ...]
    pixels: Tensor
    around: "SegmentFrames | None" = None
    passage: Passage | None = None
    alpha: Tensor | None = None
    excess: Mapping[int, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.indices)

    def select(self, positions: Sequence[int]) -> "SegmentFrames":
        """Some of the frames, among the same others."""
        indices, pts, durations = (
            tuple(values[position] for position in positions) for values in (self.indices, self.pts, self.durations)
        )
        part = list(positions)
        alpha = None if self.alpha is None else self.alpha[part]
        around = self.around or self
        return SegmentFrames(indices, pts, durations, self.pixels[part], around, self.passage, alpha, self.excess)

    def between(self, first: int, last: int) -> "SegmentFrames":
        """The frames with an index of ``first … last``, among all of these; they are not copied."""
        part = slice(bisect_left(self.indices, first), bisect_right(self.indices, last))
        alpha = None if self.alpha is None else self.alpha[part]
        indices, pts, durations = (values[part] for values in (self.indices, self.pts, self.durations))
        return SegmentFrames(indices, pts, durations, self.pixels[part], self, self.passage, alpha, self.excess)

    @property
    def seen(self) -> Tensor:
        """All that is seen of a frame, its pixels and its alpha channel where it has one: ``(frames, 3 or 4, height, width)``."""
        return self.pixels if self.alpha is None else torch.cat((self.pixels, self.alpha[:, None]), 1)

    @property
    def mattes(self) -> "SegmentFrames":
        """The alpha channel, which there must be, as grey pictures among those of the frames around; it is not copied."""
        assert self.alpha is not None
        grey = self.alpha[:, None].expand(-1, 3, -1, -1)
        around = None if self.around is None else self.around.mattes
        return SegmentFrames(self.indices, self.pts, self.durations, grey, around)

    def excess_of(self, position: int, width: int, height: int) -> FloatArray | None:
        """Light that a frame's pixels cannot hold, brought to the size of the restored one: ``(height, width, 3)``.

        By linear interpolation: a cubic one would ring around lamps, which are many times as bright as white.
        """
        light = self.excess.get(self.indices[position])
        if light is None:
            return None
        sized = F.interpolate(light[None], (height, width), mode="bilinear", antialias=True)
        excess: FloatArray = sized[0].permute(1, 2, 0).numpy()
        return excess

    def windows(self, positions: Sequence[int], frames: int, rows: slice = slice(None), columns: slice = slice(None)) -> Tensor:
        """Some of the frames, each in the middle of its neighbours: RGB 0..1 ``(positions, frames, 3, rows, columns)``.

        A neighbour outside of the shot, or one that cannot be decoded, is replaced by the next one towards the middle. So
        a window depends on ``frames // 2`` indices on either side and on nothing else.
        """
        known, reach = self.around or self, frames // 2
        offsets = range(-reach, reach + 1)
        places = [[known.nearest(self.indices[position], offset) for offset in offsets] for position in positions]
        return known.pixels[..., rows, columns][torch.tensor(places)]

    def nearest(self, index: int, offset: int) -> int:
        """The position of the frame ``index + offset``, or of the farthest from ``index`` that there is on the way to it."""
        return bisect_left(self.indices, index + offset) if offset < 0 else bisect_right(self.indices, index + offset) - 1


NO_FRAMES = SegmentFrames((), (), (), torch.zeros(0, 3, 1, 1))


class SegmentReader:
    """Reads the frames of segments in order. A context manager that ends its thread.

    Attributes:
        reader: the video.
        region: the part of the picture to restore.
        size: (width, height) in pixels that it is brought to; ``None`` for as it is.
        check: called while frames are waited for; may raise to stop.
        waited: seconds for which frames were waited for.
    """

    def __init__(
        self,
        reader: VideoReader,
        region: Region | None,
        check: Callable[[], None],
        size: tuple[int, int] | None = None,
    ) -> None:
        self.reader, self.region, self.check, self.size = reader, region, check, size
        self.waited = 0.0
        self._pool = ThreadPoolExecutor(1, "reader")
        self._stopped = threading.Event()
        self._frames: Iterator[Frame] = iter(())
        self._next = -1
        self._decoded = NO_FRAMES

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._stopped.set()  # a segment that is being decoded would else be decoded to its end
        self._pool.shutdown(cancel_futures=True)

    def segments(self, segments: Iterable[Segment]) -> Iterator[tuple[Segment, SegmentFrames]]:
        """Each segment with its frames; while it is worked on, the next one is asked for and decoded."""
        coming = ((segment, self._pool.submit(self._read, segment)) for segment in segments)
        reading = next(coming, None)
        while reading is not None:
            (segment, frames), reading = (reading[0], self._awaited(reading[1])), next(coming, None)
            yield segment, frames

    def _awaited(self, frames: Future[SegmentFrames]) -> SegmentFrames:
        """Wait for frames that are being decoded."""
        began = time.monotonic()
        while not wait([frames], CHECK_SECONDS).done:
            self.check()
        self.waited += time.monotonic() - began
        return frames.result()

    def _read(self, segment: Segment) -> SegmentFrames:
        """Decode a segment's frames and those around it, except those that were decoded for the segment before."""
        begin, end = segment.first - segment.before, segment.last + segment.after
        # the reader is where the segment before ended; anything else is a new start, with a seek
        if self._next != segment.first + segment.shared:
            self._frames = self.reader.frames(begin)
            self._decoded = NO_FRAMES
        self._decoded = self._gather(self._decoded.between(begin, end), end)
        self._next = segment.last + 1
        return self._decoded.between(segment.first, segment.last)

    def _gather(self, known: SegmentFrames, last: int) -> SegmentFrames:
        """The ``known`` frames and further ones of the video up to ``last``."""
        indices, pts, durations = list(known.indices), list(known.pts), list(known.durations)
        pictures = list(known.pixels)
        mattes = [] if known.alpha is None else list(known.alpha)
        excess = {index: light for index, light in known.excess.items() if index in known.indices}
        # the frames around a segment may already hold all of it
        for frame in self._until(last) if last not in indices[-1:] else ():
            indices.append(frame.index)
            pts.append(frame.pts)
            durations.append(frame.duration)
            pictures.append(torch.from_numpy(self._picture(frame)).permute(2, 0, 1))
            mattes += [] if frame.alpha is None else [torch.from_numpy(self._matte(frame.alpha))]
            if frame.excess is not None:
                excess[frame.index] = torch.from_numpy(crop(frame.excess, self.region)).permute(2, 0, 1)
        pixels = torch.stack(pictures) if pictures else NO_FRAMES.pixels
        alpha = torch.stack(mattes) if mattes else None
        times = tuple(indices), tuple(pts), tuple(durations)
        return SegmentFrames(*times, pixels, passage=self.reader.taken(), alpha=alpha, excess=excess)

    def _picture(self, frame: Frame) -> FloatArray:
        """What is restored of a frame, ``(height, width, 3)``."""
        part = crop(frame.pixels, self.region)
        return part if self.size is None else scaled(part, self.size, self.reader.info.color.transfer)

    def _matte(self, alpha: FloatArray) -> FloatArray:
        """What is enlarged of an alpha channel, ``(height, width)``."""
        part = crop(alpha, self.region)
        return part if self.size is None else scaled_matte(part, self.size)

    def _until(self, last: int) -> Iterator[Frame]:
        """Further frames up to ``last``."""
        for frame in self._frames:
            if self._stopped.is_set():
                raise Cancelled
            if frame.index > last:
                # it belongs to the next segment: frames in between cannot be decoded
                self._frames = chain([frame], self._frames)
                return
            yield frame
            if frame.index == last:
                return


def crop(pixels: FloatArray, region: Region | None) -> FloatArray:
    """The region of a frame ``(height, width, …)``, or all of it."""
    if region is None:
        return pixels
    return pixels[region.y : region.y + region.height, region.x : region.x + region.width]
