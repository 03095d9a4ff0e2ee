"""A textured clip that moves by whole pixels over a standing background, made from noise."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from dcvsr_engine.research.pictures import to_pictures


def texture(height, width, seed):
    """Smooth coloured noise ``(3, height, width)`` in 0..1."""
    generator = torch.Generator().manual_seed(seed)
    layers = [
        F.interpolate(
            torch.rand(1, 3, -(-height // cell), -(-width // cell), generator=generator), size=(height, width), mode="bicubic"
        )
        for cell in (32, 8, 4)
    ]
    return (0.5 * layers[0] + 0.3 * layers[1] + 0.2 * layers[2])[0].clamp(0, 1)


@pytest.fixture(scope="session")
def moving():
    """Six frames of 128 × 192 in which everything moves right by 3 pixels a frame."""
    wide = texture(128, 192 + 32, seed=1)
    return to_pictures(torch.stack([wide[..., 20 - 3 * t : 212 - 3 * t] for t in range(6)]))


@pytest.fixture(scope="session")
def half_still():
    """Six frames of 128 × 192: the left half stands still, the right half moves by 3 pixels a frame."""
    still, wide = texture(128, 96, seed=2), texture(128, 96 + 32, seed=3)
    return to_pictures(torch.stack([torch.cat([still, wide[..., 20 - 3 * t : 116 - 3 * t]], -1) for t in range(6)]))


@pytest.fixture
def noisy():
    """Adds white noise of a given deviation in grey levels."""

    def add(pictures, deviation, seed=0):
        noise = np.random.default_rng(seed).normal(0, deviation, pictures.shape)
        return np.clip(np.rint(pictures + noise), 0, 255).astype(np.uint8)

    return add
