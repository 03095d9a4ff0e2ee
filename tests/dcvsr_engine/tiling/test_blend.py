"""Split and merge against the definition written out."""

import numpy as np
import pytest
import reference
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dcvsr_engine.tiling.blend import Merge, cut, gaussian_weights
from dcvsr_engine.tiling.grid import TileGrid

sizes = st.tuples(
    st.integers(1, 9), st.integers(1, 20), st.integers(1, 20), st.integers(1, 12), st.integers(1, 6), st.floats(0, 0.75)
)


@settings(max_examples=50)
@given(sizes, st.sampled_from([0.1, 0.2]))
def test_split_then_merge_is_the_identity(size, spread):
    *size, overlap = size
    grid = TileGrid.build(*size, overlap, spread=spread)
    latents = torch.randn(grid.frames, 2, grid.height, grid.width)
    merge = Merge(grid, 2)
    for tile in grid:
        merge.add(tile, cut(latents, tile))
    torch.testing.assert_close(merge.result(), latents, atol=1e-5, rtol=1e-5)


def test_a_constant_stays_constant_up_to_rounding():
    grid = TileGrid.build(20, 40, 72, 16, 14)
    merge = Merge(grid, 1)
    for tile in grid:
        merge.add(tile, torch.full((14, 1, 16, 16), 0.7, dtype=torch.bfloat16))
    merged = merge.result()
    expected = torch.full_like(merged, float(torch.tensor(0.7, dtype=torch.bfloat16)))
    torch.testing.assert_close(merged, expected, atol=0, rtol=1e-6)


@pytest.mark.parametrize("order", [1, -1])
def test_merge_is_the_gaussian_mean_in_any_order(order):
    grid = TileGrid.build(5, 6, 7, 4, 3)
    generator = np.random.default_rng(0)
    tiles = list(grid)[::order]
    values = [generator.standard_normal((3, 2, 4, 4)) for _ in tiles]
    merge = Merge(grid, 2)
    for tile, value in zip(tiles, values, strict=True):
        merge.add(tile, torch.tensor(value))
    np.testing.assert_allclose(merge.result(), reference.merged((5, 2, 6, 7), tiles, values, 0.1), atol=1e-5)


def test_weights_in_torch_and_in_the_torch_free_grid_agree():
    grid = TileGrid.build(4, 10, 12, 6, 3)
    tile = grid.tile(1, 1)
    weights = gaussian_weights(grid)
    assert weights.shape == (3, 1, 6, 6)
    for f, y, x in ((0, 0, 0), (1, 3, 5), (2, 5, 2)):
        assert float(weights[f, 0, y, x]) == pytest.approx(
            grid.weight(tile, tile.frame + f, tile.top + y, tile.left + x), rel=1e-5
        )
