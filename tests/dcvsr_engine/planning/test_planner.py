"""Plans say what will happen: evaluations, memory, chunks, notes; they are made fast."""

import time
from dataclasses import replace

import jobs
import pytest
from diffusers import UNetSpatioTemporalConditionModel as UNet

from dcvsr_engine.errors import InputError, ModelError
from dcvsr_engine.jobs import job
from dcvsr_engine.jobs.job import plan_job, run_job
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.device import DTYPES
from dcvsr_engine.network.installed import find
from dcvsr_engine.planning import planner
from dcvsr_engine.planning.calibration import calibrated
from dcvsr_engine.planning.memory import Network, decoding_bytes, frames_at_once, sampling_bytes
from dcvsr_engine.planning.plan import grid_for
from dcvsr_engine.planning.planner import make_plan
from dcvsr_engine.planning.shots import Survey
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.video.probe import probe


@pytest.mark.parametrize(
    "changes",
    [
        {"sap_schedule": "lockstep", "steps": 3},
        {"sap_schedule": "two-pass", "guidance": "dssag", "guidance_scale": 2.0},
        {"sap_schedule": "cached", "steps": 4, "tiling": "fast"},
        {"guidance": "sag", "guidance_scale": 2.0, "steps": 1},
        {"guidance": "pag", "guidance_scale": 2.0, "steps": 1},
        {"guidance": "cfg", "guidance_scale": 2.0, "steps": 1, "sap": False, "tap": False},
    ],
)
def test_evaluations_are_counted_exactly(changes, tiny_model, tmp_path, loader, monkeypatch):
    wide = jobs.short_clip(tmp_path / "wide.mkv", frames=9, width=48, height=24)
    rows, forward = [], UNet.forward

    def counting(self, sample, *arguments, **options):
        rows.append(len(sample))
        return forward(self, sample, *arguments, **options)

    monkeypatch.setattr(UNet, "forward", counting)
    request = jobs.request(wide, None, tiny_model, **changes)
    run_job(request, loader=loader)
    assert plan_job(request).evaluations == sum(rows)


def test_a_plan_knows_the_shots_and_segments_end_with_them(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(job, "PLANNING_SECONDS", 60)
    source = jobs.cut_clip(tmp_path / "clip.mkv", 12, 9, 40)
    plan = plan_job(jobs.request(source, tmp_path / "out.mkv", tiny_model))
    assert plan.shots == 3 and plan.frames == 61
    assert [(s.first, s.last, s.shared) for s in plan.segments][:3] == [(0, 11, 0), (12, 20, 0), (21, 33, 0)]
    assert plan.segments[-1].last == 60 and max(segment.frames for segment in plan.segments) <= 14


def test_a_shot_is_restored_as_if_it_were_alone(tiny_model, tmp_path, loader):
    source = jobs.cut_clip(tmp_path / "clip.mkv", 6, 7)
    run_job(jobs.request(source, tmp_path / "both.mkv", tiny_model), loader=loader)
    run_job(jobs.request(source, tmp_path / "second.mkv", tiny_model, frames=(6, 12)), loader=loader)
    both, second = (jobs.fingerprint(tmp_path / name) for name in ("both.mkv", "second.mkv"))
    assert [frame for _, frame in both[6:]] == [frame for _, frame in second]


def test_cuts_of_long_clips_wait_until_the_job_begins(clip, tiny_model, tmp_path, monkeypatch, loader):
    monkeypatch.setattr(job, "PLANNING_SECONDS", -1)
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model)
    plan = plan_job(request)
    assert plan.shots is None and any("cuts are looked for when the job begins" in note for note in plan.notes)
    plans = []
    run_job(request, loader=loader, on_plan=plans.append)
    assert [plan.shots for plan in plans] == [1]


def test_a_day_of_video_is_planned_in_a_moment(clip, tiny_model, tmp_path):
    frames = 24 * 3600 * 25
    info = replace(probe(clip), frames=frames, frames_exact=True)
    request = jobs.request(clip, None, tiny_model, segment_frames=56, steps=25)
    began = time.process_time()
    plan = make_plan(request, info, Declaration.from_folder(tiny_model), tiny_model / "unet", Survey(0, frames - 1, ()))
    assert time.process_time() - began < 5
    assert len(plan.segments) > 40_000 and plan.frames == frames


def test_a_plan_is_measured_on_one_tile(clip, tiny_model, loader):
    request = jobs.request(clip, None, tiny_model)
    plan = calibrated(plan_job(request), loader(request.settings))
    began = time.monotonic()
    run_job(request, loader=loader)
    assert plan.seconds is not None and 0.1 < plan.seconds / (time.monotonic() - began) < 10


def test_a_tile_that_does_not_fit_is_a_problem_of_the_plan(clip, tiny_model, loader, monkeypatch):
    def starving(*arguments, **options):
        raise RuntimeError("can't allocate memory")

    request = jobs.request(clip, None, tiny_model)
    monkeypatch.setattr(UNet, "forward", starving)
    plan = calibrated(plan_job(request), loader(request.settings))
    assert plan.seconds is None and "single tile does not fit" in plan.problems[0]


# -- memory -----------------------------------------------------------------------------------------------------

SVD = Network(weights=3 * 2**30, channels=320, maps=40, item=2)
DECLARED = Declaration(name="svd", title="SVD", first_stage="vae", factor=8, multiple=8)
PAPER = DECLARED.resolve(RestoreSettings(device="cuda", precision="bf16"))


