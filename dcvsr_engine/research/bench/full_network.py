"""The full-size network with random weights, made where it computes: for its cost only, never for a picture."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel
from torch import nn

from dcvsr_engine.models.shapes import SVD_UNET, SVD_VAE
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.device import DTYPES, resolve_device, resolve_precision
from dcvsr_engine.network.fused import adapt_to_device, order_convolutions
from dcvsr_engine.network.vae import VaeFirstStage
from dcvsr_engine.planning.memory import NetworkSize
from dcvsr_engine.settings import Precision

WEIGHT_DEVIATION = 0.02
SEED = 0


@dataclass(frozen=True)
class FullSize:
    """Sizes of a benchmark of the full network.

    Attributes:
        unet, vae: diffusers' configs.
        declaration: conventions.
        batches: tiles in a batch, ascending.
        tiles: tiles in a batch where ways to compute are compared.
        dense: side of the matrices whose product is timed.
        attention_rows: batches of temporal attention that are tried unsplit, and the most rows of a call.
        heads, head_width: of an attention on the top level.
        repeats: timings of which the median counts.
    """

    unet: dict[str, Any]
    vae: dict[str, Any]
    declaration: Declaration
    batches: tuple[int, ...]
    tiles: int
    dense: int
    attention_rows: tuple[int, ...]
    most_rows: int
    heads: int
    head_width: int
    repeats: int


FULL = FullSize(
    unet=SVD_UNET,
    vae=SVD_VAE
    | {
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "layers_per_block": 2,
        "sample_size": 768,
        "scaling_factor": 0.18215,
        "force_upcast": True,
    },
    declaration=Declaration(name="random", title="Random weights", first_stage="vae", factor=8, multiple=8),
    batches=(1, 2, 4, 8, 16),
    tiles=4,
    dense=8192,
    attention_rows=(65_535, 65_536, 131_072),
    most_rows=65_535,
    heads=5,
    head_width=64,
    repeats=3,
)
TINY = FullSize(
    unet=SVD_UNET
    | {
        "down_block_types": SVD_UNET["down_block_types"][:2],
        "up_block_types": SVD_UNET["up_block_types"][2:],
        "block_out_channels": [32, 32],
        "layers_per_block": 1,
        "num_attention_heads": [2, 4],
        "cross_attention_dim": 8,
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 24,
    },
    vae={
        "block_out_channels": [32, 32],
        "down_block_types": ["DownEncoderBlock2D"] * 2,
        "latent_channels": 4,
        "layers_per_block": 1,
    },
    declaration=Declaration(
        name="random", title="Random weights", first_stage="vae", factor=2, multiple=2, tile=16, window=2, scale=2
    ),
    batches=(1, 2),
    tiles=2,
    dense=64,
    attention_rows=(7, 8),
    most_rows=7,
    heads=2,
    head_width=16,
    repeats=1,
)
"""The same in milliseconds, for a processor: to see that everything runs."""


def random_network(kind: Any, config: dict[str, Any], device: str, dtype: torch.dtype) -> Any:
    """A diffusers network of class ``kind`` whose weights are drawn on ``device``; norms leave their input as it is."""
    with torch.device("meta"):
        network = kind.from_config(config)
    nn.Module.to(network, dtype)  # not diffusers' own `to`, which warns of layers that are not there
    network.to_empty(device=device)
    generator = torch.Generator(device).manual_seed(SEED)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if name.endswith("bias"):
                weight.zero_()
            elif weight.ndim < 2:
                weight.fill_(1)
            else:
                weight.normal_(0, WEIGHT_DEVIATION, generator=generator)
    return network.requires_grad_(False).eval()


def random_model(size: FullSize, device: str = "auto", precision: Precision = "auto") -> Model:
    """The model as the engine would load it, its first stage on the processor until it is needed; raises `ModelError`."""
    where = resolve_device(device)
    number = resolve_precision(precision, where)
    unet = random_network(UNetSpatioTemporalConditionModel, size.unet, where, DTYPES[number])
    adapt_to_device(unet, where)
    return Model(size.declaration, Path(), unet, random_first_stage(size, "meta", number), where, number)


def random_first_stage(size: FullSize, device: str, precision: Precision) -> VaeFirstStage:
    """SVD's autoencoder as the engine would load it; on ``meta`` it knows its sizes only."""
    if device == "meta":
        with torch.device("meta"):
            vae = AutoencoderKLTemporalDecoder.from_config(size.vae)
        nn.Module.to(vae, DTYPES[precision])
    else:
        vae = random_network(AutoencoderKLTemporalDecoder, size.vae, device, DTYPES[precision])
        order_convolutions(vae)
    return VaeFirstStage(vae, size.declaration.condition_scaled)


def network_size(model: Model, first_stage: int = 0) -> NetworkSize:
    """What the planner reckons with for this model; ``first_stage``: bytes of its weights on the device."""
    weights = sum(weight.numel() * weight.element_size() for weight in model.unet.parameters())
    size = NetworkSize.from_config(model.unet.config, weights, DTYPES[model.precision].itemsize)
    return replace(size, first_stage=first_stage)
