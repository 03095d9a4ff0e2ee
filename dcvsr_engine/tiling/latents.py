"""Latents of a segment that need not be held: at HD a segment's take gigabytes, and a step looks at one tile at a time."""

from typing import Protocol

from torch import Tensor

Part = tuple[slice, slice, slice, slice]
"""Frames, channels, rows and columns."""
EVERY_PART: Part = (slice(None), slice(None), slice(None), slice(None))


class Latents(Protocol):
    """Values ``(frames, channels, height, width)``, made as they are cut, the same however they are cut. A tensor is one, too."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Frames, channels, height, width."""

    def __getitem__(self, part: Part, /) -> Tensor:
        """Cut a part out of them; it may share memory with others and must not be written to."""


def whole(latents: Latents) -> Tensor:
    """All of them."""
    return latents[EVERY_PART]


class Scaled:
    """Latents times a factor; see `Latents`."""

    def __init__(self, latents: Latents, factor: float) -> None:
        self.latents, self.factor = latents, factor

    @property
    def shape(self) -> tuple[int, ...]:
        """See `Latents`."""
        return self.latents.shape

    def __getitem__(self, part: Part) -> Tensor:
        """See `Latents`."""
        return self.latents[part] * self.factor
