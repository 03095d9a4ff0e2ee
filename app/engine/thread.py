"""Starts and supervises the engine process and turns its messages into signals."""

import logging
import multiprocessing
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QThread, Signal, Slot

from app.engine.entry import Serve, serve_engine, serve_politely
from dcvsr_engine.environment import safe_import_path
from dcvsr_engine.events import PreviewFrame
from dcvsr_engine.worker.messages import (
    Command,
    EngineEvent,
    Failed,
    JobCancelled,
    JobFinished,
    JobStarted,
    Progress,
    Ready,
    RunJob,
    Shutdown,
)

log = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 3.0
"""How long the process may take to end by itself before it is killed; killed and resumed jobs give the same frames."""


@dataclass(frozen=True)
class EngineDied:
    """The engine process ended unexpectedly.

    Attributes:
        exit_code: as in `multiprocessing.Process.exitcode`; negative for a signal.
        job: the job that was running, or empty.
        folder: the directory that job can be resumed from, if it got that far.
        restarting: whether a new process is being started; not so when it died before it was ready.
        fell_back: whether the new process runs the fallback, because the first never became ready.
    """

    exit_code: int | None
    job: str = ""
    folder: Path | None = None
    restarting: bool = True
    fell_back: bool = False


class EngineThread(QThread):
    """Owns the engine process. Commands go in through `send`, events come out of `received` on the receiver's thread.

    Attributes:
        received: every `EngineEvent`, in order; previews that a newer one of the same frame overtook are left out.
        died: an `EngineDied`. Unless it says ``restarting``, the thread has ended and `start` tries again.
    """

    received = Signal(object)
    died = Signal(object)
    _arrived = Signal()

    def __init__(self, serve: Serve = serve_engine, parent: QObject | None = None, fallback: Serve | None = None) -> None:
        """``fallback`` is tried when ``serve`` dies before it is ready."""
        super().__init__(parent)
        self._serve, self._fallback = serve, fallback
        # a forked process would inherit the locks of Qt's threads in whatever state they are
        self._context = multiprocessing.get_context("spawn")
        # a pipe, as it can be waited for together with the process
        self._outgoing, self._outbox = self._context.Pipe(duplex=False)
        self._inbox: deque[EngineEvent | EngineDied] = deque()
        self._process: BaseProcess | None = None
        self._ready = False
        self._deadline: float | None = None
        self._job = ""
        self._folder: Path | None = None
        self._arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    @property
    def process_id(self) -> int | None:
        """The engine process's id while it runs."""
        return self._process.pid if self._process else None

    @property
    def closed(self) -> bool:
        """Whether `shut_down` was called; such a thread cannot be started again."""
        return self._deadline is not None

    def send(self, command: Command) -> None:
        """Pass a command on; it waits while the process is being (re)started, and is dropped after `shut_down`."""
        if not self._outbox.closed:  # events that were under way still come, and may ask for something
            self._outbox.send(command)

    def kill_process(self) -> None:
        """End a process that no longer answers; it is reported as `died` and restarted."""
        if self._process and self._process.is_alive():
            self._process.kill()

    def shut_down(self, seconds: float = SHUTDOWN_SECONDS) -> None:
        """End process and thread, by force after ``seconds``."""
        self._deadline = time.monotonic() + seconds
        self.send(Shutdown())
        if not self.wait(round(1000 * (seconds + 1))):
            self.kill_process()
            self.wait()
        self._outbox.close()
        self._outgoing.close()

    def run(self) -> None:
        """Keep a process running until `shut_down`, or until one dies before it was ready."""
        while self._deadline is None:
            try:
                exit_code = self._run_process()
            except OSError:
                log.exception("The engine process could not be started")
                exit_code = None
            if self._deadline is None:
                log.error("The engine process ended with exit code %s", exit_code)
                fallback = None if self._ready else self._fallback
                restarting = self._ready or fallback is not None
                self._hand_over(EngineDied(exit_code, self._job, self._folder, restarting, fallback is not None))
                if not restarting:
                    return
                if fallback is not None:
                    self._serve, self._fallback = fallback, None

    def _run_process(self) -> int | None:
        """One process from start to end; returns its exit code."""
        connection, theirs = self._context.Pipe()
        # no daemon: it has processes of its own where several devices compute
        self._process = self._context.Process(target=serve_politely, args=(self._serve, theirs), name="dcvsr-engine")
        self._ready, self._job, self._folder = False, "", None
        with safe_import_path():
            self._process.start()
        # a copy that stayed open here would keep the connection open when the process has ended
        theirs.close()
        try:
            self._relay(connection, self._process)
        except (EOFError, OSError):
            log.info("The connection to the engine process is closed")
        finally:
            connection.close()
            end(self._process)
        return self._process.exitcode

    def _relay(self, connection: Connection, process: BaseProcess) -> None:
        """Pass commands and events on until the process ends or the time to shut down is over."""
        while True:
            seconds = None if self._deadline is None else self._deadline - time.monotonic()
            if seconds is not None and seconds <= 0:
                return
            sources = wait([connection, self._outgoing, process.sentinel], seconds)
            if self._outgoing in sources:
                command = self._outgoing.recv()
                self._note_command(command)
                connection.send(command)
            if connection in sources:
                event = connection.recv()
                self._note_event(event)
                self._hand_over(event)
            # only when nothing is left to read: what the process said before its end counts
            elif process.sentinel in sources:
                return

    def _note_command(self, command: Command) -> None:
        """Remember the job that a dying process would take along."""
        if isinstance(command, RunJob):
            self._job, self._folder = command.job, command.folder

    def _note_event(self, event: EngineEvent) -> None:
        match event:
            case Ready():
                self._ready = True
            case JobStarted(job, folder) if job == self._job:
                self._folder = folder
            case JobFinished(job) | JobCancelled(job) | Failed(job) if job == self._job:
                self._job, self._folder = "", None
            case _:
                pass

    def _hand_over(self, event: EngineEvent | EngineDied) -> None:
        self._inbox.append(event)
        self._arrived.emit()

    @Slot()
    def _deliver(self) -> None:
        """Emit what has arrived, all at once, so that events never pile up behind a busy window."""
        # as many as there are now: the other thread appends meanwhile
        arrived = [self._inbox.popleft() for _ in range(len(self._inbox))]
        for event in without_overtaken(arrived):
            (self.died if isinstance(event, EngineDied) else self.received).emit(event)


def without_overtaken(events: Iterable[EngineEvent | EngineDied]) -> list[EngineEvent | EngineDied]:
    """``events`` without the previews that a later one of the same job and frame replaces."""
    newest: set[tuple[str, int]] = set()
    kept: list[EngineEvent | EngineDied] = []
    for event in reversed(list(events)):
        if isinstance(event, Progress) and isinstance(event.event, PreviewFrame):
            key = event.job, event.event.frame
            if key in newest:
                continue
            newest.add(key)
        kept.append(event)
    return kept[::-1]


def end(process: BaseProcess) -> None:
    """End a process, by force if need be."""
    process.join(1)
    if process.exitcode is None:
        process.kill()
        process.join()
