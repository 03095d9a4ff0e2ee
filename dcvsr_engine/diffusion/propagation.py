"""Foreign keys and values: SAP's bank of a frame's tiles and TAP's memory of the window before (method.md §2–4).

Keys and values have the shape ``(branches, tiles, frames, heads, tokens, dim)`` here. Spatial self-attention has no positional
encoding, so foreign tokens are simply appended to a tile's own.
"""

import math
import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor

from dcvsr_engine.diffusion.branch import CONDITIONAL, Branch
from dcvsr_engine.diffusion.turns import pause_turn
from dcvsr_engine.tiling.grid import Tile, TileGrid

Place = TypeVar("Place", bound=Hashable)
KeysAndValues = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class BatchLayout:
    """The rows of a U-Net batch: every tile for the first branch, then every tile for the next."""

    branches: tuple[Branch, ...]
    tiles: tuple[Tile, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Branches, tiles, frames."""
        return len(self.branches), len(self.tiles), self.tiles[0].frames


class Extension(Protocol):
    """Appends foreign keys and values in one of the propagating layers, or collects the own ones."""

    def extend(self, layer: int, key: Tensor, value: Tensor, layout: BatchLayout) -> KeysAndValues:
        """Extend what a layer attends to.

        Args:
            layer: index among the propagating layers.
            key, value: ``(branches, tiles, frames, heads, tokens, dim)``.
            layout: what is in the batch.

        Returns:
            Keys and values of the same shape but with as many tokens or more.
        """

    def move(self, device: str) -> None:
        """Hold everything on another device."""


LAYOUT: ContextVar[BatchLayout | None] = ContextVar("layout", default=None)
ATTENTION_MASS: ContextVar[list[Tensor] | None] = ContextVar("attention mass", default=None)


class Propagation:
    """State that the attention processors of a U-Net share. Only its context managers change it.

    What belongs to one evaluation is a context variable: in staged lockstep, evaluations take turns within a layer.

    Attributes:
        extensions: applied in order in the propagating layers.
    """

    def __init__(self) -> None:
        self.extensions: tuple[Extension, ...] = ()

    @property
    def layout(self) -> BatchLayout | None:
        """What is in the batch of the calling evaluation; ``None`` outside of `batch`."""
        return LAYOUT.get()

    @property
    def attention_mass(self) -> list[Tensor] | None:
        """Where the middle block leaves what attention tokens receive; ``None`` outside of `record_attention`."""
        return ATTENTION_MASS.get()

    @contextmanager
    def extended_by(self, *extensions: Extension) -> Iterator[None]:
        """Have ``extensions`` act inside."""
        self.extensions = extensions
        try:
            yield
        finally:
            self.extensions = ()

    @contextmanager
    def batch(self, layout: BatchLayout) -> Iterator[None]:
        """Evaluate a batch of this ``layout`` inside."""
        token = LAYOUT.set(layout)
        try:
            yield
        finally:
            LAYOUT.reset(token)

    @contextmanager
    def record_attention(self) -> Iterator[list[Tensor]]:
        """Record what attention each token of the middle block receives: ``(rows · frames, tokens)`` per evaluation (SAG)."""
        masses: list[Tensor] = []
        token = ATTENTION_MASS.set(masses)
        try:
            yield masses
        finally:
            ATTENTION_MASS.reset(token)

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The branches in the batch; a network that is called by itself has one."""
        return self.layout.branches if self.layout else (CONDITIONAL,)

    def extend(self, layer: int, key: Tensor, value: Tensor) -> KeysAndValues:
        """Apply the extensions.

        Args:
            layer: index among the propagating layers.
            key, value: ``(branches · tiles · frames, heads, tokens, dim)``.

        Returns:
            Keys and values of the same shape but with as many tokens or more.
        """
        layout = self.layout
        if layout is None or not self.extensions:
            return key, value
        # rows are ordered as `BatchLayout` says
        key, value = key.unflatten(0, layout.shape), value.unflatten(0, layout.shape)
        for extension in self.extensions:
            key, value = extension.extend(layer, key, value, layout)
        return key.flatten(0, 2), value.flatten(0, 2)

    def move(self, device: str) -> None:
        """Hold all foreign keys and values on another device: off the computing one for a pause, and back."""
        for extension in self.extensions:
            extension.move(device)


def moved(held: dict[Place, KeysAndValues], device: str) -> dict[Place, KeysAndValues]:
    """Copy keys and values to another device."""
    return {place: (key.to(device), value.to(device)) for place, (key, value) in held.items()}


def append(own: Tensor, foreign: Tensor) -> Tensor:
    """Append foreign tokens to those of every tile and frame.

    Args:
        own: ``(branches, tiles, frames, heads, tokens, dim)``.
        foreign: ``(branches, 1 or tiles, 1 or frames, heads, more tokens, dim)``.
    """
    return torch.cat([own, foreign.to(own).expand(*own.shape[:4], -1, -1)], dim=-2)


# -- SAP --------------------------------------------------------------------------------------------------------


def lattice(start: int, length: int, rate: int) -> tuple[slice, slice]:
    """Find a tile's tokens on the frame's subsampling lattice, along one axis.

    The lattice belongs to the frame, not to the tile: where tiles overlap, they so offer the same tokens.

    Args:
        start: the frame's token where the tile begins.
        length: how many of the tile's tokens to consider.
        rate: every how many tokens one is kept, s_SAP.

    Returns:
        Which of the tile's tokens are kept, and where in the subsampled frame they go.
    """
    first = -start % rate
    kept = (start + first) // rate
    return slice(first, length, rate), slice(kept, kept + len(range(first, length, rate)))


class SpatialBank:
    """K_{t,n} and V_{t,n}: subsampled keys and values of every tile, on the token lattice of the whole frame (method.md §3).

    Where tiles overlap the later one overwrites, in the grid's order, whatever the order of evaluation.

    Attributes:
        grid: the tiles that are collected: those of all windows, or of one.
        rate: s_SAP, every how many tokens along each axis one is kept.
        first, frames: the frames that they cover.
        layers: per propagating layer and branch, keys and values ``(frames, heads, rows, columns, dim)``.
    """

    def __init__(self, grid: TileGrid, rate: int) -> None:
        self.grid, self.rate = grid, rate
        self.first = grid.windows[0]
        self.frames = grid.windows[-1] + grid.tile_frames - self.first
        self.layers: dict[tuple[int, Branch], KeysAndValues] = {}

    def collect(self, layer: int, key: Tensor, value: Tensor, layout: BatchLayout) -> None:
        """Keep the tokens of some tiles.

        Args:
            layer: index among the propagating layers.
            key, value: ``(branches, tiles, frames, heads, tokens, dim)``.
            layout: the branches and tiles they belong to.
        """
        # a layer on a reduced level of the U-Net has one token per stride × stride latents
        stride = round(math.sqrt(layout.tiles[0].height * layout.tiles[0].width / key.shape[-2]))
        for b, branch in enumerate(layout.branches):
            if (layer, branch.slot) not in self.layers:
                # by whichever tile comes first, of those that are evaluated side by side
                self.layers.setdefault((layer, branch.slot), (self._empty(key, stride), self._empty(value, stride)))
            for bank, tokens in zip(self.layers[layer, branch.slot], (key, value), strict=True):
                for tile, own in zip(layout.tiles, tokens[b], strict=True):
                    self._place(bank, own, tile, stride)

    def _place(self, bank: Tensor, tokens: Tensor, tile: Tile, stride: int) -> None:
        """Copy those of a tile's ``tokens`` ``(frames, heads, tokens, dim)`` that lie on the lattice and in no later tile."""
        # up to the corner of the next tile: so the last one in the grid's order counts, whatever the order of evaluation
        image = tokens.unflatten(-2, (tile.height // stride, tile.width // stride))
        frames, height, width = self.grid.corner(tile)
        from_y, to_y = lattice(tile.top // stride, height // stride, self.rate)
        from_x, to_x = lattice(tile.left // stride, width // stride, self.rate)
        start = tile.frame - self.first
        bank[start : start + frames, :, to_y, to_x] = image[:frames, :, from_y, from_x]

    def _empty(self, tokens: Tensor, stride: int) -> Tensor:
        """Storage ``(frames, heads, rows, columns, dim)`` of a layer and branch for tokens that are ``stride`` latents apart."""
        rows, columns = (-(-size // stride // self.rate) for size in (self.grid.height, self.grid.width))
        return tokens.new_zeros(self.frames, tokens.shape[3], rows, columns, tokens.shape[-1])

    def foreign(self, layer: int, layout: BatchLayout) -> KeysAndValues:
        """Look up keys and values for the frames of ``layout``, whose tiles share a window.

        A branch that was not collected gets the conditional one's: while γ is 0 the two may be the same.

        Returns:
            Keys and values ``(branches, 1, frames, heads, tokens, dim)``.
        """
        held = [self.layers.get((layer, branch.slot)) or self.layers[layer, CONDITIONAL] for branch in layout.branches]
        start = layout.tiles[0].frame - self.first
        frames = slice(start, start + layout.tiles[0].frames)
        key, value = (torch.stack([bank[frames].flatten(2, 3) for bank in side]) for side in zip(*held, strict=True))
        return key.unsqueeze(1), value.unsqueeze(1)

    def move(self, device: str) -> None:
        """Hold everything on another device."""
        self.layers = moved(self.layers, device)

    def to_tensors(self) -> dict[str, Tensor]:
        """Name the tensors ``(frames, heads, rows, columns, dim)`` for a file; see `from_tensors`."""
        return {
            f"{name}/{layer}/{branch.code}": tensor
            for (layer, branch), pair in self.layers.items()
            for name, tensor in zip(("key", "value"), pair, strict=True)
        }

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor], grid: TileGrid, rate: int) -> Self:
        """The inverse of `to_tensors`. See `SpatialBank` for ``grid``, ``rate`` and shapes."""
        bank = cls(grid, rate)
        for name in {key.split("/", 1)[1] for key in tensors}:
            layer, code = name.split("/")
            bank.layers[int(layer), Branch.from_code(code)] = tensors[f"key/{name}"], tensors[f"value/{name}"]
        return bank


@dataclass(frozen=True)
class Collect:
    """Leaves keys and values in a bank and changes nothing (two-pass: first pass; cached: the step before)."""

    bank: SpatialBank

    def extend(self, layer: int, key: Tensor, value: Tensor, layout: BatchLayout) -> KeysAndValues:
        """See `Extension.extend`."""
        self.bank.collect(layer, key, value, layout)
        return key, value

    def move(self, device: str) -> None:
        """See `Extension.move`."""
        self.bank.move(device)


@dataclass(frozen=True)
class Inject:
    """SAP: every tile attends to its own tokens and to those in the bank, frame by frame (eq. 2)."""

    bank: SpatialBank

    def extend(self, layer: int, key: Tensor, value: Tensor, layout: BatchLayout) -> KeysAndValues:
        """See `Extension.extend`."""
        keys, values = self.bank.foreign(layer, layout)
        return append(key, keys), append(value, values)

    def move(self, device: str) -> None:
        """See `Extension.move`."""
        self.bank.move(device)


@dataclass(frozen=True)
class Lockstep:
    """SAP to the letter: all tiles of the window exchange within the layer (eq. 2).

    They are in one batch, or wait there for each other: side by side (`lanes`), or in batches that take turns (`turns`). A tile
    that is evaluated once more afterwards finds all keys in the bank.
    """

    bank: SpatialBank

    def extend(self, layer: int, key: Tensor, value: Tensor, layout: BatchLayout) -> KeysAndValues:
        """See `Extension.extend`."""
        self.bank.collect(layer, key, value, layout)
        pause_turn()
        return Inject(self.bank).extend(layer, key, value, layout)

    def move(self, device: str) -> None:
        """See `Extension.move`."""
        self.bank.move(device)


# -- TAP --------------------------------------------------------------------------------------------------------


def frames_by_key_std(key: Tensor, count: int) -> Tensor:
    """Choose the frames whose keys have the largest standard deviation (method.md §4).

    Args:
        key: ``(frames, heads, tokens, dim)``.
        count: L, how many to choose.

    Returns:
        Their indices ``(count,)``, in order of time; fewer where there are fewer frames.
    """
    deviation = key.float().flatten(1).std(dim=1)
    return deviation.topk(min(count, len(deviation))).indices.sort().values


class TemporalMemory:
    """TAP: keys and values of chosen frames go from each window to the next one computed, same spatial tile (method.md §4).

    Attributes:
        count: L, how many frames are handed on.
        offered: per layer, spatial tile and branch, what the window before offers: ``(1, heads, L · tokens, dim)``.
        offering: the same for the window that comes next; it is apart from ``offered``, so that a window can be evaluated again.
        window: the one that is being evaluated.
        chosen: per window the frames of the segment that were chosen, ``(L,)`` per layer, tile and branch, where they were.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.offered: dict[tuple[int, int, Branch], KeysAndValues] = {}
        self.offering: dict[tuple[int, int, Branch], KeysAndValues] = {}
        self.window: int | None = None
        self.chosen: dict[int, list[Tensor]] = {}
        self._changing = threading.Lock()

    def extend(self, layer: int, key: Tensor, value: Tensor, layout: BatchLayout) -> KeysAndValues:
        """See `Extension.extend`."""
        # all layers of one evaluation see the same window, so the change of window is noticed in the first of them
        with self._changing:  # once, of tiles that are evaluated side by side
            if layout.tiles[0].n != self.window:
                self.offered, self.offering, self.window = self.offering, {}, layout.tiles[0].n
        places = [(layer, tile.m, branch.slot) for branch in layout.branches for tile in layout.tiles]
        received = [self.offered[place] for place in places if place in self.offered]
        self._offer(layer, key, value, layout)  # own tokens only: what was received is not passed on a second time
        if not received:
            return key, value
        keys, values = (torch.stack(side).unflatten(0, layout.shape[:2]) for side in zip(*received, strict=True))
        return append(key, keys), append(value, values)

    def move(self, device: str) -> None:
        """See `Extension.move`."""
        self.offered, self.offering = moved(self.offered, device), moved(self.offering, device)

    def frames_of(self, window: int) -> list[int]:
        """The ``count`` frames, numbered in the segment, that ``window`` hands on most often over layers, tiles and branches."""
        counts = Counter(sorted(torch.cat(self.chosen[window]).tolist()))  # the earlier ones of those chosen equally often
        return sorted(frame for frame, _ in counts.most_common(self.count))

    def _offer(self, layer: int, key: Tensor, value: Tensor, layout: BatchLayout) -> None:
        """Keep the chosen frames of each tile and branch for the next window; shapes as in `Extension.extend`."""
        for b, branch in enumerate(layout.branches):
            for i, tile in enumerate(layout.tiles):
                frames = frames_by_key_std(key[b, i], self.count)
                keys, values = (x[b, i, frames].transpose(0, 1).flatten(1, 2).unsqueeze(0) for x in (key, value))
                self.offering[layer, tile.m, branch.slot] = keys, values
                # counted later: reading them here would make the host wait for a GPU in every layer
                self.chosen.setdefault(tile.n, []).append(frames + tile.frame)
