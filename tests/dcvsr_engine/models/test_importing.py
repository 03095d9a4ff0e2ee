"""Importing: what is recognised as what, what is refused and why, and that nothing half is left behind."""

import json
import pickle
import shutil

import pytest
import torch
from safetensors.torch import save_file

from dcvsr_engine.errors import Cancelled, ModelError
from dcvsr_engine.models import importing
from dcvsr_engine.models.importing import import_model
from dcvsr_engine.models.loading import load_model
from dcvsr_engine.models.recognise import recognise
from dcvsr_engine.resources import resource

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


def inside(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_model_that_declares_itself_comes_as_it_is(home):
    model = import_model(resource("models", "compact"), "second")
    assert model.folder == home / "second"
    assert not model.problem
    assert model.declaration.title == "second"
    assert inside(home / "second") == {"dcvsr.json", "source.json", "scales.json", "README.md", "unet/config.json", WEIGHTS}
    assert load_model("second", "cpu", "fp32").declaration.first_stage == "haar"


def test_a_full_folder_gets_assumed_conventions_and_loads(full):
    model = import_model(full)
    assert model.name == "my-video-model"
    assert (model.declaration.factor, model.declaration.multiple, model.declaration.base) == (2, 2, "")
    assert set(model.declaration.assumed) == {"condition_scaled", "added_time_ids", "image_embedding"}
    assert "vae/diffusion_pytorch_model.bin" not in inside(model.folder)
    assert load_model(model.name, "cpu", "fp32").first_stage.latent_channels == 4


@pytest.mark.parametrize("form", ["folder", "parent", "file"])
def test_a_unet_alone_is_laid_over_a_base(full, tmp_path, form):
    base = import_model(full, "base").name
    folder = tmp_path / "tuned" / "unet_ema"
    shutil.copytree(full / "unet", folder)
    path = {"folder": folder, "parent": folder.parent, "file": folder / "diffusion_pytorch_model.safetensors"}[form]
    model = import_model(path, base=base)
    assert (model.name, model.declaration.base, model.problem) == ("tuned", "base", "")
    assert inside(model.folder) == {"dcvsr.json", "source.json", "unet/config.json", WEIGHTS}
    if form == "file":
        assert load_model("tuned", "cpu", "fp32").first_stage.latent_channels == 4


def test_what_a_config_leaves_out_is_the_default(full):
    path = full / "unet" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in config.items() if name not in ("in_channels", "out_channels")}))
    assert recognise(full).kind == "full"


def test_a_unet_whose_base_is_missing_is_added_and_says_so(full, tmp_path):
    model = import_model(full / "unet", "tuned")
    assert "needs “stable-video-diffusion-img2vid”, which is missing" in model.problem


def test_svd_itself_is_a_base(full, tmp_path):
    folder = full.rename(tmp_path / "stable-video-diffusion-img2vid")
    model = import_model(folder)
    assert model.is_base
    assert not any(name.startswith("unet") for name in inside(model.folder))


def test_what_a_declaration_names_must_be_there_unchanged(tmp_path):
    folder = shutil.copytree(resource("models", "compact"), tmp_path / "changed")
    (folder / "scales.json").write_text((folder / "scales.json").read_text() + " ")
    with pytest.raises(ModelError, match=r"scales\.json is missing or is not the file that dcvsr\.json declares"):
        import_model(folder, "changed")


def sentence(path):
    with pytest.raises(ModelError) as caught:
        recognise(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_pickles_are_refused_unopened(tmp_path, full):
    path = tmp_path / "model.ckpt"
    path.write_bytes(pickle.dumps({"a": 1}))
    assert "is a pickle" in sentence(path)
    (full / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    assert "diffusion_pytorch_model.bin is a pickle" in sentence(full)
    disguised = tmp_path / "model.safetensors"
    path.rename(disguised)
    assert "damaged or no safetensors file" in sentence(disguised)


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        (["model.diffusion_model.x"], "in the layout of Stability's own programs"),
        (["unet.lora_A"], "a LoRA"),
        (["encoder.conv_in.weight", "decoder.conv_in.weight"], "an autoencoder without a U-Net"),
        (["vision_model.x"], "an image or text encoder"),
        (["anything"], "the weights of another network"),
    ],
)
def test_other_weights_are_refused_by_name(tmp_path, tensors, reason):
    save_file({name: torch.zeros(1) for name in tensors}, tmp_path / "x.safetensors")
    assert reason in sentence(tmp_path / "x.safetensors")


def test_what_does_not_fit_is_refused(tmp_path, full):
    (tmp_path / "empty").mkdir()
    assert "there is no .safetensors file" in sentence(tmp_path / "empty")
    assert "is no model" in sentence(tmp_path / "clip.mp4")
    assert "does not exist" in sentence(tmp_path / "nothing.safetensors")
    config = json.loads((full / "unet" / "config.json").read_text())
    (full / "unet" / "config.json").write_text(json.dumps(config | {"cross_attention_dim": 16}))
    assert "cross_attention_dim is 8, not 16" in sentence(full)
    (full / "unet" / "config.json").write_text(json.dumps({"_class_name": "UNet2DConditionModel"}))
    assert "holds a UNet2DConditionModel" in sentence(full)
    (full / "unet" / "config.json").unlink()
    assert "is no U-Net of Stable Video Diffusion's size" in sentence(full / WEIGHTS)
    compact = tmp_path / "compact"
    shutil.copytree(resource("models", "compact", "unet"), compact / "unet")
    assert "48 input and 24 output channels, which does not fit an autoencoder of 4" in sentence(compact)


def test_a_name_that_is_taken_is_refused(full):
    with pytest.raises(ModelError, match="There is a model “compact” already"):
        import_model(full, "compact")


def test_a_cancelled_or_failed_import_leaves_nothing(home, full, monkeypatch):
    def cancel(what, done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        import_model(full, progress=cancel)
    assert list(home.iterdir()) == []
    monkeypatch.setattr(importing.shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(ModelError, match=r"There is not enough space in .*: .* GB are needed and 0\.00 GB are free"):
        import_model(full)
    assert list(home.iterdir()) == []
