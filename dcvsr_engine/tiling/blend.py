"""Split latents into tiles and merge them with Gaussian weights (method.md §1.4)."""

from collections.abc import Iterable

import torch
from torch import Tensor

from dcvsr_engine.tiling.grid import Tile, TileGrid
from dcvsr_engine.tiling.latents import Latents


def gaussian_axis(length: int, spread: float) -> Tensor:
    """Weights ``(length,)`` along one axis: ``exp(−(u − mid)² / (2 (spread·L)²))``."""
    offsets = torch.arange(length, dtype=torch.float32) - (length - 1) / 2
    return torch.exp(-(offsets**2) / (2 * (spread * length) ** 2))


def gaussian_weights(grid: TileGrid) -> Tensor:
    """The weight of every latent of a tile, ``(frames, 1, height, width)``."""
    t, y, x = (gaussian_axis(length, grid.spread) for length in (grid.tile_frames, grid.tile_height, grid.tile_width))
    return t.view(-1, 1, 1, 1) * y.view(1, 1, -1, 1) * x.view(1, 1, 1, -1)


def cut(latents: Latents, tile: Tile) -> Tensor:
    """Cut a tile out of ``latents`` ``(frames, channels, height, width)``.

    Returns:
        ``(tile.frames, channels, tile.height, tile.width)``; of a tensor, a view.
    """
    frames, rows, columns = tile.slices
    return latents[frames, :, rows, columns]


class Merge:
    """Accumulates tiles in float32 and divides by the summed weight.

    Attributes:
        weights: of one tile ``(tile frames, 1, tile height, tile width)``.
        total, weight: sums so far ``(frames, channels, height, width)`` and ``(frames, 1, height, width)``.
    """

    def __init__(self, grid: TileGrid, channels: int) -> None:
        # float32: in the corner of a tile the weight is 1e-16, which half precision does not have
        self.weights = gaussian_weights(grid)
        self.total = torch.zeros(grid.frames, channels, grid.height, grid.width)
        self.weight = torch.zeros(grid.frames, 1, grid.height, grid.width)

    def add(self, tile: Tile, values: Tensor) -> None:
        """Add the result ``(frames, channels, height, width)`` of one tile."""
        cut(self.total, tile).add_(self.weights * values.to(self.total))
        cut(self.weight, tile).add_(self.weights)

    def add_all(self, tiles: Iterable[Tile], values: Tensor) -> None:
        """Add the results ``(tiles, frames, channels, height, width)`` of some tiles."""
        for tile, result in zip(tiles, values, strict=True):
            self.add(tile, result)

    def so_far(self, frame: int) -> Tensor:
        """The latents of a frame where tiles have been added, 0 elsewhere: ``(1, channels, height, width)``."""
        total, weight = self.total[frame : frame + 1], self.weight[frame : frame + 1]
        return torch.where(weight > 0, total / weight, 0)

    def result(self) -> Tensor:
        """The merged latents ``(frames, channels, height, width)``, in the memory of the sums; every position must be covered."""
        return self.total.div_(self.weight)
