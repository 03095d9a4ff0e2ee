"""The simulated farm: its times where they are known by hand, and that it asks the real order."""

import json
import math

import pytest

from dcvsr_engine import cli
from dcvsr_engine.jobs.claims import TakingOrder
from dcvsr_engine.jobs.manifest import units_of
from dcvsr_engine.planning.segments import segments_of
from dcvsr_engine.research.bench.farm import FarmConditions, FarmFigures, SimulatedFarm, UnitLoad

SHOTS = [(1000 * place, 1000 * place + length - 1) for place, length in enumerate([60, 200, 90, 500, 30, 75, 140, 60] * 3)]
"""Of 24 shots of different lengths."""


def run(shots=SHOTS, speeds=(1.0,), order="chain", seconds=10.0, read=0.0, **conditions: float) -> FarmFigures:
    """A farm whose units take so many seconds per frame."""
    units = units_of(segments_of(shots, 56, 14, 7, 0, order))
    loads = [UnitLoad(seconds * (unit.last - unit.first + 1), read, 2 * read) for unit in units]
    return SimulatedFarm(units, loads, speeds, FarmConditions(**conditions)).run()


@pytest.mark.parametrize("order", ["chain", "bricks"])
def test_one_device_takes_the_sum_of_the_units(order):
    figures = run(order=order)
    assert figures.efficiency > 0.999 and figures.idle < 0.001 and figures.moved == figures.failed == 0
    assert run(order=order, alone=1000.0).makespan == pytest.approx(figures.makespan + 1000)


def test_two_devices_share_two_shots_and_one_shot_only_in_bricks():
    assert run([(0, 55), (56, 111)], (1.0, 1.0)).efficiency > 0.99
    assert run([(0, 999)], (1.0, 1.0)).efficiency == pytest.approx(0.5, abs=0.01)
    assert run([(0, 999)], (1.0, 1.0), "bricks").efficiency > 0.9


def test_a_slow_device_takes_less_and_is_not_waited_for():
    figures = run(speeds=(1.0, 0.25), order="bricks")
    assert figures.efficiency > 0.9 and figures.idle < 0.1


def test_the_network_bounds_what_devices_can_do():
    figures = run(speeds=(1.0,) * 8, read=1e9, rate=1e6)
    assert figures.makespan > figures.moved / 1e6 and figures.idle > 0.5
    assert run(read=1e9).moved == 3e9 * len(segments_of(SHOTS, 56, 14, 7))


def test_failures_cost_time_and_lose_nothing():
    calm, rough = (run(speeds=(1.0,) * 4, order="bricks", failures=rate, steps=4) for rate in (0.0, 2.0))
    assert rough.failed > 0 and rough.makespan > calm.makespan and math.isfinite(rough.makespan)


def test_the_order_is_that_of_jobs(monkeypatch):
    """Backward, the longest shot is begun last."""
    shots = [(0, 99), (100, 199), (200, 299), (300, 399), (400, 1399)]
    right = run(shots, (1.0, 1.0)).makespan
    init = TakingOrder.__init__

    def reversed_order(self, units):
        init(self, units)
        self._several = self._several[::-1]

    monkeypatch.setattr(TakingOrder, "__init__", reversed_order)
    assert run(shots, (1.0, 1.0)).makespan > 1.1 * right


@pytest.mark.parametrize(
    "words, sentence",
    [
        ([], "only simulates: add --simulate"),
        (["--simulate", "--speeds", "1,no"], "--speeds takes numbers above 0"),
        (["--simulate", "--rate", "0"], "--rate must be"),
        (["--simulate", "--failures", "-1"], "--failures must be"),
        (["--simulate", "--clip", "nowhere.mp4"], "“nowhere.mp4” does not exist"),
    ],
)
def test_options_that_make_no_sense_are_one_sentence(words, sentence, capsys):
    assert cli.main(["bench", "farm", *words]) == 2 and sentence in capsys.readouterr().err


def test_a_clip_is_replayed(tiny_model, clip, capsys):
    words = ["bench", "farm", "--simulate", "--model", str(tiny_model), "--clip", str(clip), "--device", "cpu"]
    assert cli.main(words) == 2 and "give --tile-seconds" in capsys.readouterr().err
    assert cli.main([*words, "--tile-seconds", "0.5", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["simulation"] is True and [len(farm["speeds"]) for farm in said["farms"]] == [1, 2, 4, 8, 16, 32, 64, 8]
    assert cli.main([*words, "--tile-seconds", "0.5"]) == 0 and "A SIMULATION, not a measurement" in capsys.readouterr().out
