"""Counted operations: what the schedule multiplies, and what a run of the same network would take."""

import pytest

from dcvsr_engine.diffusion.schedule import Pass
from dcvsr_engine.events import StepKind
from dcvsr_engine.planning.grids import grid_for
from dcvsr_engine.research.bench import flops as bench
from dcvsr_engine.research.bench.command import flops_table
from dcvsr_engine.research.bench.full_network import TINY
from dcvsr_engine.settings import PAPER_SETTINGS, RestoreSettings

PAPER = TINY.declaration.resolve(RestoreSettings(**PAPER_SETTINGS))
GRID = grid_for(5, 40, 24, TINY.declaration, PAPER)


@pytest.fixture(scope="module")
def network():
    return bench.FakeNetwork(TINY.unet, TINY.declaration, PAPER.replace(propagating_layers=1), GRID)


@pytest.mark.slow
def test_propagation_adds_attention_and_upper_levels_are_a_part(network):
    plain, sap, tap = (network.count(kind) for kind in (Pass.PLAIN, Pass.STAGED, StepKind.TAP_FORWARD))
    assert plain < sap and plain < tap
    uppers = [network.count(kind, upper=True) for kind in (Pass.PLAIN, Pass.STAGED, StepKind.TAP_FORWARD)]
    assert uppers[0] < plain
    assert uppers[1] - uppers[0] == sap - plain and uppers[2] - uppers[0] == tap - plain, "propagating layers are all up there"


def test_what_sap_adds_is_two_products_per_propagating_layer_with_the_frames_tokens(network):
    tile, tokens = GRID.tile(0, 0), -(-GRID.height // PAPER.sap_rate) * -(-GRID.width // PAPER.sap_rate)
    products = 2 * 2 * tile.frames * tile.height * tile.width * tokens * TINY.unet["block_out_channels"][0]
    assert network.count(Pass.STAGED) - network.count(Pass.PLAIN) == 2 * products  # of one layer at either end


def test_the_front_of_both_branches_is_counted_once(network):
    dropping = TINY.declaration.replace(unconditional=("condition",))
    apart = bench.FakeNetwork(TINY.unet, dropping, network.settings, GRID)
    tile, channels = GRID.tile(0, 0), TINY.unet["block_out_channels"][0]
    entered = 2 * 9 * TINY.unet["in_channels"] * channels * tile.frames * tile.height * tile.width
    saved = apart.count(Pass.PLAIN, branches=2) - network.count(Pass.PLAIN, branches=2)
    assert saved > entered, "conv_in, and a residual block"


def test_jobs_are_counted_by_kind_of_step():
    asked = []

    def count(kind, upper, branches):
        asked.append((kind, upper))
        return branches * {Pass.PLAIN: 1, Pass.STAGED: 100, Pass.INJECT: 100, StepKind.TAP_FORWARD: 10_000}[kind]

    settings = PAPER.replace(steps=2, guidance="none", sap_schedule="staged")
    figure = bench.figure_of("two steps", [GRID], settings, TINY.declaration, count)
    windows = len(GRID.windows)
    assert figure.evaluations == 2 * len(GRID) and figure.upper == 0
    assert figure.operations == GRID.spatial * (windows * 100 + 1 + (windows - 1) * 10_000)
    two = bench.figure_of("two", [GRID], settings.replace(sap_schedule="two-pass"), TINY.declaration, count)
    assert two.operations - figure.operations == len(GRID) and two.evaluations == 3 * len(GRID)
    reused = bench.figure_of("reused", [GRID], settings.replace(reuse=2), TINY.declaration, count)
    assert reused.upper == len(GRID) and {upper for _, upper in asked} == {False, True}


def test_the_table_marks_what_was_not_counted_here():
    figures = [bench.FlopFigure(bench.REFERENCE, None, None, 713e15, 1.0), bench.FlopFigure("ours", 10, 4, 71.3e15, 0.1, 0.16)]
    table = flops_table(figures)
    assert "not counted here" in table and "713.0" in table and "0.100" in table and "0.16" in table
