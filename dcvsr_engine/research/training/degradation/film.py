"""Damage by film and interlaced video: grain, combs, and the bobbing of line-doubled fields."""

import random

import torch
from torch import Tensor

from dcvsr_engine.research.training.degradation.blur import isotropic_blur


def film_grain(frames: Tensor, strength: float, size: float, seed: int, coloured: bool = False) -> Tensor:
    """Add grain, fresh in every frame, strongest in the mid-tones.

    Args:
        frames: RGB 0..1 ``(frames, 3, h, w)``.
        strength: standard deviation at mid grey, on the same scale.
        size: of the grains: σ in pixels of the Gaussian blur of white noise.
        seed: of the noise.
        coloured: add different grain to every channel.
    """
    generator = torch.Generator().manual_seed(seed)
    channels = 3 if coloured else 1
    grain = isotropic_blur(torch.randn(len(frames), channels, *frames.shape[2:], generator=generator), size)
    grain = grain / grain.std()
    signal = frames.clamp(0, 1)
    return frames + strength * grain * (2 * (signal * (1 - signal)).sqrt())


def random_grain(frames: Tensor, rng: random.Random) -> Tensor:
    """Add grain of 1 … 14 levels of 255 to ``(frames, 3, h, w)`` and clamp to 0..1."""
    strength, size = rng.uniform(1, 14) / 255, rng.uniform(0.3, 0.9)
    return film_grain(frames, strength, size, rng.getrandbits(31), rng.random() < 0.3).clamp(0, 1)


def combed(frames: Tensor, first: int = 0) -> Tensor:
    """Interlace and weave ``(frames, 3, h, w)``: every second line from ``first`` is the next frame's; the last frame stays."""
    following = torch.cat([frames[1:], frames[-1:]])
    woven = frames.clone()
    woven[..., first::2, :] = following[..., first::2, :]
    return woven


def bobbed(frames: Tensor, first: int = 0) -> Tensor:
    """Interlace and line-double ``(frames, 3, h, w)``: upper and lower field in turn, missing lines averaged from neighbours."""
    above = torch.cat([frames[..., 1:2, :], frames[..., :-1, :]], dim=-2)
    below = torch.cat([frames[..., 1:, :], frames[..., -2:-1, :]], dim=-2)
    between, result = (above + below) / 2, frames.clone()
    for index in range(len(frames)):
        missing = (index + first) % 2
        result[index, :, missing::2] = between[index, :, missing::2]
    return result
