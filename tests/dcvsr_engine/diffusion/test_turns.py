"""Evaluations that take turns."""

import threading
from functools import partial
from types import SimpleNamespace

import pytest
import torch

from dcvsr_engine.diffusion import turns
from dcvsr_engine.diffusion.propagation import BatchLayout, Propagation
from dcvsr_engine.diffusion.turns import active_seconds, pause_turn, run_in_turns
from dcvsr_engine.errors import Cancelled


def visits(name, diary, pauses=2):
    def work():
        for stage in range(pauses):
            diary.append((stage, name))
            pause_turn()
        diary.append((pauses, name))
        return name

    return work


def test_none_continues_before_all_have_come_as_far():
    diary = []
    assert run_in_turns([visits(name, diary) for name in "abc"]) == ["a", "b", "c"]
    assert diary == [(stage, name) for stage in range(3) for name in "abc"]


def test_outside_of_turns_there_is_nothing_to_wait_for():
    diary = []
    assert visits("a", diary)() == "a" and len(diary) == 3


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), Cancelled(), KeyboardInterrupt()])
@pytest.mark.parametrize("stage", [0, 1])
def test_the_first_error_ends_all_and_leaves_no_thread(error, stage):
    before, unwound = set(threading.enumerate()), []

    def waits():
        try:
            for _ in range(3):
                pause_turn()
        finally:
            unwound.append(True)

    def fails():
        for _ in range(stage):
            pause_turn()
        raise error

    with pytest.raises(type(error)):
        run_in_turns([waits, fails, waits])
    assert set(threading.enumerate()) <= before, "threads of others may end meanwhile"
    assert len(unwound) == (1 if stage == 0 else 2), "those that had begun are unwound"


def test_gradients_are_off_where_they_are_off_for_the_caller():
    weight = torch.ones(1, requires_grad=True)
    for enabled in (True, False):
        with torch.set_grad_enabled(enabled):
            assert [result.requires_grad for result in run_in_turns([lambda: weight * 2] * 2)] == [enabled] * 2


def test_each_evaluation_keeps_its_own_batch():
    propagation, layouts = Propagation(), [BatchLayout((), (n,)) for n in range(3)]

    def work(layout):
        with propagation.batch(layout):
            pause_turn()
            return propagation.layout

    assert run_in_turns([lambda layout=layout: work(layout) for layout in layouts]) == layouts
    assert propagation.layout is None


def test_time_that_is_spent_paused_does_not_count(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(turns, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def works(before, after):
        began = active_seconds()
        now[0] += before
        pause_turn()
        now[0] += after
        return active_seconds() - began

    assert run_in_turns([partial(works, 1.0, 2.0), partial(works, 30.0, 500.0)]) == [3.0, 530.0]
