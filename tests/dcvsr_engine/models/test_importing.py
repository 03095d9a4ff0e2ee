"""Importing: what is recognised as what, what is refused and why, and that nothing half is left behind."""

import json
import os
import pickle
import shutil
import sys

import pytest
import torch
from safetensors.torch import save_file

from dcvsr_engine.errors import Cancelled, ModelError
from dcvsr_engine.models import importing
from dcvsr_engine.models.importing import import_model
from dcvsr_engine.models.loading import load_model
from dcvsr_engine.models.recognise import ASSUMED, recognise
from dcvsr_engine.models.registry import known_models
from dcvsr_engine.models.verification import verify_model
from dcvsr_engine.resources import resource

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


def inside(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_model_that_declares_itself_comes_as_it_is(home):
    model = import_model(resource("models", "compact"), "second")
    assert model.folder == home / "second"
    assert not model.problem
    assert model.declaration.title == "second"
    assert inside(home / "second") == {
        "dcvsr.json", "source.json", "scales.json", "README.md", "unet/config.json", WEIGHTS,
        "upsampler/config.json", "upsampler/model.safetensors",
    }  # fmt: skip
    assert load_model("second", "cpu", "fp32").declaration.first_stage == "haar"


def test_a_learned_upsampler_comes_along(learned_model, tmp_path):
    model = import_model(learned_model, "third")
    assert {"upsampler/config.json", "upsampler/model.safetensors"} < inside(model.folder)
    assert load_model("third", "cpu", "fp32").upsampler.frames == 5 and verify_model(model) == []
    (model.folder / "upsampler" / "model.safetensors").write_bytes(b"damaged")
    assert any("SHA-256 differs" in sentence for sentence in verify_model(model))


@pytest.mark.parametrize(("name", "text"), [("config.json", "{"), ("config.json", None), ("model.safetensors", None)])
def test_a_declared_upsampler_must_be_there_and_whole(learned_model, tmp_path, home, name, text):
    folder = shutil.copytree(learned_model, tmp_path / "broken")
    (folder / "upsampler" / name).unlink()
    if text is not None:
        (folder / "upsampler" / name).write_text(text)
    with pytest.raises(ModelError, match="upsampler") as caught:
        import_model(folder)
    assert "\n" not in str(caught.value) and not home.exists()


def test_a_full_folder_gets_assumed_conventions_and_loads(full):
    model = import_model(full)
    assert model.name == "my-video-model"
    assert (model.declaration.factor, model.declaration.multiple, model.declaration.base) == (2, 2, "")
    assert set(model.declaration.assumed) == set(ASSUMED)
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


SCHEDULER = {"prediction_type": "v_prediction", "timestep_type": "continuous", "sigma_min": 0.002, "sigma_max": 700.0}


def with_configs(full, scheduler, frames=14):
    """`full` with a scheduler and so many frames in the U-Net's config."""
    (full / "scheduler").mkdir()
    (full / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler))
    path = full / "unet" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_frames": frames}))
    return full


def test_noise_range_and_window_are_read_from_the_configs(full):
    declared = recognise(with_configs(full, SCHEDULER | {"sigma_min": 0.01, "sigma_max": 80.0}, 25)).declaration
    assert (declared.sigma_min, declared.sigma_max, declared.window) == (0.01, 80.0, 25)
    alone = recognise(full / "unet").declaration
    assert (alone.sigma_min, alone.sigma_max, alone.window) == (0.01, 80.0, 25)


@pytest.mark.parametrize(
    ("scheduler", "frames", "reason"),
    [
        (SCHEDULER | {"prediction_type": "epsilon"}, 14, "prediction_type “epsilon”; this program samples with “v_prediction”"),
        ({name: value for name, value in SCHEDULER.items() if name != "prediction_type"}, 14, "prediction_type “epsilon”"),
        (SCHEDULER | {"timestep_type": "discrete"}, 14, "timestep_type “discrete”"),
        (SCHEDULER | {"sigma_max": None}, 14, "does not say between which noise levels"),
        (SCHEDULER | {"sigma_min": 700.0, "sigma_max": 0.002}, 14, "sigma_max must be larger"),
        (SCHEDULER, 100, "window must be"),
    ],
)
def test_a_model_of_another_kind_of_diffusion_is_refused(full, scheduler, frames, reason):
    assert reason in sentence(with_configs(full, scheduler, frames))


