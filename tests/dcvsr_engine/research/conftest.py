"""A textured clip that moves by whole pixels over a standing background, made from noise; a tiny model to train."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import UNetSpatioTemporalConditionModel
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


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """A checkpoint folder with a configuration and scales, without weights."""
    unet = UNetSpatioTemporalConditionModel(
        in_channels=48, out_channels=24, block_out_channels=(32, 32), num_attention_heads=(2, 2), cross_attention_dim=8,
        down_block_types=("DownBlockSpatioTemporal", "CrossAttnDownBlockSpatioTemporal"),
        up_block_types=("CrossAttnUpBlockSpatioTemporal", "UpBlockSpatioTemporal"),
        layers_per_block=1, addition_time_embed_dim=8, projection_class_embeddings_input_dim=24,
    )  # fmt: skip
    unet.save_config(tmp_path / "start" / "unet")
    scales = {"residual_scale": [0.1] * 24, "condition_scale": [0.3] * 24}
    (tmp_path / "start" / "scales.json").write_text(json.dumps(scales))
    return tmp_path / "start"
