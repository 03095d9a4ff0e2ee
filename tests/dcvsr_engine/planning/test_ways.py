"""How a processor computes fastest: measured once, remembered, and what a damaged memory does."""

from itertools import count

import jobs
import pytest
import torch

from dcvsr_engine.jobs import session
from dcvsr_engine.jobs.job import plan_job, run_job
from dcvsr_engine.planning import ways
from dcvsr_engine.planning.ways import (
    Way,
    batch_for,
    known_way,
    measured_way,
    most_threads,
    precision_for,
    remember_way,
    way_key,
    ways_file,
)
from dcvsr_engine.settings import RestoreSettings

SETTINGS = RestoreSettings(device="cpu", model="some")


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    most_threads()
    yield
    torch.set_num_threads(before)


def timings(seconds, monkeypatch):
    """Have ways take so many ``seconds``, 1 by default; returns those that are timed."""
    timed = []

    def seconds_per_tile(model, way, clock):
        timed.append(way)
        return seconds.get((way.precision, way.threads, way.batch), 1.0)

    monkeypatch.setattr(ways, "seconds_per_tile", seconds_per_tile)
    return timed


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ({}, ("bf16", 4, 1)),
        ({("fp32", 4, 1): 0.5, ("fp32", 4, 2): 0.4, ("fp32", 2, 2): 0.3}, ("fp32", 2, 2)),
        ({("bf16", 4, 2): 0.95, ("bf16", 4, 4): 0.8}, ("bf16", 4, 4)),
    ],
)
def test_the_fastest_way_is_found_rung_by_rung(seconds, expected, tiny_model, loader, monkeypatch):
    monkeypatch.setattr(ways, "resolve_precision", lambda precision, device: "bf16")
    monkeypatch.setattr(ways, "most_threads", lambda: 4)
    timed = timings(seconds, monkeypatch)
    model = loader(jobs.settings(tiny_model))
    assert measured_way(lambda precision: model) == Way(*expected)
    assert len(timed) == 2 + len(ways.BATCHES) + 1


def test_the_ladder_ends_when_its_time_is_over(tiny_model, loader, monkeypatch):
    timed, clock = timings({}, monkeypatch), count(step=ways.LADDER_SECONDS)
    model = loader(jobs.settings(tiny_model))
    measured_way(lambda precision: model, lambda: next(clock))
    assert len(timed) == 1


def test_a_network_that_takes_too_long_is_not_measured(tiny_model, loader, monkeypatch):
    monkeypatch.setattr(ways, "LARGE_NETWORK", 1)
    assert not timings({}, monkeypatch)
    assert measured_way(lambda precision: loader(jobs.settings(tiny_model))) is None


def test_a_second_run_measures_nothing(tmp_path, tiny_model, loader, monkeypatch):
    monkeypatch.setattr(session, "LARGE_JOB", 1)
    real, timed = ways.seconds_per_tile, []
    monkeypatch.setattr(ways, "seconds_per_tile", lambda *arguments: timed.append(arguments) or real(*arguments))
    jobs.short_clip(tmp_path / "clip.mkv", 3)
    requests = [jobs.request(tmp_path / "clip.mkv", tmp_path / name, tiny_model, precision="auto") for name in ("1.mkv", "2.mkv")]
    run_job(requests[0], loader=loader)
    measured, way = len(timed), known_way(str(tiny_model))
    assert measured and way is not None and torch.get_num_threads() == way.threads
    run_job(requests[1], loader=loader)
    assert len(timed) == measured
    # what was measured is planned
    remember_way(str(tiny_model), Way("bf16", 1, 2))
    plan = plan_job(requests[0].replace(target=None))
    assert plan.settings.precision == "bf16" and plan.settings.tile_batch == min(2, plan.grid.spatial)


def test_a_small_job_measures_nothing(tmp_path, tiny_model, loader, monkeypatch):
    timed = timings({}, monkeypatch)
    clip = jobs.short_clip(tmp_path / "clip.mkv", 3)
    run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model, precision="auto"), loader=loader)
    assert not timed and not ways_file().exists()


def test_what_the_user_asks_for_goes_first():
    remember_way("some", Way("bf16", 1, 2))
    assert precision_for(SETTINGS, "cpu") == "bf16" and batch_for("some") == 2
    assert precision_for(SETTINGS.replace(precision="fp32"), "cpu") == "fp32"
    assert precision_for(SETTINGS, "mps") == "fp16"
    assert known_way("other") is None


@pytest.mark.parametrize(
    "held",
    ["", "[]", '{"KEY": 1}', '{"KEY": {"precision": "int8", "threads": 1}}', '{"KEY": {"precision": "fp32", "threads": -1}}'],
)
def test_damaged_ways_are_none(held):
    ways_file().parent.mkdir(parents=True, exist_ok=True)
    ways_file().write_text(held.replace("KEY", way_key("some")))
    assert known_way("some") is None and batch_for("some") == 1
    remember_way("some", Way("fp32", 1))
    assert known_way("some") == Way("fp32", 1)
