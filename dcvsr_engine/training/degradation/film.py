"""What film and interlaced video leave in old material: grain, combs, and the bobbing of line-doubled fields."""

import random

import torch
from torch import Tensor

from dcvsr_engine.training.degradation.blur import gaussian_blur


def film_grain(frames: Tensor, strength: float, size: float, seed: int, coloured: bool = False) -> Tensor:
    """Add grain, fresh in every frame, strongest in the mid-tones.

    Args:
        frames: RGB 0..1 ``(frames, 3, h, w)``.
        strength: its standard deviation at mid grey.
        size: of the grains: standard deviation in pixels of the Gaussian that white noise is blurred with.
        seed: of the noise.
        coloured: every channel has its own.
    """
    generator = torch.Generator().manual_seed(seed)
    channels = 3 if coloured else 1
    grain = gaussian_blur(torch.randn(len(frames), channels, *frames.shape[2:], generator=generator), size)
    grain = grain / grain.std()
    signal = frames.clamp(0, 1)
    return frames + strength * grain * (2 * (signal * (1 - signal)).sqrt())


def random_grain(frames: Tensor, rng: random.Random) -> Tensor:
    """Grain of 1 … 14 levels of 255, clamped to 0..1."""
    strength, size = rng.uniform(1, 14) / 255, rng.uniform(0.3, 0.9)
    return film_grain(frames, strength, size, rng.getrandbits(31), rng.random() < 0.3).clamp(0, 1)


def combed(frames: Tensor, first: int = 0) -> Tensor:
    """Interlaced and woven: every second line, from line ``first`` on, is that of the following frame (the last has none)."""
    following = torch.cat([frames[1:], frames[-1:]])
    woven = frames.clone()
    woven[..., first::2, :] = following[..., first::2, :]
    return woven


def bobbed(frames: Tensor, first: int = 0) -> Tensor:
    """Interlaced and line-doubled: upper and lower field in turn, missing lines the mean of their neighbours."""
    above = torch.cat([frames[..., 1:2, :], frames[..., :-1, :]], dim=-2)
    below = torch.cat([frames[..., 1:, :], frames[..., -2:-1, :]], dim=-2)
    between, result = (above + below) / 2, frames.clone()
    for index in range(len(frames)):
        missing = (index + first) % 2
        result[index, :, missing::2] = between[index, :, missing::2]
    return result
