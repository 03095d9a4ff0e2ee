"""Resizing by a random factor, as Real-ESRGAN does it: area, bilinear or bicubic, the latter two without antialiasing."""

import random

import torch.nn.functional as F
from torch import Tensor

from dcvsr_engine.research.training.degradation.walk import Range

MODES = ("area", "bilinear", "bicubic")
SMALLEST_SIDE = 8
"""Shortest side in pixels that resizing gives."""


def resize(frames: Tensor, height: int, width: int, mode: str) -> Tensor:
    """Resize ``(frames, 3, h, w)`` by one of `MODES` and clamp it to 0..1; pictures of that size stay unchanged."""
    if frames.shape[-2:] == (height, width):
        return frames
    # torch refuses the option for areas
    corners = None if mode == "area" else False
    return F.interpolate(frames, size=(height, width), mode=mode, align_corners=corners).clamp(0, 1)


def random_factor(rng: random.Random, directions: tuple[float, float, float], bounds: Range) -> float:
    """Draw a factor in ``bounds``: enlarging, shrinking or 1 with the probabilities ``directions``."""
    enlarge, shrink, _ = directions
    choice = rng.random()
    if choice < enlarge:
        return rng.uniform(1, bounds[1])
    return rng.uniform(bounds[0], 1) if choice < enlarge + shrink else 1.0


def random_resize(frames: Tensor, rng: random.Random, height: float, width: float) -> Tensor:
    """Resize a clip ``(frames, 3, h, w)`` to the given size, rounded, by a random mode."""
    return resize(frames, max(SMALLEST_SIDE, round(height)), max(SMALLEST_SIDE, round(width)), rng.choice(MODES))
