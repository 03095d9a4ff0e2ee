"""Engines whose job stands still at an event until it is told something, so that it never ends before a test has told it."""

import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from dcvsr_engine.worker import messages
from dcvsr_engine.worker.process import Engine, serve

PATIENCE_SECONDS = 120.0


class Held:
    """Has every job that is begun from now on stand still once, after an event that ``matches`` was sent.

    Args:
        patch: takes the engine's methods back.
        matches: a message.
        over: whether nothing is held any more.
    """

    def __init__(
        self, patch: pytest.MonkeyPatch, matches: Callable[[Any], bool], over: Callable[[], bool] = lambda: False
    ) -> None:
        self._matches, self._over = matches, over
        self._told, self._due = threading.Event(), False
        send, carry_out, cancel_all = Engine.send, Engine.carry_out, Engine.cancel_all
        patch.setattr(Engine, "send", lambda engine, event: (send(engine, event), self._hold(event)))
        patch.setattr(Engine, "carry_out", lambda engine, told: (self._begin(told), carry_out(engine, told), self._let_go(told)))
        patch.setattr(Engine, "cancel_all", lambda engine: (cancel_all(engine), self._told.set()))

    def _begin(self, command: messages.Command) -> None:
        if isinstance(command, messages.RunJob | messages.CompareVideos):
            self._told.clear()
            self._due = True

    def _hold(self, event: messages.EngineEvent) -> None:
        if self._due and self._matches(event):
            self._due, end = False, time.monotonic() + PATIENCE_SECONDS
            while not (self._told.wait(0.01) or self._over()):
                assert time.monotonic() < end

    def _let_go(self, command: messages.Command) -> None:
        if isinstance(command, messages.Pause | messages.Cancel):
            self._told.set()


def progressed(kind: type, **facts: Any) -> Callable[[Any], bool]:
    """Recognises the progress of a kind whose attributes are as given."""

    def matches(message: Any) -> bool:
        event = getattr(message, "event", None)
        return isinstance(event, kind) and all(getattr(event, name) == value for name, value in facts.items())

    return matches


def serve_held(event: type, connection: Connection) -> None:
    """The main function of an engine process whose jobs are held at an event of a kind."""
    with pytest.MonkeyPatch.context() as patch:
        Held(patch, progressed(event))
        serve(connection)


def serve_held_member(event: type, facts: dict[str, Any], go: Path, connection: Connection, device: str) -> None:
    """The main function of one engine of several, whose jobs are held at an event, at the longest until a file is there."""
    with pytest.MonkeyPatch.context() as patch:
        Held(patch, progressed(event, **facts), go.exists)
        serve(connection, alone=False)
