"""γ-attention against the equation written out with loops, and which layers of a U-Net get it."""

import networks
import numpy as np
import pytest
import reference
import torch
from diffusers import UNetSpatioTemporalConditionModel
from diffusers.models.attention_processor import Attention
from networks import propagating
from torch.nn import functional as F

from dcvsr_engine.diffusion import attention as module
from dcvsr_engine.diffusion.attention import (
    CrossAttention,
    SpatialSelfAttention,
    TemporalSelfAttention,
    attention,
    gamma_attention,
    install_processors,
    spatial_self_attentions,
)
from dcvsr_engine.tiling.grid import TileGrid

GRID = TileGrid.build(3, 8, 12, 8, 2, align=2)
"""Two tiles side by side that overlap by half, two windows of two frames that share one."""


def heads(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("cached", [1, 600, module.CACHED_WEIGHTS])
def test_products_in_bf16_are_attention_up_to_rounding(monkeypatch, cached):
    monkeypatch.setattr(module, "CACHED_WEIGHTS", cached)
    monkeypatch.setattr(F, "scaled_dot_product_attention", None)  # not called
    query, key, value = (heads(5, 2, count, 8, seed=count).bfloat16() for count in (9, 15, 15))
    with torch.no_grad():
        result = attention(query, key, value)
    weights = torch.softmax(query.float() @ key.float().mT / 8**0.5, dim=-1)
    assert result.dtype == torch.bfloat16
    torch.testing.assert_close(result.float(), weights @ value.float(), atol=2e-2, rtol=2e-2)


@pytest.mark.parametrize("reason", ["map", "training", "float32"])
def test_attention_is_fused_where_no_map_is_to_be_stored(monkeypatch, reason):
    if reason == "map":
        monkeypatch.setattr(module, "MOST_WEIGHTS", 2 * 9 * 9 - 1)
    dtype = torch.float32 if reason == "float32" else torch.bfloat16
    query, key, value = (heads(5, 2, 9, 8, seed=seed).to(dtype) for seed in range(3))
    with torch.set_grad_enabled(reason == "training"):
        assert torch.equal(attention(query, key, value), F.scaled_dot_product_attention(query, key, value))


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


def test_first_two_and_last_two_of_svd_propagate():
    with torch.device("meta"):
        unet = UNetSpatioTemporalConditionModel(in_channels=8, out_channels=4, num_frames=14)
    install_processors(unet)
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
    install_processors(unet)
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
    install_processors(unet)
    torch.testing.assert_close(unet(*arguments).sample, before, atol=1e-5, rtol=1e-5)


def test_layers_that_propagate_and_get_gamma_are_chosen():
    unet = networks.unet()
    names = spatial_self_attentions(unet)

    def processors(*choice):
        install_processors(unet, *choice)
        return [dict(unet.named_modules())[name].processor for name in names]

    assert [one.layer for one in processors()] == [one.layer for one in processors(2, "all")] == [0, 1, None, None, None, 2, 3]
    assert [one.layer for one in processors(1)] == [0, *[None] * 5, 1]
    assert [one.layer for one in processors(8)] == list(range(7))
    for part, prefix in (("down", "down_blocks"), ("middle", "mid_block"), ("up", "up_blocks")):
        assert [one.gets_gamma for one in processors(2, part)] == [name.startswith(prefix) for name in names]
    assert all(one.gets_gamma for one in processors(2, "all"))


# -- temporal and cross-attention -------------------------------------------------------------------------------


def tokens(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("most", [1, 5, 7, 12, 13])
def test_split_attention_is_the_unsplit_one(most):
    attn = Attention(32, heads=4, dim_head=8)
    hidden = tokens(12, 3, 32)
    expected = attn(hidden)  # diffusers' own processor
    attn.set_processor(TemporalSelfAttention(most))
    torch.testing.assert_close(attn(hidden), expected, atol=1e-6, rtol=1e-5)


def test_no_kernel_gets_more_rows_than_it_launches(monkeypatch):
    rows, plain = [], F.scaled_dot_product_attention
    monkeypatch.setattr(F, "scaled_dot_product_attention", lambda *args: rows.append(len(args[0])) or plain(*args))
    attn = Attention(4, heads=1, dim_head=4, processor=TemporalSelfAttention())
    with torch.no_grad():
        assert attn(tokens(65_536, 1, 4)).shape == (65_536, 1, 4)
    assert rows == [65_535, 1]


@pytest.mark.parametrize("context", [1, 3])
@pytest.mark.parametrize("training", [False, True])
def test_attention_to_one_token_is_its_value(context, training):
    attn = Attention(32, cross_attention_dim=16, heads=4, dim_head=8)
    hidden, embedding = tokens(2, 10, 32), tokens(2, context, 16, seed=1)
    expected = attn(hidden, embedding)
    attn.set_processor(CrossAttention())
    with torch.set_grad_enabled(training):
        result = attn(hidden, embedding)
    torch.testing.assert_close(result, expected, atol=1e-6, rtol=1e-5)
    if training:
        result.sum().backward()
        assert all(weight.grad is not None for weight in attn.parameters())
