"""Attention processors for SAP, TAP and DSSAG, and the one state object that they share (method.md §2–5).

Rows of a U-Net batch are ordered branch by branch, tile by tile. Spatial self-attention sees tokens
``(rows · frames, height · width, channels)``; it has no positional encoding, so foreign keys and values are appended.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

import torch
import torch.nn.functional as F
from diffusers import UNetSpatioTemporalConditionModel
from diffusers.models.attention_processor import Attention
from torch import Tensor

from dcvsr_engine.tiling.grid import Tile, TileGrid

PROPAGATING_LAYERS = 2
"""How many spatial self-attentions propagate at either end of the U-Net."""


@dataclass(frozen=True)
class Branch:
    """One estimate of a guided step.

    Attributes:
        conditional: whether the declared condition is kept.
        gamma: detail suppression of every spatial self-attention, 0 for none.
        identity: PAG's perturbation: the middle block's attention maps become the identity.
    """

    conditional: bool = True
    gamma: float = 0.0
    identity: bool = False


class Extension(Protocol):
    """Adds foreign keys and values in one of the propagating layers."""

    def extend(self, layer: int, key: Tensor, value: Tensor, tiles: list[Tile]) -> tuple[Tensor, Tensor]:
        """Keys and values to attend to, from own ones ``(branches, tiles, frames, heads, tokens, dim)``."""


@dataclass
class Propagation:
    """What the attention processors share. The sampler sets it before each evaluation.

    Attributes:
        tiles: the tiles in the batch.
        branches: the branches in the batch.
        extensions: applied in order in the propagating layers.
        attention_mass: where the middle block leaves how much attention each token receives (SAG), ``None`` to skip.
    """

    tiles: list[Tile] = field(default_factory=list)
    branches: tuple[Branch, ...] = (Branch(),)
    extensions: list[Extension] = field(default_factory=list)
    attention_mass: list[Tensor] | None = None

    def extend(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Append what the extensions bring to ``key`` and ``value`` ``(rows · frames, heads, tokens, dim)``."""
        shape = len(self.branches), len(self.tiles), self.tiles[0].frames
        for extension in self.extensions:
            rows = key.unflatten(0, shape), value.unflatten(0, shape)
            key, value = (x.flatten(0, 2) for x in extension.extend(layer, *rows, self.tiles))
        return key, value

    def per_frame(self, values: list[float], like: Tensor) -> Tensor:
        """One value per branch, spread to ``(rows · frames, 1, 1, 1)``."""
        repeats = like.shape[0] // len(values)
        return torch.tensor(values, device=like.device).repeat_interleave(repeats).view(-1, 1, 1, 1)


def temperature(query: Tensor, key: Tensor, gamma: Tensor) -> Tensor:
    """DSSAG's ``max(γ² q k, 1)`` per frame and head, ``(n, heads, 1, 1)`` (eq. 7).

    ``q`` and ``k`` are the largest absolute elements of ``query`` and ``key`` ``(n, heads, tokens, dim)``.
    """
    q = query.abs().amax(dim=(-2, -1), keepdim=True).float()
    k = key.abs().amax(dim=(-2, -1), keepdim=True).float()
    return (gamma**2 * q * k).clamp(min=1)


def gamma_attention(query: Tensor, key: Tensor, value: Tensor, gamma: Tensor) -> Tensor:
    """``SA(Q, K, V, γ) = softmax(Q Kᵀ / (max(γ² q k, 1) √d)) V`` (eq. 7) without storing an attention map.

    Args:
        query, key, value: ``(n, heads, tokens, dim)``; keys and values may have more tokens.
        gamma: ``(n, 1, 1, 1)``; 0 is ordinary attention.
    """
    if bool((gamma > 0).any()):
        query = query / temperature(query, key, gamma).to(query.dtype)
    return F.scaled_dot_product_attention(query, key, value)


