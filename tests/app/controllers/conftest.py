import pytest

from app.controllers.history import History


class Clock:
    """A clock that the test turns."""

    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock(monkeypatch):
    """What tells how soon edits follow each other in windows that are opened from here on."""
    clock, init = Clock(), History.__init__
    monkeypatch.setattr(
        History, "__init__", lambda history, queue, preferences, parent: init(history, queue, preferences, parent, clock)
    )
    return clock
