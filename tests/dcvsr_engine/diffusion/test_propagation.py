"""SAP and TAP in the layers of a real U-Net, against the equations written out with loops."""

import dataclasses
from collections import Counter, defaultdict

import networks
import numpy as np
import pytest
import reference
import torch
from networks import propagating

from dcvsr_engine.diffusion.attention import install_processors
from dcvsr_engine.diffusion.branch import Branch
from dcvsr_engine.diffusion.propagation import (
    BatchLayout,
    Collect,
    Inject,
    Lockstep,
    Propagation,
    SpatialBank,
    TemporalMemory,
    frames_by_key_std,
)
from dcvsr_engine.tiling.blend import cut
from dcvsr_engine.tiling.grid import TileGrid

GRID = TileGrid.build(3, 8, 12, 8, 2, align=2)
"""Two tiles side by side that overlap by half, two windows of two frames that share one."""
RATE = 2
BRANCHES = (Branch(), Branch(conditional=False, gamma=0.6))


def heads(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# -- a U-Net whose layers are watched ---------------------------------------------------------------------------


class Watched:
    """A tiny U-Net, evaluated on tiles of `GRID` with the four propagating layers recorded."""

    def __init__(self):
        self.unet = networks.unet()
        self.propagation = install_processors(self.unet)
        modules = dict(self.unet.named_modules())
        self.layers = [modules[name] for name in propagating(self.unet)]
        self.projections = [reference.Projections(layer) for layer in self.layers]
        self.recorder = networks.Recorder(self.layers)
        self.noise, self.condition = networks.clip(GRID)

    def evaluate(self, tiles, extensions, branches=BRANCHES, level=0.3):
        """One evaluation; gives per layer the input and output ``(branches, tiles, frames, tokens, channels)``."""
        layout = BatchLayout(branches, tuple(tiles))
        sample = torch.stack([torch.cat([cut(self.noise, tile), cut(self.condition, tile)], 1) for tile in tiles])
        sample = sample.repeat(len(branches), 1, 1, 1, 1)
        embedding = torch.arange(len(branches)).repeat_interleave(len(tiles)).view(-1, 1, 1).expand(-1, 1, 8).float()
        with self.recorder, self.propagation.extended_by(*extensions), self.propagation.batch(layout):
            self.unet(sample, torch.tensor(level), embedding, torch.zeros(len(sample), 3))
        shape = (*layout.shape, -1, 32)
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
    layers = watched.evaluate(tiles, [Lockstep(SpatialBank(GRID.window(1), RATE))])
    strides = set()
    for projections, (inputs, outputs) in zip(watched.projections, layers, strict=True):
        strides.add(inputs.shape[-2])
        check(outputs, projections, inputs, lambda b, i, f, inputs=inputs: [foreign(tiles, inputs, b, f)])
    assert strides == {64, 16}, "the layers should lie at two resolutions"


def test_two_pass_injects_what_the_first_pass_saw(watched):
    tiles, bank = window(0), SpatialBank(GRID.window(0), RATE)
    seen = [watched.evaluate([tile], [Collect(bank)]) for tile in tiles]
    for i, tile in enumerate(tiles):
        for layer, (inputs, outputs) in enumerate(watched.evaluate([tile], [Inject(bank)])):
            first = np.concatenate([pass_one[layer][0] for pass_one in seen], axis=1)
            check(outputs, watched.projections[layer], inputs, lambda b, _, f, first=first: [foreign(tiles, first, b, f)])
        assert i < 2


def test_two_pass_equals_lockstep_at_the_first_layer_only(watched):
    tiles, bank = window(0), SpatialBank(GRID.window(0), RATE)
    lockstep = watched.evaluate(tiles, [Lockstep(SpatialBank(GRID.window(0), RATE))])
    watched.evaluate(tiles, [Collect(bank)])
    two_pass = watched.evaluate(tiles, [Inject(bank)])
    np.testing.assert_allclose(two_pass[0][1], lockstep[0][1], atol=1e-6)
    assert np.abs(two_pass[1][1] - lockstep[1][1]).max() > 1e-6


def test_collecting_changes_nothing(watched):
    plain = watched.evaluate(window(0), [])
    collected = watched.evaluate(window(0), [Collect(SpatialBank(GRID.window(0), RATE))])
    for (_, before), (_, after) in zip(plain, collected, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("rate", [1, 2, 3, 5])
def test_the_bank_holds_the_lattice_of_every_frame_whatever_the_order_of_tiles(rate):
    grid = TileGrid.build(5, 12, 20, 8, 3, align=2, shift=(0, 4, 2))
    tokens = {tile: heads(1, 1, 3, 2, 16, 4, seed=number) for number, tile in enumerate(grid)}
    banks = []
    for order in (list(grid), list(grid)[::-1], sorted(grid, key=lambda tile: tile.m)):
        bank = SpatialBank(grid, rate)
        for tile in order:
            bank.collect(0, tokens[tile], 2 * tokens[tile], BatchLayout((Branch(),), (tile,)))
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
    tile, bank = GRID.tile(0, 0), SpatialBank(GRID.window(0), RATE)
    tokens = heads(1, 1, 2, 2, 64, 4, seed=0)
    bank.collect(0, tokens, tokens, BatchLayout((Branch(),), (tile,)))
    key, _ = bank.foreign(0, BatchLayout(BRANCHES, (tile,)))
    assert key.shape == (2, 1, 2, 2, 4 * 6, 4)
    torch.testing.assert_close(key[0], key[1])


# -- TAP --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("order", "count"), [((0, 1, 2), 2), ((2, 1, 0), 1), ((0, 1, 2), 4)])
def test_tap_appends_the_frames_by_key_std_of_the_window_before(watched, order, count, monkeypatch):
    grid = dataclasses.replace(TileGrid.build(5, 8, 12, 8, 3, align=2), windows=(0, 1, 2))
    monkeypatch.setattr(watched, "noise", networks.clip(grid)[0])
    monkeypatch.setattr(watched, "condition", networks.clip(grid)[1])
    tap, before, chosen = TemporalMemory(count), None, defaultdict(Counter)
    for n in order:
        tiles = [grid.tile(m, n) for m in range(grid.spatial)]
        layers = watched.evaluate(tiles, [tap])
        for layer, (projections, (inputs, outputs)) in enumerate(zip(watched.projections, layers, strict=True)):

            def handed(b, i, frame, layer=layer, projections=projections, before=before):
                """The frames chosen in the window before: the same for every frame."""
                if before is None:
                    return []
                frames = before[layer][0][b, i]
                return [frames[f] for f in reference.frames_by_key_std(projections, frames, count)]

            check(outputs, projections, inputs, handed)
            for frames in inputs.reshape(-1, *inputs.shape[2:]):
                chosen[n].update(grid.windows[n] + f for f in reference.frames_by_key_std(projections, frames, count))
        before = layers
    assert {n: Counter(torch.cat(frames).tolist()) for n, frames in tap.chosen.items()} == chosen
    assert tap.frames_of(1) == sorted(frame for frame, _ in chosen[1].most_common(count))


def test_a_networks_own_call_needs_no_sampler():
    propagation = Propagation()
    key = torch.zeros(2, 2, 4, 4)
    assert propagation.branches == (Branch(),)
    assert propagation.extend(0, key, key) == (key, key)


def test_nothing_outlives_an_evaluation():
    propagation, layout = Propagation(), BatchLayout(BRANCHES, (GRID.tile(0, 0),))
    with pytest.raises(MemoryError), propagation.extended_by(TemporalMemory(1)), propagation.batch(layout):
        assert propagation.branches == BRANCHES and len(propagation.extensions) == 1
        raise MemoryError
    assert propagation.layout is None and propagation.extensions == ()
    with propagation.record_attention() as masses:
        assert propagation.attention_mass is masses
    assert propagation.attention_mass is None


def test_a_bank_comes_back_from_its_tensors():
    tile, bank = GRID.tile(0, 0), SpatialBank(GRID, RATE)
    tokens = heads(2, 1, 2, 2, 64, 4, seed=0)
    bank.collect(3, tokens, 2 * tokens, BatchLayout(BRANCHES, (tile,)))
    again = SpatialBank.from_tensors(bank.to_tensors(), GRID, RATE)
    assert again.layers.keys() == bank.layers.keys() == {(3, branch.slot) for branch in BRANCHES}
    for place, pair in bank.layers.items():
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(pair, again.layers[place], strict=True))


def test_what_is_held_moves_to_another_device():
    tile, tokens = GRID.tile(0, 0), heads(2, 1, 2, 2, 64, 4, seed=0)
    layout, memory, bank = BatchLayout(BRANCHES, (tile,)), TemporalMemory(1), SpatialBank(GRID, RATE)
    for extension in (memory, Lockstep(bank), Collect(bank), Inject(bank)):
        extension.extend(0, tokens, tokens, layout)
    propagation = Propagation()
    with propagation.extended_by(memory, Collect(bank)):
        propagation.move("meta")
    held = [*bank.layers.values(), *memory.offering.values()]
    assert held and {tensor.device.type for pair in held for tensor in pair} == {"meta"}


def test_frames_are_chosen_by_the_deviation_of_their_keys():
    key = torch.stack([scale * heads(2, 9, 4, seed=1) for scale in (1.0, 3.0, 0.5, 2.0)])
    assert frames_by_key_std(key, 2).tolist() == [1, 3]
    assert frames_by_key_std(key, 9).tolist() == [0, 1, 2, 3]