class SpatialSelfAttention:
    """diffusers processor of one spatial self-attention.

    Attributes:
        propagation: the shared state.
        layer: index among the propagating layers, ``None`` for the others.
        middle: whether it sits in the U-Net's middle block (PAG and SAG act there).
    """

    def __init__(self, propagation: Propagation, layer: int | None, middle: bool) -> None:
        self.propagation, self.layer, self.middle = propagation, layer, middle

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """Attend within ``hidden_states`` ``(rows · frames, tokens, channels)``."""
        state = self.propagation
        query, own_key, own_value = (
            project(hidden_states).unflatten(-1, (attn.heads, -1)).transpose(1, 2) for project in (attn.to_q, attn.to_k, attn.to_v)
        )
        key, value = (own_key, own_value) if self.layer is None else state.extend(self.layer, own_key, own_value)
        gamma = state.per_frame([branch.gamma for branch in state.branches], query)
        attended = gamma_attention(query, key, value, gamma)
        if self.middle and state.attention_mass is not None:
            state.attention_mass.append(received_attention(query, key))
        if self.middle and any(branch.identity for branch in state.branches):
            identity = state.per_frame([float(branch.identity) for branch in state.branches], query)
            attended = torch.where(identity > 0, own_value, attended)
        out: Tensor = attn.to_out[1](attn.to_out[0](attended.transpose(1, 2).flatten(2)))
        return out


def received_attention(query: Tensor, key: Tensor) -> Tensor:
    """How much attention each token receives, mean over heads, 1 on average: ``(n, tokens)`` (SAG, Hong et al. 2023)."""
    weights = torch.softmax(query.float() @ key.float().transpose(-1, -2) / math.sqrt(query.shape[-1]), dim=-1)
    return weights.mean(1).sum(1)


def install(unet: UNetSpatioTemporalConditionModel) -> Propagation:
    """Give every spatial self-attention of ``unet`` a processor; returns the state they share.

    The first two and last two of them, in the order of computation, propagate (method.md §2).
    """
    propagation = Propagation()
    names = spatial_self_attentions(unet)
    ends = names[:PROPAGATING_LAYERS] + names[PROPAGATING_LAYERS:][-PROPAGATING_LAYERS:]
    modules = dict(unet.named_modules())
    for name in names:
        layer = ends.index(name) if name in ends else None
        modules[name].set_processor(SpatialSelfAttention(propagation, layer, name.startswith("mid_block")))
    return propagation


def spatial_self_attentions(unet: UNetSpatioTemporalConditionModel) -> list[str]:
    """Names of the spatial self-attentions in the order of computation: down, middle, up."""
    order = {"down_blocks": 0, "mid_block": 1, "up_blocks": 2}
    names = [name for name, _ in unet.named_modules() if name.endswith(".attn1") and ".transformer_blocks." in name]
    return sorted(names, key=lambda name: order[name.split(".")[0]])


# -- SAP --------------------------------------------------------------------------------------------------------


def lattice(start: int, length: int, rate: int) -> tuple[slice, slice]:
    """Which tokens of a tile that begins at ``start`` lie on the frame's lattice, and where in the subsampled frame they go."""
    first = -start % rate
    count = len(range(first, length, rate))
    place = (start + first) // rate
    return slice(first, None, rate), slice(place, place + count)


