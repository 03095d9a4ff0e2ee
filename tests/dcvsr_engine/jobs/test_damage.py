"""A network that misbehaves on demand: NaN, infinity and black frames are noticed, redone in fp32, or end the job by name."""

import jobs
import pytest
import torch
from jobs import Watch

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.errors import JobError
from dcvsr_engine.events import Warned
from dcvsr_engine.jobs.folders import unfinished_jobs
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.network.haar import HaarFirstStage


def spoil(monkeypatch, kind: type, name: str, value: float, when) -> None:
    """Let what a method returns hold ``value`` in one place where ``when`` says so of its object and arguments."""
    method = getattr(kind, name)

    def spoiling(self, *arguments, **options):
        result = method(self, *arguments, **options)
        if when(self, *arguments):
            for tensor in result.values() if isinstance(result, dict) else [result]:
                tensor[0, ..., 0, 0] = value
        return result

    monkeypatch.setattr(kind, name, spoiling)


def in_half(window: int):
    """Half precision spoils one window's tile in the second step."""

    def when(denoiser, x, sigma, condition, tiles, branches):
        return denoiser.model.precision == "bf16" and sigma < 1 and any(tile.n == window for tile in tiles)

    return when


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_tile_that_half_precision_spoils_is_redone(value, clip, tiny_model, tmp_path, loader, monkeypatch):
    spoil(monkeypatch, Denoiser, "evaluate", value, in_half(1))
    watch = Watch()
    report = run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model, precision="bf16"), watch, None, loader)
    warnings = [event.message for event in watch.of(Warned)]
    assert warnings == [
        "Tile 1 of frames 7 to 13 in step 2 of 2 went out of the range of bf16 and was computed again in fp32.",
        "Tile 1 of frames 13 to 19 in step 2 of 2 went out of the range of bf16 and was computed again in fp32.",
    ]
    assert report["frames_out"] == 20 and set(warnings) <= set(report["notes"])


def test_a_tile_that_stays_bad_ends_the_job_by_name(clip, tiny_model, tmp_path, loader, monkeypatch):
    spoil(monkeypatch, Denoiser, "evaluate", float("nan"), lambda denoiser, x, sigma, *others: sigma < 1)
    with pytest.raises(JobError, match=r"^Tile 1 of frames 0 to 6 in step 2 of 2 came out damaged, even in fp32"):
        run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model), loader=loader)
    assert len(unfinished_jobs()) == 1 and not (tmp_path / "out.mkv").exists()


def test_of_several_tiles_only_the_bad_one_is_redone(tiny_model, tmp_path, loader, monkeypatch):
    wide = jobs.short_clip(tmp_path / "wide.mkv", frames=4, width=64, height=24)
    redone = []

    def when(denoiser, x, sigma, condition, tiles, branches):
        if denoiser.model.precision == "fp32":
            redone.append([tile.m for tile in tiles])
        return denoiser.model.precision == "bf16" and tiles[0].m == 1

    spoil(monkeypatch, Denoiser, "evaluate", float("nan"), when)
    run_job(
        jobs.request(wide, tmp_path / "out.mkv", tiny_model, precision="bf16", sap=False, tap=False, tile_batch=1),
        None,
        None,
        loader,
    )
    assert redone == [[1], [1]]


def test_frames_that_come_out_damaged_end_the_job_by_name(clip, tiny_model, tmp_path, loader, monkeypatch):
    spoil(monkeypatch, HaarFirstStage, "decode", float("nan"), lambda stage, latents, up: True)
    with pytest.raises(JobError, match=r"^One of frames 0 to 10 came out damaged"):
        run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model), loader=loader)
    assert len(unfinished_jobs()) == 1


def test_a_condition_that_is_damaged_ends_the_job_by_name(clip, tiny_model, tmp_path, loader, monkeypatch):
    spoil(monkeypatch, HaarFirstStage, "encode_condition", float("inf"), lambda stage, up: True)
    with pytest.raises(JobError, match=r"^Frame 7 came out damaged"):
        run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model, frames=(7, 7)), loader=loader)


def blacken(monkeypatch, when) -> None:
    method = HaarFirstStage.decode

    def black(self, latents, up, check, before):
        return torch.zeros_like(up) if when() else method(self, latents, up, check, before)

    monkeypatch.setattr(HaarFirstStage, "decode", black)


def test_black_frames_of_half_precision_are_decoded_again_and_reported(clip, tiny_model, tmp_path, loader, monkeypatch):
    model = loader(jobs.settings(tiny_model, precision="bf16"))
    blacken(monkeypatch, lambda: model.precision == "bf16")
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, frames=(3, 5), precision="bf16", color="none")
    report = run_job(request, None, None, loader)
    assert report["suspicious_frames"] == [3, 4, 5]
    assert min(frame.max() for frame in jobs.pictures(request.target)) > 100


def test_frames_that_stay_black_end_the_job_by_name(clip, tiny_model, tmp_path, loader, monkeypatch):
    blacken(monkeypatch, lambda: True)
    with pytest.raises(JobError, match=r"^One of frames 3 to 5 came out damaged"):
        run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model, frames=(3, 5), color="none"), loader=loader)


def test_a_black_input_stays_black(tiny_model, tmp_path, loader):
    import numpy as np

    source = jobs.short_clip(tmp_path / "night.mkv", frames=3, picture=lambda index, width, height: np.zeros((height, width, 3)))
    report = run_job(jobs.request(source, tmp_path / "out.mkv", tiny_model), loader=loader)
    assert report["frames_out"] == 3 and not report["suspicious_frames"]
