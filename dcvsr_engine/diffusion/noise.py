"""Noise per absolute frame: the same frame has the same noise however a clip is tiled, cut and resumed (method.md §6)."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

COMMON_NOISE = 2**40
"""Counter of the noise that all frames share; no frame index comes near it."""

CONDITION_NOISE = 2**41
"""Counter of the first frame's noise on ``l``, which is not that of its latents."""


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


def augmented(condition: Tensor, deviation: float, seed: int, frames: Sequence[int]) -> Tensor:
    """Add the noise that a model was trained to find on its condition (SVD's noise augmentation).

    Args:
        condition: ``l`` ``(frames, channels, height, width)``.
        deviation: standard deviation of the noise; 0 adds none.
        seed: start of the generator.
        frames: absolute indices.

    Returns:
        The same shape.
    """
    if deviation == 0:
        return condition
    _, channels, height, width = condition.shape
    noise = torch.stack([frame_noise(seed, CONDITION_NOISE + frame, (channels, height, width)) for frame in frames])
    return condition + deviation * noise.to(condition)


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
