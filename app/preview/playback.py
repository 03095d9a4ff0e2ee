"""When which frame is due while a clip plays. Without Qt."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Self

FALLBACK_RATE = 25.0
SHORTEST = 1e-3


@dataclass(frozen=True)
class FrameTimes:
    """When frames are seen, in seconds after a clip's beginning: ``begins`` of each, ascending, and the last one's ``end``."""

    begins: tuple[float, ...]
    end: float

    @classmethod
    def even(cls, frames: int, rate: float | None) -> Self:
        """Frames that all take as long."""
        rate = rate or FALLBACK_RATE
        return cls(tuple(frame / rate for frame in range(frames)), frames / rate)

    @property
    def rate(self) -> float:
        """Frames per second, on average."""
        return len(self.begins) / self.end if self.end > 0 else FALLBACK_RATE

    def frame_at(self, seconds: float, direction: int = 1) -> int:
        """The frame that is seen then; where one follows the other, the one that comes next in a ``direction``."""
        before = bisect_right if direction > 0 else bisect_left
        return max(0, before(self.begins, seconds) - 1)

    def end_of(self, frame: int) -> float:
        """When a frame is followed by the next."""
        return self.begins[frame + 1] if frame + 1 < len(self.begins) else self.end


@dataclass(frozen=True)
class Playback:
    """Play of a part of a clip over and over.

    Attributes:
        origin: where play begins, in seconds after the clip's beginning.
        first, end: the part; play from before it runs into it, and from behind it begins with it.
        direction: 1 forwards, −1 backwards.
        started: when it began, on the clock that `position` is asked by.
    """

    origin: float
    first: float
    end: float
    direction: int
    started: float

    @property
    def length(self) -> float:
        """Seconds that the part takes; some, even where all its frames have the same time."""
        return max(self.end - self.first, SHORTEST)

    @property
    def turns(self) -> float:
        """Seconds of play after which the part begins anew for the first time."""
        ahead = self.end - self.origin if self.direction > 0 else self.origin - self.first
        return max(0.0, ahead)

    def position(self, now: float) -> float:
        """Where play has got to, in seconds after the clip's beginning."""
        played = now - self.started
        if played < self.turns:
            return self.origin + self.direction * played
        again = (played - self.turns) % self.length
        return self.first + again if self.direction > 0 else self.end - again
