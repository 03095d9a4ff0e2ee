"""Seams: how much a result jumps at the borders of the tiles it was made from. Torch-free."""

import numpy as np
from numpy.typing import NDArray

from dcvsr_engine.tiling.grid import TileGrid


def borders(starts: tuple[int, ...], length: int, size: int) -> set[int]:
    """Find the positions strictly inside an axis where a tile begins or ends.

    Args:
        starts: of the tiles, in latents.
        length: of a tile.
        size: of the axis.
    """
    return {edge for start in starts for edge in (start, start + length) if 0 < edge < size}


def jumps(error: NDArray[np.floating], factor: int) -> NDArray[np.float64]:
    """Measure the mean absolute difference across each line between two latents along the last axis.

    Args:
        error: ``(…, height, width)`` in pixels.
        factor: pixels per latent.

    Returns:
        ``(width / factor − 1,)``; entry k is the line before latent k + 1.
    """
    # only between latents, so that the autoencoder's own lattice does not pass for a seam
    across = np.abs(error[..., factor::factor] - error[..., factor - 1 : -1 : factor])
    if not across.size:
        return np.zeros(0)  # one latent, or less
    mean: NDArray[np.float64] = across.reshape(-1, across.shape[-1]).mean(0, dtype=np.float64)
    return mean


def seam_jumps(error: NDArray[np.floating], grid: TileGrid, factor: int) -> tuple[float, float] | None:
    """Compare jumps across tile borders with those inside tiles, both between latents.

    Args:
        error: ``(…, height, width)``: luma of the result minus that of the truth, or of the enlarged input where there is none,
            so that edges of the picture itself do not count.
        grid: the tiles, in latents.
        factor: pixels per latent.

    Returns:
        The mean jump at borders and inside, ``None`` for a single tile.
    """
    at_borders: list[float] = []
    inside: list[float] = []
    axes = [(error, grid.columns, grid.tile_width), (error.swapaxes(-1, -2), grid.rows, grid.tile_height)]
    for values, starts, length in axes:
        lines = jumps(values, factor)
        edges = borders(starts, length, len(lines) + 1)
        for line, jump in enumerate(lines, start=1):
            (at_borders if line in edges else inside).append(float(jump))
    return (float(np.mean(at_borders)), float(np.mean(inside))) if at_borders and inside else None
