"""Attention processors for SAP, TAP and DSSAG, and the one state object that they share (method.md §2–5).

Rows of a U-Net batch are ordered branch by branch, tile by tile. Spatial self-attention sees tokens
``(rows · frames, height · width, channels)``; it has no positional encoding, so foreign keys and values are appended.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from diffusers import UNetSpatioTemporalConditionModel
from diffusers.models.attention_processor import Attention
from torch import Tensor

from dcvsr_engine.diffusion.branch import CONDITIONAL, Branch
from dcvsr_engine.tiling.grid import Tile, TileGrid

PROPAGATING_LAYERS = 2
"""How many spatial self-attentions propagate at either end of the U-Net."""


@dataclass(frozen=True)
class Rows:
    """What the rows of a batch are: every tile for the first branch, then every tile for the next."""

    branches: tuple[Branch, ...]
    tiles: tuple[Tile, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Branches, tiles, frames."""
        return len(self.branches), len(self.tiles), self.tiles[0].frames


class Extension(Protocol):
    """Adds foreign keys and values in one of the propagating layers."""

    def extend(self, layer: int, key: Tensor, value: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
        """Keys and values to attend to, from own ones ``(branches, tiles, frames, heads, tokens, dim)``."""

    def move(self, device: str) -> None:
        """Hold what is held on another device."""


@dataclass
class Propagation:
    """What the attention processors share. The sampler sets it before each evaluation.

    Attributes:
        rows: what is in the batch.
        extensions: applied in order in the propagating layers.
        attention_mass: where the middle block leaves how much attention each token receives (SAG), ``None`` to skip.
    """

    rows: Rows | None = None
    extensions: list[Extension] = field(default_factory=list)
    attention_mass: list[Tensor] | None = None

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The branches in the batch; a network that is called without a sampler has one."""
        return self.rows.branches if self.rows else (CONDITIONAL,)

    def extend(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Append what the extensions bring to ``key`` and ``value`` ``(rows · frames, heads, tokens, dim)``."""
        if self.rows is None or not self.extensions:
            return key, value
        key, value = key.unflatten(0, self.rows.shape), value.unflatten(0, self.rows.shape)
        for extension in self.extensions:
            key, value = extension.extend(layer, key, value, self.rows)
        return key.flatten(0, 2), value.flatten(0, 2)

    def move(self, device: str) -> None:
        """Hold all foreign keys and values on another device: off the computing one for a pause, and back."""
        for extension in self.extensions:
            extension.move(device)

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


def gamma_attention(query: Tensor, key: Tensor, value: Tensor, gamma: Tensor | None) -> Tensor:
    """``SA(Q, K, V, γ) = softmax(Q Kᵀ / (max(γ² q k, 1) √d)) V`` (eq. 7) without storing an attention map.

    Args:
        query, key, value: ``(n, heads, tokens, dim)``; keys and values may have more tokens.
        gamma: ``(n, 1, 1, 1)``; 0, or ``None`` for all, is ordinary attention.
    """
    if gamma is not None:
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
            project(hidden_states).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for project in (attn.to_q, attn.to_k, attn.to_v)
        )
        key, value = own_key, own_value
        if self.layer is not None:
            key, value = state.extend(self.layer, key, value)
        gammas = [branch.gamma for branch in state.branches]
        attended = gamma_attention(query, key, value, state.per_frame(gammas, query) if any(gammas) else None)
        if self.middle and state.attention_mass is not None:
            state.attention_mass.append(received_attention(query, own_key))
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
    """Which of a tile's first ``length`` tokens lie on the frame's lattice, and where in the subsampled frame they go.

    The tile begins at the frame's token ``start``.
    """
    first = -start % rate
    place = (start + first) // rate
    return slice(first, length, rate), slice(place, place + len(range(first, length, rate)))


