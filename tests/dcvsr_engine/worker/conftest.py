"""An engine that is spoken to over a pipe, in a thread of the test's process."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jobs
import pytest
from held import Held

from dcvsr_engine.worker import messages
from dcvsr_engine.worker.process import serve

PATIENCE = 120


class Client:
    """The window's end of the pipe.

    Attributes:
        received: every event so far.
        thread: in which the engine is, unless it has a process.
    """

    def __init__(self, connection: Any) -> None:
        self.connection, self.received = connection, []
        self.thread: threading.Thread | None = None

    def send(self, command: messages.Command) -> None:
        self.connection.send(command)

    def wait_for(self, *kinds: type, **facts: Any) -> Any:
        """The next event of some kinds whose attributes are as given; those before it are kept in `received`."""
        while self.connection.poll(PATIENCE):
            event = self.connection.recv()
            self.received.append(event)
            if isinstance(event, kinds) and all(getattr(event, name) == value for name, value in facts.items()):
                return event
        raise AssertionError(f"no {kinds} within {PATIENCE} s")

    def wait_for_progress(self, kind: type, **facts: Any) -> Any:
        """The next progress event of a kind."""
        while True:
            event = self.wait_for(messages.Progress).event
            if isinstance(event, kind) and all(getattr(event, name) == value for name, value in facts.items()):
                return event

    def wait_for_the_end(self) -> None:
        """Wait until the engine's thread has ended."""
        assert self.thread is not None
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()

    def is_quiet(self, seconds: float) -> bool:
        """Whether nothing comes for some time."""
        return not self.connection.poll(seconds)


@pytest.fixture
def client_of() -> type[Client]:
    """Makes a client of a connection."""
    return Client


@pytest.fixture
def engine() -> Iterator[Client]:
    """An engine that is ready."""
    ours, theirs = multiprocessing.Pipe()
    thread = threading.Thread(target=serve, args=(theirs,))
    thread.start()
    client = Client(ours)
    client.thread = thread
    assert isinstance(client.wait_for(messages.Ready), messages.Ready)
    yield client
    if not ours.closed:
        client.send(messages.Shutdown())
    client.wait_for_the_end()


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Held]:
    """Has every job that begins from now on stand still at an event until the engine is told something about it."""
    return partial(Held, monkeypatch)


@pytest.fixture
def run_of(clip: Path, tiny_model: Path, tmp_path: Path) -> Callable[..., messages.RunJob]:
    """Makes a command to restore the clip."""

    def run(target: str | None = "out.mkv", job: str = "job", folder: Path | None = None, **changes: Any) -> messages.RunJob:
        path = None if target is None else tmp_path / target
        return messages.RunJob(job, jobs.request(clip, path, tiny_model, **changes), folder)

    return run
