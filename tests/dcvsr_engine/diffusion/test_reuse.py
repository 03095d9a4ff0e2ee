"""Reuse of deep features: exact where they are those of the same input, and the same however tiles are batched."""

import networks
import pytest
import torch

from dcvsr_engine.diffusion.branch import CONDITIONAL, Branch
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.propagation import BatchLayout
from dcvsr_engine.diffusion.reuse import DeepFeatures
from dcvsr_engine.diffusion.sampler import InBatches, SegmentState, TiledDenoiser, sample
from dcvsr_engine.diffusion.schedule import steps_of
from dcvsr_engine.tiling.grid import TileGrid

GRID = TileGrid.build(3, 8, 12, 8, 2, align=2)
"""Two tiles, two windows."""
TOP = 20.0
ONE_LAYER = {"steps": 3, "reuse": 2, "propagating_layers": 1, "sap": True, "tap": True, "guidance": "dssag"}
"""With one propagating layer at either end, the lower of the two levels can be left out."""
LEVELS = {
    "two levels": {},
    "none at the top": {
        "down_block_types": ("DownBlockSpatioTemporal",) + ("CrossAttnDownBlockSpatioTemporal",) * 2,
        "up_block_types": ("CrossAttnUpBlockSpatioTemporal",) * 2 + ("UpBlockSpatioTemporal",),
        "block_out_channels": (32, 32, 64),
        "num_attention_heads": (2, 2, 4),
    },
    "two layers, four levels": {
        "down_block_types": ("CrossAttnDownBlockSpatioTemporal",) * 3 + ("DownBlockSpatioTemporal",),
        "up_block_types": ("UpBlockSpatioTemporal",) + ("CrossAttnUpBlockSpatioTemporal",) * 3,
        "block_out_channels": (32, 32, 64, 64),
        "num_attention_heads": (2, 2, 4, 4),
        "layers_per_block": 2,
    },
}


def denoiser_for(chosen, **changes):
    model = networks.model(sigma_min=0.02, sigma_max=TOP, image_embedding="first-frame")
    model.unet = networks.unet(**changes)
    embedding = torch.randn(1, 1, networks.EMBEDDING, generator=torch.Generator().manual_seed(2))
    return Denoiser(model, embedding, settings=chosen)


@pytest.mark.parametrize("changes", LEVELS.values(), ids=LEVELS)
@pytest.mark.parametrize("propagation", [True, False])
def test_upper_levels_over_features_of_the_same_input_are_the_whole_network(changes, propagation):
    chosen = networks.settings(sap=propagation, tap=propagation, propagating_layers=1)
    denoiser = denoiser_for(chosen, **changes)
    tiles = [TileGrid.build(2, 16, 16, 16, 2).tile(0, 0)]
    layout = BatchLayout((CONDITIONAL, Branch(conditional=False)), tuple(tiles))
    x = torch.randn(2, 2, 2 * networks.CHANNELS, 16, 16, generator=torch.Generator().manual_seed(4))
    given = torch.tensor(0.3), torch.randn(2, 1, networks.EMBEDDING), torch.ones(2, 3)
    features, seen = DeepFeatures(), []
    hook = denoiser.model.unet.mid_block.register_forward_hook(lambda *rest: seen.append(1))
    with denoiser.propagation.batch(layout):
        plain = denoiser.network(x, *given)
        with denoiser.network.keeping(features):
            whole = denoiser.network(x, *given)
        with denoiser.network.reusing(features):
            upper = denoiser.network(x, *given)
            other = denoiser.network(x.flip(0), *given)
    hook.remove()
    assert len(seen) == 2, "the middle is left out twice"
    assert torch.equal(whole, plain) and torch.equal(upper, plain) and not torch.equal(other, plain.flip(0))


