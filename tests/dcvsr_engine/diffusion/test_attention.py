"""γ-attention, SAP and TAP in the layers of a real U-Net, against the equations written out with loops."""

import dataclasses
from collections import Counter, defaultdict

import networks
import numpy as np
import pytest
import reference
import torch
from diffusers import UNetSpatioTemporalConditionModel
from torch.nn import functional as F

from dcvsr_engine.diffusion.attention import (
    Collect,
    Inject,
    KeyBank,
    Lockstep,
    Propagation,
    Rows,
    SpatialSelfAttention,
    Tap,
    gamma_attention,
    install,
    spatial_self_attentions,
)
from dcvsr_engine.diffusion.branch import Branch
from dcvsr_engine.tiling.blend import cut
from dcvsr_engine.tiling.grid import TileGrid

GRID = TileGrid.build(3, 8, 12, 8, 2, align=2)
"""Two tiles side by side that overlap by half, two windows of two frames that share one."""
RATE = 2
BRANCHES = (Branch(), Branch(conditional=False, gamma=0.6))


def heads(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# -- γ-attention ------------------------------------------------------------------------------------------------


def test_without_gamma_it_is_ordinary_attention():
    query, key, value = (3 * heads(4, 2, 9, 8, seed=seed) for seed in range(3))
    expected = F.scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(gamma_attention(query, key, value, None), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(gamma_attention(query, key, value, torch.zeros(4, 1, 1, 1)), expected, atol=1e-6, rtol=0)


def test_it_is_equation_7_for_every_frame_and_head_by_itself():
    query, key, value = (seed * heads(4, 2, 9, 8, seed=seed) for seed in range(1, 4))
    key, value = torch.cat([key, key * 5], dim=2), torch.cat([value, -value], dim=2)
    gammas = [0.0, 0.3, 1.0, 4.0]
    result = gamma_attention(query, key, value, torch.tensor(gammas).view(4, 1, 1, 1))
    for n, gamma in enumerate(gammas):
        for head in range(2):
            expected = reference.gamma_attention(*(x[n, head].double().numpy() for x in (query, key, value)), gamma)
            np.testing.assert_allclose(result[n, head], expected, atol=1e-5)


def test_a_large_gamma_flattens_the_weights():
    query, key, value = (heads(1, 1, 16, 8, seed=seed) for seed in range(3))
    flat = gamma_attention(query, key, value, torch.full((1, 1, 1, 1), 1000.0))
    torch.testing.assert_close(flat, value.mean(2, keepdim=True).expand_as(flat), atol=1e-4, rtol=0)


def test_a_small_gamma_changes_nothing_where_the_maximum_stays_below_one():
    query, key, value = (0.1 * heads(1, 1, 5, 4, seed=seed) for seed in range(3))
    expected = F.scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(gamma_attention(query, key, value, torch.ones(1, 1, 1, 1)), expected)


# -- which layers -----------------------------------------------------------------------------------------------


def propagating(unet):
    """Names of the layers that propagate, by the number that they go by."""
    layers = {}
    for name, module in unet.named_modules():
        processor = getattr(module, "processor", None)
        if isinstance(processor, SpatialSelfAttention) and processor.layer is not None:
            layers[processor.layer] = name
    return [layers[number] for number in sorted(layers)]


def test_first_two_and_last_two_of_svd_propagate():
    with torch.device("meta"):
        unet = UNetSpatioTemporalConditionModel(in_channels=8, out_channels=4, num_frames=14)
    install(unet)
    places = "down_blocks.0.attentions.0", "down_blocks.0.attentions.1", "up_blocks.3.attentions.1", "up_blocks.3.attentions.2"
    assert propagating(unet) == [f"{place}.transformer_blocks.0.attn1" for place in places]
    assert len(spatial_self_attentions(unet)) == 16
    assert not any("temporal" in name for name in spatial_self_attentions(unet))
    touched = [
        name for name, module in unet.named_modules() if isinstance(getattr(module, "processor", None), SpatialSelfAttention)
    ]
    assert sorted(touched) == sorted(spatial_self_attentions(unet))


def test_first_two_and_last_two_of_another_shape_propagate():
    unet = networks.unet()
    install(unet)
    names = [name.removesuffix(".transformer_blocks.0.attn1") for name in propagating(unet)]
    assert names == [
        "down_blocks.0.attentions.0",
        "down_blocks.1.attentions.0",
        "up_blocks.1.attentions.0",
        "up_blocks.1.attentions.1",
    ]


def test_processors_alone_change_nothing():
    unet = networks.unet()
    noise, condition = networks.clip(GRID)
    arguments = torch.cat([noise, condition], 1)[None], torch.tensor(0.3), torch.randn(1, 1, 8), torch.zeros(1, 3)
    before = unet(*arguments).sample
    install(unet)
    torch.testing.assert_close(unet(*arguments).sample, before, atol=1e-5, rtol=1e-5)


# -- a U-Net whose layers are watched ---------------------------------------------------------------------------


class Watched:
    """A tiny U-Net, evaluated on tiles of `GRID` with the four propagating layers recorded."""

    def __init__(self):
        self.unet = networks.unet()
        self.propagation = install(self.unet)
        modules = dict(self.unet.named_modules())
        self.layers = [modules[name] for name in propagating(self.unet)]
        self.projections = [reference.Projections(layer) for layer in self.layers]
        self.recorder = networks.Recorder(self.layers)
        self.noise, self.condition = networks.clip(GRID)

    def evaluate(self, tiles, extensions, branches=BRANCHES, level=0.3):
        """One evaluation; gives per layer the input and output ``(branches, tiles, frames, tokens, channels)``."""
        self.propagation.rows, self.propagation.extensions = Rows(branches, tuple(tiles)), extensions
        sample = torch.stack([torch.cat([cut(self.noise, tile), cut(self.condition, tile)], 1) for tile in tiles])
        sample = sample.repeat(len(branches), 1, 1, 1, 1)
        embedding = torch.arange(len(branches)).repeat_interleave(len(tiles)).view(-1, 1, 1).expand(-1, 1, 8).float()
        with self.recorder:
            self.unet(sample, torch.tensor(level), embedding, torch.zeros(len(sample), 3))
        shape = (*self.propagation.rows.shape, -1, 32)
        return [
            (self.recorder.inputs[layer][-1].reshape(shape), self.recorder.outputs[layer][-1].reshape(shape))
            for layer in self.layers
        ]


@pytest.fixture(scope="module")
def watched():
    return Watched()


def window(n):
    return [GRID.tile(m, n) for m in range(GRID.spatial)]


def foreign(tiles, inputs, branch, frame):
    """The subsampled tokens of all tiles, for one branch and frame of their windows."""
    stride = round((tiles[0].height * tiles[0].width / inputs.shape[-2]) ** 0.5)
    return reference.subsampled(tiles, [inputs[branch, i, frame] for i in range(len(tiles))], stride, RATE)


def check(result, projections, inputs, others):
    """Compare a layer's output with ``others(branch, tile, frame)`` appended to the inputs."""
    for b, branch in enumerate(BRANCHES):
        for i in range(inputs.shape[1]):
            for f in range(inputs.shape[2]):
                expected = reference.propagated(projections, inputs[b, i, f], others(b, i, f), branch.gamma)
                np.testing.assert_allclose(result[b, i, f], expected, atol=2e-5)


# -- SAP --------------------------------------------------------------------------------------------------------


def test_lockstep_is_equation_2(watched):
    tiles = window(1)
    layers = watched.evaluate(tiles, [Lockstep(KeyBank(GRID.window(1), RATE))])
    strides = set()
    for projections, (inputs, outputs) in zip(watched.projections, layers, strict=True):
        strides.add(inputs.shape[-2])
        check(outputs, projections, inputs, lambda b, i, f, inputs=inputs: [foreign(tiles, inputs, b, f)])
    assert strides == {64, 16}, "the layers should lie at two resolutions"


def test_two_pass_injects_what_the_first_pass_saw(watched):
    tiles, bank = window(0), KeyBank(GRID.window(0), RATE)
    seen = [watched.evaluate([tile], [Collect(bank)]) for tile in tiles]
    for i, tile in enumerate(tiles):
        for layer, (inputs, outputs) in enumerate(watched.evaluate([tile], [Inject(bank)])):
            first = np.concatenate([pass_one[layer][0] for pass_one in seen], axis=1)
            check(outputs, watched.projections[layer], inputs, lambda b, _, f, first=first: [foreign(tiles, first, b, f)])
        assert i < 2


def test_two_pass_equals_lockstep_at_the_first_layer_only(watched):
    tiles, bank = window(0), KeyBank(GRID.window(0), RATE)
    lockstep = watched.evaluate(tiles, [Lockstep(KeyBank(GRID.window(0), RATE))])
    watched.evaluate(tiles, [Collect(bank)])
    two_pass = watched.evaluate(tiles, [Inject(bank)])
    np.testing.assert_allclose(two_pass[0][1], lockstep[0][1], atol=1e-6)
    assert np.abs(two_pass[1][1] - lockstep[1][1]).max() > 1e-6


def test_collecting_changes_nothing(watched):
    plain = watched.evaluate(window(0), [])
    collected = watched.evaluate(window(0), [Collect(KeyBank(GRID.window(0), RATE))])
    for (_, before), (_, after) in zip(plain, collected, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("rate", [1, 2, 3, 5])
def test_the_bank_holds_the_lattice_of_every_frame_whatever_the_order_of_tiles(rate):
    grid = TileGrid.build(5, 12, 20, 8, 3, align=2, shift=(0, 4, 2))
    tokens = {tile: heads(1, 1, 3, 2, 16, 4, seed=number) for number, tile in enumerate(grid)}
    banks = []
    for order in (list(grid), list(grid)[::-1], sorted(grid, key=lambda tile: tile.m)):
        bank = KeyBank(grid, rate)
        for tile in order:
            bank.collect(0, tokens[tile], 2 * tokens[tile], Rows((Branch(),), (tile,)))
        banks.append(bank.layers[0, Branch()])
    for frame in range(5):
        window = max(n for n, start in enumerate(grid.windows) if start <= frame)
        tiles = [grid.tile(m, window) for m in range(grid.spatial)]
        own = [tokens[tile][0, 0, frame - tile.frame].transpose(0, 1).numpy() for tile in tiles]
        expected = reference.subsampled(tiles, own, 2, rate)
        for key, value in banks:
            held = key[frame].flatten(1, 2).transpose(0, 1).numpy()
            np.testing.assert_array_equal(held, expected)
            np.testing.assert_array_equal(value[frame], 2 * key[frame])


def test_a_branch_that_was_not_collected_gets_the_conditional_ones_tokens():
    tile, bank = GRID.tile(0, 0), KeyBank(GRID.window(0), RATE)
    tokens = heads(1, 1, 2, 2, 64, 4, seed=0)
    bank.collect(0, tokens, tokens, Rows((Branch(),), (tile,)))
    key, _ = bank.foreign(0, Rows(BRANCHES, (tile,)))
    assert key.shape == (2, 1, 2, 2, 4 * 6, 4)
    torch.testing.assert_close(key[0], key[1])


# -- TAP --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("order", "count"), [((0, 1, 2), 2), ((2, 1, 0), 1), ((0, 1, 2), 4)])
def test_tap_appends_the_liveliest_frames_of_the_window_before(watched, order, count, monkeypatch):
    grid = dataclasses.replace(TileGrid.build(5, 8, 12, 8, 3, align=2), windows=(0, 1, 2))
    monkeypatch.setattr(watched, "noise", networks.clip(grid)[0])
    monkeypatch.setattr(watched, "condition", networks.clip(grid)[1])
    tap, before, chosen = Tap(count), None, defaultdict(Counter)
    for n in order:
        tiles = [grid.tile(m, n) for m in range(grid.spatial)]
        layers = watched.evaluate(tiles, [tap])
        for layer, (projections, (inputs, outputs)) in enumerate(zip(watched.projections, layers, strict=True)):

            def handed(b, i, frame, layer=layer, projections=projections, before=before):
                """The frames chosen in the window before: the same for every frame."""
                if before is None:
                    return []
                frames = before[layer][0][b, i]
                return [frames[f] for f in reference.liveliest(projections, frames, count)]

            check(outputs, projections, inputs, handed)
            for frames in inputs.reshape(-1, *inputs.shape[2:]):
                chosen[n].update(grid.windows[n] + f for f in reference.liveliest(projections, frames, count))
        before = layers
    assert tap.chosen == chosen


def test_a_networks_own_call_needs_no_sampler():
    propagation = Propagation()
    key = torch.zeros(2, 2, 4, 4)
    assert propagation.branches == (Branch(),)
    assert propagation.extend(0, key, key) == (key, key)
