"""A real U-Net as a denoiser: what its branches see, and their guided estimates."""

import networks
import numpy as np
import pytest
import reference
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from dcvsr_engine.diffusion.attention import SpatialSelfAttention
from dcvsr_engine.diffusion.branch import Branch
from dcvsr_engine.diffusion.sampler import InBatches, TiledDenoiser
from dcvsr_engine.diffusion.schedule import steps_of
from dcvsr_engine.tiling.blend import cut
from dcvsr_engine.tiling.grid import TileGrid

C, U, P = Branch(), Branch(conditional=False), Branch(identity=True)
D = Branch(conditional=False, gamma=0.7)
SIGMA, SCALE = 3.0, 2.5
GRID = TileGrid.build(2, 8, 8)


def epsilon(x, estimate, sigma=SIGMA):
    return (x - estimate) / sigma


@pytest.fixture
def tile():
    """A denoiser with distinct branches and what it needs for the one tile of `GRID`."""
    denoiser = networks.denoiser()
    noise, condition = networks.clip(GRID)
    only = GRID.tile(0, 0)
    return denoiser, SIGMA * cut(noise, only)[None], cut(condition, only)[None], [only]


@pytest.mark.parametrize("mode, gamma, other", [("cfg", 0.7, U), ("dssag", 0.7, D), ("none", 0.7, None)])
def test_guided_estimates(tile, mode, gamma, other):
    denoiser, x, condition, tiles = tile
    single = {branch: denoiser.evaluate(x, SIGMA, condition, tiles, (branch,))[branch] for branch in (C, other) if branch}
    expected = single[C] if other is None else single[other] + SCALE * (single[C] - single[other])
    torch.testing.assert_close(denoiser.guided(x, SIGMA, condition, tiles, mode, SCALE, gamma), expected, atol=1e-4, rtol=1e-4)
    assert other is None or not torch.allclose(single[C], single[other])


@pytest.mark.parametrize("dropped", [("image_embedding",), ("condition",), ("image_embedding", "condition")])
def test_the_unconditional_branch_drops_what_is_declared(dropped):
    denoiser = networks.denoiser(unconditional=dropped)
    noise, condition = networks.clip(GRID)
    tiles = [GRID.tile(0, 0)]
    seen = {}

    def keep(module, arguments, named):
        seen["sample"], seen["embedding"] = arguments[0], named["encoder_hidden_states"]

    denoiser.model.unet.register_forward_pre_hook(keep, with_kwargs=True)
    denoiser.evaluate(noise[None], SIGMA, condition[None], tiles, (C, U))
    torch.testing.assert_close(seen["sample"][0, :, 4:], condition)
    torch.testing.assert_close(seen["embedding"][:1], denoiser.embedding)
    assert bool(seen["embedding"][1].any()) == ("image_embedding" not in dropped)
    assert bool(seen["sample"][1, :, 4:].any()) == ("condition" not in dropped)
    torch.testing.assert_close(seen["sample"][0, :, :4], noise / (SIGMA**2 + 1) ** 0.5)


@pytest.mark.parametrize("mode", ["cfg", "dssag", "pag"])
def test_branches_one_by_one_give_the_same(tile, mode):
    denoiser, x, condition, tiles = tile
    rows = []
    hook = denoiser.model.unet.register_forward_pre_hook(lambda module, arguments: rows.append(len(arguments[0])))
    at_once = denoiser.guided(x, SIGMA, condition, tiles, mode, SCALE, 0.7)
    one_by_one = denoiser.guided(x, SIGMA, condition, tiles, mode, SCALE, 0.7, branches_in_one_batch=False)
    hook.remove()
    torch.testing.assert_close(at_once, one_by_one, atol=1e-5, rtol=1e-5)
    assert rows == ([3, 1, 1, 1] if mode == "pag" else [2, 1, 1])


def test_another_embedding_makes_another_denoiser_of_the_same_network(tile):
    denoiser = tile[0]
    other = denoiser.with_embedding(denoiser.embedding + 1)
    assert other.model is denoiser.model and other.propagation is denoiser.propagation
    torch.testing.assert_close(other.embedding, denoiser.embedding + 1)


def middle(denoiser):
    """The middle block's self-attention."""
    return denoiser.model.unet.mid_block.attentions[0].transformer_blocks[0].attn1


