"""Cancel and pause."""

import threading
from contextlib import contextmanager

import pytest

from dcvsr_engine.control import Control
from dcvsr_engine.errors import Cancelled
from dcvsr_engine.events import Waiting


def test_a_free_control_lets_pass_and_swallows_events():
    control = Control()
    control.check()
    control.emit(Waiting(True))
    assert not control.paused


def test_a_control_has_nothing_to_overwrite():
    assert all(name.startswith("_") for name in vars(Control()))


def test_cancelling_is_raised_at_the_next_check_and_at_every_one_after():
    control = Control()
    control.cancel()
    for _ in range(2):
        with pytest.raises(Cancelled):
            control.check()


class Worker:
    """Checks a control on a thread of its own and writes down what happens."""

    def __init__(self):
        self.told, self.waits = [], threading.Event()
        self.control = Control(self.emit)
        self.control.pause()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        assert self.waits.wait(60)
        assert self.control.paused

    def emit(self, event):
        self.told.append(event)
        self.waits.set()

    @contextmanager
    def parked(self):
        self.told.append("freed")
        yield
        self.told.append("taken")

    def run(self):
        try:
            self.control.check(self.parked)
            self.told.append("went on")
        except Cancelled:
            self.told.append("cancelled")

    def end(self):
        self.thread.join(60)
        assert not self.thread.is_alive()
        return self.told


def test_a_pause_frees_the_device_and_takes_it_again():
    worker = Worker()
    assert worker.told == ["freed", Waiting(True)]
    worker.control.resume()
    assert worker.end() == ["freed", Waiting(True), "taken", Waiting(False), "went on"]


def test_a_paused_job_can_be_cancelled():
    worker = Worker()
    worker.control.cancel()
    assert worker.end()[-1] == "cancelled"
