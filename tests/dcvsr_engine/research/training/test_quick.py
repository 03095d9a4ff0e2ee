"""Layers that train faster on a GPU: values and gradients of the plain ones."""

import copy

import networks
import pytest
import torch
from torch import nn

from dcvsr_engine.network.fused import PlanarConvolution
from dcvsr_engine.research.training.quick import NarrowNorm, quicken_training

NORMS = pytest.mark.parametrize(("norm", "shape"), [(nn.GroupNorm(4, 8), (3, 8, 5, 4)), (nn.LayerNorm(8), (3, 5, 8))])


def gradients(network: nn.Module, value: torch.Tensor) -> list[torch.Tensor]:
    """Of the weights, for a scalar that all of ``value`` counts in differently."""
    weight = torch.rand(value.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64).to(value.dtype)
    (value * weight).sum().backward()
    return [parameter.grad for parameter in network.parameters() if parameter.grad is not None]


@NORMS
def test_a_norm_computes_in_its_inputs_format_what_the_plain_one_does(norm, shape) -> None:
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = 2 + torch.randn(shape, generator=torch.Generator().manual_seed(1))
    expected = norm(x)
    with torch.autocast("cpu", torch.bfloat16):
        result = NarrowNorm(norm)(x.bfloat16())
    assert result.dtype == torch.bfloat16
    torch.testing.assert_close(result.float(), expected, atol=5e-2, rtol=5e-2)


@NORMS
def test_a_norm_has_the_gradients_of_the_plain_one(norm, shape) -> None:
    plain = copy.deepcopy(norm).double()
    quick = NarrowNorm(copy.deepcopy(plain))
    x = torch.randn(shape, dtype=torch.float64)
    pairs = zip(gradients(plain, plain(x)), gradients(quick, quick(x)), strict=True)
    assert all(torch.equal(expected, result) for expected, result in pairs)


def test_a_temporal_convolution_has_the_gradients_of_the_plain_one() -> None:
    plain = nn.Conv3d(4, 6, (3, 1, 1), padding=(1, 0, 0))
    quick = PlanarConvolution(copy.deepcopy(plain))
    x = torch.randn(2, 4, 5, 3, 3)
    for expected, result in zip(gradients(plain, plain(x)), gradients(quick, quick(x)), strict=True):
        torch.testing.assert_close(result, expected, atol=1e-5, rtol=1e-5)


def test_a_network_keeps_its_weights_names_values_and_gradients() -> None:
    plain = networks.unet().requires_grad_(True).train()
    quick = copy.deepcopy(plain)
    quicken_training(quick)
    kinds = {type(module) for module in quick.modules()}
    assert {NarrowNorm, PlanarConvolution} <= kinds and not {nn.GroupNorm, nn.LayerNorm} & kinds
    assert list(quick.state_dict()) == list(plain.state_dict())
    config = plain.config
    ids = config.projection_class_embeddings_input_dim // config.addition_time_embed_dim
    arguments = {
        "sample": torch.randn(1, 3, config.in_channels, 8, 8), "timestep": torch.tensor(0.5),
        "encoder_hidden_states": torch.randn(1, 1, config.cross_attention_dim), "added_time_ids": torch.zeros(1, ids),
    }  # fmt: skip
    found = [gradients(network, network(**arguments).sample) for network in (plain, quick)]
    assert len(found[0]) > 50
    for expected, result in zip(*found, strict=True):
        torch.testing.assert_close(result, expected, atol=1e-4, rtol=1e-3)
