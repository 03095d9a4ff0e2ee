"""A job on a farm, watched from outside: Ray ends the process that loses the farm, and writes what it likes. Torch-free."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from dcvsr_engine.control import Control
from dcvsr_engine.errors import Cancelled, JobError, UserError
from dcvsr_engine.events import Waiting
from dcvsr_engine.farm.address import full_address
from dcvsr_engine.farm.cluster import reach
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.worker import messages
from dcvsr_engine.worker.crew import END_SECONDS, LOOK_SECONDS, START
from dcvsr_engine.worker.imports import import_engine

LOST = "The farm at {0} cannot be reached any more. Finished work is kept: start it again, and then the same command."


def run_on_farm(request: JobRequest, control: Control, folder: Path, address: str, send_model: bool = False) -> dict[str, Any]:
    """Run a job with a result on all devices of a farm; see `jobs.job.run_job`.

    Args:
        request: the job; of its device only the kind counts, and ``local`` workers are as many as it names.
        control: progress, cancel and pause.
        folder: the job folder; computers that do not see it are sent what they need.
        address: of the farm, or ``local`` for the devices of this computer.
        send_model: whether a large model is sent, too, to computers that lack it.
    """
    if address != "local":
        reach(full_address(address))
    context: Any = multiprocessing.get_context(START)
    ours, theirs = context.Pipe()
    process = context.Process(target=serve_driver, args=(theirs, request, folder, address, send_model), name="farm")
    process.start()
    theirs.close()  # else its death would not be seen
    try:
        return Watcher(ours, control, address).run()
    finally:
        ours.close()
        process.join(END_SECONDS)
        if process.is_alive():
            process.kill()


class Watcher:
    """The job, as seen from outside of the process that watches its workers.

    Attributes:
        connection: to that process.
        control: of the job.
    """

    def __init__(self, connection: Connection, control: Control, address: str) -> None:
        self.connection, self.control, self._address = connection, control, address
        self._paused = self._cancelled = False

    def run(self) -> dict[str, Any]:
        """Pass on progress and commands until the end; returns the report. Raises `JobError` or `Cancelled`."""
        while True:
            self.steer()
            if not self.connection.poll(LOOK_SECONDS):
                continue
            match self.receive():
                case messages.JobFinished(report=report):
                    return report
                case messages.JobCancelled():
                    raise Cancelled
                case messages.Failed(message=message):
                    raise JobError(message)
                case messages.Progress(event=event):
                    self.control.emit(event)

    def receive(self) -> Any:
        """The next message."""
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            failed = messages.Failed("", LOST.format(self._address))
            return messages.JobCancelled("", None) if self._cancelled else failed

    def steer(self) -> None:
        """Pass on that the job is to pause, to go on, or to stop."""
        if self.control.paused != self._paused:
            self._paused = self.control.paused
            self.send("pause" if self._paused else "resume")
            self.control.emit(Waiting(self._paused))
        if not self._paused and not self._cancelled:
            try:
                self.control.check()
            except Cancelled:
                self._cancelled = True
                self.send("cancel")

    def send(self, word: str) -> None:
        """Send a word; what is gone hears nothing."""
        try:
            self.connection.send(word)
        except OSError:
            return


# -- the process ------------------------------------------------------------------------------------------------


def serve_driver(connection: Connection, request: JobRequest, folder: Path, address: str, send_model: bool) -> None:
    """The main function of the process that watches the workers. Ctrl-C in the terminal is left to the one that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = Control(lambda event: connection.send(messages.Progress("", event)), pictures=False)
    threading.Thread(target=obey, args=(connection, control), name="commands", daemon=True).start()
    connection.send(outcome_of(request, control, folder, address, send_model))


def obey(connection: Connection, control: Control) -> None:
    """Carry out words of `Watcher.send`; when there is nobody any more to send them, end: Ray ends the workers then."""
    commands = {"pause": control.pause, "resume": control.resume, "cancel": control.cancel}
    try:
        while True:
            commands[connection.recv()]()
    except (EOFError, OSError):
        os._exit(1)


def outcome_of(
    request: JobRequest, control: Control, folder: Path, address: str, send_model: bool
) -> messages.JobFinished | messages.JobCancelled | messages.Failed:
    """Run the job; returns how it ended."""
    try:
        # imported by name: it needs torch
        report = import_engine("dcvsr_engine.farm.run").drive(request, control, folder, address, send_model)
    except Cancelled:
        return messages.JobCancelled("", folder)
    except UserError as error:
        return messages.Failed("", str(error), user_error=True)
    except Exception as error:
        return messages.Failed("", f"The farm at {address} met an unknown error: {type(error).__name__}: {error}")
    return messages.JobFinished("", request.target, report)
