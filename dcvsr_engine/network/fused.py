"""The U-Net as a device computes it fastest.

On a processor, oneDNN fuses feed-forward layers, pictures are channels last, small ones are normalised by matrix products, and
temporal convolutions are two-dimensional. Blocks come from `blocks`.
"""

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.activations import GEGLU
from diffusers.models.attention import FeedForward
from diffusers.models.transformers.transformer_temporal import TransformerSpatioTemporalModel
from torch import Tensor, nn

from dcvsr_engine.network.blocks import QUICK_BLOCKS
from dcvsr_engine.network.uncompiled import left_uncompiled
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

    # Inductor cannot take oneDNN's own calls
    @left_uncompiled
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
    replace_layers(network, FusedFeedForward, lambda layer: isinstance(layer, FeedForward) and isinstance(layer.net[0], GEGLU))


FEW_PIXELS = 1024
"""PyTorch's group norm on a processor is up to 25 times slower for pictures of fewer pixels that are channels last (measured)."""


class QuickGroupNorm(nn.Module):
    """Group norm with the same numbers up to rounding, as matrix products where pictures are small and channels last.

    Attributes:
        weight, bias, num_groups, eps: of the layer that it replaces.
    """

    def __init__(self, layer: nn.GroupNorm) -> None:
        super().__init__()
        self.weight, self.bias, self.num_groups, self.eps = layer.weight, layer.bias, layer.num_groups, layer.eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(n, channels, …)``; shaped like it."""
        small = x.dim() == 4 and x.shape[-2] * x.shape[-1] < FEW_PIXELS and x.is_contiguous(memory_format=torch.channels_last)
        if small and x.device.type == "cpu" and not torch.is_grad_enabled():
            return self.by_moments(x)
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def by_moments(self, x: Tensor) -> Tensor:
        """Normalise ``(n, channels, height, width)`` that is channels last; shaped and ordered like it."""
        n, channels, height, width = x.shape
        pixels = x.permute(0, 2, 3, 1).reshape(n, height * width, channels).float()
        average = pixels.new_full((1, 1, height * width), 1 / (height * width)).expand(n, -1, -1)
        mean, square = (
            (average @ values).view(n, self.num_groups, -1).mean(-1, keepdim=True) for values in (pixels, pixels.square())
        )
        deviation = (square - mean**2).clamp(min=0).add(self.eps).sqrt()
        scale = self.weight.float().view(self.num_groups, -1) / deviation
        offset = self.bias.float().view(self.num_groups, -1) - mean * scale
        normal = torch.addcmul(offset.view(n, 1, channels), pixels, scale.view(n, 1, channels))
        return normal.to(x.dtype).view(n, height, width, channels).permute(0, 3, 1, 2)


def quicken_group_norms(network: nn.Module) -> None:
    """Replace the group norms of a ``network`` by `QuickGroupNorm`."""
    replace_layers(network, QuickGroupNorm, lambda layer: isinstance(layer, nn.GroupNorm))


class PlanarConvolution(nn.Module):
    """A temporal convolution (3, 1, 1) as a two-dimensional one over flattened pictures: the same numbers up to rounding.

    On a processor, that is thrice as fast in float32 and keeps pictures channels last; in bf16 it gains nothing (measured).

    Attributes:
        weight, bias: of the layer that it replaces.
    """

    def __init__(self, layer: nn.Conv3d) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, video: Tensor) -> Tensor:
        """Convolve ``(n, channels, frames, height, width)``."""
        if video.device.type == "cpu" and video.dtype != torch.float32:
            return F.conv3d(video, self.weight, self.bias, padding=(1, 0, 0))
        flat = F.conv2d(video.flatten(3), self.weight.flatten(3), self.bias, padding=(1, 0))
        out: Tensor = flat.unflatten(3, video.shape[3:])
        return out


def flatten_convolutions(network: nn.Module) -> None:
    """Replace the temporal convolutions of a ``network`` by `PlanarConvolution`."""
    replace_layers(network, PlanarConvolution, lambda layer: isinstance(layer, nn.Conv3d) and layer.kernel_size == (3, 1, 1))


def replace_layers(network: nn.Module, replacement: Callable[[Any], nn.Module], is_meant: Callable[[nn.Module], bool]) -> None:
    """Replace the layers of a ``network`` that are meant by what ``replacement`` makes of each."""
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if is_meant(layer):
                setattr(parent, name, replacement(layer))


def adapt_to_device(unet: nn.Module, device: Device) -> None:
    """Change the layers of a ``unet`` to those that are fastest on a ``device``: the same numbers up to rounding.

    A GPU gets them as diffusers keeps them. Which order is faster there is open: on an H100 a guided tile took 0.206 s so and
    0.220 s channels last, but 0.160 s in another row of the same run (26 November 2026, torch 2.11, “dcvsr bench full”).
    """
    if device == "cpu":
        order_convolutions(unet)
        fuse_feed_forward(unet)
        quicken_group_norms(unet)
        flatten_convolutions(unet)
        keep_channels_last(unet)
        quicken_blocks(unet)


def quicken_blocks(unet: nn.Module) -> None:
    """Replace the blocks of a ``unet`` by those that `QUICK_BLOCKS` names."""
    replace_layers(unet, lambda block: QUICK_BLOCKS[type(block)](block), lambda block: type(block) in QUICK_BLOCKS)


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
