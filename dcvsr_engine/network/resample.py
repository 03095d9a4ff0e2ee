"""Bicubic resampling: the one definition that training, restoration and evaluation share (method.md §1.1)."""

import torch.nn.functional as F
from torch import Tensor


def upscale(frames: Tensor, scale: int) -> Tensor:
    """Enlarge by bicubic interpolation, clamped to 0..1 (method.md §1.1).

    Args:
        frames: RGB ``(frames, 3, height, width)``.
        scale: how many times wider and higher the result is.

    Returns:
        ``I_up`` ``(frames, 3, scale · height, scale · width)``.
    """
    # bicubic interpolation overshoots at edges
    return F.interpolate(frames, scale_factor=scale, mode="bicubic", align_corners=False).clamp(0, 1)


def shrink(frames: Tensor, scale: int) -> Tensor:
    """Reduce by antialiased bicubic interpolation, clamped to 0..1.

    Args:
        frames: RGB ``(frames, 3, height, width)``.
        scale: how many times narrower and lower the result is; a remainder of the size is lost.

    Returns:
        ``(frames, 3, height / scale, width / scale)``.
    """
    height, width = frames.shape[-2:]
    return resize(frames, (height // scale, width // scale))


def resize(frames: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring RGB ``(frames, 3, height, width)`` to ``size`` (height, width) by antialiased bicubic interpolation, in 0..1."""
    return F.interpolate(frames, size=size, mode="bicubic", align_corners=False, antialias=True).clamp(0, 1)
