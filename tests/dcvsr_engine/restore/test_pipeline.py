"""One segment: where pixels and network are, and what is left for the next one.

Fake tensors on the “meta” device stand in for those of a GPU.
"""

from dataclasses import replace

import jobs
import networks
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from dcvsr_engine.control import Control
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.network.first_stage import FirstStageSpec
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.restore.frames import SegmentFrames
from dcvsr_engine.restore.pipeline import SegmentPipeline
from dcvsr_engine.settings import PlannedSettings
from dcvsr_engine.tiling.latents import whole

FRAMES = 3


PIXELS = torch.rand(FRAMES, 3, 22, 30, generator=torch.Generator().manual_seed(3))


def pipeline_of(model, settings, indices=(0, 1, 2), **options):
    """The pipeline of a clip of 3 frames, 30 × 22, that is enlarged twice and padded."""
    resolved = model.declaration.resolve(settings).to_dict() | {"tile_batch": 1, "sap_schedule": "two-pass"}
    frames = SegmentFrames(indices, (0, 1, 2), (1, 1, 1), PIXELS)
    segment = Segment(index=0, first=0, last=2)
    return SegmentPipeline(Denoiser(model), PlannedSettings(**resolved), segment, frames, Control(), FRAMES, **options)


@pytest.fixture
def pipeline(tiny_model, loader):
    settings = jobs.settings(tiny_model)
    return pipeline_of(loader(settings), settings)


@pytest.fixture
def elsewhere(monkeypatch):
    """Pixels are on another device than the host, where nothing is computed and any mixture is an error."""
    monkeypatch.setattr(SegmentPipeline, "pixel_device", "meta")
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield


def test_only_whole_frames_go_to_a_cuda_device(tiny_model, loader):
    settings = jobs.settings(tiny_model)
    model = loader(settings)
    assert pipeline_of(model, settings).pixel_device == "cpu"
    assert pipeline_of(replace(model, device="cuda"), settings).pixel_device == "cuda"


@pytest.mark.parametrize("color", ["wavelet", "adain", "none"])
def test_pixels_stay_on_the_device_from_frames_to_result(color, tiny_model, loader, elsewhere):
    settings = jobs.settings(tiny_model, color=color)
    pipeline = pipeline_of(loader(settings), settings)
    up = pipeline.enlarged([0, 1, 2])
    band = pipeline.refined_band(torch.zeros(FRAMES, 24, 12, 16), [0, 1, 2], slice(0, 44))
    assert (up.device.type, up.shape) == ("meta", (FRAMES, 3, 48, 64))
    assert [(pixels.device.type, pixels.shape) for pixels in band] == [("meta", (FRAMES, 3, 44, 60))] * 2


def test_what_leaves_the_device_is_on_the_host(pipeline, monkeypatch, elsewhere):
    monkeypatch.setattr("dcvsr_engine.restore.pipeline.retry_in_fp32", lambda model, work, *others, **named: work())
    latents = torch.zeros(FRAMES, 24, 12, 16)
    condition, picture = pipeline.encode_frames([0, 1, 2]), pipeline.picture(latents, 1)
    pixels, error = pipeline.decode_chunk(latents, [0, 1, 2])
    assert {tensor.device.type for tensor in (condition, picture, pixels, error)} == {"cpu"}
    assert (condition.shape, picture.shape, error.shape) == ((FRAMES, 24, 12, 16), (1, 3, 44, 60), (FRAMES, 44, 60))


@pytest.mark.parametrize("color", ["wavelet", "adain", "none"])
def test_frames_decoded_in_bands_are_those_decoded_at_once(color, tiny_model, loader, monkeypatch):
    """To the last bit: bands look at what is around them."""
    settings = jobs.settings(tiny_model, color=color, strength=0.7)
    pipeline = pipeline_of(loader(settings), settings)
    latents = torch.randn(FRAMES, 24, 12, 16, generator=torch.Generator().manual_seed(1))
    at_once = pipeline.decode_chunk(latents, [0, 1, 2])
    monkeypatch.setattr("dcvsr_engine.restore.pipeline.BAND_PIXELS", 1)
    monkeypatch.setattr("dcvsr_engine.restore.pipeline.LEAST_BAND", 10)
    assert len(pipeline.bands(FRAMES)) == 5
    assert all(torch.equal(*pair) for pair in zip(at_once, pipeline.decode_chunk(latents, [0, 1, 2]), strict=True))


