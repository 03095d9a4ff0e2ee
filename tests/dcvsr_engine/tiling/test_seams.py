"""Jumps at the borders of tiles."""

import numpy as np
import pytest

from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.tiling.seams import borders, jumps, seam_jumps

GRID = TileGrid.build(1, 4, 8, tile=4, overlap=0.0)
"""Two tiles side by side."""


def test_borders_lie_inside_of_the_axis():
    assert borders((0, 4), 4, 8) == {4}
    assert borders((0, 2, 4), 4, 8) == {2, 4, 6}
    assert borders((0,), 8, 8) == set()


def test_jumps_are_taken_between_latents():
    error = np.repeat([0.0, 1.0, 3.0], 4)[None].repeat(2, 0)
    assert jumps(error, 4).tolist() == [1.0, 2.0]
    error[:, 5] = 9.0  # inside of a latent
    assert jumps(error, 4).tolist() == [1.0, 2.0]


def test_a_step_at_a_border_stands_out_from_a_slope():
    columns = np.arange(32, dtype=np.float64)
    slope = np.broadcast_to(columns, (16, 32)).copy()
    at_borders, inside = seam_jumps(slope, GRID, 4)
    assert at_borders == pytest.approx(1.0) and inside < 1
    raised = slope + 5.0 * (columns >= 16)
    assert seam_jumps(raised, GRID, 4)[0] == pytest.approx(6.0)


def test_both_directions_count():
    grid = TileGrid.build(1, 8, 4, tile=4, overlap=0.0)
    error = 5.0 * (np.arange(32) >= 16)[:, None].repeat(16, 1)
    assert seam_jumps(error, grid, 4) == (5.0, 0.0)


def test_a_single_tile_has_no_seams():
    assert seam_jumps(np.zeros((16, 16)), TileGrid.build(1, 4, 4), 4) is None
