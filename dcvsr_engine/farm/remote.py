"""A computer of a farm that does not see the job's folder, as seen from where that is: units go out, files come back."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from dcvsr_engine.errors import Cancelled, JobError
from dcvsr_engine.farm.desk import MODEL, PIECE
from dcvsr_engine.farm.models import FarmModel, files_of_model
from dcvsr_engine.farm.worker import SENT, Refusal
from dcvsr_engine.jobs.job import WAIT_SECONDS
from dcvsr_engine.jobs.manifest import read_manifest
from dcvsr_engine.jobs.plans import with_reduction
from dcvsr_engine.jobs.remote import MadeUnit, places_for, sent_unit, take_unit
from dcvsr_engine.jobs.session import OpenJob, opened_clip
from dcvsr_engine.jobs.store import JobStore
from dcvsr_engine.jobs.telemetry import Telemetry
from dcvsr_engine.models.registry import model_folder
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.first_stage import first_stage_of
from dcvsr_engine.planning.disk import STATES, most_bytes
from dcvsr_engine.planning.plan import Plan, Segment
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.segments import frame_range
from dcvsr_engine.planning.shots import ShotBoundaries
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.storage import discard
from dcvsr_engine.video.detail import measured_reduction
from dcvsr_engine.video.probe import VideoInfo
from dcvsr_engine.video.reader import VideoReader

ANSWER_LOOK_SECONDS = 0.5
"""Seconds between two looks whether the job is to stop, while a worker is waited for."""


class WorkerLine:
    """The way to a worker.

    Args:
        ray: the library.
        actor: the worker.
        desk: name of the folder there that files come into.
        check: called while the worker is waited for; may raise to stop.
    """

    def __init__(self, ray: Any, actor: Any, desk: str, check: Callable[[], None]) -> None:
        self._ray, self._actor, self._desk, self._check = ray, actor, desk, check

    def ask(self, method: str, *arguments: Any) -> Any:
        """Have the worker do something, and wait for what that gives.

        Raises:
            JobError: the worker says why it does not.
            Cancelled: it was told to stop.
        """
        call = getattr(self._actor, method).remote(*arguments)
        while not self._ray.wait([call], timeout=ANSWER_LOOK_SECONDS)[0]:
            self._check()
        answer = self._ray.get(call)
        if isinstance(answer, Refusal):
            raise Cancelled if answer.cancelled else JobError(answer.sentence)
        return answer

    def desk(self, method: str, *arguments: Any) -> Any:
        """Have it do something with its folder, see `ask`."""
        return self.ask(method, self._desk, *arguments)

    def send(self, path: Path, name: str) -> None:
        """Send a file, piece by piece."""
        with path.open("rb") as file:
            begin = 0
            while (piece := file.read(PIECE)) or not begin:
                self.desk("put", name, begin, piece)
                begin += max(1, len(piece))

    def fetch(self, name: str, path: Path) -> None:
        """Fetch a file, piece by piece."""
        with path.open("wb") as file:
            while piece := self.desk("piece", name, file.tell()):
                file.write(piece)

    def send_model(self, model: FarmModel) -> None:
        """Send the model of a job, unless it has come meanwhile."""
        if self.ask("has_model", model):
            return
        self.desk("clear")
        files = files_of_model(model.name)
        self.ask("make_room", sum(path.stat().st_size for path in files.values()))
        for name, path in files.items():
            self.send(path, f"{MODEL}/{name}")
        self.desk("take_model", model)


class SharedClip:
    """The input of a job, opened once for all workers that are sent parts of it."""

    def __init__(self) -> None:
        self._lock, self._stack = Lock(), ExitStack()
        self._clip: tuple[VideoReader, VideoInfo] | None = None

    @contextmanager
    def opened(self, request: JobRequest, telemetry: Telemetry) -> Iterator[tuple[VideoReader, VideoInfo]]:
        """See `opened_clip`; it stays open until `close`."""
        with self._lock:
            if self._clip is None:
                self._clip = self._stack.enter_context(opened_clip(request, telemetry))
        yield self._clip

    def close(self) -> None:
        """Close it."""
        self._stack.close()


@dataclass(frozen=True)
class RemoteModel:
    """A model that computes on another computer; see `ModelInUse`."""

    folder: Path
    declaration: Declaration
    device: str
    precision: str


class There:
    """A `jobs.job.Workplace`: a worker at the end of a ``line``, which is sent units of a ``clip``, and has the ``model``."""

    def __init__(self, line: WorkerLine, clip: SharedClip, model: FarmModel) -> None:
        self._line, self._clip, self._model = line, clip, model
        self.opened = clip.opened
        self.threads = 1

    def model(self, settings: RestoreSettings, telemetry: Telemetry) -> RemoteModel:
        """See `Workplace.model`."""
        with telemetry.phase("load"):
            device, precision, self.threads = self._line.ask("load", settings, self._model)
        folder = model_folder(self._model.name)
        return RemoteModel(folder, Declaration.from_folder(folder), device, precision)

    def plan(
        self,
        request: JobRequest,
        info: VideoInfo,
        model: RemoteModel,
        shots: ShotBoundaries,
        folder: Path | None,
        on_plan: Callable[[Plan], None],
        segment_windows: int | None = None,
        **reduced: Any,
    ) -> Plan:
        """See `Workplace.plan`; what is measured of the clip is measured here."""
        if request.settings.reduce == "auto":
            wanted = frame_range(request, info)
            request = with_reduction(request, measured_reduction(info, *wanted, request.output.deinterlace))
        plan: Plan = self._line.ask("plan", request, info, self._model, shots, segment_windows, reduced)
        on_plan(plan)
        return plan

    def restore(self, job: OpenJob, store: JobStore) -> OpenJob:
        """See `Workplace.restore`."""
        channels = first_stage_of(Declaration.from_folder(model_folder(self._model.name))).latent_channels
        sizes = [unit_bytes(job, segment, channels) for segment in job.plan.segments]
        while (known := read_manifest(store.folder)) is not None and not known.is_complete:
            job.telemetry.check()
            room = self._line.ask("free_room")
            index = store.take(but={index for index, size in enumerate(sizes) if size > room})
            if index is None and (index := store.take()) is not None:
                self._line.ask("refuse_short", sizes[index])  # raises, unless there is room again
            if index is None:
                time.sleep(WAIT_SECONDS)  # what is left waits for others; should one of them die, it is taken over
                continue
            self.restore_unit(job, store, index)
        return job

    def restore_unit(self, job: OpenJob, store: JobStore, index: int) -> None:
        """Send a unit that was taken, and make final what comes back."""
        self._line.desk("clear")
        with sent_unit(store, job.plan.segments[index], job.reader, job.info) as unit:
            if unit is None:
                return
            for here, there in zip(unit.files, unit.in_folder(Path(SENT)).files, strict=True):
                self._line.send(here, there.as_posix())
            made: MadeUnit = self._line.desk("restore", unit, self._model)
        for sentence in made.warnings:
            job.reader.warn(sentence)
        received = places_for(store, index, made)
        try:
            for name, path in received.items():
                with store.writing():
                    self._line.fetch(f"{index}/{name}", path)
            take_unit(store, index, made, received)
        finally:
            for path in received.values():
                discard(path)
        self._line.desk("clear")


def unit_bytes(job: OpenJob, segment: Segment, channels: int) -> int:
    """What a unit takes of the disk where it is restored, generously: states of so many float32 ``channels``, and its frames."""
    plan = job.plan
    latents = 4 * segment.frames * plan.grid.height * plan.grid.width * channels
    return STATES * latents + most_bytes(job.request.output, segment.frames, plan.output_size)