def test_the_condition_is_the_same_however_it_is_cut(pipeline):
    condition = pipeline.encode()
    assert not isinstance(condition, torch.Tensor)
    every = pipeline.encode_frames([0, 1, 2])
    assert torch.equal(whole(condition), every)
    part = slice(1, 3), slice(0, 5), slice(4, 12), slice(2, 16)
    assert torch.equal(condition[part], every[part])


@pytest.mark.parametrize("offload", [False, True])
def test_the_u_net_leaves_while_frames_are_decoded_and_is_there_to_sample(offload, tiny_model, loader, monkeypatch):
    settings, places = jobs.settings(tiny_model), []
    model = loader(settings)
    monkeypatch.setattr(model.unet, "to", places.append)
    pipeline = pipeline_of(model, settings, offload=offload)
    list(pipeline.decode(pipeline.sample(pipeline.encode())))
    assert places == ([model.device, "cpu"] if offload else [model.device])


def test_what_fits_is_where_the_next_segment_begins(tiny_model, loader, monkeypatch):
    settings = jobs.settings(tiny_model, guidance="dssag", guidance_scale=2.0)
    model = loader(settings)
    forward = type(model.unet).forward

    def starving(self, sample, *arguments, **options):
        if len(sample) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, sample, *arguments, **options)

    monkeypatch.setattr(type(model.unet), "forward", starving)
    first = pipeline_of(model, settings)
    assert first.branches_in_one_batch
    latents = first.sample(first.encode())
    assert not first.branches_in_one_batch and first.settings.tile == 16 and first.network_seconds > 0
    second = pipeline_of(model, settings, branches_in_one_batch=first.branches_in_one_batch)
    warnings = []
    monkeypatch.setattr(second, "warn", warnings.append)
    assert second.sample(second.encode()).shape == latents.shape and not warnings


def test_an_image_encoder_sees_the_first_frame(tiny_model, loader):
    settings = jobs.settings(tiny_model)

    class Encoder:
        def embed(self, frame):
            return frame.mean() * torch.ones(1, 1, 8)

    model = replace(loader(settings), image_encoder=Encoder())
    pipeline = pipeline_of(model, settings)
    before = pipeline.denoiser
    pipeline.encode()
    assert pipeline.denoiser.embedding.mean() == pytest.approx(float(pipeline.enlarged([0])[..., :44, :60].mean()), abs=1e-4)
    assert not before.embedding.any()


def test_a_chunk_of_a_temporal_decoder_sees_its_neighbours_and_one_of_a_fixed_transform_needs_none(tiny_model, loader):
    """Frames beside the border of two chunks are nearly those of one chunk, and exactly those where frames stand alone."""
    latents = 0.17 * torch.randn(1, networks.CHANNELS, 8, 8, generator=torch.Generator().manual_seed(4))

    def error(stage_model, latents, decode_frames, margin):
        frames = SegmentFrames(tuple(range(16)), tuple(range(16)), (1,) * 16, torch.rand(16, 3, 8, 8))
        settings = PlannedSettings(
            **stage_model.declaration.resolve(jobs.settings(tiny_model, color="none")).to_dict()
            | {"tile_batch": 1, "sap_schedule": "two-pass"}
        )
        segment = Segment(index=0, first=0, last=15)
        results = []
        for size in (decode_frames, 16):
            pipeline = SegmentPipeline(Denoiser(stage_model), settings, segment, frames, Control(), size)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(FirstStageSpec, "margin", margin)
                results.append(torch.stack([torch.from_numpy(one.pixels) for one in pipeline.decode(latents)]))
        return float((results[0] - results[1]).abs().max())

    still = latents.expand(16, -1, -1, -1)
    model = networks.model()
    disjoint, overlapping = error(model, still, 8, lambda self, frames: 0), error(model, still, 8, FirstStageSpec.margin)
    assert overlapping < disjoint / 3
    model = loader(jobs.settings(tiny_model))
    assert error(model, torch.randn(16, 24, 4, 4), 5, FirstStageSpec.margin) == 0


def test_only_the_wanted_frames_are_decoded(pipeline):
    latents = torch.randn(FRAMES, 24, 12, 16)
    every, some = list(pipeline.decode(latents)), list(pipeline.decode(latents, range(1, 3)))
    assert [one.position for one in some] == [1, 2]
    assert all((one.pixels == other.pixels).all() for one, other in zip(some, every[1:], strict=True))


