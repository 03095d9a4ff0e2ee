"""Numbers that make no sense are computed again in fp32, and the weights come back as they were."""

import networks
import pytest
import torch
from dcvsr_engine.network.soundness import finite, sound

from dcvsr_engine.errors import JobError


def half(dtype: torch.dtype = torch.float16):
    """A model in half precision, but for a part of its autoencoder that stays in fp32."""
    model = networks.model()
    model.precision = "fp16" if dtype == torch.float16 else "bf16"
    model.unet.to(dtype)
    model.first_stage.vae.to(dtype)
    model.first_stage.vae.quant_conv.float()
    return model


def weights_of(model):
    return {name: value.clone() for part in model.networks for name, value in part.state_dict().items()}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_fp32_is_left_again_with_the_same_weights(dtype):
    model = half(dtype)
    before = weights_of(model)
    with model.full_precision():
        assert model.precision == "fp32" and {weight.dtype for weight in weights_of(model).values()} == {torch.float32}
    after = weights_of(model)
    assert model.precision == ("fp16" if dtype == torch.float16 else "bf16")
    assert all(after[name].dtype == value.dtype and torch.equal(after[name], value) for name, value in before.items())


def test_usable_numbers_are_computed_once():
    calls = []
    assert sound(half(), lambda: calls.append(1) or torch.ones(2), "here").tolist() == [1, 1]
    assert len(calls) == 1


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_half_precision_spoils_is_computed_in_fp32(bad):
    model, said = half(), []

    def work():
        return torch.tensor([1.0, 1.0 if model.unet.dtype == torch.float32 else bad])

    assert sound(model, work, "Tile 3", warn=said.append).tolist() == [1, 1]
    assert said == ["Tile 3 went out of the range of fp16 and was computed again in fp32."]
    assert model.unet.dtype == torch.float16


def test_what_stays_bad_ends_with_its_place():
    model = half()
    with pytest.raises(JobError, match=r"^Frame 7 came out damaged"):
        sound(model, lambda: torch.tensor(float("nan")), "Frame 7")
    assert model.unet.dtype == torch.float16


def test_another_check_can_be_asked_for():
    with pytest.raises(JobError):
        sound(networks.model(), lambda: torch.zeros(2), "Frame 7", lambda values: finite(values) and bool(values.any()))
