"""From a model's name to its networks, over its base and with its hashes compared."""

import json
import shutil

import networks
import pytest
import torch
from safetensors.torch import save_file

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.importing import import_model
from dcvsr_engine.models.loading import load_model
from dcvsr_engine.network.preview import TinyDecoder
from dcvsr_engine.storage import sha256

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def folder(tiny_model, tmp_path):
    """A copy of the tiny model to be damaged."""
    return shutil.copytree(tiny_model, tmp_path / "model")


def declare_hashes(folder, **hashes):
    path = folder / "dcvsr.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sha256": hashes}), encoding="utf-8")


def refused(model):
    with pytest.raises(ModelError) as caught:
        load_model(str(model), "cpu", "fp32")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_or_a_name_is_loaded(folder):
    by_path = load_model(str(folder), "cpu", "fp32")
    by_name = load_model(import_model(folder, "tiny").name, "cpu", "fp32")
    assert torch.equal(by_path.unet.conv_in.weight, by_name.unet.conv_in.weight)


def test_a_unet_alone_is_loaded_over_a_base_that_declares_nothing(full):
    folder = full.rename(full.with_name("stable-video-diffusion-img2vid"))
    base = import_model(folder)
    tuned = import_model(folder / "unet", "tuned")
    assert base.is_base
    assert load_model(tuned.name, "cpu", "fp32").first_stage.latent_channels == 4


def test_a_tiny_decoder_in_the_models_folder_shows_latents_that_it_is_made_for(full, home):
    home.mkdir(parents=True)
    save_file(TinyDecoder(remembers=True).layers.state_dict(), home / "taesdv.safetensors")
    other = import_model(full, "two-pixels-per-latent")
    shutil.rmtree(full / "vae")
    networks.vae(levels=4).save_pretrained(full / "vae")
    model = load_model(import_model(full, "eight").name, "cpu", "bf16")
    assert model.tiny_decoder in model.networks and model.tiny_decoder.layers[1].weight.dtype == torch.bfloat16
    assert load_model(other.name, "cpu", "fp32").tiny_decoder is None


def test_a_missing_base_is_named(full):
    import_model(full / "unet", "tuned")
    assert "needs “stable-video-diffusion-img2vid”, which is missing" in refused("tuned")


def test_no_such_model(tmp_path):
    assert "There is no model “" in refused(tmp_path / "nothing")


def test_hashes_are_compared_before_anything_is_loaded(folder):
    declare_hashes(folder, **{WEIGHTS: sha256(folder / WEIGHTS)})
    load_model(str(folder), "cpu", "fp32")
    declare_hashes(folder, **{WEIGHTS: "0" * 64})
    assert "its SHA-256 differs" in refused(folder)
    declare_hashes(folder, **{"elsewhere.safetensors": "0" * 64})
    assert "elsewhere.safetensors is missing" in refused(folder)
