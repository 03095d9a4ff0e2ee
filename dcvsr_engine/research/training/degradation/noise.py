"""Gaussian and Poisson noise, in colour or grey; its level drifts over the clip."""

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from dcvsr_engine.research.training.degradation.walk import Range, walk

GREY = 0.4
"""Probability that noise is the same in all channels."""

PHOTONS = 256
"""Photons counted at full brightness at scale 1."""


def per_frame(values: Sequence[float]) -> Tensor:
    """Shape one value per frame as ``(frames, 1, 1, 1)``."""
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1)


def gaussian_noise(frames: Tensor, level: float | Sequence[float], seed: int, grey: bool = False) -> Tensor:
    """Add white noise, independent per frame.

    Args:
        frames: ``(frames, 3, h, w)``, 0..1.
        level: standard deviation on the same scale, one for all frames or one per frame.
        seed: of the noise.
        grey: add the same noise to all channels.
    """
    generator = torch.Generator().manual_seed(seed)
    channels = 1 if grey else frames.shape[1]
    noise = torch.randn(frames.shape[0], channels, *frames.shape[2:], generator=generator)
    return frames + noise * (level if isinstance(level, float) else per_frame(level))


def poisson_noise(frames: Tensor, scale: Sequence[float], seed: int, grey: bool = False) -> Tensor:
    """Add photon noise of variance ``scale² · signal / PHOTONS``.

    Args:
        frames: ``(frames, 3, h, w)``, 0..1.
        scale: one per frame.
        seed: of the noise.
        grey: add the luma's noise to all channels.
    """
    generator = torch.Generator().manual_seed(seed)
    signal = frames.clamp(0, 1)
    if grey:
        signal = (signal * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    # only the deviation from the signal is scaled, not the signal
    return frames + per_frame(scale) * (torch.poisson(signal * PHOTONS, generator=generator) / PHOTONS - signal)


def random_noise(frames: Tensor, rng: random.Random, sigma: Range, scale: Range) -> Tensor:
    """Add Gaussian or Poisson noise, each as likely, and clamp to 0..1.

    Args:
        frames: ``(frames, 3, h, w)``, 0..1.
        rng: source of random numbers.
        sigma: range of the Gaussian's standard deviation, of 255.
        scale: range of the Poisson noise's scale.
    """
    gaussian, grey, count = rng.random() < 0.5, rng.random() < GREY, len(frames)
    if gaussian:
        levels = [value / 255 for value in walk(rng, sigma, 0.1, count)]
        return gaussian_noise(frames, levels, rng.getrandbits(31), grey).clamp(0, 1)
    return poisson_noise(frames, walk(rng, scale, 0.005, count), rng.getrandbits(31), grey).clamp(0, 1)
