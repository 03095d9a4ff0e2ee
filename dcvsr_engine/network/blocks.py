"""diffusers' blocks as a processor computes them sooner: the same numbers up to rounding, in fewer passes over memory.

Nothing is normalised for a query that cross-attention to one token does not need, and spatial and temporal features are mixed in
one pass. A mixture is the learned one: the U-Net says of no frame that it is a picture.
While training, and wherever a block is made otherwise, diffusers' own forward computes.
"""

from collections.abc import Callable
from typing import Any, TypeGuard

import torch
from diffusers.models.attention import Attention, BasicTransformerBlock, TemporalBasicTransformerBlock
from diffusers.models.resnet import AlphaBlender, ResnetBlock2D, SpatioTemporalResBlock, TemporalResnetBlock
from torch import Tensor, nn


def is_single_token(context: Tensor | None) -> TypeGuard[Tensor]:
    """Whether blocks may be computed the short way for this ``context`` ``(n, tokens, width)``."""
    return context is not None and context.shape[1] == 1 and not torch.is_grad_enabled()


def attended(attention: Attention, x: Tensor, context: Tensor | None = None) -> Tensor:
    """Attend from ``x`` ``(n, tokens, channels)``; not by diffusers' forward, which inspects the processor at every call."""
    processor: Callable[..., Tensor] = attention.processor
    return processor(attention, x, context)


def transformed(block: BasicTransformerBlock | TemporalBasicTransformerBlock, x: Tensor, token: Tensor) -> Tensor:
    """Self-attention, cross-attention to one token and feed-forward, each beside the identity.

    Args:
        block: whose layers compute.
        x: ``(n, tokens, channels)``.
        token: ``(n, 1, width)``.

    Returns:
        Shaped like ``x``.
    """
    x = attended(block.attn1, block.norm1(x)).add_(x)
    x = x.add_(attended(block.attn2, x, token))
    out: Tensor = block.ff(block.norm3(x)).add_(x)
    return out


class TakenOver:
    """Has the layers of a block that it replaces, under the same names."""

    def __init__(self, block: nn.Module) -> None:
        nn.Module.__init__(self)  # type: ignore[arg-type]  # not the class's own, which would make new layers
        self.__dict__.update(vars(block))


class QuickTransformerBlock(TakenOver, BasicTransformerBlock):  # type: ignore[misc]
    """A spatial transformer block."""

    def forward(self, hidden_states: Tensor, *args: Any, encoder_hidden_states: Tensor | None = None, **named: Any) -> Tensor:
        """Map ``(rows · frames, tokens, channels)`` to the same shape."""
        if not is_single_token(encoder_hidden_states):
            out: Tensor = super().forward(hidden_states, *args, encoder_hidden_states=encoder_hidden_states, **named)
            return out
        return transformed(self, hidden_states, encoder_hidden_states)


class QuickTemporalBlock(TakenOver, TemporalBasicTransformerBlock):  # type: ignore[misc]
    """A temporal transformer block."""

    def forward(self, hidden_states: Tensor, num_frames: int, encoder_hidden_states: Tensor | None = None) -> Tensor:
        """Map ``(rows · frames, tokens, channels)`` to the same shape; the context has a row for every token of every row."""
        if not (self.is_res and is_single_token(encoder_hidden_states)):
            out: Tensor = super().forward(hidden_states, num_frames, encoder_hidden_states)
            return out
        rows, tokens = len(hidden_states) // num_frames, hidden_states.shape[1]
        x = hidden_states.unflatten(0, (rows, num_frames)).transpose(1, 2).flatten(0, 1)
        x = self.ff_in(self.norm_in(x)).add_(x)
        changed: Tensor = transformed(self, x, encoder_hidden_states).unflatten(0, (rows, tokens)).transpose(1, 2)
        return changed.flatten(0, 1)


class QuickBlender(TakenOver, AlphaBlender):  # type: ignore[misc]
    """The mixture of spatial and temporal features in one pass."""

    def forward(self, x_spatial: Tensor, x_temporal: Tensor, image_only_indicator: Tensor | None = None) -> Tensor:
        """Mix features of any shape."""
        if torch.is_grad_enabled():
            out: Tensor = super().forward(x_spatial, x_temporal, image_only_indicator)
            return out
        return torch.lerp(x_temporal, x_spatial, self.spatial_share.to(x_spatial))

    @property
    def spatial_share(self) -> Tensor:
        """Share of the spatial features, ``(1,)``."""
        return torch.sigmoid(self.mix_factor)


def residual(block: ResnetBlock2D | TemporalResnetBlock, x: Tensor, embedding: Tensor) -> Tensor:
    """What a residual block adds to its input.

    Args:
        block: whose layers compute.
        x: ``(n, channels, …)``.
        embedding: of the noise level ``(1, width)``, the same for all of ``x``.
    """
    bias = block.time_emb_proj(block.nonlinearity(embedding)).view(1, -1, *[1] * (x.dim() - 2))
    inside = block.conv1(block.nonlinearity(block.norm1(x))).add_(bias)
    out: Tensor = block.conv2(block.nonlinearity(block.norm2(inside)))
    return out


class QuickResBlock(TakenOver, SpatioTemporalResBlock):  # type: ignore[misc]
    """A spatio-temporal residual block.

    The temporal part is ``x + r(x)``, so that the mixture of both is ``x`` and a share of ``r(x)``.
    """

    def forward(self, hidden_states: Tensor, temb: Tensor, image_only_indicator: Tensor) -> Tensor:
        """Map ``(rows · frames, channels, height, width)`` to the same shape, with other channels.

        The embedding ``(rows · frames, width)`` of a U-Net is that of one noise level, the same in all rows.
        """
        if torch.is_grad_enabled() or not isinstance(self.time_mixer, QuickBlender):  # training takes temporal layers away
            out: Tensor = super().forward(hidden_states, temb, image_only_indicator)
            return out
        spatial, temporal = self.spatial_res_block, self.temporal_res_block
        beside = hidden_states if spatial.conv_shortcut is None else spatial.conv_shortcut(hidden_states)
        x = residual(spatial, hidden_states, temb[:1]).add_(beside)
        video = x.unflatten(0, (-1, image_only_indicator.shape[-1])).transpose(1, 2)
        share = 1 - self.time_mixer.spatial_share
        mixed: Tensor = video.addcmul(share.to(x), residual(temporal, video, temb[:1])).transpose(1, 2)
        return mixed.flatten(0, 1)


QUICK_BLOCKS: dict[type[nn.Module], Callable[[Any], nn.Module]] = {
    BasicTransformerBlock: QuickTransformerBlock,
    TemporalBasicTransformerBlock: QuickTemporalBlock,
    AlphaBlender: QuickBlender,
    SpatioTemporalResBlock: QuickResBlock,
}
"""What makes the quick one of a block of diffusers."""
