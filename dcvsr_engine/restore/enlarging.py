"""``I_up`` of a segment's frames, whole or in part: at HD a whole frame in float32 takes hundreds of megabytes."""

from dataclasses import dataclass
from typing import Self

import torch.nn.functional as F
from torch import Tensor

from dcvsr_engine.network.upsampling import VideoUpsampler
from dcvsr_engine.planning.grids import padded
from dcvsr_engine.restore.frames import SegmentFrames
from dcvsr_engine.settings import Device

WHOLE_AXIS = slice(None)


@dataclass(frozen=True)
class Stretch:
    """A part of an axis of the padded ``I_up``, and what of the input it is made from.

    Attributes:
        first, end: of the input.
        padding: pixels that are added behind the enlarged input, which then ends the axis.
        part: of that, what is wanted.
    """

    first: int
    end: int
    padding: int
    part: slice

    @classmethod
    def of(cls, part: slice, size: int, scale: int, unit: int, reach: int) -> Self:
        """Find what a part of an axis is made from.

        Args:
            part: in pixels of the result.
            size: of the input.
            scale: enlargement.
            unit: the result is padded to a multiple of this.
            reach: pixels of the input on either side that the upsampler looks at.
        """
        whole = padded(size * scale, unit)
        begin, stop, _ = part.indices(whole)
        padding = whole - size * scale if stop > size * scale else 0
        # padding reflects: it needs as many pixels beside it, and one more
        first = max(0, min(begin // scale, size - -(-(padding + 1) // scale)) - reach)
        end = size if padding else min(size, -(-stop // scale) + reach)
        return cls(first, end, padding, slice(begin - first * scale, stop - first * scale))


class Enlarger:
    """Enlarges frames of a segment, where pixels are worked on.

    Attributes:
        frames: of the segment.
        upsampler: how they are enlarged.
        scale: factor of width and height.
        unit: the result is padded to a multiple of this many pixels.
        device: that pixels are on.
    """

    def __init__(self, frames: SegmentFrames, upsampler: VideoUpsampler, scale: int, unit: int, device: Device) -> None:
        self.frames, self.upsampler, self.scale, self.unit, self.device = frames, upsampler, scale, unit, device

    @property
    def size(self) -> tuple[int, int]:
        """Height and width without padding."""
        height, width = self.frames.pixels.shape[-2:]
        return height * self.scale, width * self.scale

    @property
    def padded_size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.size
        return padded(height, self.unit), padded(width, self.unit)

    def __call__(self, positions: list[int], rows: slice = WHOLE_AXIS, columns: slice = WHOLE_AXIS) -> Tensor:
        """``I_up`` of some frames ``(positions, 3, rows, columns)``, padded below and to the right by reflection.

        The same pixels come out whatever part is asked for: to the last bit where the scale is a power of two.
        """
        height, width = self.frames.pixels.shape[-2:]
        reach = self.upsampler.reach
        down, across = (Stretch.of(part, size, self.scale, self.unit, reach) for part, size in ((rows, height), (columns, width)))
        source = slice(down.first, down.end), slice(across.first, across.end)
        windows = self.frames.windows(positions, self.upsampler.frames, *source)
        up = self.upsampler(windows.to(self.device), self.scale)
        return self.pad(up, down.padding, across.padding)[..., down.part, across.part]

    def pad(self, frames: Tensor, bottom: int, right: int) -> Tensor:
        """Pad ``(frames, 3, height, width)`` by reflection, by repetition where the whole picture is too small for that."""
        (height, width), (padded_height, padded_width) = self.size, self.padded_size
        mode = "reflect" if padded_height < 2 * height and padded_width < 2 * width else "replicate"
        return F.pad(frames, (0, right, 0, bottom), mode=mode) if bottom or right else frames
