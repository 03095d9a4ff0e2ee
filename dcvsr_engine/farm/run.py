"""Runs a job on a farm: one worker per device, all at one job folder; here they are started, watched and told to stop."""

import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dcvsr_engine.control import Control
from dcvsr_engine.errors import Cancelled, JobError, UserError
from dcvsr_engine.events import FrameDone, PhaseStarted, Warned
from dcvsr_engine.farm.cluster import connected, devices_here, nodes, version_differences, versions_here
from dcvsr_engine.farm.labels import DEVICE, Computer, FarmDevice
from dcvsr_engine.farm.models import farm_model, files_of_model
from dcvsr_engine.farm.remote import SharedClip, There, WorkerLine
from dcvsr_engine.farm.status import WORKER_NAME
from dcvsr_engine.farm.worker import FarmWorker, Refusal, WorkerSight, facts_of_files
from dcvsr_engine.jobs.folders import MARK, discard_job, has_job, kept_names
from dcvsr_engine.jobs.job import run_stored
from dcvsr_engine.jobs.manifest import read_manifest
from dcvsr_engine.jobs.presence import BEAT_SECONDS, in_use
from dcvsr_engine.jobs.telemetry import Telemetry
from dcvsr_engine.network.oom import shortage_in_words
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import devices_of, kind_of, needs_crew
from dcvsr_engine.terminal import file_size

FARM_LOOK_SECONDS = 0.5
"""Seconds between two looks at the workers and at the job folder."""
WORKER_START_SECONDS = 120.0
"""When a worker takes longer to begin, it is said once; one that was at work and is silent for so long is started again."""
CANCEL_SECONDS = 600.0
"""How long workers may take to come to the end of a tile."""
GONE_SECONDS = 20.0
"""How long workers may take to be gone when they are ended."""
NOBODY = "The farm has no worker: join a computer first."
ALL_GONE = "No worker of the farm is left. Finished work is kept: join a computer again, and repeat the command."
MOST_SENT = 2**28
"""Bytes of a model that is sent to computers that lack it without being asked for."""


@dataclass
class FarmMember:
    """A worker that takes part in a job, or is about to.

    Attributes:
        computer: where it runs.
        actor: Ray's handle.
        pulse: a call that it is to answer; ``None`` until it is asked again.
        heard: when it was started or answered last.
        control: ends what is done for it here.
        work: gives what its job came to; ``None`` before it has one.
    """

    computer: Computer
    actor: Any
    pulse: Any
    heard: float = field(default_factory=time.monotonic)
    control: Control = field(default_factory=lambda: Control(pictures=False))
    work: "Future[Any] | None" = None

    def begin(self, work: "Future[Any]") -> None:
        """Note that it has the job, now that it has answered."""
        self.pulse, self.heard, self.work = None, time.monotonic(), work

    def tell(self, paused: bool) -> None:
        """Have it wait at the next tile, or go on."""
        (self.actor.pause if paused else self.actor.resume).remote()

    def listen(self, ray: Any) -> None:
        """Take its answer, ask again, and start it anew where it hangs; Ray repeats the call that it was at."""
        now = time.monotonic()
        if self.pulse is None:
            if now - self.heard > BEAT_SECONDS:
                self.pulse = self.actor.now.remote()
        elif ray.wait([self.pulse], timeout=0)[0]:
            self.pulse, self.heard = None, now
        elif now - self.heard > WORKER_START_SECONDS:
            self.heard = now
            ray.kill(self.actor, no_restart=False)


