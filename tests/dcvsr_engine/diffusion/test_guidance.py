"""How branches combine, in ε as the papers write it."""

import networks
import numpy as np
import pytest
import reference
import torch

from dcvsr_engine.diffusion.attention import SpatialSelfAttention
from dcvsr_engine.diffusion.branch import Branch
from dcvsr_engine.diffusion.guidance import combine, degrade, gaussian_blur
from dcvsr_engine.tiling.blend import cut
from dcvsr_engine.tiling.grid import TileGrid

C, U, P = Branch(), Branch(conditional=False), Branch(identity=True)
D = Branch(conditional=False, gamma=0.7)
SIGMA, SCALE = 3.0, 2.5
GRID = TileGrid.build(2, 8, 8)


def epsilon(x, estimate, sigma=SIGMA):
    return (x - estimate) / sigma


@pytest.mark.parametrize("branches", [(C,), (C, U), (C, D), (C, P), (C, U, P)])
def test_combination_is_equation_9_and_pags(branches):
    x = torch.randn(4)
    estimates = {branch: torch.randn(4) for branch in branches}
    e = {branch: epsilon(x, estimate) for branch, estimate in estimates.items()}
    expected = e[C]
    for other in (U, D):
        if other in e:
            expected = e[other] + SCALE * (e[C] - e[other])
    if P in e:
        expected = expected + (SCALE - 1) * (e[C] - e[P])
    torch.testing.assert_close(epsilon(x, combine(estimates, SCALE)), expected, atol=1e-5, rtol=1e-5)


def test_the_blur_is_a_gaussian_with_repeated_edges():
    picture = torch.randn(1, 2, 7, 5)
    for channel in range(2):
        expected = reference.blurred(picture[0, channel].double().numpy(), 1.0)
        np.testing.assert_allclose(gaussian_blur(picture)[0, channel], expected, atol=1e-5)


def test_degrading_blurs_the_estimate_where_attention_is_high_and_keeps_the_noise():
    x, denoised = torch.randn(1, 2, 3, 4, 8), torch.randn(1, 2, 3, 4, 8)
    mass = torch.full((2, 8), 0.5)
    mass[1, 6] = 2.5
    degraded = degrade(x, denoised, mass)
    changed = (degraded != x).any(2)[0]
    assert not changed[0].any()
    assert changed[1].nonzero().tolist() == [[2, 4], [2, 5], [3, 4], [3, 5]]
    torch.testing.assert_close((degraded - x)[0, 1, :, 2:, 4:6], (gaussian_blur(denoised[0]) - denoised[0])[1, :, 2:, 4:6])


# -- through a U-Net --------------------------------------------------------------------------------------------


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


def test_a_network_without_image_embedding_has_equal_branches():
    assert not networks.denoiser(distinct=False).distinct
    assert networks.denoiser(distinct=False, unconditional=("condition",)).distinct
    assert not networks.denoiser(distinct=True, unconditional=()).distinct


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
    before = denoiser.evaluations
    result = denoiser.guided(x, SIGMA, known, tiles, "sag", SCALE, 0.7)
    torch.testing.assert_close(epsilon(x, result), guided, atol=1e-4, rtol=1e-4)
    assert denoiser.evaluations - before == (3 if distinct else 2)


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
