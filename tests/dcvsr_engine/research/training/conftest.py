"""Something to start from and to train on, tiny."""

import json
from pathlib import Path

import pytest
import torch
from diffusers import UNetSpatioTemporalConditionModel

from dcvsr_engine.research.training.data import Material, TrainingData


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


@pytest.fixture
def photos() -> TrainingData:
    """Pictures with edges at many scales, in place of photographs."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(6, 3, 12, 16, generator=generator)
    large = torch.nn.functional.interpolate(coarse, size=(120, 160), mode="nearest")
    pictures = [(255 * picture).byte() for picture in large]
    return TrainingData(Material(pictures[:5]), Material(pictures[5:]))
