"""Frames that show what an earlier one shows, as in animation and in stills: they are restored once (method.md §6)."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Repeats:
    """Which frames of a segment are restored, and which of them the others show.

    Attributes:
        kept: positions of the frames that are restored, ascending.
        shown: for every frame the place among ``kept`` of what it shows, ascending.
    """

    kept: tuple[int, ...]
    shown: tuple[int, ...]

    @property
    def any(self) -> bool:
        """Whether a frame is left out."""
        return len(self.kept) < len(self.shown)

    def fixed(self, fixed: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """By place among the kept frames, what is ``fixed`` by position: ``x_0`` ``(channels, height, width)``."""
        return {place: fixed[position] for place, position in enumerate(self.kept) if position in fixed}

    def of_all(self, latents: Tensor) -> Tensor:
        """Latents of all frames, from those of the kept ones ``(kept frames, channels, height, width)``."""
        return latents[list(self.shown)] if self.any else latents

    def places(self, positions: Sequence[int]) -> range:
        """The places among the kept frames that some successive ``positions`` show."""
        return range(self.shown[positions[0]], self.shown[positions[-1]] + 1)

    def positions(self, place: int, among: range) -> list[int]:
        """The positions ``among`` some that show a kept frame."""
        return [position for position in among if self.shown[position] == place]


def find_repeats(pixels: Tensor, level: float, fixed: Container[int]) -> Repeats:
    """Find frames that differ from the first of their run by at most ``level`` anywhere.

    Args:
        pixels: 0..1 ``(frames, channels, height, width)``, see `SegmentFrames.seen`.
        level: in levels of 255; 0 finds none.
        fixed: positions of frames whose ``x_0`` is known: they show nothing that is still to be found.
    """
    kept, shown = list[int](), list[int]()
    for position, picture in enumerate(pixels):
        begins = not kept or (position in fixed and kept[-1] not in fixed)
        if begins or level == 0 or 255 * float((picture - pixels[kept[-1]]).abs().max()) > level:
            kept.append(position)
        shown.append(len(kept) - 1)
    return Repeats(tuple(kept), tuple(shown))
