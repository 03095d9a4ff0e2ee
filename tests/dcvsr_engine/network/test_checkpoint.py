"""Checkpoint folders: the published layouts, and one sentence for everything that is wrong with one."""

import json
import pickle
import shutil

import jobs
import networks
import pytest
import torch
from diffusers import UNetSpatioTemporalConditionModel
from safetensors.torch import load_file, save_file

from dcvsr_engine.control import Control
from dcvsr_engine.errors import ModelError
from dcvsr_engine.events import StepKind, StepStarted
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.models.shapes import SVD_UNET
from dcvsr_engine.network.checkpoint import Model, load
from dcvsr_engine.network.device import available_devices
from dcvsr_engine.network.haar import HaarFirstStage
from dcvsr_engine.network.vae import VaeFirstStage

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def folder(tiny_model, tmp_path):
    """A copy of the tiny model to be damaged."""
    return shutil.copytree(tiny_model, tmp_path / "model")


def refused(folder):
    """The sentence with which a model is refused."""
    with pytest.raises(ModelError) as caught:
        load(folder, folder, "cpu", "fp32")
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


# -- layouts ----------------------------------------------------------------------------------------------------


def test_full_svd_layout(svd_layout):
    base, _ = svd_layout
    model = load(base, base, "cpu", "fp32")
    assert isinstance(model, Model)
    assert isinstance(model.first_stage, VaeFirstStage)
    assert model.first_stage.factor == 2
    expected = networks.unet().state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in model.unet.state_dict().items())
    assert not any(parameter.requires_grad or parameter.is_meta for part in model.networks for parameter in part.parameters())
    assert model.image_encoder is None


def test_a_unet_alone_is_laid_over_its_base(svd_layout):
    base, overlay = svd_layout
    model, below = (load(folder, base, "cpu", "fp32") for folder in (overlay, base))
    torch.testing.assert_close(model.unet.conv_out.bias, below.unet.conv_out.bias + 1)
    for name, value in below.first_stage.vae.state_dict().items():
        assert torch.equal(value, model.first_stage.vae.state_dict()[name])


def test_a_learned_upsampler_computes_in_the_networks_number_format(learned_model, tmp_path):
    model = load(learned_model, learned_model, "cpu", "bf16")
    assert model.upsampler.network in model.networks and model.unet.dtype == torch.bfloat16
    assert {weight.dtype for weight in model.upsampler.network.parameters()} == {torch.bfloat16}
    folder = shutil.copytree(learned_model, tmp_path / "broken")
    shutil.rmtree(folder / "upsampler")
    assert "upsampler” cannot be used" in refused(folder)


def test_compact_layout(tiny_model):
    model = load(tiny_model, tiny_model, "cpu", "bf16")
    assert isinstance(model.first_stage, HaarFirstStage)
    assert model.unet.dtype == torch.bfloat16
    assert model.to_device(torch.zeros(1)).dtype == torch.bfloat16
    assert model.unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)


def test_half_precision_files_are_read_where_there_are_no_others(svd_layout):
    base, _ = svd_layout
    assert [path.name for path in (base / "vae").glob("*.safetensors")] == ["diffusion_pytorch_model.fp16.safetensors"]
    assert load(base, base, "cpu", "fp32").first_stage.vae.dtype == torch.float32


def test_full_precision_comes_before_half(folder):
    half = {name: value.half() * 0 for name, value in load_file(folder / WEIGHTS).items()}
    save_file(half, folder / "unet" / "diffusion_pytorch_model.fp16.safetensors")
    assert load(folder, folder, "cpu", "fp32").unet.conv_in.weight.any()


def test_sharded_weights_are_put_together(folder):
    weights = load_file(folder / WEIGHTS)
    names = sorted(weights)
    (folder / WEIGHTS).unlink()
    for part in range(2):
        some = {name: weights[name] for name in names[part::2]}
        save_file(some, folder / "unet" / f"diffusion_pytorch_model-{part + 1:05d}-of-00002.safetensors")
    assert torch.equal(load(folder, folder, "cpu", "fp32").unet.state_dict()[names[0]], weights[names[0]])


def test_the_real_svd_configuration_has_a_billion_and_a_half_weights():
    with torch.device("meta"):
        unet = UNetSpatioTemporalConditionModel.from_config(SVD_UNET)
    assert sum(parameter.numel() for parameter in unet.parameters()) == 1_524_623_082


def test_a_model_moves_to_full_precision_and_back(tiny_model):
    model = load(tiny_model, tiny_model, "cpu", "bf16")
    before = {name: value.clone() for name, value in model.unet.state_dict().items()}
    with model.full_precision():
        assert model.unet.dtype == torch.float32
        assert model.to_device(torch.zeros(1)).dtype == torch.float32
    assert all(torch.equal(value, before[name]) for name, value in model.unet.state_dict().items())
    assert model.precision == "bf16"


# -- what is wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["unet", "scales.json", WEIGHTS, "unet/config.json"])
def test_missing_parts_are_named(folder, part):
    path = folder / part
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    name = ".safetensors" if part == WEIGHTS else path.name
    assert name in refused(folder)


