"""Settings become a grid: overlap in space and in time, and the width of the Gaussian."""

import pytest

from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.planning.grids import grid_for, window_stride
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.tiling.grid import TileGrid

DECLARED = Declaration(name="svd", title="SVD", first_stage="vae", factor=8, multiple=8)


def grid_of(**changes):
    return grid_for(56, 480, 270, DECLARED, DECLARED.resolve(RestoreSettings(**changes)))


def test_the_defaults_are_the_papers():
    assert grid_of() == TileGrid.build(56, 136, 240, align=8)


@pytest.mark.parametrize(("factor", "stride"), [(1.0, 7), (0.0, 14), (0.5, 10), (1.5, 4), (3.0, 4)])
def test_tiles_overlap_in_time_by_a_multiple_of_their_overlap_in_space(factor, stride):
    grid = grid_of(time_overlap=factor)
    assert grid.windows[1] == stride == window_stride(DECLARED.resolve(RestoreSettings(time_overlap=factor)))
    assert (grid.rows, grid.columns) == (grid_of().rows, grid_of().columns)


def test_the_gaussian_is_widened_for_both_tilings():
    assert grid_of(spread=2.0).spread == pytest.approx(0.2)
    assert grid_of(spread=2.0, tiling="fast").spread == pytest.approx(0.4) and grid_of(tiling="fast").spread == 0.2
