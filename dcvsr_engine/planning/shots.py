"""Finds cuts: a picture changes more than those around it do, and what was before does not come back.

The measure is the mean absolute difference of thumbnails in Y, Cb and Cr, at the shift that leaves least of it, so that a pan is
no change. A cut stands out of the changes around it, as in PySceneDetect's adaptive detector; PySceneDetect itself is not used
because its detectors need OpenCV, which the bundles do not carry.
"""

import time
from array import array
from collections import deque
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from dcvsr_engine.errors import JobError, UserError
from dcvsr_engine.schema import FromJson, Schema

if TYPE_CHECKING:  # the window reads manifests and is not to wait for FFmpeg
    import av

    from dcvsr_engine.video.reader import VideoReader

THUMBNAIL_SIZE = (32, 18)
"""Width and height of the thumbnails."""
MIN_CHANGE = 8.0
"""A cut changes the picture by at least this many of 255 levels …"""
MIN_CHANGE_SHARE = 0.6
"""… or, where there is little contrast, by this share of the picture's mean absolute deviation …"""
LEAST_CHANGE = 0.5
"""… but not by less than rounding and the encoder's noise make."""
MIN_RATIO = 2.0
"""… and by this many times as much as any of the frames around it change."""
MIN_LASTING = 0.5
"""… and at least this share of the change lasts; a flash or a passer-by leaves less."""
NEIGHBOURS = 4
"""Frames on either side that a change is compared with."""
SHIFTS = [(y, x) for y in range(-2, 3) for x in range(-4, 5) if (y, x) != (0, 0)]
"""Rows and columns by which a pan may move the thumbnail from frame to frame."""
MIN_SHOT_FRAMES = 5
"""Frames in a shot, at least."""

Thumbnail = NDArray[np.int16]
"""Y, Cb and Cr in 0 … 255, ``(3, height, width)``."""


class ShotBoundaries(Schema):
    """Where shots begin in frames ``first … last`` (inclusive): ``cuts`` are the first frames of new shots, in order."""

    error_type: ClassVar[type[UserError]] = JobError

    first: int
    last: int
    cuts: FromJson[tuple[int, ...]] = ()

    @property
    def shots(self) -> tuple[tuple[int, int], ...]:
        """First and last frame of every shot."""
        return tuple((start, end - 1) for start, end in pairwise((self.first, *self.cuts, self.last + 1)))


def detect_shots(
    reader: "VideoReader",
    first: int,
    last: int,
    on_frame: Callable[[int], None] = lambda index: None,
    seconds: float = float("inf"),
) -> ShotBoundaries | None:
    """Look for cuts in frames ``first … last``, or up to the end of the file.

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
    detector = ShotDetector()
    seen: int | None = None
    for stamp, picture in reader.timed_pictures(first):
        if stamp.index > last:
            break
        # decoding may begin at a key frame before the range
        if stamp.index >= first:
            on_frame(stamp.index)
            detector.add(stamp.index, thumbnail(picture))
            seen = stamp.index
        if time.monotonic() - began > seconds:
            return None
    return None if seen is None else ShotBoundaries(first=first, last=seen, cuts=tuple(detector.finish()))


def thumbnail(picture: "av.VideoFrame") -> Thumbnail:
    """A picture in a few pixels of Y, Cb and Cr, ``(3, height, width)``."""
    width, height = THUMBNAIL_SIZE
    shrunk = picture.reformat(width, height, "yuv444p", interpolation="AREA")
    # signed, as differences follow; rows are padded in memory, hence the cut
    return np.stack(
        [np.frombuffer(memoryview(plane), np.uint8).reshape(height, -1)[:, :width] for plane in shrunk.planes]
    ).astype(np.int16)


def mean_difference(before: Thumbnail, after: Thumbnail) -> float:
    """Mean absolute difference of two small pictures."""
    return float(np.abs(before - after).mean())


def contrast(picture: Thumbnail) -> float:
    """Mean absolute deviation of a small picture from the mean of each channel."""
    return float(np.abs(picture - picture.mean((1, 2), keepdims=True)).mean())


def least_cut(before: Thumbnail, after: Thumbnail) -> float:
    """The change below which a cut between two small pictures is not thought of: less in the dark and in fog."""
    return min(MIN_CHANGE, max(LEAST_CHANGE, MIN_CHANGE_SHARE * max(contrast(before), contrast(after))))


def change(before: Thumbnail, after: Thumbnail) -> float:
    """Smallest mean difference of two thumbnails over all shifts; a small difference is returned without trying any."""
    least = mean_difference(before, after)
    if least < LEAST_CHANGE or (least < MIN_CHANGE and least < least_cut(before, after)):
        return least
    height, width = before.shape[1:]
    for y, x in SHIFTS:
        rows, columns = height - abs(y), width - abs(x)
        moved = before[:, max(0, y) : max(0, y) + rows, max(0, x) : max(0, x) + columns]
        least = min(least, mean_difference(moved, after[:, max(0, -y) : max(0, -y) + rows, max(0, -x) : max(0, -x) + columns]))
    return least


class ShotDetector:
    """Takes thumbnails one after the other and finds the cuts among them."""

    def __init__(self) -> None:
        # compact: a film has more than 100,000 frames
        self._indices = array("q")
        self._changes = array("d")
        self._lasting: list[int] = []
        # what `lasting_change` compares on either side of a change
        self._recent: deque[Thumbnail] = deque(maxlen=2 * MIN_SHOT_FRAMES)

    def add(self, index: int, picture: Thumbnail) -> None:
        """The picture of frame ``index``."""
        self._changes.append(change(self._recent[-1], picture) if self._recent else 0.0)
        self._indices.append(index)
        self._recent.append(picture)
        self._look_back(MIN_SHOT_FRAMES)

    def finish(self) -> list[int]:
        """Indices of the first frames of new shots, in order."""
        for frames in range(MIN_SHOT_FRAMES - 1, 0, -1):
            self._look_back(frames)
        cuts = [0]
        for place in self._lasting:
            if self._stands_out(place) and place - cuts[-1] >= MIN_SHOT_FRAMES and place + MIN_SHOT_FRAMES <= len(self._changes):
                cuts.append(place)
        return [self._indices[place] for place in cuts[1:]]

    def _look_back(self, frames: int) -> None:
        """Once ``frames`` frames of what may be a new shot are known, see how much of the change lasts."""
        place, at = len(self._changes) - frames, len(self._recent) - frames
        if at <= 0 or self._changes[place] < least_cut(self._recent[at - 1], self._recent[at]):
            return
        if lasting_change(list(self._recent), at) >= MIN_LASTING * self._changes[place]:
            self._lasting.append(place)

    def _stands_out(self, place: int) -> bool:
        """Whether a change is larger than those around it, but for one: the other cut of a shot of a few frames."""
        near = [other for other in range(place - NEIGHBOURS, place + NEIGHBOURS + 1) if 1 <= other < len(self._changes)]
        other_cut = max(
            (other for other in near if other != place and other in self._lasting), key=self._changes.__getitem__, default=place
        )
        around = [self._changes[other] for other in near if other not in (place, other_cut)]
        return self._changes[place] >= MIN_RATIO * max(around, default=0.0)


def lasting_change(pictures: list[Thumbnail], at: int) -> float:
    """The least by which a picture before ``at`` differs from one after: small where a flash or a passer-by was."""
    before, now = pictures[at - 1], pictures[at]
    later = [change(before, picture) for picture in pictures[at : at + MIN_SHOT_FRAMES]]
    earlier = [change(picture, now) for picture in pictures[max(0, at - MIN_SHOT_FRAMES) : at]]
    return min(later + earlier)
