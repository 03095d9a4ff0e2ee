"""A model small enough to restore a clip within a second."""

import json
from pathlib import Path

import pytest

CHANNELS = 24
"""Latent channels of the Haar first stage."""


def write_tiny_model(folder: Path, **declared: object) -> Path:
    """A checkpoint with random weights and attention at both of its levels; ``declared`` goes into its declaration."""
    import torch
    from diffusers import UNetSpatioTemporalConditionModel

    torch.manual_seed(0)
    unet = UNetSpatioTemporalConditionModel(
        in_channels=2 * CHANNELS,
        out_channels=CHANNELS,
        down_block_types=("CrossAttnDownBlockSpatioTemporal",) * 2,
        up_block_types=("CrossAttnUpBlockSpatioTemporal",) * 2,
        block_out_channels=(32, 32),
        layers_per_block=1,
        num_attention_heads=(2, 2),
        cross_attention_dim=32,
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=24,
    )
    unet.save_pretrained(folder / "unet")
    declaration = {
        "name": folder.name,
        "title": "Tiny",
        "first_stage": "haar",
        "factor": 4,
        "multiple": 2,
        "added_time_ids": [0.0, 0.0, 0.0],
        "image_embedding": "none",
        "unconditional": [],
        "sigma_min": 0.02,
        "sigma_max": 20.0,
        "steps": 3,
        "guidance": "none",
        "guidance_scale": 1.0,
        "tile": 16,
        "window": 4,
        "scale": 2,
    }
    (folder / "dcvsr.json").write_text(json.dumps(declaration | declared))
    (folder / "scales.json").write_text(json.dumps({"residual_scale": [0.05] * CHANNELS, "condition_scale": [1.0] * CHANNELS}))
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model with random weights; not to be changed."""
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tiny networks lose more by sharing out work than they gain."""
    import torch

    torch.set_num_threads(1)