def chosen(free: int, **changes):
    """What is chosen for 1080p with so much memory beside the weights."""
    settings = PAPER.replace(**changes)
    grid = grid_for(56, 480, 270, DECLARED, settings)
    decided = planner.choose_batch(settings, grid, DECLARED, SVD, free)
    return decided.sap_schedule, decided.tile_batch, frames_at_once(DECLARED, grid, 1920 * 1080, 2, free)


def test_what_fits_is_chosen():
    gigabyte = 2**30
    assert chosen(200 * gigabyte) == ("lockstep", 8, 14)
    assert chosen(40 * gigabyte)[0] == "two-pass" and 1 < chosen(40 * gigabyte)[1] <= 8
    assert chosen(6 * gigabyte) == ("two-pass", 1, 9)
    assert chosen(gigabyte) == ("two-pass", 1, 1)
    assert chosen(40 * gigabyte, tiling="fast")[0] == "cached"
    assert chosen(gigabyte, sap_schedule="lockstep", tile_batch=3)[:2] == ("lockstep", 3)


@pytest.mark.parametrize(("free", "offload", "frames"), [(60, False, 14), (8, True, 8)])
def test_the_u_net_makes_room_for_decoding_where_memory_is_short(free, offload, frames, tmp_path, monkeypatch):
    monkeypatch.setattr(planner, "memory", lambda device: (free * 2**30, free * 2**30))
    monkeypatch.setattr(planner.Network, "from_folder", lambda folder, item: SVD)
    settings = PAPER.replace(sap_schedule="two-pass", tile_batch=1)
    grid = grid_for(56, 480, 270, DECLARED, settings)
    _, room = planner.with_memory(settings, grid, (480, 270), DECLARED, tmp_path)
    assert (room.offload, room.decode_frames) == (offload, frames)
    assert room.device <= free * 2**30
    assert room.decode_frames > chosen(int(free * planner.MEMORY_SHARE * 2**30) - SVD.weights)[2] or not offload
    _, alone = planner.with_memory(settings.replace(device="cpu", precision="fp32"), grid, (480, 270), DECLARED, tmp_path)
    assert not alone.offload


def test_a_plan_says_what_is_done_at_once(clip, tiny_model):
    wide = plan_job(jobs.request(clip, None, tiny_model, sap_schedule="two-pass", tile_batch=3))
    assert wide.tiles_at_once == 3 and wide.decode_frames >= 1
    assert plan_job(jobs.request(clip, None, tiny_model, sap_schedule="lockstep")).tiles_at_once == wide.grid.spatial


def test_memory_grows_with_what_is_done_at_once():
    def need(**changes):
        settings = PAPER.replace(**({"sap_schedule": "two-pass", "tile_batch": 1} | changes))
        return sampling_bytes(SVD, grid_for(56, 480, 270, DECLARED, settings), settings, DECLARED)

    assert need(tile_batch=2) > 1.5 * need()
    assert need(guidance="none") < need()
    assert need(tile=32) < need()
    assert need(sap_schedule="lockstep") > need(tile_batch=8)
    assert need(sap_schedule="cached") > need() > need(sap=False)


def test_the_plan_is_near_what_was_counted_for_svd():
    """1.01 GiB per row of the U-Net and 0.5 GiB per decoded frame, counted on fake tensors in bf16."""
    grid = TileGrid.build(14, 64, 64)
    settings = PAPER.replace(guidance="none", sap=False, tile_batch=1)
    assert 1.01 < sampling_bytes(SVD, grid, settings, DECLARED) / 2**30 < 1.6
    assert 0.5 < decoding_bytes(DECLARED, grid, 1, 2) / 2**30 < 0.7


MEASURED = {
    "fp32": {(4, 32): 33, (6, 32): 50, (14, 32): 84, (14, 64): 305},
    "bf16": {(4, 32): 22, (6, 32): 32, (14, 32): 52, (14, 64): 173},
}
"""MiB that a tile of so many frames and latents' side took on a processor, by `bench.memory.peak_bytes`."""


@pytest.mark.parametrize("precision", MEASURED)
def test_the_plan_is_near_what_was_measured_for_the_compact_model(precision):
    folder = find("compact")
    declaration = Declaration.from_folder(folder)
    network = Network.from_folder(folder / "unet", DTYPES[precision].itemsize)
    settings = declaration.resolve(RestoreSettings(sap=False, tile_batch=1))
    for (frames, side), measured in MEASURED[precision].items():
        planned = sampling_bytes(network, TileGrid.build(frames, side, side), settings, declaration) / 2**20
        assert 0.95 * measured < planned < 1.4 * measured


def test_a_network_is_measured_by_its_headers(tiny_model, tmp_path, loader):
    network = Network.from_folder(tiny_model / "unet", 2)
    weights = loader(jobs.settings(tiny_model)).unet.parameters()
    assert network.weights == 2 * sum(weight.numel() for weight in weights) and network.channels == 32
    (tmp_path / "config.json").write_text((tiny_model / "unet" / "config.json").read_text())
    (tmp_path / "weights.safetensors").write_text("no")
    with pytest.raises(ModelError, match="damaged"):
        Network.from_folder(tmp_path, 2)


def test_memory_that_does_not_suffice_is_a_problem(clip, tiny_model, monkeypatch):
    monkeypatch.setattr(planner, "memory", lambda device: (1000, 1000))
    problems = plan_job(jobs.request(clip, None, tiny_model)).problems
    assert any("device's memory" in problem for problem in problems)


def test_an_unknown_file_is_refused(tiny_model, tmp_path):
    (tmp_path / "text.mkv").write_text("no video")
    with pytest.raises(InputError):
        plan_job(jobs.request(tmp_path / "text.mkv", None, tiny_model))