def test_only_tiles_and_branches_that_were_kept_are_reused():
    grid, features = GRID, DeepFeatures()
    first, second = grid.tile(0, 0), grid.tile(1, 0)
    features.put(BatchLayout((CONDITIONAL,), (first, second)), torch.arange(4.0).reshape(4, 1, 1, 1))
    assert features.of(BatchLayout((CONDITIONAL,), (second,))).flatten().tolist() == [2, 3]
    assert features.of(BatchLayout((Branch(gamma=0.5),), (second, first))).flatten().tolist() == [2, 3, 0, 1]
    assert features.of(BatchLayout((Branch(conditional=False),), (first,))) is None


def sampled(chosen, batch=1, together=True):
    denoiser = denoiser_for(chosen)
    noise, condition = networks.clip(GRID)
    steps = steps_of(chosen, denoiser.model.declaration)
    grids = lambda step: GRID  # noqa: E731
    tiled = TiledDenoiser(denoiser, condition, chosen, grids, steps, InBatches(batch), branches_in_one_batch=together)
    calls = []
    hook = denoiser.model.unet.mid_block.register_forward_hook(
        lambda module, given, out: calls.append(len(out) // GRID.tile_frames)
    )
    result = sample(tiled, noise * TOP, steps)
    hook.remove()
    return result, sum(calls)


SCHEDULES = ["lockstep", "staged", "two-pass", "cached"]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_batches_and_branches_do_not_change_the_result_of_reuse(schedule):
    chosen = networks.settings(**ONE_LAYER, sap_schedule=schedule)
    expected, rows = sampled(chosen, 99)
    torch.testing.assert_close(sampled(chosen, 1, together=False)[0], expected, atol=1e-4, rtol=1e-4)
    if schedule == "staged":
        plain, all_rows = sampled(chosen.replace(reuse=1), 99)
        assert 3 * rows == 2 * all_rows and (plain - expected).abs().max() > 1e-3


def test_nothing_is_left_out_where_all_levels_propagate():
    chosen = networks.settings(**(ONE_LAYER | {"steps": 2, "propagating_layers": 2}))
    (left, rows), (plain, all_rows) = sampled(chosen), sampled(chosen.replace(reuse=1))
    assert torch.equal(left, plain) and rows == all_rows


@pytest.mark.parametrize("layers", [1, 2])
def test_features_are_held_only_where_they_will_be_reused(layers):
    """A state without them can be stored after every step."""
    chosen = networks.settings(**(ONE_LAYER | {"steps": 2, "sap": False, "propagating_layers": layers}))
    denoiser = denoiser_for(chosen)
    noise, condition = networks.clip(GRID)
    steps = steps_of(chosen, denoiser.model.declaration)
    tiled = TiledDenoiser(denoiser, condition, chosen, lambda step: GRID, steps, InBatches(9))
    tiled(noise * TOP, steps[0])
    assert (tiled.features is not None) == (layers == 1)
    tiled(noise * TOP, steps[1])
    assert tiled.features is None


def test_a_run_that_stops_anywhere_goes_on_with_the_same_result():
    """From memory after every step; from a file after those that can be stored."""
    chosen = networks.settings(**(ONE_LAYER | {"steps": 4}), sap_schedule="cached", solver="dpmpp-2m")
    denoiser = denoiser_for(chosen)
    noise, condition = networks.clip(GRID)
    steps, states = steps_of(chosen, denoiser.model.declaration), []

    def resume(state, keep=lambda step, x, before: None):
        rest = {"bank": state.bank, "features": state.features}
        nonlocal tiled
        tiled = TiledDenoiser(denoiser, condition, chosen, lambda step: GRID, steps, InBatches(2), **rest)
        return sample(tiled, state.x, steps[state.step :], after_step=keep, before=state.before)

    tiled = None
    expected = resume(
        SegmentState(noise * TOP),
        lambda step, x, before: states.append(SegmentState(x, step.index + 1, tiled.bank, before, tiled.features)),
    )
    assert [state.is_storable for state in states] == [False, True, False, True]
    for state in states[:-1]:
        assert torch.equal(resume(state), expected)
        if state.is_storable:
            stored = SegmentState.from_tensors(state.to_tensors(), state.step, GRID, chosen.sap_rate)
            assert torch.equal(resume(stored), expected)
