"""One job on several devices of this computer: an engine process for each, which take units of one job folder. Torch-free.

What a process does, how it shares the job with the others, and that another one goes on where it was killed is all in `jobs`:
here processes are started, told to stop, started again, and their progress is made into one.
"""

import dataclasses
import multiprocessing
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from dcvsr_engine.control import Control
from dcvsr_engine.environment import prepare_torch
from dcvsr_engine.errors import Cancelled, JobError
from dcvsr_engine.events import Event, PhaseStarted, PreviewFrame, SegmentFinished, Waiting, Warned
from dcvsr_engine.gpu import switch
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import devices_of
from dcvsr_engine.worker import messages
from dcvsr_engine.worker.imports import import_engine

START = "spawn"
"""How processes begin: one that is forked would inherit locks in whatever state they are."""
MOST_DEATHS = 3
"""A process that dies so often without finishing a unit is not started again."""
LOOK_SECONDS = 0.1
"""Seconds between two looks whether the job is to pause or to stop."""
END_SECONDS = 5.0
"""How long a process may take to end by itself."""
VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"


def serve_member(connection: Connection, device: str) -> None:
    """The main function of a process that computes on one ``device``."""
    kind, _, number = device.partition(":")
    if kind == "cuda" and number:
        # to this process it is the only card there is
        known = os.environ.get(VISIBLE_GPUS, "").split(",")
        os.environ[VISIBLE_GPUS] = known[int(number)] if int(number) < len(known) and known[0] else number
    switch.use_switched_on_build()
    prepare_torch()
    # imported by name: torch is loaded here, after what it sees is decided
    import_engine("dcvsr_engine.worker.process").serve(connection, alone=False)


