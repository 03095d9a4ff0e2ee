"""``I_up`` of a segment's frames, whole or in part: at HD a whole frame in float32 takes hundreds of megabytes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from dcvsr_engine.diffusion.sampler import batched
from dcvsr_engine.network.resample import upscale
from dcvsr_engine.network.upsampler_config import ENLARGED_TOGETHER
from dcvsr_engine.network.upsampling import VideoUpsampler
from dcvsr_engine.planning.grids import padded
from dcvsr_engine.planning.memory import PIXEL_LANES, SMALL_FRAME
from dcvsr_engine.restore.frames import SegmentFrames
from dcvsr_engine.restore.recovery import is_finite
from dcvsr_engine.settings import Device

WHOLE_AXIS = slice(None)
LEVELS_OF_16_BITS = 2**16 - 1
Sound = Callable[[list[int], Callable[[], Tensor]], Tensor]
"""Calls what enlarges the frames at some positions, and again in another number format where it gives no numbers."""
SideBySide = Callable[[Sequence[Callable[[], Any]]], list[Any]]
"""Does pieces of work that are independent, see `LevelledUNet.side_by_side`."""


def one_by_one(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """A `SideBySide` on the calling thread."""
    return [work() for work in works]


def refuse_damaged(positions: list[int], work: Callable[[], Tensor]) -> Tensor:
    """A `Sound` that raises `ArithmeticError` where ``work`` gives ``(positions, 3, height, width)`` that are no numbers."""
    enlarged = work()
    if not is_finite(enlarged):
        raise ArithmeticError
    return enlarged


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
        sound: see `Sound`.
    """

    def __init__(
        self,
        frames: SegmentFrames,
        upsampler: VideoUpsampler,
        scale: int,
        unit: int,
        device: Device,
        sound: Sound = lambda positions, work: work(),
    ) -> None:
        self.frames, self.upsampler, self.scale, self.unit, self.device = frames, upsampler, scale, unit, device
        self.sound = sound

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
        down, across = self.stretches(rows, columns, self.scale, self.upsampler.reach)
        up = self.enlarge(positions, slice(down.first, down.end), slice(across.first, across.end))
        return self.pad(up, down.padding, across.padding)[..., down.part, across.part]

    def stretches(self, rows: slice, columns: slice, scale: int, reach: int) -> list[Stretch]:
        """What rows and columns of the padded ``I_up`` are made from: of pictures that are ``scale`` times smaller."""
        axes = zip((rows, columns), self.size, strict=True)
        return [Stretch.of(part, size // scale, scale, self.unit, reach) for part, size in axes]

    def enlarge(self, positions: list[int], rows: slice = WHOLE_AXIS, columns: slice = WHOLE_AXIS) -> Tensor:
        """Enlarge ``rows`` and ``columns`` of some frames of the input."""
        windows = self.frames.windows(positions, self.upsampler.frames, rows, columns).to(self.device)
        # interpolation always gives numbers, and looking for them would make the host wait for a GPU
        enlarge = partial(self.upsampler, windows, self.scale)
        return enlarge() if self.upsampler.network is None else self.sound(positions, enlarge)

    def pad(self, frames: Tensor, bottom: int, right: int) -> Tensor:
        """Pad ``(frames, 3, height, width)`` by reflection, by repetition where the whole picture is too small for that."""
        (height, width), (padded_height, padded_width) = self.size, self.padded_size
        mode = "reflect" if padded_height < 2 * height and padded_width < 2 * width else "replicate"
        return F.pad(frames, (0, right, 0, bottom), mode=mode) if bottom or right else frames


STEEP = 0.5
"""A change of the alpha channel among neighbouring pixels from which on the upsampler alone enlarges it."""


def enlarged_matte(enlarger: Enlarger, position: int) -> Tensor:
    """Enlarge the alpha channel of a frame as a grey picture.

    The upsampler makes its edges, as it makes those of the picture; the less it changes from pixel to pixel, the more bicubic
    interpolation takes part, and what is opaque or clear stays so to the last bit. Measured on drawn mattes at × 4 with the
    built-in model, in PSNR, this and bicubic: a disc 35.1 and 29.3 dB, hair 21.5 and 19.1, letters 29.8 and 25.3, but a blurred
    disc 47.5 and 69.0.

    Args:
        enlarger: of the frames' `SegmentFrames.mattes`.
        position: of the frame.

    Returns:
        ``(height, width)``, 0..1, on the host.
    """
    alpha, (height, width) = enlarger.frames.pixels[position, None, :1], enlarger.size
    plain = upscale(alpha, enlarger.scale)[0, 0].clamp(0, 1)
    change = F.max_pool2d(alpha, 3, 1, 1) + F.max_pool2d(-alpha, 3, 1, 1)
    if enlarger.upsampler.network is None or not change.any():
        return plain
    learned = HoldingEnlarger(enlarger, {})([position])[0, :, :height, :width].mean(0).cpu()
    share = F.interpolate((change / STEEP).clamp(max=1), (height, width))[0, 0]
    return plain.lerp(learned, share)


class HoldingEnlarger(Enlarger):
    """Enlarges every frame once, and holds it: a network takes far longer for it than its result takes memory.

    Numbers of 0..1 are held in 16 bits, so that they are off by 0.002 of 255 levels at most.

    Attributes:
        held: the enlarged frames ``(3, height, width)`` without padding, on the host, by their index in the clip. The segment
            before leaves those here that both have; others are dropped.
    """

    def __init__(self, enlarger: Enlarger, held: Mapping[int, Tensor], side_by_side: SideBySide = one_by_one) -> None:
        super().__init__(enlarger.frames, enlarger.upsampler, enlarger.scale, enlarger.unit, enlarger.device, enlarger.sound)
        self.held = {index: held[index] for index in self.frames.indices if index in held}
        self._side_by_side = side_by_side

    def __call__(self, positions: list[int], rows: slice = WHOLE_AXIS, columns: slice = WHOLE_AXIS) -> Tensor:
        """See `Enlarger`."""
        down, across = self.stretches(rows, columns, 1, 0)
        parts = [frame[:, down.first : down.end, across.first : across.end] for frame in self.hold(positions)]
        up = torch.stack(parts).to(self.device).float().div_(LEVELS_OF_16_BITS)
        return self.pad(up, down.padding, across.padding)[..., down.part, across.part]

    def hold(self, positions: list[int]) -> list[Tensor]:
        """Some frames in 16 bits, each ``(3, height, width)``, enlarged now where they are not held already."""
        missing = [position for position in positions if self.frames.indices[position] not in self.held]
        small = self.frames.pixels.shape[-2:].numel() <= SMALL_FRAME
        for some in batched(missing, PIXEL_LANES if small else 1):
            tried = self._side_by_side([partial(self.tried, position) for position in some]) if small else [None]
            for position, whole in zip(some, tried, strict=True):
                self.held[self.frames.indices[position]] = self.whole(position, self.sound) if whole is None else whole
        return [self.held[self.frames.indices[position]] for position in positions]

    def tried(self, position: int) -> Tensor | None:
        """A frame in 16 bits ``(3, height, width)``; ``None`` where the network's number format gives no numbers.

        In another one it is computed alone: the network is changed meanwhile.
        """
        try:
            return self.whole(position, refuse_damaged)
        except ArithmeticError:
            return None

    def whole(self, position: int, sound: Sound) -> Tensor:
        """A frame in 16 bits ``(3, height, width)``."""
        enlarger = Enlarger(self.frames, self.upsampler, self.scale, self.unit, self.device, sound)
        return torch.cat([self.made(enlarger, position, rows) for rows in self.bands()], dim=1)

    def made(self, enlarger: Enlarger, position: int, rows: slice) -> Tensor:
        """Enlarge ``rows`` of output pixels of a frame, to 16 bits ``(3, rows, width)``."""
        up = enlarger([position], rows, slice(0, self.size[1]))
        return up[0].mul_(LEVELS_OF_16_BITS).round_().to(torch.uint16).cpu()

    def bands(self) -> list[slice]:
        """Rows of output pixels that are enlarged together: their features take more memory than they do."""
        height, width = self.size
        rows = max(1, ENLARGED_TOGETHER * self.scale // width) * self.scale
        return [slice(first, min(first + rows, height)) for first in range(0, height, rows)]
