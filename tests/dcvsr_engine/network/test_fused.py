"""Fused layers against diffusers' own."""

import copy

import networks
import pytest
import torch
from diffusers.models.attention import FeedForward
from diffusers.models.transformers.transformer_temporal import TransformerSpatioTemporalModel
from torch import nn

from dcvsr_engine.network import fused
from dcvsr_engine.network.fused import FusedFeedForward, PlanarConvolution, QuickGroupNorm, adapt_to_device, can_fuse

FORMATS = pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return FeedForward(24, activation_fn="geglu")


@FORMATS
def test_a_fused_layer_computes_what_the_plain_one_does(layer, dtype, tolerance):
    if not can_fuse(dtype):
        pytest.skip("oneDNN lacks this format here")
    layer.to(dtype)
    x = torch.randn(3, 5, 24, generator=torch.Generator().manual_seed(1)).to(dtype)
    with torch.no_grad():
        expected, result = layer(x), FusedFeedForward(layer).fused(x)
    torch.testing.assert_close(result, expected, atol=tolerance, rtol=tolerance)


def test_the_plain_layer_computes_where_nothing_can_be_fused(layer, monkeypatch):
    monkeypatch.setattr(fused, "can_fuse", lambda dtype: False)
    x = torch.randn(2, 24)
    with torch.no_grad():
        assert torch.equal(FusedFeedForward(layer)(x), layer(x))


def test_a_build_without_the_calls_is_noticed(monkeypatch):
    def missing(*arguments):
        raise NotImplementedError

    monkeypatch.setattr(fused, "fused_linear", missing)
    assert not can_fuse.__wrapped__(torch.float32)


def test_gradients_flow_while_training(layer):
    FusedFeedForward(layer)(torch.randn(2, 24)).sum().backward()
    assert layer.net[0].proj.weight.grad is not None


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 3e-2)])
@pytest.mark.parametrize("shape", [(3, 16, 5, 7), (1, 32, 1, 1)])
def test_small_pictures_are_normalised_as_by_pytorch(dtype, tolerance, shape):
    layer = nn.GroupNorm(8, shape[1], eps=1e-6).to(dtype)
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    x = (3 + 2 * torch.randn(shape)).to(dtype).to(memory_format=torch.channels_last)
    with torch.no_grad():
        expected, result = layer(x), QuickGroupNorm(layer)(x)
        assert torch.equal(QuickGroupNorm(layer)(x[:, :, None]), layer(x[:, :, None]))  # a clip is left to PyTorch
    torch.testing.assert_close(result, expected, atol=tolerance, rtol=tolerance)
    assert result.is_contiguous(memory_format=torch.channels_last) and result.dtype == dtype


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 3e-2)])
def test_temporal_convolutions_are_those_of_pytorch(dtype, tolerance):
    layer = nn.Conv3d(8, 6, (3, 1, 1), padding=(1, 0, 0)).to(dtype)
    x = torch.randn(2, 5, 8, 4, 3).transpose(1, 2).to(dtype)
    with torch.no_grad():
        torch.testing.assert_close(PlanarConvolution(layer)(x), layer(x), atol=tolerance, rtol=tolerance)


def test_group_norms_have_gradients_while_training():
    layer = QuickGroupNorm(nn.GroupNorm(2, 4))
    layer(torch.randn(2, 4, 3, 3)).sum().backward()
    assert layer.weight.grad is not None


def test_a_network_keeps_its_weights_names_and_numbers(tiny_unet):
    plain = copy.deepcopy(tiny_unet)
    adapt_to_device(tiny_unet, "cpu")
    assert any(isinstance(module, FusedFeedForward) for module in tiny_unet.modules())
    assert not any(type(module) in (FeedForward, nn.GroupNorm) for module in tiny_unet.modules())
    assert all(module.kernel_size == (1, 1, 1) for module in tiny_unet.modules() if isinstance(module, nn.Conv3d))
    assert list(tiny_unet.state_dict()) == list(plain.state_dict())
    seen = []
    for module in tiny_unet.modules():
        if isinstance(module, TransformerSpatioTemporalModel):
            module.register_forward_hook(lambda module, arguments, output: seen.append(output[0]))
    arguments = unet_arguments(plain)
    with torch.no_grad():
        expected, result = plain(**arguments).sample, tiny_unet(**arguments).sample
    torch.testing.assert_close(result, expected, atol=1e-4, rtol=1e-4)
    assert all(picture.is_contiguous(memory_format=torch.channels_last) for picture in seen)


@pytest.mark.parametrize(("device", "order"), [("cpu", torch.channels_last), ("cuda", torch.contiguous_format)])
def test_pictures_are_ordered_as_the_device_is_fastest(tiny_unet, device, order):
    adapt_to_device(tiny_unet, device)
    wide = [module.weight for module in tiny_unet.modules() if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3)]
    assert wide and all(weight.is_contiguous(memory_format=order) for weight in wide)
    assert any(isinstance(module, FusedFeedForward) for module in tiny_unet.modules()) == (device == "cpu")


def unet_arguments(unet):
    config = unet.config
    ids = config.projection_class_embeddings_input_dim // config.addition_time_embed_dim
    return {
        "sample": torch.randn(1, 3, config.in_channels, 8, 8),
        "timestep": torch.tensor(0.5),
        "encoder_hidden_states": torch.randn(1, 1, config.cross_attention_dim),
        "added_time_ids": torch.zeros(1, ids),
    }


@pytest.fixture
def tiny_unet():
    return networks.unet().eval()
