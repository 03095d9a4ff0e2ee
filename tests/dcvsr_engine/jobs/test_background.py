"""Calls on a thread of their own: in order, bounded, and what one raises comes back."""

import threading
from itertools import count
from types import SimpleNamespace

import pytest

from dcvsr_engine.jobs import background as module
from dcvsr_engine.jobs.background import Background


def test_calls_are_made_in_order_on_one_other_thread():
    seen = []
    with Background(2) as background:
        for number in range(20):
            background(lambda number=number: seen.append((number, threading.current_thread().name)))
        background.drain()
    assert seen == [(number, "writer") for number in range(20)]


def test_an_error_comes_back_and_nothing_is_done_after_it():
    seen = []

    def fail():
        raise ZeroDivisionError

    with Background(4) as background:
        background(fail)
        with pytest.raises(ZeroDivisionError):
            background.drain()
        with pytest.raises(ZeroDivisionError):
            background(lambda: seen.append(1))
    assert not seen


def test_of_calls_that_wait_at_the_end_only_those_to_keep_are_made():
    seen, free = [], threading.Event()
    with Background(8) as background:
        background(lambda: free.wait(120))
        background(lambda: seen.append("dropped"))
        background(lambda: seen.append("kept"), keep=True)
        background._dropping = True  # as leaving does, before the thread comes to them
        free.set()
    assert seen == ["kept"]


def test_the_seconds_of_every_call_and_of_the_end_are_those_that_the_caller_waits(monkeypatch):
    clock = count()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with Background(2) as background:
        for _ in range(5):
            background(lambda: None)
        assert background.waited == 5
        background.drain()
        assert background.waited == 7  # one for its own call, one for waiting until that is made
