"""The attention of the U-Net: spatial with γ and foreign keys and values, temporal, and to a single token (method.md §2, §5).

Rows of a U-Net batch are ordered branch by branch, tile by tile (`BatchLayout`). Spatial self-attention sees tokens
``(rows · frames, height · width, channels)``.
"""

import math

import torch
import torch.nn.functional as F
from diffusers import UNetSpatioTemporalConditionModel
from diffusers.models.attention_processor import Attention
from torch import Tensor

from dcvsr_engine.diffusion.propagation import Propagation
from dcvsr_engine.network.compiled import of_any_length
from dcvsr_engine.network.uncompiled import left_uncompiled
from dcvsr_engine.settings import GammaLayers

PARTS = {"down": "down_blocks", "middle": "mid_block", "up": "up_blocks"}
"""Parts of a U-Net in the order of computation, by the names of the setting ``gamma_layers``."""

MOST_ROWS = 65_535
"""The most rows that one call of an attention kernel gets: several CUDA kernels count them in a grid's second dimension, which
ends there. Tried on an H100 (method.md §9)."""

MOST_WEIGHTS, CACHED_WEIGHTS = 2**23, 2**20
"""Elements of a frame's attention map up to which a processor stores it, and of those that it stores together, in its cache."""


def temperature(query: Tensor, key: Tensor, gamma: Tensor) -> Tensor:
    """DSSAG's ``max(γ² q k, 1)`` with ``q``, ``k`` the largest absolute elements per frame and head (eq. 7).

    Args:
        query, key: ``(n, heads, tokens, dim)``.
        gamma: ``(n, 1, 1, 1)``.

    Returns:
        ``(n, heads, 1, 1)``.
    """
    # per frame and head, so that a result does not depend on what else is in the batch; in float, as half precision overflows
    q = query.abs().amax(dim=(-2, -1), keepdim=True).float()
    k = key.abs().amax(dim=(-2, -1), keepdim=True).float()
    return (gamma**2 * q * k).clamp(min=1)


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """``softmax(Q Kᵀ / √d) V`` by PyTorch's fused kernel, or by two products where those are faster: in bf16 on a processor.

    The 704 tokens of a tile's 6 frames took 18.8 ms fused and 12.4 ms by products, the 6 frames of its 704 positions 4.2 and
    1.6 ms (3 heads, one thread of a Zen 4, torch 2.13).

    Args:
        query: ``(n, heads, tokens, dim)``.
        key, value: the same, or with other tokens.

    Returns:
        Shaped like ``query``.
    """
    weights = query.shape[1] * query.shape[2] * key.shape[2]
    by_products = query.device.type == "cpu" and query.dtype == torch.bfloat16 and weights <= MOST_WEIGHTS
    if not by_products or torch.is_grad_enabled():
        return F.scaled_dot_product_attention(query, key, value)
    together = max(1, CACHED_WEIGHTS // weights)
    parts = zip(*(x.split(together) for x in (query / math.sqrt(query.shape[-1]), key, value)), strict=True)
    return torch.cat([torch.softmax(q @ k.transpose(-1, -2), dim=-1) @ v for q, k, v in parts])


def gamma_attention(query: Tensor, key: Tensor, value: Tensor, gamma: Tensor | None) -> Tensor:
    """``SA(Q, K, V, γ) = softmax(Q Kᵀ / (max(γ² q k, 1) √d)) V`` (eq. 7).

    Args:
        query: ``(n, heads, tokens, dim)``.
        key, value: the same, or with more tokens.
        gamma: ``(n, 1, 1, 1)``; 0, or ``None`` for all, is ordinary attention.

    Returns:
        Shaped like ``query``.
    """
    # dividing Q divides the logits, so that a fused kernel can be used
    if gamma is not None:
        query = query / temperature(query, key, gamma).to(query.dtype)
    return attention(query, key, value)


def received_attention(query: Tensor, key: Tensor) -> Tensor:
    """Sum the attention that each token receives, mean over heads (SAG, Hong et al. 2023).

    Args:
        query, key: ``(n, heads, tokens, dim)``.

    Returns:
        ``(n, tokens)``, 1 on average.
    """
    weights = torch.softmax(query.float() @ key.float().transpose(-1, -2) / math.sqrt(query.shape[-1]), dim=-1)
    return weights.mean(1).sum(1)


def value_per_row(values: list[float], like: Tensor) -> Tensor:
    """Spread one value per branch to ``(rows · frames, 1, 1, 1)``, where ``like`` has ``(rows · frames, …)``."""
    # filled where it is needed: copying it there would make the host wait for a GPU in every layer
    shape = like.shape[0] // len(values), 1, 1, 1
    return torch.cat([like.new_full(shape, value, dtype=torch.float32) for value in values])


class SpatialSelfAttention:
    """diffusers processor of one spatial self-attention.

    Attributes:
        propagation: what all processors of the U-Net share.
        layer: index among the propagating layers, ``None`` for the others.
        middle: whether it sits in the U-Net's middle block (PAG and SAG act there).
        gets_gamma: whether DSSAG acts in it.
    """

    def __init__(self, propagation: Propagation, layer: int | None, middle: bool, gets_gamma: bool = True) -> None:
        self.propagation, self.layer, self.middle, self.gets_gamma = propagation, layer, middle, gets_gamma

    # what propagates and gets γ changes from step to step, and evaluations may pause here
    @left_uncompiled
    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """Attend within ``hidden_states`` ``(rows · frames, tokens, channels)``, and to foreign tokens; shaped like it."""
        query, own_key, own_value = (
            project(hidden_states).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for project in (attn.to_q, attn.to_k, attn.to_v)
        )
        key, value = own_key, own_value  # own ones alone tell what a token receives (SAG), and are PAG's identity
        if self.layer is not None:
            key, value = self.propagation.extend(self.layer, key, value)
        gammas = [branch.gamma for branch in self.propagation.branches] if self.gets_gamma else []
        attended = gamma_attention(query, key, value, value_per_row(gammas, query) if any(gammas) else None)
        if self.middle:
            attended = self.perturbed(attended, query, own_key, own_value)
        return of_any_length(attn.to_out[1](attn.to_out[0](attended.transpose(1, 2).flatten(2))))

    def perturbed(self, attended: Tensor, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Record the attention received for SAG, and replace attention maps by the identity for PAG, in the middle block.

        Args:
            attended: what attention gave ``(rows · frames, heads, tokens, dim)``.
            query, key, value: own tokens, of the same shape.

        Returns:
            ``attended``, or ``value`` in the rows of PAG's branch.
        """
        if self.propagation.attention_mass is not None:
            self.propagation.attention_mass.append(received_attention(query, key))
        identities = [float(branch.identity) for branch in self.propagation.branches]
        return torch.where(value_per_row(identities, query) > 0, value, attended) if any(identities) else attended


class TemporalSelfAttention:
    """diffusers processor of a temporal self-attention, whose rows are all positions of all tiles and branches.

    Eight tiles of 64 × 64 with two branches have 65,536 rows, one more than several CUDA kernels launch; rows are independent.
    """

    def __init__(self, most_rows: int = MOST_ROWS) -> None:
        self.most_rows = most_rows

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """Attend within ``hidden_states`` ``(tiles · branches · height · width, frames, channels)``; shaped like it."""
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (
            project(tokens).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for project, tokens in ((attn.to_q, hidden_states), (attn.to_k, context), (attn.to_v, context))
        )
        parts = zip(query.split(self.most_rows), key.split(self.most_rows), value.split(self.most_rows), strict=True)
        attended = [attention(*part) for part in parts]
        joined = attended[0] if len(attended) == 1 else torch.cat(attended)
        out: Tensor = attn.to_out[1](attn.to_out[0](joined.transpose(1, 2).flatten(2)))
        return out


class CrossAttention:
    """diffusers processor of a cross-attention. To one token – the image embedding – every query gives the same: its value.

    While training, the general way is taken, so that every parameter has a gradient (distributed training insists on it).
    """

    def __init__(self) -> None:
        self.general = TemporalSelfAttention()

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """Attend from ``hidden_states`` ``(n, tokens, channels)`` to another ``(n, tokens, channels)``; shaped like the first."""
        if encoder_hidden_states.shape[1] != 1 or torch.is_grad_enabled():
            return self.general(attn, hidden_states, encoder_hidden_states)
        # diffusers repeats the token for every position of a frame without copying it: then it is one for all of them
        repeated = encoder_hidden_states.stride(0) == 0
        token = encoder_hidden_states[:1] if repeated else encoder_hidden_states
        out: Tensor = attn.to_out[1](attn.to_out[0](attn.to_v(token)))
        return out.expand(hidden_states.shape[0], hidden_states.shape[1], -1)


def install_processors(
    unet: UNetSpatioTemporalConditionModel, propagating: int = 2, gamma_layers: GammaLayers = "all"
) -> Propagation:
    """Give every attention of ``unet`` a processor.

    Args:
        unet: the network.
        propagating: how many spatial self-attentions propagate at either end (method.md §2).
        gamma_layers: part of the network in which they get γ (§5).

    Returns:
        What the processors share.
    """
    propagation = Propagation()
    names = spatial_self_attentions(unet)
    # the slice after the first ones keeps a small U-Net from counting a layer twice
    ends = names[:propagating] + names[propagating:][-propagating:]
    modules = dict(unet.named_modules())
    for name in names:
        layer = ends.index(name) if name in ends else None
        gets_gamma = gamma_layers == "all" or name.startswith(PARTS[gamma_layers])
        modules[name].set_processor(SpatialSelfAttention(propagation, layer, name.startswith(PARTS["middle"]), gets_gamma))
    for name, module in modules.items():
        if isinstance(module, Attention) and name not in names:
            module.set_processor(CrossAttention() if name.endswith(".attn2") else TemporalSelfAttention())
    return propagation


def spatial_self_attentions(unet: UNetSpatioTemporalConditionModel) -> list[str]:
    """Names of the spatial self-attentions in the order of computation: down, middle, up."""
    order = {prefix: place for place, prefix in enumerate(PARTS.values())}
    # temporal ones are in ``temporal_transformer_blocks``
    names = [name for name, _ in unet.named_modules() if name.endswith(".attn1") and ".transformer_blocks." in name]
    return sorted(names, key=lambda name: order[name.split(".")[0]])