def test_what_a_viewer_mixes_is_what_the_engine_mixes(pipeline, monkeypatch):
    latents = 0.1 * torch.randn(FRAMES, 24, 12, 16)
    full = list(pipeline.decode(latents, with_input=True))
    assert all(one.enlarged.shape == one.pixels.shape for one in full)
    assert all(one.enlarged is None for one in pipeline.decode(latents))
    weaker = pipeline.settings.replace(strength=0.3)
    monkeypatch.setattr(type(pipeline), "settings", weaker)
    for one, mixed in zip(full, pipeline.decode(latents), strict=True):
        # colours of the result are held to the input's by a linear filter; clipping and what the filter sees of it remain
        viewed = one.enlarged + 0.3 * (one.pixels - one.enlarged)
        assert abs(viewed - mixed.pixels).mean() < 2 / 255


@pytest.mark.parametrize(("seen", "position"), [("first", 0), ("middle", 1), ("last", 2)])
def test_the_image_encoder_sees_the_chosen_frame(seen, position, tiny_model, loader):
    pictures = []

    class Encoder:
        def embed(self, frame):
            pictures.append(frame)
            return torch.zeros(1, 1, 8)

    settings = jobs.settings(tiny_model, clip_frame=seen)
    pipeline = pipeline_of(replace(loader(settings), image_encoder=Encoder()), settings)
    pipeline.encode()
    torch.testing.assert_close(pictures[0], pipeline.enlarged([position])[0, :, :44, :60])


def test_declared_noise_is_added_to_the_condition_by_the_frame_of_the_clip(tiny_model, loader):
    settings = jobs.settings(tiny_model)
    model = loader(settings)
    noisy = replace(model, declaration=model.declaration.replace(condition_noise=0.5))

    def condition(model, *indices):
        return whole(pipeline_of(model, settings, indices).encode())

    clean = condition(model, 0, 1, 2)
    noise, shifted = condition(noisy, 0, 1, 2) - clean, condition(noisy, 1, 2, 3) - clean
    assert 0.45 < noise.std() < 0.55
    assert torch.allclose(noise[1:], shifted[:2], atol=1e-5)


def test_latents_are_shown_without_the_autoencoder_and_the_result_stays(tiny_model, monkeypatch):
    model = networks.model()
    pipeline = pipeline_of(model, jobs.settings(tiny_model, size="x2"))
    latents = pipeline.sample(pipeline.encode())
    result = [one.pixels for one in pipeline.decode(latents)]
    with monkeypatch.context() as patch:
        patch.setattr(model.first_stage, "decode_tile", lambda latents: pytest.fail("decoded"))
        shown = pipeline.picture(latents, 1)
    assert shown.shape == (1, 3, 44, 60) and 0 <= shown.min() < shown.max() <= 1
    assert all((one.pixels == before).all() for one, before in zip(pipeline.decode(latents), result, strict=True))


def test_flat_tiles_are_enlarged_only(tiny_model, loader, monkeypatch):
    settings = jobs.settings(tiny_model, tile=16, tiling="fast", sap=False, tap=False, steps=2)
    model, calls = loader(settings), []
    forward = type(model.unet).forward
    monkeypatch.setattr(type(model.unet), "forward", lambda *args, **named: calls.append(1) or forward(*args, **named))

    def sampled(**changes):
        pipeline = pipeline_of(model, settings.replace(**changes))
        # a bar of 64 pixels, 32 latents; every frame has its own grey, and there is a little noise
        pixels = torch.rand(FRAMES, 3, 30, 128, generator=torch.Generator().manual_seed(3))
        pixels[..., :64] = torch.tensor([0.0, 0.1, 0.5]).view(-1, 1, 1, 1) + pixels[..., :64] / 255
        monkeypatch.setattr(pipeline, "frames", replace(pipeline.frames, pixels=pixels))
        pipeline._enlarger.frames = pipeline.frames
        calls.clear()
        latents = pipeline.sample(pipeline.encode())
        assert len(calls) == pipeline.tiles_to_denoise
        return latents, len(calls), [tile for tile in pipeline.grid_at(1) if pipeline.is_flat(tile)]

    plain, all_tiles, none = sampled()
    assert not none and plain[..., :32].any() and not sampled(flat=0.5)[2]
    latents, evaluated, flat = sampled(flat=1.0)
    assert flat and all(tile.left + tile.width <= 32 for tile in flat) and all_tiles - len(flat) >= evaluated
    assert not latents[..., : min(tile.width for tile in flat) // 2].any()
    assert torch.equal(latents[..., 48:], plain[..., 48:])
    assert not sampled(flat=1.0, sap=True)[2], "other tiles look at them"
