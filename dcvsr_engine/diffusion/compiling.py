"""What a `compile_process` does: it compiles blocks of a U-Net that has no weights.

Blocks are compiled for shapes, so one at a time is held, with arbitrary numbers.
"""

import copy
from typing import Any

import torch
from diffusers import UNetSpatioTemporalConditionModel
from torch import nn

from dcvsr_engine.diffusion.attention import install_processors
from dcvsr_engine.network.compiled import BlockCall, plain_forward, reason
from dcvsr_engine.network.device import resolve_device
from dcvsr_engine.network.fused import adapt_to_device


def compile_calls(config: dict[str, Any], device: torch.device, dtype: torch.dtype, calls: list[BlockCall]) -> str:
    """Compile ``calls`` of blocks.

    Args:
        config: diffusers' configuration of the U-Net.
        device, dtype: of its weights.
        calls: what to compile.

    Returns:
        Why that has ended early; nothing when all is compiled.
    """
    try:
        blocks = dict(unet_without_weights(config, device, dtype).named_modules())
        for call in calls:
            block = copy.deepcopy(blocks[call.block]).to_empty(device=device)
            call.compile(torch.compile(plain_forward(block)))
        return ""
    except Exception as error:  # whatever a compiler, or its absence, makes of it
        return reason(error)


def unet_without_weights(config: dict[str, Any], device: torch.device, dtype: torch.dtype) -> UNetSpatioTemporalConditionModel:
    """A U-Net of a ``config`` as it computes on a ``device``, without memory for its weights."""
    with torch.device("meta"):
        unet: UNetSpatioTemporalConditionModel = UNetSpatioTemporalConditionModel.from_config(config)
    nn.Module.to(unet, dtype)  # diffusers' own warns
    unet.requires_grad_(False).eval()
    adapt_to_device(unet, resolve_device(device.type))
    install_processors(unet)
    return unet