class KeyBank:
    """Subsampled keys and values of every tile, on the token lattice of the whole frame (method.md §3).

    Where tiles overlap the later one overwrites, in the grid's order, whatever the order of evaluation.

    Attributes:
        grid: the tiles that are collected: those of all windows, or of one.
        first, frames: the frames that they cover.
        layers: per propagating layer and branch, keys and values ``(frames, heads, rows, columns, dim)``.
    """

    def __init__(self, grid: TileGrid, rate: int) -> None:
        self.grid, self.rate = grid, rate
        self.first = grid.windows[0]
        self.frames = grid.windows[-1] + grid.tile_frames - self.first
        self.layers: dict[tuple[int, Branch], tuple[Tensor, Tensor]] = {}

    def collect(self, layer: int, key: Tensor, value: Tensor, rows: Rows) -> None:
        """Place keys and values ``(branches, tiles, frames, heads, tokens, dim)``."""
        stride = round(math.sqrt(rows.tiles[0].height * rows.tiles[0].width / key.shape[-2]))
        for b, branch in enumerate(rows.branches):
            if (layer, branch.slot) not in self.layers:
                self.layers[layer, branch.slot] = self.empty(key, stride), self.empty(value, stride)
            for bank, tokens in zip(self.layers[layer, branch.slot], (key, value), strict=True):
                for tile, own in zip(rows.tiles, tokens[b], strict=True):
                    self.place(bank, own, tile, stride)

    def place(self, bank: Tensor, tokens: Tensor, tile: Tile, stride: int) -> None:
        """Copy those of a tile's ``tokens`` ``(frames, heads, tokens, dim)`` that lie on the lattice and in no later tile."""
        image = tokens.unflatten(-2, (tile.height // stride, tile.width // stride))
        frames, height, width = self.grid.corner(tile)
        from_y, to_y = lattice(tile.top // stride, height // stride, self.rate)
        from_x, to_x = lattice(tile.left // stride, width // stride, self.rate)
        start = tile.frame - self.first
        bank[start : start + frames, :, to_y, to_x] = image[:frames, :, from_y, from_x]

    def empty(self, tokens: Tensor, stride: int) -> Tensor:
        """Room for one layer and branch."""
        rows, columns = (-(-size // stride // self.rate) for size in (self.grid.height, self.grid.width))
        return tokens.new_zeros(self.frames, tokens.shape[3], rows, columns, tokens.shape[-1])

    def foreign(self, layer: int, rows: Rows) -> tuple[Tensor, Tensor]:
        """Keys and values for the frames of ``rows``: ``(branches, 1, frames, heads, tokens, dim)``.

        A branch that was not collected gets the conditional one's.
        """
        held = [self.layers.get((layer, branch.slot)) or self.layers[layer, CONDITIONAL] for branch in rows.branches]
        start = rows.tiles[0].frame - self.first
        frames = slice(start, start + rows.tiles[0].frames)
        key, value = (torch.stack([bank[frames].flatten(2, 3) for bank in side]) for side in zip(*held, strict=True))
        return key.unsqueeze(1), value.unsqueeze(1)


Held = dict[Any, tuple[Tensor, Tensor]]


def moved(held: Held, device: str) -> Held:
    """Keys and values on another device."""
    return {place: (key.to(device), value.to(device)) for place, (key, value) in held.items()}


def append(own: Tensor, foreign: Tensor) -> Tensor:
    """Append tokens ``(branches, 1 or tiles, 1 or frames, heads, n, dim)`` to those of every tile and frame."""
    return torch.cat([own, foreign.to(own).expand(*own.shape[:4], -1, -1)], dim=-2)


@dataclass
class Banked:
    """An extension that works with a bank."""

    bank: KeyBank

    def move(self, device: str) -> None:
        """See `Extension.move`."""
        self.bank.layers = moved(self.bank.layers, device)


@dataclass
class Collect(Banked):
    """Leaves keys and values in a bank and changes nothing (two-pass: first pass; cached: the step before)."""

    def extend(self, layer: int, key: Tensor, value: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
        """See `Extension.extend`."""
        self.bank.collect(layer, key, value, rows)
        return key, value


@dataclass
class Inject(Banked):
    """SAP: every tile attends to its own tokens and to those in the bank, frame by frame (eq. 2)."""

    def extend(self, layer: int, key: Tensor, value: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
        """See `Extension.extend`."""
        keys, values = self.bank.foreign(layer, rows)
        return append(key, keys), append(value, values)


@dataclass
class Lockstep(Banked):
    """SAP to the letter: all tiles of the window are in the batch and exchange within the layer (eq. 2)."""

    def extend(self, layer: int, key: Tensor, value: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
        """See `Extension.extend`."""
        self.bank.collect(layer, key, value, rows)
        return Inject(self.bank).extend(layer, key, value, rows)


# -- TAP --------------------------------------------------------------------------------------------------------


def liveliest_frames(key: Tensor, count: int) -> Tensor:
    """The ``count`` frames whose keys vary most, in order of time: ``(count,)`` indices from ``(frames, heads, tokens, dim)``."""
    spread = key.float().flatten(1).std(dim=1)
    return spread.topk(min(count, len(spread))).indices.sort().values


@dataclass
class Tap:
    """TAP: the chosen frames' keys and values go from each window to the next one computed, same spatial tile (method.md §4).

    Attributes:
        count: L, how many frames are handed on.
        offered: per layer, spatial tile and branch, what the window before offers: ``(1, heads, L · tokens, dim)``.
        offering: the same for the window that comes next; an evaluation that failed can so be repeated.
        window: the one that is being evaluated.
        chosen: how often each frame of the segment was chosen, per window.
    """

    count: int
    offered: dict[tuple[int, int, Branch], tuple[Tensor, Tensor]] = field(default_factory=dict)
    offering: dict[tuple[int, int, Branch], tuple[Tensor, Tensor]] = field(default_factory=dict)
    window: int | None = None
    chosen: dict[int, Counter[int]] = field(default_factory=dict)

    def extend(self, layer: int, key: Tensor, value: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
        """See `Extension.extend`."""
        if rows.tiles[0].n != self.window:
            self.offered, self.offering, self.window = self.offering, {}, rows.tiles[0].n
        places = [(layer, tile.m, branch.slot) for branch in rows.branches for tile in rows.tiles]
        received = [self.offered[place] for place in places if place in self.offered]
        self.offer(layer, key, value, rows)
        if not received:
            return key, value
        keys, values = (torch.stack(side).unflatten(0, rows.shape[:2]) for side in zip(*received, strict=True))
        return append(key, keys), append(value, values)

    def move(self, device: str) -> None:
        """See `Extension.move`."""
        self.offered, self.offering = moved(self.offered, device), moved(self.offering, device)

    def offer(self, layer: int, key: Tensor, value: Tensor, rows: Rows) -> None:
        """Keep the chosen frames of each tile and branch for the next window."""
        for b, branch in enumerate(rows.branches):
            for i, tile in enumerate(rows.tiles):
                frames = liveliest_frames(key[b, i], self.count)
                keys, values = (x[b, i, frames].transpose(0, 1).flatten(1, 2).unsqueeze(0) for x in (key, value))
                self.offering[layer, tile.m, branch.slot] = keys, values
                self.chosen.setdefault(tile.n, Counter()).update((frames + tile.frame).tolist())
