"""Memory that runs out, injected wherever it can: the job goes on with less at once, and says so."""

import errno
import itertools
from pathlib import Path

import av
import jobs
import numpy as np
import pytest
import torch
from diffusers import UNetSpatioTemporalConditionModel as UNet
from jobs import CancelAt, Watch

from dcvsr_engine.diffusion.sampler import TiledDenoiser
from dcvsr_engine.errors import Cancelled, JobError
from dcvsr_engine.events import StepStarted, Warned
from dcvsr_engine.jobs.folders import unfinished_jobs
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.plans import plan_job
from dcvsr_engine.network.haar import HaarFirstStage
from dcvsr_engine.planning import shots
from dcvsr_engine.restore.pipeline import SegmentPipeline

FRAMES = 9


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A clip of several tiles."""
    return jobs.short_clip(tmp_path_factory.mktemp("wide") / "wide.mkv", frames=FRAMES, width=64, height=24)


def starve(monkeypatch, kind: type, name: str, when) -> list[int]:
    """Let a method run out of memory where ``when`` says so of its arguments; returns a list that grows by every such error."""
    errors, method = [], getattr(kind, name)

    def starving(self, *arguments, **options):
        if when(*arguments):
            errors.append(1)
            raise torch.OutOfMemoryError("CUDA out of memory, as injected")
        return method(self, *arguments, **options)

    monkeypatch.setattr(kind, name, starving)
    return errors


def rows_above(most: int):
    """More than ``most`` rows in a batch of the U-Net."""
    return lambda sample, *others: len(sample) > most


def tiles_above(most: int):
    """More than ``most`` tiles at once."""
    return lambda x, step, tiles: len(tiles) > most


def restored(request, loader) -> tuple[list, list[str], dict]:
    """Frames, warnings, report."""
    watch = Watch()
    report = run_job(request, watch, None, loader)
    return jobs.fingerprint(request.target), [event.message for event in watch.of(Warned)], report


CALLS = {
    "network": (UNet, "forward"),
    "encoder": (HaarFirstStage, "encode_condition"),
    "decoder": (HaarFirstStage, "decode"),
}


@pytest.mark.parametrize("part", CALLS)
def test_memory_that_is_short_once_anywhere_changes_nothing(part, clip, tiny_model, tmp_path, loader, monkeypatch):
    """Every single call of every part in turn, one at a time in the same job."""
    kind, name = CALLS[part]
    whole, _, _ = restored(jobs.request(clip, tmp_path / "whole.mkv", tiny_model, frames=(0, 8)), loader)
    calls = itertools.count()
    errors = starve(
        monkeypatch, kind, name, lambda *arguments: next(calls) % 2 == 0
    )  # each call fails at first and then succeeds
    frames, warnings, _ = restored(jobs.request(clip, tmp_path / "out.mkv", tiny_model, frames=(0, 8)), loader)
    assert frames == whole and errors
    assert all("at a time" in warning for warning in warnings)


@pytest.mark.parametrize("schedule", ["two-pass", "cached"])
def test_batches_become_smaller_and_nothing_changes(schedule, wide, tiny_model, tmp_path, loader, monkeypatch):
    # without TAP, which merges the tiles of another batch in another order
    changes = {"sap_schedule": schedule, "steps": 3, "overlap": 0.5, "tap": False}
    whole, _, _ = restored(jobs.request(wide, tmp_path / "two.mkv", tiny_model, tile_batch=2, **changes), loader)
    errors = starve(monkeypatch, TiledDenoiser, "estimate", tiles_above(2))
    frames, warnings, report = restored(jobs.request(wide, tmp_path / "out.mkv", tiny_model, tile_batch=3, **changes), loader)
    assert frames == whole
    assert len(errors) == 1 and warnings == ["Memory ran out: tiles are denoised 2 at a time from here on."]
    assert report["settings"]["tile_batch"] == 2 and warnings[0] in report["notes"]


def assert_alike(path: Path, other: Path) -> None:
    """Results of other batches: rounding may turn single values, and the encoder then codes what is around them otherwise."""
    pairs = zip(jobs.pictures(path), jobs.pictures(other), strict=True)
    differences = np.stack([abs(ours.astype(int) - theirs) for ours, theirs in pairs])
    assert differences.max() <= 4 and (differences > 0).mean() < 0.001


def test_branches_are_computed_one_after_the_other(clip, tiny_model, tmp_path, loader, monkeypatch):
    changes = {"guidance": "dssag", "guidance_scale": 2.0, "frames": (0, 8)}
    run_job(jobs.request(clip, tmp_path / "whole.mkv", tiny_model, **changes), loader=loader)
    starve(monkeypatch, UNet, "forward", rows_above(1))
    _, warnings, _ = restored(jobs.request(clip, tmp_path / "out.mkv", tiny_model, **changes), loader)
    assert warnings == ["Memory ran out: the estimates that guidance compares are computed one after the other from here on."]
    assert_alike(tmp_path / "out.mkv", tmp_path / "whole.mkv")


def test_lockstep_gives_way_to_smaller_batches_that_wait_for_each_other(wide, tiny_model, tmp_path, loader, monkeypatch):
    restored(jobs.request(wide, tmp_path / "whole.mkv", tiny_model, sap_schedule="lockstep"), loader)
    starve(monkeypatch, TiledDenoiser, "estimate", tiles_above(1))
    _, warnings, report = restored(jobs.request(wide, tmp_path / "out.mkv", tiny_model, sap_schedule="lockstep"), loader)
    assert len(warnings) == 1 and "wait for each other" in warnings[0]
    assert report["settings"]["sap_schedule"] == "staged"
    assert_alike(tmp_path / "out.mkv", tmp_path / "whole.mkv")


def larger_than(side: int):
    """Tiles above a size."""
    return lambda sample, *others: max(sample.shape[-2:]) > side


def test_tiles_become_smaller_at_last_and_a_kept_job_keeps_them(wide, tiny_model, tmp_path, loader, monkeypatch):
    changes = {"tile": 24, "sap_schedule": "two-pass", "steps": 3}
    small, _, _ = restored(jobs.request(wide, tmp_path / "small.mkv", tiny_model, **(changes | {"tile": 18})), loader)
    errors = starve(monkeypatch, UNet, "forward", larger_than(18))
    frames, warnings, report = restored(jobs.request(wide, tmp_path / "out.mkv", tiny_model, **changes), loader)
    assert frames == small and len(errors) == 2
    assert "18 latents wide instead of 24" in warnings[0] and "changes the result" in warnings[0]
    assert report["settings"]["tile"] == 18

    request = jobs.request(wide, tmp_path / "again.mkv", tiny_model, **changes)
    with pytest.raises(Cancelled):
        run_job(request, CancelAt(StepStarted, step=2).watch, None, loader)
    monkeypatch.undo()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    assert restored(request, loader)[0] == frames


def test_when_nothing_helps_the_job_stops_and_is_kept(wide, tiny_model, tmp_path, loader, monkeypatch):
    starve(monkeypatch, UNet, "forward", lambda *arguments: True)
    request = jobs.request(wide, tmp_path / "out.mkv", tiny_model)
    with pytest.raises(JobError, match="even with the smallest tiles"):
        run_job(request, loader=loader)
    assert [job.request for job in unfinished_jobs()] == [request]
    monkeypatch.undo()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    assert run_job(request, loader=loader)["frames_out"] == FRAMES


def test_fewer_frames_are_decoded_at_once(clip, whole, tiny_model, tmp_path, loader, monkeypatch):
    starve(monkeypatch, SegmentPipeline, "refined", lambda latents, positions: len(positions) > 5)
    frames, warnings, _ = restored(jobs.request(clip, tmp_path / "out.mkv", tiny_model), loader)
    assert frames == whole
    # two of a segment's frames are decoded with the next one, which knows their future
    assert ["6 at a time" in warnings[0], "3 at a time" in warnings[1], len(warnings)] == [True, True, 2]


@pytest.mark.parametrize("name", ["encode_condition", "decode"])
def test_a_frame_that_cannot_be_encoded_or_decoded_at_all_stops_the_job(name, clip, tiny_model, tmp_path, loader, monkeypatch):
    starve(monkeypatch, HaarFirstStage, name, lambda *arguments: True)
    with pytest.raises(JobError, match=r"^Memory ran out.*; close other programs"):
        run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model), loader=loader)
    assert unfinished_jobs() and not (tmp_path / "out.mkv").exists()


@pytest.mark.parametrize("error", [av.error.BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), MemoryError()])
def test_memory_that_runs_out_while_shots_are_looked_for_is_one_sentence(error, clip, tiny_model, tmp_path, loader, monkeypatch):
    def starve_swscale(picture):
        raise error

    monkeypatch.setattr(shots, "thumbnail", starve_swscale)
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model)
    for work in (lambda: run_job(request, loader=loader), lambda: plan_job(request)):
        with pytest.raises(JobError, match=r"^Memory ran out; close other programs"):
            work()


def test_the_u_net_leaves_the_device_before_a_single_frame_is_given_up(clip, tiny_model, tmp_path, loader, monkeypatch):
    from dcvsr_engine.restore.pipeline import SegmentPipeline

    made, tried = [], []
    monkeypatch.setattr(SegmentPipeline, "unload_unet", lambda self: made.append(len(tried)))
    starve(monkeypatch, HaarFirstStage, "decode", lambda *arguments: tried.append(1) or not made)
    watch = Watch()
    run_job(jobs.request(clip, None, tiny_model, frames=(3, 3), steps=1), watch, None, loader)
    assert len(made) == 1


@pytest.fixture
def half_done(tiny_model, tmp_path, loader, monkeypatch):
    """A job that a device with room for all tiles at once has begun; and a way to go on with less memory."""
    clip = jobs.short_clip(tmp_path / "wider.mkv", frames=FRAMES, width=128, height=24)
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, steps=3)
    run_job(request.replace(target=tmp_path / "whole.mkv"), loader=loader)
    with pytest.raises(Cancelled):
        run_job(request, CancelAt(StepStarted, 2).watch, None, loader)

    def go_on(memory: int) -> dict:
        monkeypatch.setattr("dcvsr_engine.planning.planner.memory", lambda device: (memory, memory))
        return run_job(request, None, None, loader)

    return go_on


def test_a_smaller_device_goes_on_with_batches_of_its_own(half_done, tmp_path):
    report = half_done(70 * 10**6)
    assert report["settings"]["sap_schedule"] == "staged" and report["resumed"]
    assert_alike(tmp_path / "out.mkv", tmp_path / "whole.mkv")


def test_a_device_on_which_only_other_frames_would_fit_refuses_and_loses_nothing(half_done):
    with pytest.raises(JobError, match="do not fit into the device's memory"):
        half_done(35 * 10**6)
    assert len(unfinished_jobs()) == 1 and half_done(2**34)["settings"]["sap_schedule"] == "lockstep"
