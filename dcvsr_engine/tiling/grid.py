"""Geometry of the spatio-temporal tiles (method.md §1.4). Torch-free: the window draws the same grid the engine uses."""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

PAPER_SPREAD = 0.1
"""Standard deviation of the Gaussian weight as a share of the tile's length (variance 0.01)."""


def starts(size: int, length: int, stride: int, shift: int = 0) -> tuple[int, ...]:
    """Place tiles along an axis: one every ``stride``, the last one moved back to the border.

    Args:
        size: length of the axis.
        length: of a tile.
        stride: distance of starts.
        shift: moves all starts back by that many positions; tiles that would leave the axis are moved inside.

    Returns:
        Their starts, ascending.
    """
    last = max(0, size - length)
    # up to one stride beyond the last start, so that the border is reached; a set, as moved tiles may coincide
    lattice = range(-shift, last + stride, stride)
    return tuple(sorted({min(max(0, start), last) for start in lattice}))


def even_length(size: int, longest: int, overlap: float, unit: int = 1) -> int:
    """The shortest tiles that cover ``size`` with as many tiles as the ``longest`` and as many shared positions.

    Args:
        size: length of the axis, in whole units.
        longest: length that tiles may have.
        overlap: share of the longest that overlaps the next.
        unit: lengths are multiples of this.
    """
    stride = stride_of(longest, overlap, unit)
    count, shared = 1 + max(0, math.ceil((size - longest) / stride)), longest - stride
    return min(longest, math.ceil((size + (count - 1) * shared) / (count * unit)) * unit)


