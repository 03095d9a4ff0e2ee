"""Low-rank adapters (LoRA, Hu et al. 2021) on a large network's attention, by the package peft; merged at export."""

from typing import Any

import torch
from torch import Tensor, nn

from dcvsr_engine.errors import ModelError

TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]
"""Projections of every attention layer: spatial, temporal, and to the image embedding."""


def adapt(network: nn.Module, rank: int, seed: int) -> None:
    """Freeze ``network`` and add adapters of ``rank``, which begin without effect; raises `ModelError` without peft."""
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError:
        raise ModelError("LoRA needs the package peft: install it with “pip install dcvsr-studio[train]”.") from None
    torch.manual_seed(seed)
    # alpha equal to the rank: a scale of 1 whatever the rank
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=rank, target_modules=TARGETS), network)


def merged_weights(network: nn.Module) -> dict[str, Tensor]:
    """Return all weights under the names of the plain network, the adapters' changes added to the weights they adapt."""
    weights = {name.replace(".base_layer.", "."): value for name, value in network.state_dict().items() if ".lora_" not in name}
    for name, module in network.named_modules():
        if hasattr(module, "get_delta_weight"):
            adapted: Any = module
            weights[f"{name}.weight"] = weights[f"{name}.weight"] + adapted.get_delta_weight("default")
    return weights
