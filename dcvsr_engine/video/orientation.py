"""How phones store a picture on its side: the display matrix, applied to pixels."""

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type as SideDataType
from numpy.typing import NDArray

from dcvsr_engine.video.hdr import side_data


@dataclass(frozen=True)
class Orientation:
    """What turns the stored picture upright: first ``transpose``, then the flips."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def rotation(self) -> int:
        """Clockwise degrees (0, 90, 180, 270) that make the picture upright, before a horizontal `mirror`."""
        if not self.transpose:
            return 180 if self.flip_y else 0
        return 90 if not self.flip_y else 270

    @property
    def mirror(self) -> bool:
        """Whether the picture is also mirrored."""
        return self.transpose ^ self.flip_x ^ self.flip_y

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Upright (width, height)."""
        return (height, width) if self.transpose else (width, height)

    def ratio(self, aspect: Fraction) -> Fraction:
        """The sample aspect ratio of the upright picture."""
        return 1 / aspect if self.transpose else aspect

    def apply(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """``(height, width, …)`` upright and contiguous."""
        upright = pixels.swapaxes(0, 1) if self.transpose else pixels
        upright = upright[:, ::-1] if self.flip_x else upright
        upright = upright[::-1] if self.flip_y else upright
        return np.ascontiguousarray(upright)


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """The orientation in a decoded frame's display matrix, to the nearest quarter turn.

    A point (p, q) of the stored picture is shown at (a·p + c·q, b·p + d·q); libavutil ``display.h``.
    """
    data = side_data(frame, SideDataType.DISPLAYMATRIX)
    if data is None:
        return Orientation()
    a, b, _, c, d, *_ = struct.unpack_from("=9i", data)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(False, a < 0, d < 0)
    return Orientation(True, c < 0, b < 0)
