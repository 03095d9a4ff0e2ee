"""What branches share: computed for one of them, and the same estimates as of each by itself."""

import networks
import pytest
import torch

from dcvsr_engine.diffusion.branch import Branch
from dcvsr_engine.diffusion.front import front_of
from dcvsr_engine.tiling.blend import cut
from dcvsr_engine.tiling.grid import TileGrid

BRANCHES = Branch(), Branch(conditional=False, gamma=0.7)
GRID = TileGrid.build(2, 8, 12, 8, align=2)
TILES = list(GRID)


@pytest.fixture
def rows():
    """How many rows · frames each of the front's layers saw, per evaluation."""
    return {}


def watched(denoiser, rows):
    for layer in front_of(denoiser.model.unet):
        forward = layer.forward

        def counted(x, *others, layer=layer, forward=forward, **named):
            rows.setdefault(layer, []).append(len(x))
            return forward(x, *others, **named)

        layer.forward = counted
    return denoiser


def evaluate(denoiser, branches):
    noise, condition = networks.clip(GRID)
    x, condition = (torch.stack([cut(latents, tile) for tile in TILES]) for latents in (3.0 * noise, condition))
    return denoiser.evaluate(x, 3.0, condition, TILES, branches)


def test_branches_share_the_front_and_are_what_they_are_alone(rows):
    denoiser = watched(networks.denoiser(), rows)
    together = evaluate(denoiser, BRANCHES)
    assert list(rows.values()) == [[len(TILES) * GRID.frames]] * 2
    for branch in BRANCHES:
        torch.testing.assert_close(together[branch], evaluate(denoiser, (branch,))[branch], atol=1e-5, rtol=1e-5)


def test_a_branch_without_the_condition_shares_nothing(rows):
    evaluate(watched(networks.denoiser(unconditional=("condition",)), rows), BRANCHES)
    assert list(rows.values()) == [[2 * len(TILES) * GRID.frames]] * 2


def test_evaluations_that_take_turns_share_their_own(rows):
    changes = {"sap": True, "sap_schedule": "staged", "guidance": "dssag", "steps": 2}
    shared = networks.sample(watched(networks.denoiser(), rows), networks.settings(**changes), GRID)
    assert {count for counts in rows.values() for count in counts} == {GRID.frames}
    torch.testing.assert_close(
        shared, networks.sample(networks.denoiser(), networks.settings(**changes), GRID, batch=2), atol=1e-3, rtol=1e-3
    )
