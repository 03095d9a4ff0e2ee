"""The previewer's geometry and choices: viewport, comparison, frame range. Without Qt."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from dcvsr_engine.planning.request import Region

MAX_ZOOM = 32.0
NEAREST_ABOVE = 2.0
"""Zoom from which single pixels are shown instead of a smooth picture."""

Position = tuple[float, float]
Size = tuple[int, int]


@dataclass(frozen=True)
class Viewport:
    """Which part of a picture is seen, and how large.

    Attributes:
        picture: (width, height) of the picture; positions in it are in its pixels.
        view: (width, height) of the pane, in device pixels.
        zoom: device pixels per row of the picture; 1 is 1:1.
        center: the picture position in the middle of the pane.
        fitting: whether the whole picture is shown and follows the pane's size.
        aspect: width of a picture pixel when its height is 1, as tapes and DVDs have it; columns are ``zoom · aspect`` wide.
    """

    picture: Size
    view: Size
    zoom: float = 1.0
    center: Position = (0.0, 0.0)
    fitting: bool = True
    aspect: float = 1.0

    @classmethod
    def fit(cls, picture: Size, view: Size, aspect: float = 1.0) -> Self:
        """The whole picture, as large as it goes."""
        zoom = min(view[0] / (picture[0] * aspect), view[1] / picture[1], MAX_ZOOM)
        return cls(picture, view, zoom, (picture[0] / 2, picture[1] / 2), fitting=True, aspect=aspect)

    @property
    def zooms(self) -> Position:
        """Device pixels per column and per row of the picture."""
        return self.zoom * self.aspect, self.zoom

    @property
    def fitting_zoom(self) -> float:
        """The zoom at which the whole picture is seen."""
        return self.fit(self.picture, self.view, self.aspect).zoom

    @property
    def offset(self) -> tuple[int, int]:
        """Where the picture's upper left corner is in the pane; whole device pixels, so that 1:1 is exact."""
        across, down = self.zooms
        return round(self.view[0] / 2 - self.center[0] * across), round(self.view[1] / 2 - self.center[1] * down)

    def to_view(self, point: Position) -> Position:
        """A picture position in the pane's device pixels."""
        across, down = self.zooms
        return self.offset[0] + point[0] * across, self.offset[1] + point[1] * down

    def to_picture(self, point: Position) -> Position:
        """The inverse of `to_view`."""
        across, down = self.zooms
        return (point[0] - self.offset[0]) / across, (point[1] - self.offset[1]) / down

    def visible(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of what is seen of the picture."""
        (left, top), (right, bottom) = self.to_picture((0, 0)), self.to_picture(self.view)
        return max(0.0, left), max(0.0, top), min(float(self.picture[0]), right), min(float(self.picture[1]), bottom)

    def zoomed(self, factor: float, at: Position | None = None) -> Self:
        """Closer by ``factor``; what is at the pane's position ``at`` (default: its middle) stays there. 1:1 is never skipped."""
        at = at or (self.view[0] / 2, self.view[1] / 2)
        # out to half of what shows all of the picture, or of 1:1 where that is smaller
        zoom = min(max(self.zoom * factor, min(self.fitting_zoom, 1.0) / 2), MAX_ZOOM)
        if (self.zoom - 1) * (zoom - 1) < 0:
            zoom = 1.0
        return self._zoomed_to(zoom, at)

    def actual_size(self, at: Position | None = None) -> Self:
        """1:1, one picture pixel on one device pixel if it is square."""
        return self._zoomed_to(1.0, at or (self.view[0] / 2, self.view[1] / 2))

    def _zoomed_to(self, zoom: float, at: Position) -> Self:
        x, y = self.to_picture(at)
        center = x + (self.view[0] / 2 - at[0]) / (zoom * self.aspect), y + (self.view[1] / 2 - at[1]) / zoom
        return replace(self, zoom=zoom, center=center, fitting=False)._clamped()

    def panned(self, dx: float, dy: float) -> Self:
        """The picture moved by device pixels, no further than its edges."""
        across, down = self.zooms
        moved = replace(self, center=(self.center[0] - dx / across, self.center[1] - dy / down), fitting=False)._clamped()
        return self if moved.center == self.center else moved  # a picture that is seen whole keeps fitting

    def resized(self, view: Size) -> Self:
        """The same part of the picture in a pane of another size."""
        return self.fit(self.picture, view, self.aspect) if self.fitting else replace(self, view=view)._clamped()

    def rescaled(self, picture: Size) -> Self:
        """The same part seen at the same size when the picture is computed in another size."""
        if self.fitting:
            return self.fit(picture, self.view, self.aspect)
        ratio = picture[0] / self.picture[0]
        center = self.center[0] * ratio, self.center[1] * ratio
        return replace(self, picture=picture, zoom=min(self.zoom / ratio, MAX_ZOOM), center=center)._clamped()

    def _clamped(self) -> Self:
        center = [self._clamped_axis(axis) for axis in (0, 1)]
        return replace(self, center=(center[0], center[1]))

    def _clamped_axis(self, axis: int) -> float:
        size, half = self.picture[axis], self.view[axis] / self.zooms[axis] / 2
        return size / 2 if half * 2 >= size else min(max(self.center[axis], half), size - half)


class CompareMode(StrEnum):
    """How two pictures are compared."""

    SIDE_BY_SIDE = "side"
    WIPE = "wipe"
    AB = "ab"
    DIFFERENCE = "difference"


GAINS = (1, 2, 4, 8, 16)
"""How many times a difference can be amplified."""


@dataclass(frozen=True)
class CompareState:
    """How the left and the right picture are compared.

    Attributes:
        wipe: place of the dividing line, as a share of the picture's visible width.
        gain: amplification of the difference.
        swapped: whether A/B shows the left picture at the moment.
        loupe: whether a magnifier follows the pointer.
    """

    mode: CompareMode = CompareMode.SIDE_BY_SIDE
    wipe: float = 0.5
    gain: int = 4
    swapped: bool = False
    loupe: bool = False

    def wiped(self, wipe: float) -> Self:
        """The line elsewhere, never outside of the picture."""
        return replace(self, wipe=min(max(wipe, 0.0), 1.0))


@dataclass(frozen=True)
class FrameRange:
    """A clip of ``frames`` frames, its chosen range ``first … last`` (inclusive) and the ``current`` frame."""

    frames: int
    first: int
    last: int
    current: int = 0

    @classmethod
    def whole(cls, frames: int) -> Self:
        """The whole clip, at its first frame."""
        return cls(frames, 0, frames - 1)

    @property
    def is_whole(self) -> bool:
        """Whether nothing was cut off."""
        return (self.first, self.last) == (0, self.frames - 1)

    def at(self, frame: int) -> Self:
        """Another current frame, clamped to the clip."""
        return replace(self, current=min(max(frame, 0), self.frames - 1))

    def starting(self, frame: int) -> Self:
        """The range from ``frame``; the end moves along when it would lie before."""
        first = min(max(frame, 0), self.frames - 1)
        return replace(self, first=first, last=max(first, self.last))

    def ending(self, frame: int) -> Self:
        """The range up to ``frame``; the start moves along when it would lie behind."""
        last = min(max(frame, 0), self.frames - 1)
        return replace(self, last=last, first=min(last, self.first))


@dataclass(frozen=True)
class ClipView:
    """How a clip was looked at: its range and frame, the visible part, whether only the range is to be restored."""

    range: FrameRange
    viewport: Viewport
    region: Region | None
    part_only: bool


def timecode(seconds: float) -> str:
    """``mm:ss.mmm``, with hours where there are any."""
    # rounded before it is divided: 59.9996 s are a minute, and not 60.000 s
    total = round(seconds * 1000)
    minutes, milliseconds = divmod(total, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02d}:{milliseconds / 1000:06.3f}"
    return f"{hours}:{text}" if hours else text


def runs(frames: Iterable[int]) -> list[tuple[int, int]]:
    """Frames as inclusive stretches: ``{1, 2, 3, 7}`` → ``[(1, 3), (7, 7)]``."""
    stretches: list[tuple[int, int]] = []
    for frame in sorted(frames):
        if stretches and frame == stretches[-1][1] + 1:
            stretches[-1] = stretches[-1][0], frame
        else:
            stretches.append((frame, frame))
    return stretches


def lanes(starts: Iterable[int], length: int) -> list[int]:
    """A lane per window, so that windows of ``length`` frames in the same lane do not overlap; as few lanes as possible."""
    ends: list[int] = []
    chosen: list[int] = []
    for start in starts:
        lane = next((lane for lane, end in enumerate(ends) if end <= start), len(ends))
        ends[lane : lane + 1] = [start + length]
        chosen.append(lane)
    return chosen
