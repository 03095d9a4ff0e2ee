"""How a processor computes fastest: measured once, remembered, and what a damaged memory does."""

from itertools import count

import jobs
import pytest
import torch

from dcvsr_engine.jobs import session
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.plans import plan_job
from dcvsr_engine.planning import ways
from dcvsr_engine.planning.ways import (
    Climb,
    Way,
    all_rungs,
    climbed,
    first_way,
    known_climb,
    known_way,
    most_threads,
    precision_for,
    remember_climb,
    settle_way,
    threads_for,
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
        return seconds.get((way.precision, way.threads), 1.0)

    monkeypatch.setattr(ways, "seconds_per_tile", seconds_per_tile)
    return timed


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ({}, ("bf16", 4)),
        ({("fp32", 4): 0.5, ("fp32", 2): 0.4}, ("fp32", 2)),
        ({("fp32", 4): 0.95, ("bf16", 2): 0.8}, ("bf16", 2)),
    ],
)
def test_the_fastest_way_is_found_rung_by_rung(seconds, expected, tiny_model, loader, monkeypatch):
    monkeypatch.setattr(ways, "resolve_precision", lambda precision, device: "bf16")
    monkeypatch.setattr(ways, "most_threads", lambda: 4)
    timed = timings(seconds, monkeypatch)
    model = loader(jobs.settings(tiny_model))
    assert climbed(lambda precision: model, Climb(first_way())) == Climb(Way(*expected), 2)
    assert len(timed) == 2 * 2 * ways.TURNS


def test_a_rung_that_is_faster_in_one_turn_only_is_not_taken(tiny_model, loader, monkeypatch):
    """As on a machine that has other work while the best way is timed."""
    monkeypatch.setattr(ways, "resolve_precision", lambda precision, device: "bf16")
    monkeypatch.setattr(ways, "most_threads", lambda: 1)
    seconds = iter([3.0, 1.0, 1.0, 1.0])
    monkeypatch.setattr(ways, "seconds_per_tile", lambda model, way, clock: next(seconds))
    model = loader(jobs.settings(tiny_model))
    assert climbed(lambda precision: model, Climb(first_way())) == Climb(Way("bf16", 1), 1)


def test_a_ladder_that_was_cut_short_is_gone_on_with(tiny_model, loader, monkeypatch):
    monkeypatch.setattr(ways, "resolve_precision", lambda precision, device: "bf16")
    monkeypatch.setattr(ways, "most_threads", lambda: 2)
    timed, clock = timings({("fp32", 2): 0.5}, monkeypatch), count(step=ways.LADDER_SECONDS)
    monkeypatch.setattr(ways.climbed, "__defaults__", (lambda: next(clock),))
    model = loader(jobs.settings(tiny_model))
    for rungs in range(1, len(all_rungs()) + 1):
        settle_way(SETTINGS, lambda precision: model, worthwhile=True)
        # one rung more each time, beside the best way so far
        assert len(timed) == 2 * ways.TURNS * rungs and known_climb("some") == Climb(Way("fp32", 2), rungs)
    settle_way(SETTINGS, lambda precision: model, worthwhile=True)
    assert len(timed) == 2 * ways.TURNS * len(all_rungs())


def test_a_network_that_takes_too_long_is_not_measured(tiny_model, loader, monkeypatch):
    monkeypatch.setattr(ways, "LARGE_NETWORK", 1)
    assert not timings({}, monkeypatch)
    assert climbed(lambda precision: loader(jobs.settings(tiny_model)), Climb(first_way())) is None


def test_a_second_run_measures_nothing(tmp_path, tiny_model, loader, monkeypatch):
    monkeypatch.setattr(session, "LARGE_JOB", 1)
    real, timed = ways.seconds_per_tile, []
    monkeypatch.setattr(ways, "seconds_per_tile", lambda *arguments: timed.append(arguments) or real(*arguments))
    monkeypatch.setattr(ways, "LADDER_SECONDS", float("inf"))
    jobs.short_clip(tmp_path / "clip.mkv", 3)
    requests = [jobs.request(tmp_path / "clip.mkv", tmp_path / name, tiny_model, precision="auto") for name in ("1.mkv", "2.mkv")]
    run_job(requests[0], loader=loader)
    measured, way = len(timed), known_way(str(tiny_model))
    assert measured and way is not None and torch.get_num_threads() == way.threads
    run_job(requests[1], loader=loader)
    assert len(timed) == measured
    # what was measured is planned
    remember_climb(str(tiny_model), Climb(Way("bf16", 2)))
    plan = plan_job(requests[0].replace(target=None))
    assert plan.settings.precision == "bf16" and plan.settings.tile_batch == min(2, plan.grid.spatial)


def test_a_small_job_measures_nothing(tmp_path, tiny_model, loader, monkeypatch):
    timed = timings({}, monkeypatch)
    clip = jobs.short_clip(tmp_path / "clip.mkv", 3)
    run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model, precision="auto"), loader=loader)
    assert not timed and not ways_file().exists()


def test_what_the_user_asks_for_goes_first():
    remember_climb("some", Climb(Way("bf16", 3)))
    assert precision_for(SETTINGS, "cpu") == "bf16" and threads_for("some") == 3
    assert precision_for(SETTINGS.replace(precision="fp32"), "cpu") == "fp32"
    assert precision_for(SETTINGS, "mps") == "fp16"
    assert known_way("other") is None


@pytest.mark.parametrize(
    "held",
    [
        "",
        "[]",
        '{"KEY": 1}',
        '{"KEY": {"way": {"precision": "fp32", "threads": 1}}}',
        '{"KEY": {"way": {"precision": "int8", "threads": 1}, "rungs": 0}}',
        '{"KEY": {"way": {"precision": "fp32", "threads": -1}, "rungs": 0}}',
        '{"KEY": {"way": {"precision": "fp32", "threads": 1}, "rungs": "4"}}',
    ],
)
def test_damaged_ways_are_none(held):
    ways_file().parent.mkdir(parents=True, exist_ok=True)
    ways_file().write_text(held.replace("KEY", way_key("some")))
    assert known_way("some") is None and threads_for("some") == most_threads()
    remember_climb("some", Climb(Way("fp32", 1), 1))
    assert known_climb("some") == Climb(Way("fp32", 1), 1)
