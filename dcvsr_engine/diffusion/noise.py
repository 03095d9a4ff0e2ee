"""Noise per absolute frame: the same frame has the same noise however a clip is tiled, cut and resumed (method.md §6)."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dcvsr_engine.tiling.latents import Part, whole

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


class ClipNoise:
    """Unit noise ``(frames, channels, height, width)`` of some frames, each drawn when it is first asked for; see `Latents`.

    Attributes:
        shape: of all of it.
    """

    def __init__(self, seed: int, indices: Sequence[int], shape: tuple[int, int, int], share: float) -> None:
        """Prepare noise.

        Args:
            seed: start of the generator.
            indices: of the frames in the clip.
            shape: ``(channels, height, width)`` of a frame.
            share: share of the variance that all frames of a clip have in common, 0 … 1.
        """
        self.shape = len(indices), *shape
        self._seed, self._indices, self._share = seed, indices, share
        self._drawn: dict[int, Tensor] = {}

    def __getitem__(self, part: Part) -> Tensor:
        """See `Latents`."""
        frames, *place = part
        if self._share == 1:  # all frames have the same: at HD a frame of it takes as much as eight of the input
            return self._frame(COMMON_NOISE)[tuple(place)].expand(len(self._indices[frames]), -1, -1, -1)
        return torch.stack([self._of_clip(index)[tuple(place)] for index in self._indices[frames]])

    def _of_clip(self, index: int) -> Tensor:
        """Noise ``(channels, height, width)`` of a frame of the clip."""
        if index not in self._drawn:
            own = frame_noise(self._seed, index, self.shape[1:])
            # variances add up: (1 - share) + share = 1
            if self._share:
                own = math.sqrt(1 - self._share) * own + math.sqrt(self._share) * self._frame(COMMON_NOISE)
            self._drawn[index] = own
        return self._drawn[index]

    def _frame(self, counter: int) -> Tensor:
        """What the generator draws at ``counter``, once."""
        if counter not in self._drawn:
            self._drawn[counter] = frame_noise(self._seed, counter, self.shape[1:])
        return self._drawn[counter]


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
    return whole(ClipNoise(seed, range(first, first + frames), shape, share))