class Member:
    """The engine process of one device.

    Attributes:
        device: as in the settings.
        connection: to its process.
        outcome: of its job; ``None`` while it is at work.
        deaths: how often the process died since it finished a unit.
    """

    def __init__(self, device: str, command: messages.RunJob) -> None:
        self.device, self.deaths = device, 0
        self._command = command
        self.start()

    def start(self) -> None:
        """Start the process, and the job in it."""
        self.outcome: messages.JobFinished | messages.JobCancelled | messages.Failed | None = None
        context: Any = multiprocessing.get_context(START)
        self.connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=serve_member, args=(theirs, self.device), name=self.device)
        self._process.start()
        theirs.close()  # else its death would not be seen
        self.send(self._command)

    def send(self, command: messages.Command) -> None:
        """Tell it something; a dead one hears nothing."""
        with suppress(OSError):
            self.connection.send(command)

    def receive(self) -> Any:
        """Its next event; ``None`` when the process is dead."""
        try:
            event = self.connection.recv()
        except (EOFError, OSError):
            self.end()
            return None
        if isinstance(event, messages.JobFinished | messages.JobCancelled | messages.Failed):
            self.outcome = event
        return event

    def get_on(self) -> None:
        """Note that it has finished a unit."""
        self.deaths = 0

    def die(self, cancelled: bool) -> bool:
        """Count a death; returns whether the process was started again, which it is not in a job that was ``cancelled``."""
        self.deaths += 1
        if cancelled:
            self.outcome = messages.JobCancelled("", None)
            return False
        if self.deaths >= MOST_DEATHS:
            code = self._process.exitcode
            self.outcome = messages.Failed("", f"The engine on {self.device} ended unexpectedly ({code}).")
            return False
        self.start()
        return True

    def end(self) -> None:
        """End the process, by force when it does not by itself."""
        self.send(messages.Shutdown())
        self._process.join(END_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()


class Crew:
    """The engine processes that are at work on one job.

    Attributes:
        members: one per device.
    """

    def __init__(self, request: JobRequest, control: Control, folder: Path, on_plan: Callable[[Plan], None]) -> None:
        self.control, self._on_plan = control, on_plan
        self.members = [
            Member(device, messages.RunJob("crew", request, folder)) for device in devices_of(request.settings.device)
        ]
        self._failures: list[str] = []
        self._finished: set[int] = set()
        self._units = 1
        self._paused = self._said = self._planned = False
        self._cancelled = False

    def run(self) -> dict[str, Any]:
        """Wait for the job; returns its report.

        Raises:
            JobError: no process could do it.
            Cancelled: finished work is kept in the folder.
        """
        try:
            while (working := self.working) and not self.reports:
                self.steer(working)
                for member in self.heard(working):
                    self.take(member, member.receive())
        finally:
            for member in self.members:
                member.end()
        return self.result()

    @property
    def working(self) -> list[Member]:
        """Members whose job has not ended."""
        return [member for member in self.members if member.outcome is None]

    @property
    def reports(self) -> list[dict[str, Any]]:
        """What those that have seen the job done say about it."""
        outcomes = (member.outcome for member in self.members)
        return [outcome.report for outcome in outcomes if isinstance(outcome, messages.JobFinished)]

    def result(self) -> dict[str, Any]:
        """The report; raises what went wrong where there is none."""
        if self.reports:
            return self.reports[0]
        if self._cancelled:
            raise Cancelled
        # the first one is the cause: what others meet afterwards may follow from it
        raise JobError(self._failures[0])

    def steer(self, working: Sequence[Member]) -> None:
        """Pass on that the job is to pause, to go on, or to stop."""
        if self.control.paused != self._paused:
            self._paused = self.control.paused
            for member in working:
                member.send(messages.Pause() if self._paused else messages.Resume())
        if not self._paused and not self._cancelled:
            try:
                self.control.check()
            except Cancelled:
                self._cancelled = True
                for member in working:
                    member.send(messages.Cancel())
        if (frame := self.control.seen_frame) is not None and not self._cancelled:
            working[0].send(messages.LookAt(frame))

    def heard(self, working: Sequence[Member]) -> list[Member]:
        """Members that have something to say, within a moment."""
        ready = wait([member.connection for member in working], LOOK_SECONDS)
        return [member for member in working if member.connection in ready]

    # -- what comes ---------------------------------------------------------------------------------------------

    def take(self, member: Member, event: Any) -> None:
        """Take an event of a member, or its death."""
        again = event is None and member.die(self._cancelled)
        if isinstance(member.outcome, messages.Failed):
            self._failures.append(member.outcome.message)
        match event:
            case None:
                self.warn(f"The engine on {member.device} ended unexpectedly", again)
            case messages.JobPlanned(plan=plan) if not self._planned:
                self._planned, self._units = True, len(plan.segments)
                self._on_plan(plan)
            case messages.Paused() | messages.Resumed():
                self.say_waiting(isinstance(event, messages.Paused))
            case messages.Failed(message=message) if self.working:
                self.warn(f"{member.device}: {message.rstrip('.')}", False)
            case messages.Progress(event=progress):
                self.pass_on(member, progress)

    def warn(self, what: str, again: bool) -> None:
        """Tell the user that a member is lost, or begins again."""
        if not self._cancelled:
            then = "it is started again" if again else "the other devices go on without it" if self.working else "none is left"
            self.control.emit(Warned(f"{what}; {then}."))

    def say_waiting(self, paused: bool) -> None:
        """Report once that the members wait, or go on."""
        if paused != self._said:
            self._said = paused
            self.control.emit(Waiting(paused))

    def pass_on(self, member: Member, event: Event) -> None:
        """Make one progress of that of all: units that are finished, by anyone, and the unit that the first member is at."""
        match event:
            case SegmentFinished(segment=segment):
                member.get_on()
                if segment not in self._finished:
                    self._finished.add(segment)
                    self.control.emit(SegmentFinished(len(self._finished) - 1, self._units))
            case Warned():
                self.control.emit(event)
            case PreviewFrame(final=True):
                self.control.emit(event)
            case PhaseStarted() if member is self.working[0]:
                self.control.emit(dataclasses.replace(event, segment=min(len(self._finished), event.segments - 1)))
            case _ if member is self.working[0]:
                self.control.emit(event)


def run_on_devices(
    request: JobRequest, control: Control, folder: Path, on_plan: Callable[[Plan], None] = lambda plan: None
) -> dict[str, Any]:
    """Run a job with a result on all the devices that its settings name; see `jobs.job.run_job`."""
    return Crew(request, control, folder, on_plan).run()
