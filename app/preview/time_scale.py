"""How frames lie along the strips of the timeline. Without Qt."""

from dataclasses import dataclass

STRIP_MARGIN = 8.0
"""Margin left and right of the strips, so that handles at the ends can be grabbed."""


@dataclass(frozen=True)
class TimeScale:
    """Which frames a strip of ``width`` logical pixels shows: ``first`` and how many (a share of one counts)."""

    frames: int
    width: float
    first: float = 0.0
    count: float = 1.0

    @classmethod
    def whole(cls, frames: int, width: float) -> "TimeScale":
        """All frames."""
        return cls(frames, width, 0.0, float(frames))

    @property
    def frame_width(self) -> float:
        """Logical pixels per frame."""
        return max(1.0, self.width - 2 * STRIP_MARGIN) / self.count

    def x(self, frame: float) -> float:
        """Where a frame begins."""
        return STRIP_MARGIN + (frame - self.first) * self.frame_width

    def frame(self, x: float) -> int:
        """The frame at a position, clamped to the clip."""
        return min(max(int((x - STRIP_MARGIN) / self.frame_width + self.first), 0), self.frames - 1)

    def zoomed(self, factor: float, at: float) -> "TimeScale":
        """Closer by ``factor`` around a place; never less than a dozen frames, never more than all."""
        count = min(max(self.count / factor, 12.0), float(self.frames))
        fixed = (at - STRIP_MARGIN) / self.frame_width + self.first
        return TimeScale(self.frames, self.width, fixed - (fixed - self.first) * count / self.count, count)._clamped()

    def showing(self, frame: int) -> "TimeScale":
        """Moved so that a frame is seen."""
        first = min(max(self.first, frame + 1 - self.count), float(frame))
        return TimeScale(self.frames, self.width, first, self.count)._clamped()

    def resized(self, width: float) -> "TimeScale":
        """The same frames on another width."""
        return TimeScale(self.frames, width, self.first, self.count)

    def _clamped(self) -> "TimeScale":
        first = min(max(self.first, 0.0), self.frames - self.count)
        return TimeScale(self.frames, self.width, first, self.count)
