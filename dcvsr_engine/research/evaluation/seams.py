"""Seams and lattice: whether a result jumps at the borders of the tiles, or of the latent pixels, that it was made from."""

import numpy as np

from dcvsr_engine.research.evaluation.pictures import Pictures, luma
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.tiling.seams import seam_jumps


def seam_score(result: Pictures, guide: Pictures, grid: TileGrid, factor: int) -> float | None:
    """Mean jump across tile borders over the mean jump inside tiles: 1 where nothing is to be seen. ``None`` for a single tile.

    ``guide`` is the truth, or the enlarged input where there is none.
    """
    found = seam_jumps(luma(result) - luma(guide), grid, factor)
    return found[0] / found[1] if found is not None and found[1] > 0 else None


def lattice_score(result: Pictures, guide: Pictures, factor: int) -> float | None:
    """Mean jump between latents, ``factor`` pixels apart, over the mean jump between other neighbours: 1 where no lattice shows.

    Jumps are those of ``result − guide`` (Y), as for the seam score. ``None`` for an exact result.
    """
    error = luma(result) - luma(guide)
    at_lattice, elsewhere = [], []
    for values in (error, error.swapaxes(1, 2)):
        lines = np.abs(np.diff(values, axis=-1)).mean((0, 1))
        between = np.arange(1, len(lines) + 1) % factor == 0
        at_lattice.append(lines[between].mean())
        elsewhere.append(lines[~between].mean())
    return float(sum(at_lattice) / sum(elsewhere)) if sum(elsewhere) > 0 else None
