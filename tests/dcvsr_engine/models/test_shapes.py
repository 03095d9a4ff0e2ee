"""What shapes tell of a network, against diffusers' own idea of it."""

from pathlib import Path

import networks
import pytest
import torch
from diffusers import UNetSpatioTemporalConditionModel

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.headers import TensorHeader
from dcvsr_engine.models.shapes import SVD_UNET, check_unet, unet_facts


def shapes(network):
    return {name: TensorHeader("F32", tuple(value.shape)) for name, value in network.state_dict().items()}


def test_svd_s_config_is_the_one_that_diffusers_builds():
    with torch.device("meta"):
        full, usual = UNetSpatioTemporalConditionModel.from_config(SVD_UNET), UNetSpatioTemporalConditionModel()
    assert shapes(full) == shapes(usual)
    check_unet(shapes(full), SVD_UNET, Path())


def test_the_facts_of_a_small_network():
    network = networks.unet()
    facts = unet_facts(shapes(network))
    assert facts == {
        name: list(value) if isinstance(value, tuple) else value for name, value in network.config.items() if name in facts
    }
    with pytest.raises(ModelError, match=r"do not fit their config\.json: in_channels is 8, not 10"):
        check_unet(shapes(network), {**facts, "in_channels": 10}, Path("unet"))


def test_missing_tensors_are_told():
    tensors = shapes(networks.unet())
    del tensors["down_blocks.1.resnets.0.spatial_res_block.conv1.weight"]
    with pytest.raises(ModelError, match="tensors are missing"):
        unet_facts(tensors)
