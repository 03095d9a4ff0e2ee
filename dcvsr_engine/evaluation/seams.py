"""Seams: whether a result jumps at the borders of the tiles it was made from."""

from dcvsr_engine.evaluation.pictures import Pictures, luma
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.tiling.seams import seam_jumps


def seam_score(result: Pictures, guide: Pictures, grid: TileGrid, factor: int) -> float | None:
    """Mean jump across tile borders over the mean jump inside tiles: 1 where nothing is to be seen. ``None`` for a single tile.

    ``guide`` is the truth, or the enlarged input where there is none.
    """
    found = seam_jumps(luma(result) - luma(guide), grid, factor)
    return found[0] / found[1] if found is not None and found[1] > 0 else None
