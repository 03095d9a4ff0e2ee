"""Quick blocks against those of diffusers that they replace."""

import copy

import networks
import pytest
import torch
from torch import nn

from dcvsr_engine.diffusion.attention import install_processors
from dcvsr_engine.network.blocks import QUICK_BLOCKS
from dcvsr_engine.network.fused import quicken_blocks
from dcvsr_engine.research.training.objective import without_temporal_layers

ROWS, FRAMES, TOKENS = 2, 3, 10
KINDS = pytest.mark.parametrize("kind", QUICK_BLOCKS, ids=lambda kind: kind.__name__)


def shuffled(network):
    """Random numbers in all weights, those of norms and mixtures, too."""
    generator = torch.Generator().manual_seed(0)
    for weight in network.parameters():
        weight.data = torch.randn(weight.shape, generator=generator) / 4
    return network


@pytest.fixture
def unet():
    network = shuffled(networks.unet())
    install_processors(network)
    return network


def block_of(unet, kind):
    """A block of the lower half, where channels change in residual ones, and what it is called with."""
    block = next(module for module in unet.up_blocks.modules() if type(module) is kind)
    channels = 64 if hasattr(block, "spatial_res_block") else 32
    sequence = torch.randn(ROWS * FRAMES, TOKENS, channels)
    context = torch.randn(ROWS, 1, networks.EMBEDDING)
    return block, {
        "BasicTransformerBlock": {"hidden_states": sequence, "encoder_hidden_states": context.repeat_interleave(FRAMES, 0)},
        "TemporalBasicTransformerBlock": {
            "hidden_states": sequence,
            "num_frames": FRAMES,
            "encoder_hidden_states": context.repeat_interleave(TOKENS, 0),
        },
        "AlphaBlender": {
            "x_spatial": sequence,
            "x_temporal": torch.randn_like(sequence),
            "image_only_indicator": torch.zeros(ROWS, FRAMES),
        },
        "SpatioTemporalResBlock": {
            "hidden_states": torch.randn(ROWS * FRAMES, channels, 4, 6),
            "temb": torch.randn(1, 128).expand(ROWS * FRAMES, -1),
            "image_only_indicator": torch.zeros(ROWS, FRAMES),
        },
    }[kind.__name__]


@KINDS
def test_a_quick_block_computes_what_diffusers_does(unet, kind):
    block, arguments = block_of(unet, kind)
    before = {name: value.clone() for name, value in arguments.items() if torch.is_tensor(value)}
    parent = nn.ModuleList([copy.deepcopy(block)])
    quicken_blocks(parent)
    assert type(parent[0]) is QUICK_BLOCKS[kind] and list(parent[0].state_dict()) == list(block.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(parent[0](**arguments), block(**arguments), atol=1e-4, rtol=1e-4)
    assert all(torch.equal(arguments[name], value) for name, value in before.items())


@KINDS
def test_all_weights_have_gradients_while_training(unet, kind):
    block, arguments = block_of(unet, kind)
    quick = QUICK_BLOCKS[kind](block).requires_grad_(True)
    quick(**arguments).sum().backward()
    assert all(weight.grad is not None for weight in quick.parameters())


def test_several_tokens_are_attended_to(unet):
    plain = copy.deepcopy(unet)
    quicken_blocks(unet)
    arguments = {
        "sample": torch.randn(1, FRAMES, 2 * networks.CHANNELS, 8, 8),
        "timestep": torch.tensor(0.5),
        "encoder_hidden_states": torch.randn(1, 2, networks.EMBEDDING),
        "added_time_ids": torch.zeros(1, 3),
    }
    with torch.no_grad():
        torch.testing.assert_close(unet(**arguments).sample, plain(**arguments).sample, atol=1e-3, rtol=1e-3)


def test_a_residual_block_computes_without_the_temporal_layers_that_training_takes_away(unet):
    (plain, quick), shape = (unet, copy.deepcopy(unet)), (ROWS * FRAMES, 32, 4, 6)
    quicken_blocks(quick)
    arguments = torch.randn(shape), torch.randn(1, 128).expand(ROWS * FRAMES, -1), torch.zeros(ROWS, FRAMES)
    with torch.no_grad(), without_temporal_layers(plain), without_temporal_layers(quick):
        expected, result = (network.down_blocks[0].resnets[0](*arguments) for network in (plain, quick))
    torch.testing.assert_close(result, expected)
