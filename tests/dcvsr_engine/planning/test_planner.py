"""Plans say what will happen: evaluations, memory, chunks, notes; they are made fast."""

from cProfile import Profile
from dataclasses import replace
from types import SimpleNamespace

import jobs
import pytest
from diffusers import UNetSpatioTemporalConditionModel as UNet

from dcvsr_engine.errors import Cancelled, InputError
from dcvsr_engine.events import StepStarted
from dcvsr_engine.jobs import plans as planning
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.plans import plan_job
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.planning import calibration, planner
from dcvsr_engine.planning.calibration import calibrated
from dcvsr_engine.planning.planner import make_plan
from dcvsr_engine.planning.shots import ShotBoundaries
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


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"guidance": "cfg", "guidance_scale": 2.0}, "CFG does nothing here: this model's unconditional branch drops nothing"),
        ({"guidance": "dssag", "guidance_scale": 2.0, "gamma_peak": 0.0}, "DSSAG does nothing here"),
        ({"guidance": "dssag", "guidance_scale": 1.0}, "DSSAG does nothing at a guidance scale of 1."),
        ({"guidance": "dssag", "guidance_scale": 2.0}, None),
        ({"guidance": "sag", "guidance_scale": 2.0}, None),
        ({"guidance": "pag", "guidance_scale": 2.0}, None),
        ({"guidance": "none"}, None),
        ({"guidance": "sag", "guidance_scale": 2.0, "guidance_low": 1e4}, "no step has a noise level between"),
    ],
)
def test_a_guidance_that_does_nothing_is_noted(changes, sentence, clip, tiny_model):
    notes = [note for note in plan_job(jobs.request(clip, None, tiny_model, **changes)).notes if "does nothing" in note]
    assert len(notes) == (sentence is not None) and all(sentence in note for note in notes)


def test_what_reuses_nothing_is_noted(clip, tiny_model):
    plan = plan_job(jobs.request(clip, None, tiny_model, steps=4, reuse=2, propagating_layers=1, tiling="fast"))
    assert any("No deep features are reused" in note for note in plan.notes)


def test_a_plan_says_that_nothing_is_compiled_for_a_processor(clip, tiny_model):
    notes = [plan_job(jobs.request(clip, None, tiny_model, compile=chosen)).notes for chosen in ("off", "all")]
    assert set(notes[1]) - set(notes[0]) == {"Nothing is compiled: on a processor that gains nothing."}


def test_the_report_notes_a_guidance_that_does_nothing(clip, tiny_model, loader):
    request = jobs.request(clip, None, tiny_model, frames=(0, 1), guidance="cfg", guidance_scale=2.0, steps=1)
    assert any("CFG does nothing" in note for note in run_job(request, loader=loader)["notes"])


def test_a_plan_knows_the_shots_and_segments_end_with_them(tiny_model, tmp_path):
    source = jobs.cut_clip(tmp_path / "clip.mkv", 12, 9, 40)
    plan = plan_job(jobs.request(source, tmp_path / "out.mkv", tiny_model))
    assert plan.shots == 3 and plan.frames == 61
    assert [(s.first, s.last, s.shared) for s in plan.segments][:3] == [(0, 11, 0), (12, 20, 0), (21, 34, 0)]
    assert plan.segments[-1].last == 60 and max(segment.frames for segment in plan.segments) <= 14


def test_a_shot_is_restored_as_if_it_were_alone(tiny_model, tmp_path, loader):
    source = jobs.cut_clip(tmp_path / "clip.mkv", 6, 7)
    run_job(jobs.request(source, tmp_path / "both.mkv", tiny_model), loader=loader)
    run_job(jobs.request(source, tmp_path / "second.mkv", tiny_model, frames=(6, 12)), loader=loader)
    both, second = (jobs.fingerprint(tmp_path / name) for name in ("both.mkv", "second.mkv"))
    assert [frame for _, frame in both[6:]] == [frame for _, frame in second]


def test_cuts_of_long_clips_wait_until_the_job_begins(clip, tiny_model, tmp_path, monkeypatch, loader):
    monkeypatch.setattr(planning, "PLANNING_SECONDS", -1)
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model)
    plan = plan_job(request)
    assert plan.shots is None and any("cuts are looked for when the job begins" in note for note in plan.notes)
    plans = []
    run_job(request, loader=loader, on_plan=plans.append)
    assert [plan.shots for plan in plans] == [1]