class Farm:
    """The workers that are at one job.

    Attributes:
        members: of computers that can be reached; those without a job have not begun yet.
        refused: sentences of those that could not take part, or failed.
    """

    def __init__(self, ray: Any, request: JobRequest, folder: Path, control: Control, send_model: bool = False) -> None:
        self.ray, self.request, self.folder, self.control = ray, request, folder, control
        self.members: list[FarmMember] = []
        self.refused: list[str] = []
        self._model, self._files = farm_model(request.settings.model), facts_of_files(request.source)
        self._size = sum(path.stat().st_size for path in files_of_model(request.settings.model).values())
        self._sends_model = send_model or self._size <= MOST_SENT
        self._clip = SharedClip()
        self._sending: dict[str, threading.Lock] = defaultdict(threading.Lock)
        """By computer: a model is sent to each once, however many workers it has."""
        self._computers: set[str] = set()
        self._sent_to: set[str] = set()
        self._said = self._began = self._paused = self._lost = False

    def run(self) -> dict[str, Any]:
        """Wait for the job; returns its report. Raises `JobError` or `Cancelled`; finished work is kept in the folder."""
        while True:
            self.steer()
            self.see_computers(nodes(self.ray))
            self.take_in()
            self.show_progress()
            for member in self.ended():
                if isinstance(report := self.outcome(member), dict):
                    return report
            if not self.members:
                raise JobError(ALL_GONE if self._lost else self.refused[-1] if self.refused else NOBODY)

    def leave(self) -> None:
        """End the workers, and remove what a job that is over, or was never begun, has left.

        Its record answers the same command until then: a farm that lost its first computer has workers that go on for a minute,
        and may finish the job when nobody waits for it any more.
        """
        works = [member.work for member in self.working if member.work is not None]
        for member in list(self.members):
            self.drop(member)
        wait(works, GONE_SECONDS)
        self._clip.close()
        if not has_job(self.folder):
            end = time.monotonic() + GONE_SECONDS
            while in_use(self.folder) and time.monotonic() < end:
                time.sleep(FARM_LOOK_SECONDS / 10)
            with suppress(OSError, JobError):  # such workers are still there, or something else
                discard_job(self.folder, *kept_names(self.folder))

    def steer(self) -> None:
        """Pass on that the job is to pause, to go on, or to stop; raises `Cancelled` once it has."""
        if self.control.paused != self._paused:
            self._paused = self.control.paused
            for member in self.working:
                member.tell(self._paused)
        if not self._paused:
            try:
                self.control.check()
            except Cancelled:
                self.stop()
                raise

    @property
    def working(self) -> list[FarmMember]:
        """Those that have the job."""
        return [member for member in self.members if member.work is not None]

    @property
    def coming(self) -> list[FarmMember]:
        """Those that have not begun yet."""
        return [member for member in self.members if member.work is None]

    def ended(self) -> list[FarmMember]:
        """Those whose work has ended, within a moment."""
        works = [member.work for member in self.members if member.work is not None]
        if works:
            wait(works, FARM_LOOK_SECONDS, FIRST_COMPLETED)
        elif pulses := [member.pulse for member in self.coming]:
            self.ray.wait(pulses, timeout=FARM_LOOK_SECONDS)
        return [member for member in self.members if member.work is not None and member.work.done()]

    # -- who takes part -----------------------------------------------------------------------------------------

    def see_computers(self, there: list[Computer]) -> None:
        """Start a worker on every device of computers that are new, in the middle of a job, too, and drop those of lost ones."""
        reached = {computer.id for computer in there}
        for member in [member for member in self.members if member.computer.id not in reached]:
            self.drop(member)
            self._lost = True
            self.refuse(f"{member.computer.host} cannot be reached any more.")
        for computer in there:
            if computer.id not in self._computers:
                self._computers.add(computer.id)
                self.members += [self.start(computer) for _ in self.suitable_devices(computer)]

    def suitable_devices(self, computer: Computer) -> tuple[FarmDevice, ...]:
        """The devices of a computer; none where its versions are others."""
        different = version_differences(computer.host, computer.versions, versions_here()) if computer.devices else []
        for sentence in different:
            self.refuse(sentence)
        return () if different else computer.devices

    def start(self, computer: Computer) -> FarmMember:
        """Start a worker on a computer."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        actor = (
            self.ray.remote(FarmWorker)
            .options(
                num_cpus=0,
                num_gpus=int(computer.gpus > 0),
                resources={DEVICE: 1},
                scheduling_strategy=NodeAffinitySchedulingStrategy(computer.id, soft=False),
                max_restarts=-1,
                max_task_retries=-1,
                max_concurrency=3,
                name=WORKER_NAME.format(computer.id, secrets.token_hex(4)),
            )
            .remote()
        )
        return FarmMember(computer, actor, actor.now.remote())

    def take_in(self) -> None:
        """Give the job to workers that have begun and can do it; those whose device is at another job are waited for."""
        for member in self.working:
            member.listen(self.ray)
        pulses = [member.pulse for member in self.coming]
        begun, _ = self.ray.wait(pulses, num_returns=len(pulses), timeout=0) if pulses else ([], [])
        for member in [member for member in self.coming if member.pulse in begun]:
            if refusals := self.refusals(member):
                self.drop(member)
                for sentence in refusals:
                    self.refuse(sentence)
            elif self._paused:
                member.tell(True)
        late = [member for member in self.coming if time.monotonic() - member.heard > WORKER_START_SECONDS]
        if late and not self._said:
            self._said = True
            self.control.emit(Warned(f"{len(late)} worker(s) of the farm wait: their devices are at other jobs, or are gone."))

    def drop(self, member: FarmMember) -> None:
        """Do without a worker."""
        self.members.remove(member)
        member.control.cancel()
        self.ray.kill(member.actor)

    def refusals(self, member: FarmMember) -> list[str]:
        """Give the job to a worker that has answered, or say why it cannot take part: a sentence for each reason."""
        try:
            facts = self.ray.get(member.pulse)
            if different := version_differences(facts["host"], facts["versions"], versions_here()):
                return different
            sight = self.sight_of(member)
        except self.ray.exceptions.RayError as error:
            return [f"A worker of the farm does not begin ({type(error).__name__}); is the program installed on every computer?"]
        if not sight.has_model and not self._sends_model:
            lack = f"{sight.host} lacks the model “{self._model.name}” ({file_size(self._size)})"
            return [f"{lack}, or has another one of that name; install the same there, or have it sent with --send-model."]
        self.say_what_is_sent(member.computer, sight)
        member.begin(self.work_of(member, sight))
        return []

    def sight_of(self, member: FarmMember) -> WorkerSight:
        """What a worker has for the job."""
        mark = self.folder / MARK.format(secrets.token_hex(4))
        mark.touch()
        try:
            look = member.actor.look.remote(self.request, self.folder, mark.name, self._files, self._model)
            sight: WorkerSight = self.ray.get(look)
        finally:
            mark.unlink(missing_ok=True)
        return sight

    def say_what_is_sent(self, computer: Computer, sight: WorkerSight) -> None:
        """Say once of a computer that it is sent things, as it takes time."""
        if computer.id in self._sent_to or (sight.sees and sight.has_model):
            return
        self._sent_to.add(computer.id)
        if not sight.has_model:
            self.control.emit(Warned(f"{sight.host} lacks the model “{self._model.name}”: it is sent there."))
        if not sight.sees:
            self.control.emit(Warned(f"{sight.host} does not see “{self.folder}” or the input: what it works on is sent there."))

    def work_of(self, member: FarmMember, sight: WorkerSight) -> "Future[Any]":
        """Have a worker do the job; gives the report in the end."""
        if sight.sees and sight.has_model:
            work: Future[Any] = member.actor.run.remote(self.request, self.folder, self._model).future()
            return work
        return in_thread(lambda: self.work_at(member, sight.sees))

    def work_at(self, member: FarmMember, sees: bool) -> dict[str, Any]:
        """Send a worker what it lacks, and have it do the job; returns the report."""
        telemetry = Telemetry(member.control)
        # whoever waits for the worker is at work in its place: it has not hung
        line = WorkerLine(self.ray, member.actor, secrets.token_hex(8), telemetry.check)
        with self._sending[member.computer.id]:
            line.send_model(self._model)
        if sees:
            report: dict[str, Any] = line.ask("run", self.request, self.folder, self._model)
            return report
        assert self.request.target is not None
        place = There(line, self._clip, self._model)
        with shortage_in_words():
            return run_stored(self.request, self.request.target, self.folder, telemetry, place, lambda plan: None, watched=True)

    def refuse(self, sentence: str) -> None:
        """Note that a worker takes no part, or no longer."""
        self.refused.append(sentence)
        self.control.emit(Warned(sentence))

    def outcome(self, member: FarmMember) -> Any:
        """What a worker's job came to: the report; what is no report is noted."""
        assert member.work is not None
        try:
            found = member.work.result()
        except self.ray.exceptions.RayError as error:
            self._lost = True
            cause = getattr(error, "cause", None) or error
            found = Refusal(f"A worker of the farm was lost ({type(cause).__name__}: {str(cause).partition(chr(10))[0][:200]}).")
        except Cancelled:
            found = Refusal("", cancelled=True)
        except UserError as error:
            found = Refusal(str(error))
        self.drop(member)
        if isinstance(found, Refusal) and not found.cancelled:
            self.refuse(found.sentence)
        return found

    def show_progress(self) -> None:
        """Make one progress of what the job folder says."""
        with suppress(JobError):
            known = read_manifest(self.folder)
            if known is None:
                return
            done = sum(unit.frames or 0 for unit in known.finished)
            frames = known.shots.last + 1 - known.shots.first
            if not self._began:
                self._began = True
                self.control.emit(PhaseStarted("sample", 0, 1, frames, done))
            self.control.emit(FrameDone(done, frames))

    def stop(self) -> None:
        """Tell all workers to stop at the next tile, and wait for it."""
        for member in self.coming:
            self.drop(member)
        for member in self.members:
            member.actor.cancel.remote()
            member.control.cancel()
        wait([member.work for member in self.members if member.work is not None], CANCEL_SECONDS)


def in_thread(work: Callable[[], Any]) -> "Future[Any]":
    """Do something on a thread that ends with the process."""
    future: Future[Any] = Future()

    def do() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=do, name="remote worker", daemon=True).start()
    return future


def drive(request: JobRequest, control: Control, folder: Path, address: str, send_model: bool) -> dict[str, Any]:
    """Run a job with a result on all devices of a farm, in a process that Ray ends where it loses the farm; see `driver`.

    Args:
        request: the job; of its device only the kind counts, and ``local`` workers are as many as it names.
        control: progress and cancel.
        folder: the job folder.
        address: of the farm, or ``local`` for the devices of this computer.
        send_model: whether a large model is sent, too.
    """
    asked = request.settings.device
    devices, gpus = devices_here(len(devices_of(asked)) if needs_crew(asked) else None, kind_of(asked))
    with connected(address, devices, gpus) as ray:
        farm = Farm(ray, request, folder, control, send_model)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            return farm.run()
        finally:
            farm.leave()
