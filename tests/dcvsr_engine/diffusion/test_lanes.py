"""Work side by side: results to the last bit whatever the threads and batches, pauses together, errors that end all."""

import threading
from functools import partial

import networks
import pytest
import torch

from dcvsr_engine.diffusion.lanes import Lanes
from dcvsr_engine.diffusion.turns import pause_turn, run_in_turns
from dcvsr_engine.tiling.grid import TileGrid

GRID = TileGrid.build(3, 8, 12, 8, 2, align=2)


@pytest.fixture
def lanes(monkeypatch):
    """Two of them; what is set of PyTorch's threads is set back."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield Lanes()
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def sampled(threads, batch, **changes):
    torch.set_num_threads(threads)
    chosen = networks.settings(**({"steps": 2, "guidance": "dssag"} | changes))
    return networks.sample(networks.denoiser(), chosen, GRID, batch=batch)


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 1},
        {"guidance": "sag", "steps": 1},
        {"sap": True, "sap_schedule": "staged"},
        {"sap": True, "sap_schedule": "lockstep"},
    ],
)
def test_a_result_depends_neither_on_threads_nor_on_batches(changes, lanes):
    expected = sampled(1, 1, **changes)
    for threads, batch in ((2, 2), (4, 5)):
        assert torch.equal(sampled(threads, batch, **changes), expected)
    torch.set_num_threads(2)


def test_tap_adds_tiles_up_in_another_order_in_other_batches(lanes):
    changes = {"tap": True, "steps": 1}
    expected = sampled(1, 2, **changes)
    assert torch.equal(sampled(2, 2, **changes), expected)
    torch.testing.assert_close(sampled(2, 1, **changes), expected, atol=1e-6, rtol=0)


def test_as_many_work_at_once_as_there_are_threads_each_with_one(lanes):
    working, most, guard = set(), [], threading.Lock()

    def work(name):
        with guard:
            working.add(name)
            most.append(len(working))
        threads = torch.get_num_threads()
        torch.ones(200, 200).matmul(torch.ones(200, 200))
        with guard:
            working.remove(name)
        return name, threads

    assert lanes.run([partial(work, name) for name in range(9)]) == [(name, 1) for name in range(9)]
    assert max(most) <= 2


def test_none_goes_on_before_all_have_come_as_far(lanes):
    diary = []

    def work(name):
        diary.append((0, name))
        pause_turn()
        diary.append((1, name))

    lanes.run([partial(work, name) for name in "abcde"])
    assert [stage for stage, _ in diary] == [0] * 5 + [1] * 5
    diary.clear()
    run_in_turns([lambda names=names: lanes.run([partial(work, name) for name in names]) for names in ("ab", "c", "def")])
    assert [stage for stage, _ in diary] == [0] * 6 + [1] * 6


def test_nobody_waits_for_one_that_has_ended(lanes):
    def work(pauses):
        for _ in range(pauses):
            pause_turn()
        return pauses

    assert lanes.run([partial(work, pauses) for pauses in (0, 3, 1, 3)]) == [0, 3, 1, 3]


@pytest.mark.parametrize("in_turns", [False, True])
def test_the_first_error_ends_those_that_wait(in_turns, lanes):
    unwound = []

    def waits():
        try:
            pause_turn()
            pause_turn()
        finally:
            unwound.append(True)

    def fails():
        pause_turn()
        raise MemoryError("out of memory")

    run = partial(lanes.run, [waits, fails, waits])
    with pytest.raises(MemoryError, match="out of memory"):
        run_in_turns([partial(lanes.run, [waits, waits]), run]) if in_turns else run()
    assert len(unwound) == (4 if in_turns else 2)


def test_gradients_are_off_where_they_are_off_for_the_caller(lanes):
    for enabled in (True, False):
        with torch.set_grad_enabled(enabled):
            assert lanes.run([torch.is_grad_enabled] * 3) == [enabled] * 3
