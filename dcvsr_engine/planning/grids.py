"""The tiles of a segment: how settings and a model's declaration become a `TileGrid`. Torch-free."""

from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.settings import ResolvedSettings
from dcvsr_engine.tiling.grid import TileGrid

FAST_OVERLAP = 0.125
"""Share of a tile that overlaps the next in fast tiling."""
FAST_SPREAD = 0.2
"""Width of the Gaussian that merges tiles there, as a share of the tile."""


def padded(size: int, multiple: int) -> int:
    """``size`` rounded up to a multiple."""
    return -(-size // multiple) * multiple


def latent_size(width: int, height: int, declaration: Declaration, scale: int) -> tuple[int, int]:
    """Compute the latent (width, height) of an input frame, padded to the U-Net's multiple.

    Args:
        width, height: of an input frame, in pixels.
        declaration: the model's conventions.
        scale: factor of width and height.
    """
    return (
        padded(padded(width * scale, declaration.factor) // declaration.factor, declaration.multiple),
        padded(padded(height * scale, declaration.factor) // declaration.factor, declaration.multiple),
    )


def grid_for(
    frames: int, width: int, height: int, declaration: Declaration, settings: ResolvedSettings, step: int = 0
) -> TileGrid:
    """Build the tile grid that the engine uses at a sampling step (method.md §1.4).

    Paper tiling has the same grid at every step; fast tiling overlaps little and moves the grid.

    Args:
        frames: input frames of the segment.
        width, height: of each, in pixels.
        declaration: the model's conventions.
        settings: say tile, window, overlap and tiling.
        step: counted from 0.
    """
    columns, rows = latent_size(width, height, declaration, settings.scale)
    tile, window, multiple = padded(settings.tile, declaration.multiple), settings.window, declaration.multiple
    if settings.tiling == "paper":
        return TileGrid.build(frames, rows, columns, tile, window, settings.overlap, align=multiple)
    # by a third of a tile per step: borders fall elsewhere each time, and no seam builds up over the steps
    shift = (step * window // 3, step * tile // 3, step * tile // 3)
    return TileGrid.build(frames, rows, columns, tile, window, FAST_OVERLAP, shift, FAST_SPREAD, multiple)


def tiles_at_once(grid: TileGrid, settings: ResolvedSettings) -> int:
    """Tiles in a batch of the U-Net, at most: with the lockstep schedule SAP's steps take all tiles of a window."""
    return grid.spatial if settings.sap and settings.sap_schedule == "lockstep" else settings.tile_batch
