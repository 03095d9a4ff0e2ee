"""A learned upsampler in the restoration: what a frame shows does not depend on where the clip is cut into segments."""

from dataclasses import replace
from pathlib import Path

import jobs
import numpy as np
import pytest
import torch
from clips import Clip, write_clip

from dcvsr_engine.control import Control
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.network.upsampling import LearnedUpsampler
from dcvsr_engine.planning.request import Region
from dcvsr_engine.planning.segments import segments_of
from dcvsr_engine.restore.frames import SegmentReader
from dcvsr_engine.restore.pipeline import SegmentPipeline
from dcvsr_engine.settings import PlannedSettings
from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.reader import VideoReader

FRAMES, WINDOW, CONTEXT = 40, 7, 2


@pytest.fixture(scope="module")
def noisy_clip(tmp_path_factory) -> Path:
    """A clip whose frames have nothing in common, so that every neighbour shows."""

    def picture(index, width, height):
        return np.random.default_rng(index).uniform(0, 1, (height, width, 3))

    folder = tmp_path_factory.mktemp("noisy")
    return write_clip(folder / "clip.mkv", Clip(pts=range(FRAMES), width=32, height=24, picture=picture))


def enlarged(path: Path, model, shots, length: int, region: Region | None = None) -> dict[int, torch.Tensor]:
    """``I_up`` of every frame of a clip that is cut into segments of ``length`` frames; of shared frames both times."""
    resolved = model.declaration.resolve(jobs.settings(Path("unused"))).to_dict() | jobs.PLANNED
    found: dict[int, torch.Tensor] = {}
    segments = segments_of(shots, length, WINDOW, WINDOW, model.upsampler.frames // 2)
    with VideoReader(probe(path)) as reader, SegmentReader(reader, region, lambda: None) as frame_reader:
        for segment, frames in frame_reader.segments(segments):
            pipeline = SegmentPipeline(Denoiser(model), PlannedSettings(**resolved), segment, frames, Control(), 3)
            assert frames.indices == tuple(range(segment.first, segment.last + 1))
            for position, index in enumerate(frames.indices):
                picture = pipeline.cropped(pipeline.enlarged([position]))[0]
                assert index not in found or torch.equal(found[index], picture)
                found[index] = picture
    return found


@pytest.fixture(scope="module")
def model(learned_model, loader):
    return loader(jobs.settings(learned_model))


@pytest.mark.parametrize("shots", [[(0, FRAMES - 1)], [(0, 16), (17, FRAMES - 1)], [(3, 30)]])
@pytest.mark.parametrize("region", [None, Region(x=4, y=2, width=16, height=12)])
def test_frames_do_not_depend_on_where_the_clip_is_cut(noisy_clip, model, shots, region):
    cut, whole = (enlarged(noisy_clip, model, shots, length, region) for length in (14, 1000))
    assert cut.keys() == whole.keys() and len(segments_of(shots, 14, WINDOW, WINDOW)) > len(
        segments_of(shots, 1000, WINDOW, WINDOW)
    )
    assert all(torch.equal(cut[index], whole[index]) for index in whole)


def test_neighbours_come_from_the_same_shot_and_range_alone(noisy_clip, model):
    with VideoReader(probe(noisy_clip)) as reader:
        pixels = torch.stack([torch.from_numpy(frame.pixels).permute(2, 0, 1) for frame in reader.frames(0)])
    found = enlarged(noisy_clip, model, [(2, 9), (10, 20)], 14)
    for first, last, index in ((2, 9, 2), (2, 9, 6), (2, 9, 9), (10, 20, 10), (10, 20, 11), (10, 20, 20)):
        near = [min(max(index + offset, first), last) for offset in range(-CONTEXT, CONTEXT + 1)]
        torch.testing.assert_close(found[index], model.upsampler(pixels[near].unsqueeze(0), 2)[0], atol=1e-5, rtol=0)


def test_a_job_at_strength_0_gives_the_upsamplers_frames_however_it_is_cut(noisy_clip, learned_model, tmp_path, loader):
    changes = {"strength": 0.0, "color": "none", "steps": 1, "size": "x4"}
    results = []
    for length in (14, 100):
        asked = jobs.request(noisy_clip, tmp_path / f"{length}.mkv", learned_model, (0, 19), segment_frames=length, **changes)
        report = run_job(asked, folder=tmp_path / f"job{length}", loader=loader)
        assert report["settings"]["strength"] == 0.0
        results.append(jobs.pictures(tmp_path / f"{length}.mkv"))
    assert all(np.array_equal(cut, whole) for cut, whole in zip(*results, strict=True))
    with VideoReader(probe(noisy_clip)) as reader:
        window = torch.stack([torch.from_numpy(frame.pixels).permute(2, 0, 1) for frame in reader.frames(4, 8)])
    learned = LearnedUpsampler(loader(jobs.settings(learned_model)).upsampler.network)
    middle = (255 * learned(window.unsqueeze(0), 4)[0].permute(1, 2, 0)).round().numpy()
    assert np.abs(results[0][6] - middle).max() <= 2  # rounded to 8-bit YCbCr and back


def test_a_job_enlarges_every_frame_once(noisy_clip, learned_model, tmp_path, loader, monkeypatch):
    asked = jobs.request(noisy_clip, tmp_path / "out.mkv", learned_model, (0, 29), segment_frames=14, steps=1, size="x4")
    enlarge, windows = LearnedUpsampler.enlarge, []
    monkeypatch.setattr(LearnedUpsampler, "enlarge", lambda self, *given: windows.append(given[0]) or enlarge(self, *given))
    report = run_job(asked, folder=tmp_path / "job", loader=loader)
    assert report["segments"] > 2 and len(windows) == 30


def test_a_condition_is_encoded_in_bands(noisy_clip, model, monkeypatch):
    resolved = model.declaration.resolve(jobs.settings(Path("unused"))).to_dict() | jobs.PLANNED
    with VideoReader(probe(noisy_clip)) as reader, SegmentReader(reader, None, lambda: None) as frame_reader:
        segment, frames = next(iter(frame_reader.segments(segments_of([(0, 5)], 14, WINDOW, WINDOW, CONTEXT))))
    noisy = replace(model, declaration=model.declaration.replace(condition_noise=1e-9))
    pipeline = SegmentPipeline(Denoiser(noisy), PlannedSettings(**resolved), segment, frames, Control(), 3)
    whole, heights = pipeline.encode_frames(list(range(6))), []
    monkeypatch.setattr("dcvsr_engine.restore.pipeline.BAND_PIXELS", 1)
    monkeypatch.setattr("dcvsr_engine.restore.pipeline.LEAST_BAND", 20)
    encode = model.first_stage.encode_condition
    monkeypatch.setattr(model.first_stage, "encode_condition", lambda up, check: heights.append(up.shape[2]) or encode(up, check))
    torch.testing.assert_close(pipeline.encode(), whole, atol=1e-5, rtol=0)
    assert len(heights) > 2 and max(heights) == 20


def test_strength_mixes_before_the_colours_are_corrected(learned_model, loader, noisy_clip):
    found = {}
    for strength in (0.0, 0.25, 1.0):
        chosen = jobs.settings(learned_model, strength=strength, color="none")
        model = loader(chosen)
        resolved = model.declaration.resolve(chosen).to_dict() | jobs.PLANNED | {"strength": strength}
        with VideoReader(probe(noisy_clip)) as reader, SegmentReader(reader, None, lambda: None) as frame_reader:
            segment, frames = next(iter(frame_reader.segments(segments_of([(0, 5)], 14, WINDOW, WINDOW, CONTEXT))))
            pipeline = SegmentPipeline(Denoiser(model), PlannedSettings(**resolved), segment, frames, Control(), 3)
            latents = torch.randn(6, jobs.CHANNELS, 12, 16, generator=torch.Generator().manual_seed(0))
            found[strength] = pipeline.decode_chunk(latents, [0, 1])
            up = pipeline.cropped(pipeline.enlarged([0, 1]))
    refined, error = found[1.0]
    assert torch.equal(found[0.0][0], up) and not found[0.0][1].any() and error.abs().max() > 0.01
    inside = (refined > 0) & (refined < 1)
    torch.testing.assert_close(found[0.25][0][inside], (0.75 * up + 0.25 * refined)[inside], atol=1e-5, rtol=0)


def test_the_network_is_moved_and_kept_in_full_precision(model):
    assert model.upsampler.network in model.networks
    assert {weight.dtype for weight in model.upsampler.network.parameters()} == {torch.float32}
    assert not any(weight.requires_grad for weight in model.upsampler.network.parameters())
