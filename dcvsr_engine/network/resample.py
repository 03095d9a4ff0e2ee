"""Bicubic resampling, the one definition that training, restoration and evaluation share."""

import torch.nn.functional as F
from torch import Tensor


def upscale(frames: Tensor, scale: int) -> Tensor:
    """``I_up``: RGB ``(frames, 3, height, width)`` enlarged ``scale`` times by bicubic interpolation, clamped to 0..1."""
    return F.interpolate(frames, scale_factor=scale, mode="bicubic", align_corners=False).clamp(0, 1)


def shrink(frames: Tensor, scale: int) -> Tensor:
    """RGB ``(frames, 3, height, width)`` reduced ``scale`` times by antialiased bicubic interpolation, clamped to 0..1."""
    height, width = frames.shape[-2:]
    size = (height // scale, width // scale)
    return F.interpolate(frames, size=size, mode="bicubic", align_corners=False, antialias=True).clamp(0, 1)
