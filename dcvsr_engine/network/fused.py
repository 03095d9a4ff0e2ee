"""The U-Net as a device computes it fastest: on a processor, oneDNN fuses feed-forward layers and pictures are channels last."""

import functools
from typing import Any

import torch
from diffusers.models.activations import GEGLU
from diffusers.models.attention import FeedForward
from diffusers.models.transformers.transformer_temporal import TransformerSpatioTemporalModel
from torch import Tensor, nn

from dcvsr_engine.settings import Device


def fused_linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """``GELU(x Wᵀ + b)`` of ``x`` ``(…, channels)`` in one call."""
    out: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "gelu", [], "none")
    return out


def fused_product(x: Tensor, other: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """``(x Wᵀ + b) · other`` of ``x`` ``(…, channels)`` in one call."""
    out: Tensor = torch.ops.mkldnn._linear_pointwise.binary(x, other, weight, bias, "mul")
    return out


@functools.cache
def can_fuse(dtype: torch.dtype) -> bool:
    """Whether this build of PyTorch, on this processor, has the fused calls for a number format."""
    one = torch.ones(1, 1, dtype=dtype)
    try:
        return bool(fused_product(one, fused_linear(one, one, one[0]), one, one[0]).isfinite().all())
    except (AttributeError, RuntimeError):  # NotImplementedError is one of the latter
        return False


class FusedFeedForward(nn.Module):
    """diffusers' gated feed-forward layer, the same numbers up to rounding, in half the time: nothing is copied, GELU is fused.

    Wherever that cannot be – while training, on another device, in a format that oneDNN lacks – the plain layer computes.

    Attributes:
        net: the layer's parts; its weights keep their names.
    """

    def __init__(self, layer: FeedForward) -> None:
        super().__init__()
        self.net = layer.net

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Map ``(…, channels)`` to the same shape."""
        if hidden_states.device.type == "cpu" and not torch.is_grad_enabled() and can_fuse(hidden_states.dtype):
            return self.fused(hidden_states)
        for part in self.net:
            hidden_states = part(hidden_states)
        return hidden_states

    def fused(self, hidden_states: Tensor) -> Tensor:
        """See `forward`; the gate comes first, to be multiplied where the values are left."""
        (value, gate), (value_bias, gate_bias) = (part.chunk(2) for part in (self.net[0].proj.weight, self.net[0].proj.bias))
        gated = fused_product(hidden_states, fused_linear(hidden_states, gate, gate_bias), value, value_bias)
        out: Tensor = self.net[2](gated)
        return out


def fuse_feed_forward(network: nn.Module) -> None:
    """Replace the gated feed-forward layers of a ``network`` by `FusedFeedForward`."""
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, FeedForward) and isinstance(layer.net[0], GEGLU):
                setattr(parent, name, FusedFeedForward(layer))


def adapt_to_device(unet: nn.Module, device: Device) -> None:
    """Change the layers of a ``unet`` to those that are fastest on a ``device``: the same numbers up to rounding.

    A GPU gets them as diffusers keeps them. Which order is faster there is open: on an H100 a guided tile took 0.206 s so and
    0.220 s channels last, but 0.160 s in another row of the same run (26 November 2026, torch 2.11, “dcvsr bench full”).
    """
    if device == "cpu":
        order_convolutions(unet)
        fuse_feed_forward(unet)
        keep_channels_last(unet)


def order_convolutions(network: nn.Module) -> None:
    """Keep the weights of the two-dimensional convolutions of a ``network`` channels last, as pictures then are, too."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def keep_channels_last(network: nn.Module) -> None:
    """Have the transformers of a ``network`` hand on pictures channels last, as its convolutions want them and as they come."""
    for module in network.modules():
        if isinstance(module, TransformerSpatioTemporalModel):
            module.register_forward_hook(ordered_channels_last)


def ordered_channels_last(module: nn.Module, arguments: Any, output: Any) -> Any:
    """A forward hook: the picture ``(n, channels, height, width)`` in a transformer's ``output``, channels last."""
    (picture,) = output
    return (picture.contiguous(memory_format=torch.channels_last),)