def test_pags_perturbed_branch_takes_values_as_they_are_in_the_middle_block_only(tile):
    denoiser, x, condition, tiles = tile
    modules = [
        module for module in denoiser.model.unet.modules() if isinstance(getattr(module, "processor", None), SpatialSelfAttention)
    ]
    with networks.Recorder(modules) as recorder:
        denoiser.evaluate(x, SIGMA, condition, tiles, (C, P))
    for module in modules:
        projections = reference.Projections(module)
        for row, (tokens, out) in enumerate(zip(recorder.inputs[module][0], recorder.outputs[module][0], strict=True)):
            if module is middle(denoiser) and row >= GRID.frames:
                expected = projections.output(projections.heads_of("v", tokens))
            else:
                expected = reference.propagated(projections, tokens, [], 0.0)
            np.testing.assert_allclose(out, expected, atol=2e-5)


@pytest.mark.parametrize("distinct", [True, False])
def test_sag_is_cfg_and_the_way_back_from_a_degraded_input(distinct):
    denoiser = networks.denoiser(distinct)
    noise, condition = networks.clip(GRID)
    x, known, tiles = SIGMA * noise[None], condition[None], [GRID.tile(0, 0)]
    with networks.Recorder([middle(denoiser)]) as recorder:
        first = {branch: denoiser.evaluate(x, SIGMA, known, tiles, (branch,))[branch] for branch in (C, U)}
    mass = received(reference.Projections(middle(denoiser)), recorder.inputs[middle(denoiser)][1])
    degraded = x.clone()
    for f in range(GRID.frames):
        for channel in range(networks.CHANNELS):
            picture = first[U][0, f, channel].double().numpy()
            soft = reference.blurred(picture, 1.0)
            for y in range(GRID.height):
                for column in range(GRID.width):
                    if mass[f][y // 2 * 4 + column // 2] > 1:
                        degraded[0, f, channel, y, column] += soft[y, column] - picture[y, column]
    assert not torch.equal(degraded, x)
    second = denoiser.evaluate(degraded, SIGMA, known, tiles, (U,))[U]
    conditional, unconditional = epsilon(x, first[C]), epsilon(x, first[U])
    guided = unconditional + SCALE * (conditional - unconditional) + (SCALE - 1) * (unconditional - epsilon(degraded, second))
    rows = []
    hook = denoiser.model.unet.register_forward_pre_hook(lambda module, arguments: rows.append(len(arguments[0])))
    result = denoiser.guided(x, SIGMA, known, tiles, "sag", SCALE, 0.7)
    hook.remove()
    torch.testing.assert_close(epsilon(x, result), guided, atol=1e-4, rtol=1e-4)
    assert rows == ([2, 1] if distinct else [1, 1])


def received(projections, frames):
    """Attention that each token receives, mean over heads, per frame of the middle block's input."""
    masses = []
    for tokens in frames:
        total = np.zeros(len(tokens))
        for query, key in zip(projections.heads_of("q", tokens), projections.heads_of("k", tokens), strict=True):
            weights = reference.gamma_attention(query, key, np.eye(len(tokens)))
            total += weights.sum(0) / projections.heads
        masses.append(total)
    return masses


def test_sag_has_a_scale_of_its_own():
    """The estimate is linear in it, and 0 is CFG alone."""
    denoiser, grid = networks.denoiser(), TileGrid.build(2, 8, 8)
    x, condition = (part[None] for part in networks.clip(grid))

    def guided(mode, perturbation):
        return denoiser.guided(x, 3.0, condition, [grid.tile(0, 0)], mode, 2.5, 0.0, perturbation=perturbation)

    torch.testing.assert_close(guided("sag", 0.0), guided("cfg", 1.0), atol=1e-4, rtol=1e-4)
    halfway = (guided("sag", 0.0) + guided("sag", 1.0)) / 2
    torch.testing.assert_close(guided("sag", 0.5), halfway, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("mode", "schedule"), [("dssag", "staged"), ("sag", "two-pass")])
def test_nothing_is_read_back_within_an_evaluation(mode, schedule):
    """Fake tensors have no numbers: what makes the host wait for a GPU's fails."""
    grid = TileGrid.build(3, 8, 12, 8, 2, align=2)
    chosen = networks.settings(guidance=mode, sap=True, tap=True, sap_schedule=schedule)
    with FakeTensorMode(allow_non_fake_inputs=True):
        denoiser, latents = networks.denoiser(), torch.zeros(3, 4, 8, 12)
        steps = steps_of(chosen, denoiser.model.declaration)
        tiled = TiledDenoiser(denoiser, latents, chosen, lambda step: grid)
        for step in steps:
            group = next(tiled.groups(grid, step))
            with denoiser.propagation.extended_by(*group.extensions):
                evaluated = InBatches(2).run(lambda tiles, step=step: tiled.estimate(latents, step, tiles), group)
                assert sum(len(tiles) for tiles, _ in evaluated) == len(group.tiles)
