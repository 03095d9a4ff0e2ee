"""A worker of a farm: keeps the model of one device, and takes units of a job folder, or restores those that it is sent.

Torch is imported where it works, as who watches it needs none.
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from filelock import FileLock

from dcvsr_engine.control import Control
from dcvsr_engine.environment import prepare_torch
from dcvsr_engine.errors import Cancelled, ModelError, UserError
from dcvsr_engine.events import Event, FrameDone, PhaseStarted, SegmentFinished, TileFinished
from dcvsr_engine.farm.cluster import versions_here
from dcvsr_engine.farm.desk import MODEL, Desk, free_room, sweep_desks
from dcvsr_engine.farm.models import FarmModel, sweep_models, take_model, use_received
from dcvsr_engine.gpu import switch
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.shots import ShotBoundaries
from dcvsr_engine.storage import describe_os_error
from dcvsr_engine.terminal import file_size
from dcvsr_engine.video.probe import VideoInfo
from dcvsr_engine.video.source import pictures_of
from dcvsr_engine.worker.imports import import_engine

if TYPE_CHECKING:
    from dcvsr_engine.jobs.remote import MadeUnit, RemoteUnit
    from dcvsr_engine.network.checkpoint import Model
    from dcvsr_engine.settings import RestoreSettings
    from dcvsr_engine.worker.process import ModelCache

UNIT_PHASES = ("encode", "sample", "decode")
"""Phases of one unit; all others are of the whole job."""
SENT = "sent"
"""Folder of a desk that the files of a unit come into."""


@dataclass(frozen=True)
class Refusal:
    """Why a worker does not do what it was asked: a ``sentence``, empty where it was ``cancelled``."""

    sentence: str
    cancelled: bool = False


@dataclass(frozen=True)
class WorkerSight:
    """What a worker on a ``host`` has for a job: whether it ``sees`` its folder and input, and ``has_model``, the same one."""

    host: str
    sees: bool
    has_model: bool


FileStamps = tuple[tuple[str, int, int], ...]
Arguments = ParamSpec("Arguments")
Given = TypeVar("Given")


def told(
    work: Callable[Concatenate["FarmWorker", Arguments], Given],
) -> Callable[Concatenate["FarmWorker", Arguments], Given | Refusal]:
    """A worker's method that gives a `Refusal` where it would raise: Ray would put a traceback around the sentence."""

    @wraps(work)
    def answer(worker: "FarmWorker", /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Given | Refusal:
        try:
            return work(worker, *args, **kwargs)
        except Cancelled:
            return Refusal("", cancelled=True)
        except UserError as error:
            return Refusal(f"{socket.gethostname()}: {error}")
        except OSError as error:
            return Refusal(f"{socket.gethostname()} cannot write what it is sent ({describe_os_error(error)}).")

    return answer


class FarmWorker:
    """What runs on one device. Ray starts it again where it was killed, and repeats the call that it was at."""

    def __init__(self) -> None:
        switch.use_switched_on_build()
        prepare_torch()
        self._models: ModelCache = import_engine("dcvsr_engine.worker.process").ModelCache()
        self._control = Control(self._watch, pictures=False)
        self._does: dict[str, Any] = {}
        self._in_use: FileLock | None = None
        sweep_desks()
        with suppress(OSError):  # a disk that cannot be written is said when something is sent
            sweep_models()

    def _watch(self, event: Event) -> None:
        match event:
            case PhaseStarted(phase=phase, segment=segment, segments=segments, total=total):
                own = phase in UNIT_PHASES
                place = {"unit": segment + 1, "units": segments} if own else {"unit": None, "units": None}
                self._does |= {"phase": phase, **place, "done": 0 if total else None, "total": total or None}
            case FrameDone(done=done, total=total) | TileFinished(done=done, total=total):
                self._does |= {"done": done, "total": total}
            case SegmentFinished() if self._does.get("phase") == "write":
                self._does |= {"phase": "waits", "done": None, "total": None}

    def now(self) -> dict[str, Any]:
        """What it is, and what it does: see `status.worker_rows`."""
        from dcvsr_engine.network.device import device_title, memory, resolve_device

        device = resolve_device("auto")
        facts = {"host": socket.gethostname(), "device": device_title(device), "memory": memory(device)[1], "pid": os.getpid()}
        return facts | {"versions": versions_here(), "does": dict(self._does)}

    def look(self, request: JobRequest, folder: Path, mark: str, files: FileStamps, model: FarmModel) -> WorkerSight:
        """What it has for a job; whether it has the memory, its own plan will tell.

        Args:
            request: the job.
            folder: the job folder.
            mark: name of a file that is in it now.
            files: `facts_of_files` of the input.
            model: of the job.
        """
        sees = os.access(folder / mark, os.F_OK) and os.access(folder, os.W_OK) and facts_of_files(request.source) == files
        return WorkerSight(socket.gethostname(), sees, self.has_model(model))

    @told
    def run(self, request: JobRequest, folder: Path, model: FarmModel) -> dict[str, Any]:
        """Take units of a folder that it sees until the job is done; returns its report."""
        from dcvsr_engine.jobs.job import run_job

        self._begin(request)
        try:
            return run_job(request, self._control, folder, self._loader(model), watched=True)
        finally:
            self._does = {}

    def _begin(self, request: JobRequest) -> None:
        self._does = {"job": request.source.name, "target": str(request.target)}

    def _loader(self, model: FarmModel) -> "Callable[[RestoreSettings], Model]":
        folder = self._folder_of(model)
        if folder is None:
            raise ModelError(f"The model “{model.name}” is not here any more.")
        return lambda settings: self._models(settings.replace(model=str(folder)))

    def _folder_of(self, model: FarmModel) -> Path | None:
        """Where a model is; one that was sent here stays as long as this worker."""
        with suppress(OSError):
            self._in_use = self._in_use or use_received(model)
        return model.folder_here()

    def pause(self) -> None:
        """Wait at the next tile."""
        self._control.pause()

    def resume(self) -> None:
        """Go on."""
        self._control.resume()

    def cancel(self) -> None:
        """Stop at the next tile."""
        self._control.cancel()

    # -- for who sends it units -----------------------------------------------------------------------------------

    @told
    def put(self, desk: str, name: str, begin: int, piece: bytes) -> None:
        """Take a piece of a file, see `Desk.put`."""
        Desk(desk).put(name, begin, piece)

    @told
    def piece(self, desk: str, name: str, begin: int) -> bytes:
        """Give a piece of a file, see `Desk.piece`."""
        return Desk(desk).piece(name, begin)

    @told
    def clear(self, desk: str) -> None:
        """Remove the files."""
        Desk(desk).clear()

    def has_model(self, model: FarmModel) -> bool:
        """Whether it has a model."""
        return self._folder_of(model) is not None

    def free_room(self) -> int:
        """Bytes of its disk that are free."""
        return free_room()

    def refuse_short(self, size: int) -> Refusal | None:
        """Say where so many bytes do not fit on its disk."""
        if size <= (free := free_room()):
            return None
        there, left, wanted = socket.gethostname(), file_size(free), file_size(size)
        return Refusal(f"{there} has {left} of disk free and needs {wanted} for what it is sent; free some there.")

    @told
    def make_room(self, size: int) -> Refusal | None:
        """Remove models that have not been used for long, for one of so many bytes, see `refuse_short`."""
        sweep_models(size)
        return self.refuse_short(size)

    @told
    def take_model(self, desk: str, model: FarmModel) -> None:
        """Keep a model that was sent, see `models.take_model`."""
        self._in_use = take_model(Desk(desk).folder / MODEL, model)

    @told
    def load(self, settings: "RestoreSettings", model: FarmModel) -> tuple[str, str, int]:
        """Load the model; returns the kind of device, the number format, and the threads that it computes in."""
        import torch

        loaded = self._loader(model)(settings)
        return loaded.device, loaded.precision, torch.get_num_threads()

    @told
    def plan(
        self,
        request: JobRequest,
        info: VideoInfo,
        model: FarmModel,
        shots: ShotBoundaries,
        windows: int | None,
        reduced: dict[str, Any],
    ) -> Plan:
        """Plan a job for this device, see `feasible_plan`."""
        from dcvsr_engine.jobs.session import feasible_plan

        loaded = self._loader(model)(request.settings)
        return feasible_plan(request, info, loaded, shots, None, lambda plan: None, windows, **reduced)

    @told
    def restore(self, desk: str, unit: "RemoteUnit", model: FarmModel) -> "MadeUnit":
        """Restore a unit whose files have come into `SENT`; its own are then in a folder of its number."""
        from dcvsr_engine.jobs.remote import restore_unit

        folder = Desk(desk).folder
        self._begin(unit.manifest.request)
        made = restore_unit(unit.in_folder(folder / SENT), folder / str(unit.index), self._loader(model), self._control)
        self._does |= {"phase": "waits", "done": None, "total": None}
        return made


def facts_of_files(source: Path) -> FileStamps:
    """Name, size and time of change of an input's files; nothing where it is not there."""
    try:
        files = [(path, path.stat()) for path in pictures_of(source) or [source]]
    except (OSError, UserError):
        return ()
    return tuple((path.name, facts.st_size, facts.st_mtime_ns) for path, facts in files)
