"""Colour correction: the low frequencies of the result follow the input (method.md §6)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from dcvsr_engine.settings import Color

LEVELS = 5
"""Smoothings of the wavelet; the coarsest reaches 2⁵ pixels, beyond which colour is the input's."""


def reach_of(color: Color) -> int | None:
    """Pixels beside a pixel that a correction looks at; ``None`` where it looks at whole frames."""
    reaches: dict[Color, int | None] = {"wavelet": 2**LEVELS - 1, "adain": None, "none": 0}
    return reaches[color]


def low_frequencies(frames: Tensor, levels: int = LEVELS) -> Tensor:
    """Smooth ``(frames, 3, height, width)`` by ``levels`` à-trous wavelet steps (1 2 1)⊗(1 2 1)/16; shaped like it.

    By sums of shifted pictures: 19 times as fast on a processor as torch's dilated convolution (1080p, one thread).
    """
    for level in range(levels):
        hole = 2**level
        padded = F.pad(frames, (hole, hole, hole, hole), mode="replicate")
        # in place on the new tensors: whole frames of 1080p in float32 are large
        rows = (2 * padded[..., hole:-hole]).add_(padded[..., : -2 * hole]).add_(padded[..., 2 * hole :])
        frames = (2 * rows[..., hole:-hole, :]).add_(rows[..., : -2 * hole, :]).add_(rows[..., 2 * hole :, :]).div_(16)
    return frames


def wavelet(frames: Tensor, reference: Tensor) -> Tensor:
    """Detail of ``frames`` on the low frequencies of ``reference`` (both RGB ``(frames, 3, height, width)``)."""
    # smoothing is linear: low(reference) − low(frames) in one go
    return frames + low_frequencies(reference - frames)


def adain(frames: Tensor, reference: Tensor) -> Tensor:
    """Give ``frames`` mean and deviation of ``reference`` per frame and channel (Huang & Belongie 2017).

    Args:
        frames, reference: RGB ``(frames, 3, height, width)``.
    """
    deviation, mean = torch.std_mean(frames, dim=(-2, -1), keepdim=True)
    target_deviation, target_mean = torch.std_mean(reference, dim=(-2, -1), keepdim=True)
    return (frames - mean) / deviation.clamp(min=1e-5) * target_deviation + target_mean


def correct(frames: Tensor, reference: Tensor, color: Color) -> Tensor:
    """Apply the chosen correction and clamp to 0..1.

    Args:
        frames, reference: RGB ``(frames, 3, height, width)``; the second is the enlarged input.
        color: which correction.
    """
    corrected = {"wavelet": wavelet, "adain": adain}[color](frames, reference) if color != "none" else frames
    return corrected.clamp(0, 1)
