"""Seams and lattice: whether a result jumps at the borders of the tiles, windows or latent pixels that it was made from."""

import numpy as np

from dcvsr_engine.research.pictures import Pictures, luma
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.tiling.seams import borders, seam_jumps


def tile_seam_score(result: Pictures, guide: Pictures, grid: TileGrid, factor: int) -> float | None:
    """Compare jumps across tile borders with jumps inside tiles.

    Args:
        result: ``(frames, height, width, 3)``.
        guide: the truth, or the enlarged input where there is none; its own edges are subtracted.
        grid: the tiles, in latents of ``factor`` pixels.
        factor: pixels per latent along an axis.

    Returns:
        Mean jump at borders over mean jump elsewhere, 1 without visible seams; ``None`` for a single tile.
    """
    jumps = seam_jumps(luma(result) - luma(guide), grid, factor)
    return jumps[0] / jumps[1] if jumps is not None and jumps[1] > 0 else None


def window_score(result: Pictures, guide: Pictures, grid: TileGrid) -> float | None:
    """Compare changes from frame to frame where a window begins or ends with those elsewhere.

    Changes are those of ``result − guide`` (Y), as for `tile_seam_score`.

    Returns:
        The ratio of the mean changes, 1 where windows do not show; ``None`` for a single window.
    """
    changes = np.abs(np.diff(luma(result) - luma(guide), axis=0)).mean((1, 2))
    at_borders = np.isin(np.arange(1, len(result)), list(borders(grid.windows, grid.tile_frames, len(result))))
    if not at_borders.any() or at_borders.all() or not changes[~at_borders].any():
        return None
    return float(changes[at_borders].mean() / changes[~at_borders].mean())


def lattice_score(result: Pictures, guide: Pictures, factor: int) -> float | None:
    """Compare jumps between latents, ``factor`` pixels apart, with jumps between other neighbours.

    Jumps are those of ``result − guide`` (Y), as for `tile_seam_score`.

    Returns:
        The ratio of the mean jumps, 1 without a visible lattice; ``None`` for an exact result.
    """
    error = luma(result) - luma(guide)
    at_lattice, elsewhere = [], []
    for values in (error, error.swapaxes(1, 2)):
        lines = np.abs(np.diff(values, axis=-1)).mean((0, 1))
        # difference i is between pixels i and i + 1, so the lattice lies at i + 1 = 0 mod factor
        between = np.arange(1, len(lines) + 1) % factor == 0
        at_lattice.append(lines[between].mean())
        elsewhere.append(lines[~between].mean())
    return float(sum(at_lattice) / sum(elsewhere)) if sum(elsewhere) > 0 else None
