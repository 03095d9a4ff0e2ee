"""Noise per absolute frame: the same frame has the same noise however a clip is tiled, cut and resumed (method.md §6)."""

import math

import numpy as np
import torch
from torch import Tensor

COMMON_NOISE = 2**40
"""Counter of the noise that all frames share; no frame index comes near it."""


def frame_noise(seed: int, frame: int, shape: tuple[int, int, int]) -> Tensor:
    """Draw the noise of one frame from a counter-based generator.

    Args:
        seed: start of the generator.
        frame: absolute index in the clip; the generator's counter.
        shape: ``(channels, height, width)``.

    Returns:
        Unit noise ``(channels, height, width)``.
    """
    generator = np.random.Generator(np.random.Philox(key=[seed, frame]))
    return torch.as_tensor(generator.standard_normal(shape, dtype=np.float32))


def clip_noise(seed: int, first: int, frames: int, shape: tuple[int, int, int], share: float) -> Tensor:
    """Draw the noise of successive frames.

    Args:
        seed: start of the generator.
        first: absolute index of the first frame.
        frames: how many.
        shape: ``(channels, height, width)`` of a frame.
        share: share of the variance that all frames of a clip have in common, 0 … 1.

    Returns:
        Unit noise ``(frames, channels, height, width)``.
    """
    own = torch.stack([frame_noise(seed, first + f, shape) for f in range(frames)])
    if share == 0:
        return own
    # variances add up: (1 - share) + share = 1
    return math.sqrt(1 - share) * own + math.sqrt(share) * frame_noise(seed, COMMON_NOISE, shape)
