"""Finds cuts: a picture changes more than those around it do, and what was before does not come back.

The measure is the mean absolute difference of small pictures in Y, Cb and Cr, at the shift that leaves least of it, so that
a pan is no change. A cut stands out of the changes around it, as in PySceneDetect's adaptive detector.
"""

import time
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import av
import numpy as np
from numpy.typing import NDArray

from dcvsr_engine.video.reader import VideoReader

SIZE = (32, 18)
"""Width and height of the small pictures."""
LEAST = 8.0
"""A cut changes the picture by at least this many of 255 levels."""
RATIO = 2.0
"""… and by this many times as much as any of the frames around it change."""
LASTING = 0.5
"""… and at least this share of the change lasts; a flash or a passer-by leaves less."""
AROUND = 4
"""Frames on either side that it is compared with."""
SHIFTS = [(y, x) for y in range(-2, 3) for x in range(-4, 5) if (y, x) != (0, 0)]
"""Rows and columns by which a pan may move the small picture from frame to frame."""
SHORTEST = 5
"""Frames in a shot, at least."""

Small = NDArray[np.int16]


@dataclass(frozen=True)
class Survey:
    """What a look through frames ``first … last`` found: ``cuts`` are the first frames of new shots, in order."""

    first: int
    last: int
    cuts: tuple[int, ...]

    @property
    def shots(self) -> tuple[tuple[int, int], ...]:
        """First and last frame of every shot."""
        return tuple((start, end - 1) for start, end in pairwise((self.first, *self.cuts, self.last + 1)))


def survey(
    reader: VideoReader,
    first: int,
    last: int,
    on_frame: Callable[[int], None] = lambda index: None,
    seconds: float = float("inf"),
) -> Survey | None:
    """Look through frames ``first … last``, or as far as the file goes.

    Args:
        reader: the video.
        first: frame to begin with.
        last: frame to end with, inclusive.
        on_frame: called with every frame's index; may raise to stop.
        seconds: give up after this long.

    Returns:
        Where cuts are and which frame is the last that can be decoded; ``None`` when it took too long or there is no frame.
    """
    began = time.monotonic()
    detector = CutDetector()
    seen: int | None = None
    for stamp, picture in reader.timed_pictures(first):
        if stamp.index > last:
            break
        if stamp.index >= first:
            on_frame(stamp.index)
            detector.add(stamp.index, small(picture))
            seen = stamp.index
        if time.monotonic() - began > seconds:
            return None
    return None if seen is None else Survey(first, seen, tuple(detector.finish()))


def small(picture: av.VideoFrame) -> Small:
    """A picture in a few pixels of Y, Cb and Cr, ``(3, height, width)``."""
    width, height = SIZE
    shrunk = picture.reformat(width, height, "yuv444p", interpolation="AREA")
    return np.stack(
        [np.frombuffer(memoryview(plane), np.uint8).reshape(height, -1)[:, :width] for plane in shrunk.planes]
    ).astype(np.int16)


def difference(before: Small, after: Small) -> float:
    """Mean absolute difference of two small pictures."""
    return float(np.abs(before - after).mean())


def change(before: Small, after: Small) -> float:
    """What is left of the difference of two small pictures when one of them is shifted; not looked for where there is little."""
    least = difference(before, after)
    if least < LEAST:
        return least
    height, width = before.shape[1:]
    for y, x in SHIFTS:
        rows, columns = height - abs(y), width - abs(x)
        moved = before[:, max(0, y) : max(0, y) + rows, max(0, x) : max(0, x) + columns]
        least = min(least, difference(moved, after[:, max(0, -y) : max(0, -y) + rows, max(0, -x) : max(0, -x) + columns]))
    return least


class CutDetector:
    """Takes small pictures one after the other and tells in the end where cuts were."""

    def __init__(self) -> None:
        self._indices = array("q")
        self._changes = array("d")
        self._lasting: list[int] = []
        self._recent: deque[Small] = deque(maxlen=2 * SHORTEST)

    def add(self, index: int, picture: Small) -> None:
        """The picture of frame ``index``."""
        self._changes.append(change(self._recent[-1], picture) if self._recent else 0.0)
        self._indices.append(index)
        self._recent.append(picture)
        self._look_back(SHORTEST)

    def finish(self) -> list[int]:
        """Indices of the first frames of new shots, in order."""
        for frames in range(SHORTEST - 1, 0, -1):
            self._look_back(frames)
        cuts = [0]
        for place in self._lasting:
            if self._stands_out(place) and place - cuts[-1] >= SHORTEST and place + SHORTEST <= len(self._changes):
                cuts.append(place)
        return [self._indices[place] for place in cuts[1:]]

    def _look_back(self, frames: int) -> None:
        """Once ``frames`` frames of what may be a new shot are known, see how much of the change lasts."""
        place, at = len(self._changes) - frames, len(self._recent) - frames
        if at <= 0 or self._changes[place] < LEAST:
            return
        if lasting_change(list(self._recent), at) >= LASTING * self._changes[place]:
            self._lasting.append(place)

    def _stands_out(self, place: int) -> bool:
        """Whether a change is larger than those around it."""
        around = [*self._changes[max(1, place - AROUND) : place], *self._changes[place + 1 : place + 1 + AROUND]]
        return self._changes[place] >= RATIO * max(around, default=0.0)


def lasting_change(pictures: list[Small], at: int) -> float:
    """The least by which a picture before ``at`` differs from one after: small where a flash or a passer-by was."""
    before, now = pictures[at - 1], pictures[at]
    later = [change(before, picture) for picture in pictures[at : at + SHORTEST]]
    earlier = [change(picture, now) for picture in pictures[max(0, at - SHORTEST) : at]]
    return min(later + earlier)
