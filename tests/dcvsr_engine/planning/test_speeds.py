"""What is remembered of earlier runs, and what a damaged memory does."""

from dataclasses import replace

import jobs
import pytest

from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.plans import plan_job
from dcvsr_engine.planning import calibration
from dcvsr_engine.planning.calibration import calibrated
from dcvsr_engine.planning.speeds import known_speeds, remember_speed, speed_key, speeds_file, with_seconds


@pytest.fixture
def plan(tmp_path, tiny_model):
    return plan_job(jobs.request(jobs.short_clip(tmp_path / "clip.mkv", 6), None, tiny_model))


def test_a_run_tells_how_long_the_next_one_takes(plan, tmp_path, tiny_model, loader):
    assert plan.seconds is None
    request = jobs.request(tmp_path / "clip.mkv", tmp_path / "out.mkv", tiny_model, steps=8)
    report = run_job(request, loader=loader)
    work = sum(report["seconds"][phase] for phase in ("encode", "sample", "decode"))
    again = plan_job(request.replace(target=None))
    assert again.seconds == pytest.approx(work, rel=0.05, abs=0.01)
    assert with_seconds(again.replace(seconds=None)).seconds == again.seconds


def test_a_tiny_run_tells_nothing(tmp_path, tiny_model, loader):
    """A first job of one evaluation would have the next one's hours estimated by how long the model loaded."""
    clip = jobs.short_clip(tmp_path / "clip.mkv", 2)
    run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model, steps=1, sap=False, tap=False, guidance="none"), loader=loader)
    assert known_speeds() == {}


def test_a_calibration_is_remembered(plan, tiny_model, loader, monkeypatch):
    monkeypatch.setattr(calibration, "seconds_per_evaluation", lambda plan, model: 2.0)
    measured = calibrated(plan, loader(plan.settings))
    assert with_seconds(plan).seconds == measured.seconds == pytest.approx(plan.evaluations * 2 * calibration.OVERHEAD)


def test_other_tiles_and_devices_are_not_taken_for_these(plan):
    remember_speed(plan, 12.0)
    assert with_seconds(plan).seconds == pytest.approx(12)
    assert with_seconds(plan.replace(device="another")).seconds is None
    assert with_seconds(plan.replace(settings=plan.settings.replace(precision="bf16"))).seconds is None


def test_tiles_of_other_sizes_take_as_much_more_time(plan):
    remember_speed(plan, 12.0)
    grid = replace(plan.grid, tile_frames=2 * plan.grid.tile_frames, tile_width=3 * plan.grid.tile_width)
    assert with_seconds(plan.replace(grid=grid)).seconds == pytest.approx(6 * 12)
    assert with_seconds(plan.replace(settings=plan.settings.replace(tile=plan.settings.tile + 4))).seconds is None


@pytest.mark.parametrize("text", ["", "[1]", '{"KEY": "fast"}', '{"KEY": -1.0}', '{"KEY": NaN}', '{"KEY": 1e999}'])
def test_a_damaged_memory_is_none(plan, text):
    speeds_file().parent.mkdir(parents=True, exist_ok=True)
    speeds_file().write_text(text.replace("KEY", speed_key(plan)))
    assert with_seconds(plan).seconds is None
    remember_speed(plan, 6.0)
    assert list(known_speeds()) == [speed_key(plan)]


def test_a_folder_that_cannot_be_written_costs_no_job(plan, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "clip.mkv"))
    remember_speed(plan, 6.0)
    assert with_seconds(plan).seconds is None