def stride_of(length: int, overlap: float, unit: int = 1) -> int:
    """Distance of tiles of ``length`` that overlap by a share ``overlap``, in whole units."""
    return max(unit, round(length * (1 - overlap)) // unit * unit)


def gaussian(position: float, length: int, spread: float) -> float:
    """Weigh ``position`` (0 … length − 1) of a tile's axis: ``exp(−(u − mid)² / (2 (spread·L)²))`` (method.md §1)."""
    middle = (length - 1) / 2
    return math.exp(-((position - middle) ** 2) / (2 * (spread * length) ** 2))


@dataclass(frozen=True)
class Tile:
    """One spatio-temporal tile, in latent pixels and frames; ``m`` numbers its place in the frame, ``n`` its window."""

    m: int
    n: int
    frame: int
    top: int
    left: int
    frames: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Frames, rows and columns for indexing ``(frames, …, height, width)``."""
        return (
            slice(self.frame, self.frame + self.frames),
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )


@dataclass(frozen=True)
class TileGrid:
    """Tiles that cover ``frames × height × width`` latents.

    Attributes:
        frames, height, width: what is covered.
        tile_frames, tile_height, tile_width: size of every tile, never larger than what is covered.
        windows, rows, columns: start positions along the three axes.
        spread: standard deviation of the Gaussian weights over the tile's length.
    """

    frames: int
    height: int
    width: int
    tile_frames: int
    tile_height: int
    tile_width: int
    windows: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    spread: float = PAPER_SPREAD

    @classmethod
    def build(
        cls,
        frames: int,
        height: int,
        width: int,
        tile: int = 64,
        window: int = 14,
        overlap: float = 0.5,
        shift: tuple[int, int, int] = (0, 0, 0),
        spread: float = PAPER_SPREAD,
        align: int = 1,
        time_overlap: float | None = None,
        even: bool = False,
    ) -> Self:
        """Cover ``frames × height × width`` latents with tiles (method.md §1.4).

        Args:
            frames, height, width: what is covered.
            tile, window: a tile's side and its frames; a smaller clip gets smaller tiles.
            overlap: share of a tile that overlaps the next.
            shift: moves the grid back by (frames, y, x).
            spread: standard deviation of the Gaussian weights over the tile's length.
            align: spatial starts are multiples of this, which must divide ``height``, ``width`` and ``tile``: the U-Net's
                reduced levels then share one token lattice over the whole frame.
            time_overlap: share of a window that overlaps the next, as ``overlap`` where it is not given.
            even: whether tiles are as short as they can be without being more, see `even_length`; else they are as long as
                given, and the last one of an axis overlaps more.

        Raises:
            ValueError: a size is below 1, or ``align`` does not divide it.
        """
        if min(frames, height, width, tile, window, align) < 1:
            raise ValueError("a tile grid needs at least one frame and one pixel")
        if height % align or width % align or tile % align:
            raise ValueError(f"{height} × {width} latents in tiles of {tile} do not divide into units of {align}")

        def axis(size: int, longest: int, offset: int, unit: int, overlap: float = overlap) -> tuple[int, tuple[int, ...]]:
            length = even_length(size, longest, overlap, unit) if even else min(longest, size)
            # a stride in whole units keeps all starts on the U-Net's token lattice
            shared = longest - stride_of(longest, overlap, unit)
            stride = length - shared if even and length < size else stride_of(length, overlap, unit)
            return length, starts(size, length, stride, offset % stride // unit * unit)

        tile_frames, windows = axis(frames, window, shift[0], 1, overlap if time_overlap is None else time_overlap)
        tile_height, rows = axis(height, tile, shift[1], align)
        tile_width, columns = axis(width, tile, shift[2], align)
        return cls(frames, height, width, tile_frames, tile_height, tile_width, windows, rows, columns, spread)

    @property
    def spatial(self) -> int:
        """Tiles per window, M."""
        return len(self.rows) * len(self.columns)

    def __len__(self) -> int:
        return self.spatial * len(self.windows)

    def __iter__(self) -> Iterator[Tile]:
        """Iterate over tiles window by window, row by row."""
        return (self.tile(m, n) for n in range(len(self.windows)) for m in range(self.spatial))

    def tile(self, m: int, n: int) -> Tile:
        """Spatial tile ``m`` of window ``n``."""
        row, column = divmod(m, len(self.columns))
        position = self.windows[n], self.rows[row], self.columns[column]
        return Tile(m, n, *position, self.tile_frames, self.tile_height, self.tile_width)

    def window(self, n: int) -> Self:
        """The grid of window ``n`` alone."""
        return dataclasses.replace(self, windows=(self.windows[n],))

    def corner(self, tile: Tile) -> tuple[int, int, int]:
        """Frames, rows and columns of ``tile``, counted from its first corner, that no later tile covers."""

        # starts ascend, so the next larger one belongs to the tile that overwrites this one's rest
        def alone(start: int, length: int, others: tuple[int, ...]) -> int:
            return next((other - start for other in others if other > start), length)

        return (
            alone(tile.frame, tile.frames, self.windows),
            alone(tile.top, tile.height, self.rows),
            alone(tile.left, tile.width, self.columns),
        )

    def weight(self, tile: Tile, frame: int, y: int, x: int) -> float:
        """The Gaussian weight (not normalised) of ``tile`` at an absolute frame, row and column; 0 outside of it."""
        offsets = frame - tile.frame, y - tile.top, x - tile.left
        lengths = tile.frames, tile.height, tile.width
        if any(not 0 <= offset < length for offset, length in zip(offsets, lengths, strict=True)):
            return 0.0
        return math.prod(gaussian(u, length, self.spread) for u, length in zip(offsets, lengths, strict=True))

    def tiles_at(self, frame: int, y: int, x: int) -> list[Tile]:
        """Find the tiles that cover a position, the heaviest first.

        Args:
            frame, y, x: in frames and latents of the grid.
        """
        windows, rows, columns = (
            [index for index, start in enumerate(axis) if start <= place < start + length]
            for axis, place, length in (
                (self.windows, frame, self.tile_frames),
                (self.rows, y, self.tile_height),
                (self.columns, x, self.tile_width),
            )
        )
        covering = [self.tile(row * len(self.columns) + column, n) for n in windows for row in rows for column in columns]
        return sorted(covering, key=lambda tile: -self.weight(tile, frame, y, x))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        axes = {name: tuple(values[name]) for name in ("windows", "rows", "columns")}
        return cls(**(values | axes))
