"""The seam score on results with and without seams."""

import numpy as np
import pytest

from dcvsr_engine.research.evaluation.seams import lattice_score, tile_seam_score, window_score
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.tiling.seams import borders

GRID = TileGrid.build(6, 32, 48, tile=24, overlap=0.5)


def test_borders_are_where_tiles_begin_and_end():
    assert borders((0, 12, 24), 24, 48) == {12, 24, 36}
    assert borders((0, 8), 24, 32) == {8, 24}


def test_noise_has_no_seams(moving, noisy):
    assert tile_seam_score(noisy(moving, 8), moving, GRID, 4) == pytest.approx(1, abs=0.05)


def test_a_lattice_of_the_autoencoder_is_no_seam(moving):
    blocks = np.indices((32, 48)).sum(0) % 2 * 6
    lattice = np.clip(moving + np.kron(blocks, np.ones((4, 4), int))[None, ..., None], 0, 255).astype(np.uint8)
    assert tile_seam_score(lattice, moving, GRID, 4) == pytest.approx(1, abs=0.05)


def test_a_brighter_tile_is_a_seam(moving, noisy):
    result = noisy(moving, 2)
    result[:, :, 96:] = np.minimum(result[:, :, 96:].astype(int) + 12, 255)
    assert tile_seam_score(result, moving, GRID, 4) > 2


def test_a_single_tile_has_no_score(moving):
    assert tile_seam_score(moving, moving, TileGrid.build(6, 32, 48, tile=64), 4) is None


def test_a_window_that_is_brighter_than_the_one_before_shows(moving, noisy):
    windows = TileGrid.build(6, 32, 48, tile=24, window=3, overlap=0.0)
    result = noisy(moving, 2)
    assert window_score(result, moving, windows) == pytest.approx(1, abs=0.05)
    result[3:] = np.minimum(result[3:].astype(int) + 8, 255)
    assert window_score(result, moving, windows) > 2
    assert window_score(result, moving, GRID) is None and window_score(moving, moving, windows) is None


def test_the_lattice_score_finds_what_the_seam_score_passes_over(moving, noisy):
    blocks = np.indices((32, 48)).sum(0) % 2 * 6
    grain = noisy(moving, 2)
    lattice = np.clip(grain + np.kron(blocks, np.ones((4, 4), int))[None, ..., None], 0, 255).astype(np.uint8)
    assert lattice_score(grain, moving, 4) == pytest.approx(1, abs=0.03)
    assert lattice_score(lattice, moving, 4) > 2
    assert lattice_score(moving, moving, 4) is None
