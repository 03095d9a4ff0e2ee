"""Pixels are worked on where the U-Net computes. Fake tensors on the “meta” device stand in for those of a GPU."""

from dataclasses import replace

import jobs
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from dcvsr_engine.control import Control
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.planning.memory import pixels_on_device
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.restore.frames import Footage
from dcvsr_engine.restore.pipeline import SegmentPipeline

FRAMES = 3


@pytest.fixture
def pipeline(tiny_model, loader):
    """Of a clip of 3 frames, 30 × 22, that is enlarged twice and padded."""
    model = loader(jobs.settings(tiny_model))
    settings = model.declaration.resolve(jobs.settings(tiny_model)).replace(tile_batch=1)
    footage = Footage((0, 1, 2), (0, 1, 2), (1, 1, 1), torch.rand(FRAMES, 3, 22, 30))
    return SegmentPipeline(Denoiser(model), settings, Segment(index=0, first=0, last=2), footage, Control(), FRAMES)


@pytest.fixture
def elsewhere(monkeypatch):
    """Pixels are on another device than the host, where nothing is computed and any mixture is an error."""
    monkeypatch.setattr(SegmentPipeline, "pixel_device", "meta")
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield


def test_only_whole_frames_go_to_a_cuda_device(pipeline, monkeypatch):
    declaration = pipeline.model.declaration
    assert pipeline.pixel_device == "cpu" and pixels_on_device(declaration, "cuda")
    assert not pixels_on_device(declaration, "mps") and not pixels_on_device(declaration.replace(first_stage="vae"), "cuda")
    monkeypatch.setattr(pipeline, "model", replace(pipeline.model, device="cuda"))
    assert pipeline.pixel_device == "cuda"


@pytest.mark.parametrize("color", ["wavelet", "adain", "none"])
def test_pixels_stay_on_the_device_from_footage_to_result(color, pipeline, monkeypatch, elsewhere):
    monkeypatch.setattr(pipeline, "settings", pipeline.settings.replace(color=color))
    up = pipeline.enlarged([0, 1, 2])
    refined = pipeline.refined(torch.zeros(FRAMES, 24, 12, 16), [0, 1, 2], up)
    assert (up.device.type, up.shape) == ("meta", (FRAMES, 3, 48, 64))
    assert (refined.device.type, refined.shape) == ("meta", (FRAMES, 3, 44, 60))


def test_what_leaves_the_device_is_on_the_host(pipeline, monkeypatch, elsewhere):
    monkeypatch.setattr("dcvsr_engine.restore.pipeline.sound", lambda model, work, *others, **named: work())
    latents = torch.zeros(FRAMES, 24, 12, 16)
    condition, picture = pipeline.encode_frames([0, 1, 2]), pipeline.picture(latents, [1])
    pixels, error = pipeline.decode_frames(latents, [0, 1, 2])
    assert {tensor.device.type for tensor in (condition, picture, pixels, error)} == {"cpu"}
    assert (condition.shape, picture.shape, error.shape) == ((FRAMES, 24, 12, 16), (1, 3, 44, 60), (FRAMES, 44, 60))


def test_the_u_net_leaves_while_frames_are_coded_and_returns(pipeline, monkeypatch):
    places = []
    monkeypatch.setattr(pipeline.model.unet, "to", places.append)
    condition = pipeline.encode()
    assert places == []
    pipeline.offload = True
    pipeline.encode()
    latents = pipeline.sample(condition)
    list(pipeline.decode(latents))
    assert places == ["cpu", pipeline.model.device, "cpu"]