def test_a_missing_vae_is_named(svd_layout, tmp_path):
    folder = shutil.copytree(svd_layout[0], tmp_path / "model")
    shutil.rmtree(folder / "vae")
    assert "the folder “vae” is missing" in refused(folder)


def test_pickles_are_not_read(folder):
    class Trap:
        def __reduce__(self):
            return pytest.fail, ("a pickle was read",)

    (folder / WEIGHTS).unlink()
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    assert "there is no .safetensors file" in refused(folder)


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1000], lambda data: b"", lambda data: b"\xff" * 4096, lambda data: data[:8] + data[9:]]
)
def test_corrupt_weights(folder, damage):
    path = folder / WEIGHTS
    path.write_bytes(damage(path.read_bytes()))
    assert "is damaged or no safetensors file" in refused(folder)


@pytest.mark.parametrize(
    "change, part",
    [
        (lambda weights: weights.update({"conv_out.bias": torch.zeros(7)}), "conv_out.bias is (7,), expected (24,)"),
        (lambda weights: weights.pop("conv_out.bias"), "conv_out.bias is missing, expected (24,)"),
        (lambda weights: weights.update({"foreign": torch.zeros(2)}), "foreign is (2,), expected nothing"),
    ],
)
def test_weights_that_do_not_fit(folder, change, part):
    weights = load_file(folder / WEIGHTS)
    change(weights)
    save_file(weights, folder / WEIGHTS)
    assert part in refused(folder)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"block_out_channels": [32]}', '{"block_out_channels": "wide"}', "\ufffe"])
def test_configurations_that_make_no_network(folder, text):
    (folder / "unet" / "config.json").write_bytes(text.encode("utf-16" if text == "\ufffe" else "utf-8"))
    assert "config.json" in refused(folder)


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"residual_scale": [1]}', json.dumps({"residual_scale": [1.0] * 23, "condition_scale": [1.0] * 24}),
     json.dumps({"residual_scale": [1.0] * 24, "condition_scale": [0.0] * 24})],
)  # fmt: skip
def test_scales_that_are_none(folder, text):
    (folder / "scales.json").write_text(text)
    assert "scales.json" in refused(folder)


def test_a_first_stage_that_does_not_fit_the_unet(folder):
    config = json.loads((folder / "unet" / "config.json").read_text())
    config["in_channels"] = 8
    (folder / "unet" / "config.json").write_text(json.dumps(config))
    weights = load_file(folder / WEIGHTS)
    weights["conv_in.weight"] = weights["conv_in.weight"][:, :8].contiguous()
    save_file(weights, folder / WEIGHTS)
    assert "has 8 input and 24 output channels; its first stage needs 48 and 24" in refused(folder)


def test_conventions_that_do_not_fit_the_unet(folder, redeclare):
    assert "takes 3 added_time_ids" in refused(redeclare(folder, added_time_ids=[0.0]))
    assert "needs a multiple of 2" in refused(redeclare(folder, added_time_ids=[0.0, 0.0, 0.0], multiple=3))


# -- device -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", [device for device in ("cuda", "mps") if device not in available_devices()])
def test_a_device_that_is_not_there_is_never_replaced(device, tiny_model):
    with pytest.raises(ModelError, match=f"“{device}” is not available here; choose one of auto, cpu"):
        load(tiny_model, tiny_model, device, "fp32")


# -- the published layout through a whole job -------------------------------------------------------------------


def test_a_clip_is_restored_through_the_published_layout(svd_layout, tmp_path):
    class FirstFrame:
        """Stands for CLIP: sees the mean colour of the first frame."""

        network = None
        seen = None

        def embed(self, frame):
            self.seen = frame
            return frame.mean().expand(1, 1, networks.EMBEDDING)

    source = jobs.short_clip(tmp_path / "clip.mkv", 3)
    request = jobs.request(source, tmp_path / "out.mkv", svd_layout[1], guidance="dssag", tap_frames=2, steps=2, window=2)
    model = load(svd_layout[1], svd_layout[0], "cpu", "fp32")
    model.image_encoder = FirstFrame()
    told = []
    report = run_job(request, Control(told.append), tmp_path / "job", loader=lambda settings: model)
    assert (report["frames_out"], tuple(report["output_size"])) == (3, (64, 48))
    assert len(jobs.pictures(tmp_path / "out.mkv")) == 3
    assert {event.kind for event in told if isinstance(event, StepStarted)} == {StepKind.SAP, StepKind.TAP_FORWARD}
    assert model.image_encoder.seen.shape == (3, 48, 64)
    assert 0 <= float(model.image_encoder.seen.min()) < float(model.image_encoder.seen.max()) <= 1
    model.image_encoder = None
    blind = request.replace(target=tmp_path / "blind.mkv")
    run_job(blind, None, tmp_path / "other", loader=lambda settings: model)
    assert jobs.fingerprint(tmp_path / "out.mkv") != jobs.fingerprint(tmp_path / "blind.mkv"), "what CLIP sees should matter"
