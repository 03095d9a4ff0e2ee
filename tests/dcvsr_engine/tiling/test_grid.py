"""Geometry of tiles: coverage, borders, alignment, JSON."""

import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcvsr_engine.tiling.grid import TileGrid, stride_of


@st.composite
def grids(draw, limit=40):
    """Any grid, aligned or not, shifted or not."""
    align = draw(st.sampled_from([1, 2, 4]))
    height, width, tile = (align * draw(st.integers(1, limit // align)) for _ in range(3))
    frames, window = draw(st.integers(1, 20)), draw(st.integers(1, 16))
    shift = tuple(draw(st.tuples(*[st.integers(0, 50)] * 3)))
    overlap, even = draw(st.floats(0, 0.75)), draw(st.booleans())
    return TileGrid.build(frames, height, width, tile, window, overlap, shift, align=align, even=even), align


@given(grids())
def test_tiles_cover_everything_and_stay_inside(made):
    grid, align = made
    for starts, length, size in (
        (grid.windows, grid.tile_frames, grid.frames),
        (grid.rows, grid.tile_height, grid.height),
        (grid.columns, grid.tile_width, grid.width),
    ):
        covered = {position for start in starts for position in range(start, start + length)}
        assert covered == set(range(size))
        assert starts[0] == 0
        assert starts[-1] + length == size
        assert list(starts) == sorted(set(starts))
    assert all(start % align == 0 for start in grid.rows + grid.columns)


@given(st.integers(1, 300), st.integers(1, 70), st.sampled_from([0.0, 0.125, 0.5]), st.sampled_from([1, 4]))
def test_even_tiles_are_as_many_as_long_ones_and_share_as_much_or_less(size, longest, overlap, unit):
    size, longest = size * unit, longest * unit
    long, even = (
        TileGrid.build(1, size, size, longest, 1, overlap, align=unit, even=even, time_overlap=0.0) for even in (False, True)
    )
    assert len(even) == len(long) and even.tile_height <= long.tile_height
    shared = [first + even.tile_height - second for first, second in itertools.pairwise(even.rows)]
    wanted = longest - stride_of(longest, overlap, unit)
    assert all(at == wanted for at in shared[:-1]) and all(at >= wanted for at in shared[-1:])
    if size > longest:
        # one unit shorter, and as many tiles would not reach the end
        shorter, count = even.tile_height - unit, len(even.rows)
        assert count * shorter - (count - 1) * wanted < size


@given(grids())
def test_json_gives_the_same_grid(made):
    grid, _ = made
    again = TileGrid.from_dict(json.loads(json.dumps(grid.to_dict())))
    assert again == grid
    assert hash(again) == hash(grid)


@given(grids(12), st.data())
def test_the_corner_of_a_tile_is_what_no_later_tile_covers(made, data):
    grid, _ = made
    position = [data.draw(st.integers(0, size - 1)) for size in (grid.frames, grid.height, grid.width)]
    covering = [
        tile for tile in grid if all(axis.start <= place < axis.stop for axis, place in zip(tile.slices, position, strict=True))
    ]
    owners = []
    for tile in grid:
        offsets = [place - axis.start for axis, place in zip(tile.slices, position, strict=True)]
        if all(0 <= offset < length for offset, length in zip(offsets, grid.corner(tile), strict=True)):
            owners.append(tile)
    assert owners == [covering[-1]]


def test_the_papers_tiling():
    grid = TileGrid.build(28, 96, 160)
    assert (grid.tile_frames, grid.tile_height, grid.tile_width) == (14, 64, 64)
    assert (grid.windows, grid.rows, grid.columns) == ((0, 7, 14), (0, 32), (0, 32, 64, 96))
    assert len(grid) == len(list(grid)) == 3 * 8
    assert [(tile.m, tile.n) for tile in grid][:9] == [(m, 0) for m in range(8)] + [(0, 1)]


def test_a_small_clip_is_one_small_tile():
    grid = TileGrid.build(1, 8, 24)
    assert [tile.slices for tile in grid] == [(slice(0, 1), slice(0, 8), slice(0, 24))]


def test_the_last_tile_is_moved_back_to_the_border():
    assert TileGrid.build(1, 64, 70, align=2).columns == (0, 6)


def test_a_shifted_grid_differs_and_one_window_is_a_grid():
    grid = TileGrid.build(10, 64, 64, 16, 4, 0.125, shift=(1, 4, 8))
    assert grid.rows[:3] == (0, 10, 24)
    assert grid.window(1) == TileGrid(10, 64, 64, 4, 16, 16, (grid.windows[1],), grid.rows, grid.columns)


@pytest.mark.parametrize("sizes", [(0, 8, 8, 8, 4), (1, 0, 8, 8, 4), (1, 8, 8, 0, 4), (1, 8, 8, 8, 0)])
def test_nothing_cannot_be_tiled(sizes):
    with pytest.raises(ValueError, match="at least one"):
        TileGrid.build(*sizes)


@pytest.mark.parametrize("sizes", [(10, 8, 8), (8, 10, 8), (8, 8, 10)])
def test_sizes_must_fit_the_alignment(sizes):
    with pytest.raises(ValueError, match="units of 4"):
        TileGrid.build(1, *sizes, align=4)


def test_weights_are_those_of_the_definition():
    grid = TileGrid.build(3, 8, 12, 8, 2)
    tile = grid.tile(1, 1)
    assert tile.slices == (slice(1, 3), slice(0, 8), slice(4, 12))
    exponent = (0.5 / (0.1 * 2)) ** 2 / 2 + (1.5 / (0.1 * 8)) ** 2 / 2 + (2.5 / (0.1 * 8)) ** 2 / 2
    assert grid.weight(tile, 2, 5, 10) == pytest.approx(math.exp(-exponent))
    assert grid.weight(tile, 0, 5, 10) == grid.weight(tile, 2, 5, 3) == 0
    assert [(t.m, t.n) for t in grid.tiles_at(1, 0, 5)] == [(0, 0), (0, 1), (1, 0), (1, 1)]
