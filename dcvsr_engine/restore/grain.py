"""Film grain over the restored picture: fresh in every frame, strongest in the mid-tones. [C]"""

from collections.abc import Sequence

import torch
from torch import Tensor

from dcvsr_engine.restore.color import low_frequencies

SMOOTHED_DEVIATION = 6 / 16
"""Standard deviation that one (1 2 1)⊗(1 2 1)/16 smoothing leaves of white noise of unit variance."""


def grain_noise(height: int, width: int, seed: int, index: int) -> Tensor:
    """Draw noise of unit variance, correlated over neighbouring pixels.

    It depends on the clip's frame alone, so that it does not matter where a clip is cut into segments.

    Args:
        height, width: in pixels.
        seed: of the restoration.
        index: of the frame in the clip.

    Returns:
        ``(1, height, width)``, the same for R, G and B.
    """
    # torch's generator takes 32 bits
    generator = torch.Generator().manual_seed((seed * 1_000_003 + index) % 2**32)
    white = torch.randn(1, 1, height, width, generator=generator)
    return low_frequencies(white, 1)[0] / SMOOTHED_DEVIATION


def add_grain(frames: Tensor, level: float, seed: int, indices: Sequence[int]) -> Tensor:
    """Add grain to restored frames.

    Args:
        frames: RGB 0..1 ``(frames, 3, height, width)``.
        level: standard deviation at mid grey, in levels of 255; 0 returns the frames themselves.
        seed: of the restoration.
        indices: of the frames in the clip.

    Returns:
        RGB 0..1, shaped like ``frames``; black and white stay.
    """
    if level == 0:
        return frames
    height, width = frames.shape[-2:]
    noise = torch.stack([grain_noise(height, width, seed, index) for index in indices]).to(frames)
    # film's density: √(s (1 − s)), 1/2 at mid grey
    return (frames + level / 255 * 2 * (frames * (1 - frames)).sqrt() * noise).clamp(0, 1)
