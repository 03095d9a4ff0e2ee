"""The tiles of a segment: how settings and a model's declaration become a `TileGrid`. Torch-free."""

from dcvsr_engine.diffusion.schedule import has_sap_steps
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.settings import ResolvedSettings
from dcvsr_engine.tiling.grid import PAPER_SPREAD, TileGrid, stride_of

FAST_OVERLAP = 0.125
"""Share of a tile that overlaps the next in fast tiling."""
MOST_OVERLAP = 0.75
"""Share of a window that overlaps the next, at most."""
FAST_SPREAD = 0.2
"""Width of the Gaussian that merges tiles there, as a share of the tile."""


def padded(size: int, multiple: int) -> int:
    """``size`` rounded up to a multiple."""
    return -(-size // multiple) * multiple


def latent_size(width: int, height: int, declaration: Declaration, scale: int) -> tuple[int, int]:
    """Compute the latent (width, height) of an input frame, padded to the U-Net's multiple.

    Args:
        width, height: of a frame to restore, in pixels.
        declaration: the model's conventions.
        scale: factor of width and height.
    """
    return (
        padded(padded(width * scale, declaration.factor) // declaration.factor, declaration.multiple),
        padded(padded(height * scale, declaration.factor) // declaration.factor, declaration.multiple),
    )


def window_stride(settings: ResolvedSettings) -> int:
    """Frames from one window to the next; of a segment that is no shorter than a window."""
    return stride_of(settings.window, time_overlap(settings))


def space_overlap(settings: ResolvedSettings) -> float:
    """Share of a tile that overlaps the next one of its frame."""
    return settings.overlap if settings.tiling == "paper" else FAST_OVERLAP


def time_overlap(settings: ResolvedSettings) -> float:
    """Share of a window that overlaps the next."""
    return min(MOST_OVERLAP, space_overlap(settings) * settings.time_overlap)


def grid_for(
    frames: int, width: int, height: int, declaration: Declaration, settings: ResolvedSettings, step: int = 0
) -> TileGrid:
    """Build the tile grid that the engine uses at a sampling step (method.md §1.4).

    Paper tiling has the same grid at every step; fast tiling overlaps little, with even tiles, and moves the grid.

    Args:
        frames: input frames of the segment.
        width, height: of each as it is restored, in pixels.
        declaration: the model's conventions.
        settings: say tile, window, overlap and tiling.
        step: counted from 0.
    """
    columns, rows = latent_size(width, height, declaration, settings.scale)
    tile, window, multiple = padded(settings.tile, declaration.multiple), settings.window, declaration.multiple
    paper = settings.tiling == "paper"
    shift = (0, 0, 0) if paper else (step * window // 3, step * tile // 3, step * tile // 3)
    spread = (PAPER_SPREAD if paper else FAST_SPREAD) * settings.spread
    overlaps = space_overlap(settings), time_overlap(settings)
    return TileGrid.build(frames, rows, columns, tile, window, overlaps[0], shift, spread, multiple, overlaps[1], not paper)


def tiles_at_once(grid: TileGrid, settings: ResolvedSettings) -> int:
    """Tiles in a batch of the U-Net, at most: with the lockstep schedule SAP's steps take all tiles of a window."""
    lockstep = settings.sap_schedule == "lockstep" and has_sap_steps(settings, settings.steps)
    return max(settings.tile_batch, grid.spatial if lockstep else 0)