class KeyBank:
    """Subsampled keys and values of every tile, on the token lattice of the whole frame (method.md §3).

    Where tiles overlap the later one overwrites. Frames count from the first of the segment.
    """

    def __init__(self, grid: TileGrid, rate: int) -> None:
        self.grid, self.rate = grid, rate
        self.layers: dict[int, tuple[Tensor, Tensor]] = {}

    def collect(self, layer: int, key: Tensor, value: Tensor, tiles: list[Tile]) -> None:
        """Place keys and values ``(branches, tiles, frames, heads, tokens, dim)``."""
        stride = round(math.sqrt(tiles[0].height * tiles[0].width / key.shape[-2]))
        if layer not in self.layers:
            self.layers[layer] = self.empty(key, stride), self.empty(value, stride)
        for bank, tokens in zip(self.layers[layer], (key, value), strict=True):
            for index, tile in enumerate(tiles):
                image = tokens[:, index].unflatten(-2, (tile.height // stride, tile.width // stride))
                from_y, to_y = lattice(tile.top // stride, tile.height // stride, self.rate)
                from_x, to_x = lattice(tile.left // stride, tile.width // stride, self.rate)
                bank[:, tile.slices[0], :, to_y, to_x] = image[..., from_y, from_x, :]

    def empty(self, tokens: Tensor, stride: int) -> Tensor:
        """Room for one layer: ``(branches, frames, heads, rows, columns, dim)``."""
        rows, columns = (-(-size // stride // self.rate) for size in (self.grid.height, self.grid.width))
        return tokens.new_zeros(tokens.shape[0], self.grid.frames, tokens.shape[3], rows, columns, tokens.shape[-1])

    def foreign(self, layer: int, frames: slice) -> tuple[Tensor, Tensor]:
        """Keys and values of ``frames``: ``(branches, frames, heads, tokens, dim)``."""
        key, value = (bank[:, frames].flatten(3, 4) for bank in self.layers[layer])
        return key, value


def append(own: Tensor, foreign: Tensor) -> Tensor:
    """Append tokens ``(branches, 1 or tiles, 1 or frames, heads, n, dim)`` to those of every tile and frame."""
    branches = own.shape[0]
    if foreign.shape[0] != branches:  # collected with fewer branches: the conditional one serves all
        foreign = foreign[:1].expand(branches, *foreign.shape[1:])
    return torch.cat([own, foreign.expand(*own.shape[:4], -1, -1)], dim=-2)


@dataclass
class Collect:
    """Leaves keys and values in a bank and changes nothing (two-pass: first pass; cached: the step before)."""

    bank: KeyBank

    def extend(self, layer: int, key: Tensor, value: Tensor, tiles: list[Tile]) -> tuple[Tensor, Tensor]:
        """See `Extension.extend`."""
        self.bank.collect(layer, key, value, tiles)
        return key, value


@dataclass
class Inject:
    """SAP: every tile attends to its own tokens and to those in the bank, frame by frame (eq. 2)."""

    bank: KeyBank

    def extend(self, layer: int, key: Tensor, value: Tensor, tiles: list[Tile]) -> tuple[Tensor, Tensor]:
        """See `Extension.extend`."""
        foreign = self.bank.foreign(layer, tiles[0].slices[0])
        return append(key, foreign[0].unsqueeze(1)), append(value, foreign[1].unsqueeze(1))


@dataclass
class Lockstep:
    """SAP to the letter: all tiles of the window are in the batch and exchange within the layer (eq. 2)."""

    bank: KeyBank

    def extend(self, layer: int, key: Tensor, value: Tensor, tiles: list[Tile]) -> tuple[Tensor, Tensor]:
        """See `Extension.extend`."""
        self.bank.collect(layer, key, value, tiles)
        return Inject(self.bank).extend(layer, key, value, tiles)


# -- TAP --------------------------------------------------------------------------------------------------------


def liveliest_frames(key: Tensor, count: int) -> Tensor:
    """The ``count`` frames whose keys vary most, ``(…, count)`` indices in order of time, from ``(…, frames, heads, tokens, dim)``."""
    spread = key.float().flatten(-3).std(dim=-1)
    return spread.topk(min(count, spread.shape[-1]), dim=-1).indices.sort(dim=-1).values


@dataclass
class Tap:
    """TAP: the chosen frames' keys and values go from each window to the next one computed, same spatial tile (method.md §4).

    Attributes:
        count: L, how many frames are handed on.
        offered: per layer and spatial tile what the window before offers, ``(branches, heads, L · tokens, dim)``.
        chosen: how often each frame of the segment was chosen, per window (conditional branch).
    """

    count: int
    offered: dict[tuple[int, int], tuple[Tensor, Tensor]] = field(default_factory=dict)
    chosen: dict[int, Counter[int]] = field(default_factory=dict)

    def extend(self, layer: int, key: Tensor, value: Tensor, tiles: list[Tile]) -> tuple[Tensor, Tensor]:
        """See `Extension.extend`."""
        received = [self.offered.get((layer, tile.m)) for tile in tiles]
        self.offer(layer, key, value, tiles)
        if any(offer is None for offer in received):
            return key, value
        offers = [offer for offer in received if offer is not None]
        keys, values = (torch.stack(side, dim=1).unsqueeze(2) for side in zip(*offers, strict=True))
        return append(key, keys), append(value, values)

    def offer(self, layer: int, key: Tensor, value: Tensor, tiles: list[Tile]) -> None:
        """Keep the chosen frames of each tile for the next window."""
        frames = liveliest_frames(key, self.count)
        index = frames[..., None, None, None].expand(*frames.shape, *key.shape[3:])
        keys, values = (x.gather(2, index).transpose(2, 3).flatten(3, 4) for x in (key, value))
        for i, tile in enumerate(tiles):
            self.offered[layer, tile.m] = keys[:, i], values[:, i]
            self.chosen.setdefault(tile.n, Counter()).update((frames[0, i] + tile.frame).tolist())
