"""Tells from the shapes of weights which network they belong to. Torch-free."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.headers import TensorHeader
from dcvsr_engine.storage import read_json

TIME_EMBEDDING = 256
UNET_CLASS = "UNetSpatioTemporalConditionModel"
CROSS_BLOCK, PLAIN_BLOCK = "CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"
SVD_UNET: dict[str, Any] = {
    "_class_name": UNET_CLASS,
    "addition_time_embed_dim": TIME_EMBEDDING,
    "block_out_channels": [320, 640, 1280, 1280],
    "cross_attention_dim": 1024,
    "down_block_types": [CROSS_BLOCK, CROSS_BLOCK, CROSS_BLOCK, PLAIN_BLOCK],
    "in_channels": 8,
    "layers_per_block": 2,
    "num_attention_heads": [5, 10, 20, 20],
    "num_frames": 14,
    "out_channels": 4,
    "projection_class_embeddings_input_dim": 768,
    "sample_size": 96,
    "transformer_layers_per_block": 1,
    "up_block_types": [name.replace("Down", "Up") for name in (PLAIN_BLOCK, CROSS_BLOCK, CROSS_BLOCK, CROSS_BLOCK)],
}
"""The config of SVD's U-Net: its values are diffusers' defaults for this class, and the published 14-frame model's."""
SVD_VAE: dict[str, Any] = {"block_out_channels": [128, 256, 512, 512], "latent_channels": 4}
"""The part of SVD's autoencoder's config that matters here."""


def is_unet(tensors: Mapping[str, TensorHeader]) -> bool:
    """Whether weights are those of diffusers' spatio-temporal U-Net."""
    return {"conv_in.weight", "conv_out.weight", "add_embedding.linear_1.weight"} <= tensors.keys() and any(
        ".temporal_transformer_blocks." in name for name in tensors
    )


def unet_facts(tensors: Mapping[str, TensorHeader]) -> dict[str, Any]:
    """Derive the part of a U-Net's config that its shapes decide.

    Args:
        tensors: headers of all its weights, by name.

    Raises:
        ModelError: tensors are missing.
    """
    try:
        blocks = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("down_blocks."))
        resnets = {name.split(".")[3] for name in tensors if name.startswith("down_blocks.0.resnets.")}
        convolutions = [tensors[f"down_blocks.{block}.resnets.0.spatial_res_block.conv1.weight"] for block in range(blocks)]
        cross = next(tensor for name, tensor in tensors.items() if name.endswith("attn2.to_k.weight"))
        attention = [any(name.startswith(f"down_blocks.{block}.attentions.") for name in tensors) for block in range(blocks)]
        return {
            "in_channels": tensors["conv_in.weight"].shape[1],
            "out_channels": tensors["conv_out.weight"].shape[0],
            "block_out_channels": [convolution.shape[0] for convolution in convolutions],
            "layers_per_block": len(resnets),
            "cross_attention_dim": cross.shape[1],
            "projection_class_embeddings_input_dim": tensors["add_embedding.linear_1.weight"].shape[1],
            "down_block_types": [CROSS_BLOCK if has_attention else PLAIN_BLOCK for has_attention in attention],
        }
    except (KeyError, IndexError, ValueError, StopIteration):
        raise ModelError(
            "These weights are not a complete U-Net of Stable Video Diffusion's kind: tensors are missing."
        ) from None


def check_unet(tensors: Mapping[str, TensorHeader], config: Mapping[str, Any], where: Path) -> None:
    """Raise `ModelError` when weights and ``config`` do not belong to one network; ``where`` is named in it."""
    if config.get("_class_name", UNET_CLASS) != UNET_CLASS:
        raise ModelError(f"{where} holds a {config['_class_name']}, and this program needs a {UNET_CLASS}.")
    if not is_unet(tensors):
        raise ModelError(f"The weights in {where} are not those of a {UNET_CLASS}.")
    for name, found in unet_facts(tensors).items():
        declared = config.get(name, SVD_UNET[name])
        if declared != found:
            raise ModelError(f"The weights in {where} do not fit their config.json: {name} is {found}, not {declared}.")


def read_config(path: Path) -> dict[str, Any]:
    """Read a ``config.json``; raises `ModelError`."""
    try:
        config = read_json(path)
    except (OSError, ValueError):
        raise ModelError(f"{path} is missing or damaged.") from None
    if not isinstance(config, dict):
        raise ModelError(f"{path} holds no config.")
    return config


def what_it_looks_like(tensors: Mapping[str, TensorHeader]) -> str:
    """Name, in words, weights of another kind that users may have."""
    names = list(tensors)
    if any(name.startswith("model.diffusion_model.") for name in names):
        return "a checkpoint in the layout of Stability's own programs; get the folder in diffusers' layout instead"
    if any("lora" in name.lower() for name in names):
        return "a LoRA, which this program cannot apply"
    if any(name.startswith(("encoder.", "decoder.")) for name in names):
        return "an autoencoder without a U-Net"
    if any(name.startswith(("vision_model.", "text_model.")) for name in names):
        return "an image or text encoder without a U-Net"
    return "the weights of another network"
