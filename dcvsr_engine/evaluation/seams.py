"""Seams: whether a result jumps at the borders of the tiles it was made from."""

import numpy as np
from numpy.typing import NDArray

from dcvsr_engine.evaluation.pictures import Pictures, luma
from dcvsr_engine.tiling.grid import TileGrid


def borders(starts: tuple[int, ...], length: int, size: int) -> set[int]:
    """Positions strictly inside an axis of ``size`` where a tile begins or ends."""
    return {edge for start in starts for edge in (start, start + length) if 0 < edge < size}


def jumps(values: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Mean |difference| across each line between two latents along the last axis; entry k is the line before latent k + 1."""
    difference = np.abs(np.diff(values, axis=-1))[..., factor - 1 :: factor]
    mean: NDArray[np.float64] = difference.reshape(-1, difference.shape[-1]).mean(0)
    return mean


def seam_score(result: Pictures, guide: Pictures, grid: TileGrid, factor: int) -> float | None:
    """Mean jump across tile borders over the mean jump inside tiles: 1 where nothing is to be seen. ``None`` for a single tile.

    Jumps are those of ``result − guide`` (Y; the truth, or the enlarged input where there is none), so that edges of the picture
    itself do not count, and both kinds are taken between latent pixels (``factor`` pixels wide), so that a lattice of the
    autoencoder's does not pass for a seam.
    """
    error = luma(result) - luma(guide)
    at_borders: list[float] = []
    inside: list[float] = []
    axes = [(error, grid.columns, grid.tile_width), (error.swapaxes(1, 2), grid.rows, grid.tile_height)]
    for values, starts, length in axes:
        lines = jumps(values, factor)
        edges = borders(starts, length, len(lines) + 1)
        for line, jump in enumerate(lines, start=1):
            (at_borders if line in edges else inside).append(float(jump))
    return float(np.mean(at_borders) / np.mean(inside)) if at_borders and np.mean(inside) > 0 else None