def test_averaged_weights_alone_are_imported_where_there_are_both(full, tiny_model, tmp_path):
    declared = shutil.copytree(tiny_model, tmp_path / "declared")
    for folder in (full, declared):
        shutil.copytree(folder / "unet", folder / "unet_ema")
        assert {part.split("/")[0] for part in recognise(folder).files if part.startswith("unet")} == {"unet_ema"}
    assert load_model(import_model(declared).name, "cpu", "fp32").declaration.first_stage == "haar"


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


# -- models that mean no good -----------------------------------------------------------------------------------


DEEP = "[" * 200_000 + "]" * 200_000


@pytest.mark.parametrize("name", ["dcvsr.json", "unet/config.json"])
def test_json_that_is_nested_too_deeply_is_one_sentence(tmp_path, name):
    folder = shutil.copytree(resource("models", "compact"), tmp_path / "deep")
    (folder / name).write_text(DEEP)
    sentence(folder)


def test_a_header_that_is_nested_too_deeply_is_one_sentence(tmp_path):
    header = b'{"a":' + DEEP.encode() + b"}"
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert "damaged or no safetensors file" in sentence(tmp_path / "x.safetensors")


@pytest.mark.parametrize("part", ["unet", "vae"])
def test_configs_that_describe_a_million_layers_are_refused(full, part):
    path = full / part / "config.json"
    key = "transformer_layers_per_block" if part == "unet" else "layers_per_block"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: 10**6}))
    assert "layers, but there are only" in sentence(full)


@pytest.fixture
def outside(tmp_path):
    """A file that is none of a model's business."""
    (tmp_path / "outside").mkdir()
    path = tmp_path / "outside" / "secret.txt"
    path.write_text("secret")
    return path


@pytest.mark.parametrize("name", ["README.md", "LICENSE", "unet/notes.txt", "scheduler/scheduler_config.json"])
def test_links_that_lead_out_of_a_model_are_refused(home, full, outside, name):
    (full / name).parent.mkdir(exist_ok=True)
    (full / name).symlink_to(outside)
    with pytest.raises(ModelError, match="is a link to a file elsewhere"):
        import_model(full)
    assert not any("secret" in path.read_text(errors="ignore") for path in home.rglob("*") if path.is_file())


def test_links_in_circles_are_left_out(full):
    for name in ("README.md", "model_index.json", "unet/more.json"):
        (full / name).unlink(missing_ok=True)
        (full / name).symlink_to((full / name).name)
    assert not import_model(full).problem
    (full / "unet" / "config.json").unlink()
    (full / "unet" / "config.json").symlink_to("config.json")
    assert "config.json" in sentence(full)


def test_the_hub_s_own_cache_is_imported_through_its_links(full, tmp_path):
    """Its snapshots consist of links to ../../blobs."""
    repository = tmp_path / "models--someone--model"
    snapshot = repository / "snapshots" / "abc"
    (repository / "blobs").mkdir(parents=True)
    for number, path in enumerate(sorted(path for path in full.rglob("*") if path.is_file())):
        blob = path.rename(repository / "blobs" / str(number))
        link = snapshot / path.relative_to(full)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    assert not import_model(snapshot, "cached").problem
    assert not import_model(snapshot / "unet", "tuned", "cached").problem


@pytest.mark.skipif(sys.platform == "win32", reason="has no such files")
def test_a_pipe_is_refused_and_not_waited_for(full, tmp_path):
    os.mkfifo(tmp_path / "x.safetensors")
    sentence(tmp_path / "x.safetensors")
    (full / WEIGHTS).unlink()
    os.mkfifo(full / WEIGHTS)
    sentence(full)


@pytest.mark.parametrize("base", ["/etc", "../base", "\\\\host\\share", "//host/share", "..", "a/b"])
def test_a_base_is_a_name_and_no_path(base, full, home):
    folder = shutil.copytree(resource("models", "compact"), full.with_name("over"))
    declaration = json.loads((folder / "dcvsr.json").read_text()) | {"name": "over", "base": base}
    (folder / "dcvsr.json").write_text(json.dumps(declaration))
    with pytest.raises(ModelError, match="which is not the name of a model; name one with --base"):
        import_model(folder, "over")
    assert import_model(folder, "over", "base").declaration.base == "base"
    (home / "over" / "dcvsr.json").write_text(json.dumps(declaration))  # as if it had been put there by hand
    assert "which is not the name of a model" in {model.name: model for model in known_models()}["over"].problem