def test_a_day_of_video_takes_as_many_calls_a_segment_to_plan_as_an_hour(clip, tiny_model, tmp_path):
    request = jobs.request(clip, None, tiny_model, segment_frames=56, steps=25)
    declaration, costs = Declaration.from_folder(tiny_model), []
    for hours in (1, 24):
        frames = hours * 3600 * 25
        info = replace(probe(clip), frames=frames, frames_exact=True)
        shots = ShotBoundaries(first=0, last=frames - 1)
        profile = Profile()
        plan = profile.runcall(make_plan, request, info, declaration, tiny_model / "unet", shots)
        assert plan.frames == frames
        # calls, which are as many on any machine, and not their time
        costs.append(sum(entry.callcount for entry in profile.getstats()) / len(plan.segments))
    assert len(plan.segments) > 40_000 and costs[1] <= costs[0] < 100, costs


def test_a_plan_is_measured_on_one_tile(clip, tiny_model, loader, monkeypatch):
    """By a clock that goes on by a second for every latent that the network is given."""
    now, forward = [0.0], UNet.forward

    def timed(self, sample, *arguments, **options):
        now[0] += sample[:, :, 0].numel()
        return forward(self, sample, *arguments, **options)

    monkeypatch.setattr(UNet, "forward", timed)
    monkeypatch.setattr(calibration, "time", SimpleNamespace(monotonic=lambda: now[0]))
    request = jobs.request(clip, None, tiny_model)
    plan = calibrated(plan_job(request), loader(request.settings))
    assert now == [2 * plan.grid.tile_frames * plan.grid.tile_height * plan.grid.tile_width]
    now[0] = 0.0
    run_job(request, loader=loader)
    assert plan.seconds == pytest.approx(now[0] * calibration.OVERHEAD)


def test_a_tile_that_does_not_fit_is_a_problem_of_the_plan(clip, tiny_model, loader, monkeypatch):
    def starving(*arguments, **options):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes.")

    request = jobs.request(clip, None, tiny_model)
    monkeypatch.setattr(UNet, "forward", starving)
    plan = calibrated(plan_job(request), loader(request.settings))
    assert plan.seconds is None and "single tile does not fit" in plan.problems[0]


def test_a_plan_says_what_is_done_at_once(clip, tiny_model):
    wide = plan_job(jobs.request(clip, None, tiny_model, sap_schedule="two-pass", tile_batch=3))
    assert wide.tiles_at_once == 3 and wide.decode_frames >= 1
    assert plan_job(jobs.request(clip, None, tiny_model, sap_schedule="lockstep")).tiles_at_once == wide.grid.spatial


def test_segments_are_as_long_as_memory_allows_and_stay_so(clip, tiny_model, tmp_path, monkeypatch, loader):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model)
    plenty = plan_job(request)
    assert plenty.segment_windows == 0 and not any("Memory is short" in note for note in plenty.notes)
    monkeypatch.setattr(planner, "usable_memory", lambda: plenty.host_memory - 1)
    short = plan_job(request)
    assert short.segment_windows == 1 and max(segment.frames for segment in short.segments) == short.settings.window
    assert short.host_memory < plenty.host_memory and any("Memory is short" in note for note in short.notes)
    assert sum(segment.last + 1 - segment.begins for segment in short.segments) <= short.frames
    plans = []

    with pytest.raises(Cancelled):
        run_job(request, jobs.CancelAt(StepStarted, segment=1).watch, loader=loader, on_plan=plans.append)
    monkeypatch.setattr(planner, "usable_memory", lambda: 2 * plenty.host_memory)
    report = run_job(request, loader=loader, on_plan=plans.append)
    assert [len(plan.segments) for plan in plans] == [len(short.segments)] * 2
    assert report["frames_out"] == short.frames


def test_memory_that_does_not_suffice_is_a_problem(clip, tiny_model, monkeypatch):
    monkeypatch.setattr(planner, "memory", lambda device: (1000, 1000))
    problems = plan_job(jobs.request(clip, None, tiny_model)).problems
    assert any("device's memory" in problem for problem in problems)


def test_an_unknown_file_is_refused(tiny_model, tmp_path):
    (tmp_path / "text.mkv").write_text("no video")
    with pytest.raises(InputError):
        plan_job(jobs.request(tmp_path / "text.mkv", None, tiny_model))
