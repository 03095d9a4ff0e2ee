"""A worker of a farm: keeps the model of one device, and takes units of a job folder that all computers see.

Torch is imported where it works, as who watches it needs none.
"""

import os
import socket
from pathlib import Path
from typing import Any

from dcvsr_engine.control import Control
from dcvsr_engine.environment import prepare_torch
from dcvsr_engine.errors import Cancelled, UserError
from dcvsr_engine.events import Event, FrameDone, PhaseStarted, SegmentFinished, TileFinished
from dcvsr_engine.farm.cluster import model_difference, versions_here
from dcvsr_engine.gpu import switch
from dcvsr_engine.jobs.identity import model_hashes
from dcvsr_engine.models.registry import model_folder
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.planning.request import JobRequest

UNIT_PHASES = ("encode", "sample", "decode")
"""Phases of one unit; all others are of the whole job."""


class FarmWorker:
    """What runs on one device. Ray starts it again where it was killed, and repeats the call that it was at."""

    def __init__(self) -> None:
        switch.use_switched_on_build()
        prepare_torch()
        from dcvsr_engine.worker.process import ModelCache

        self._models = ModelCache()
        self._control = Control(self._watch, pictures=False)
        self._does: dict[str, Any] = {}

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

    def look(self, request: JobRequest, folder: Path, model: dict[str, str]) -> list[str]:
        """Why it cannot work on a job, a sentence for each reason; whether it has the memory, its own plan will tell.

        Args:
            request: the job.
            folder: the job folder, which is there.
            model: hash of every file of the model.
        """
        host = socket.gethostname()
        found = [
            f"{host} does not see “{path}”; put input and result on storage that all computers share."
            for path in (request.source, folder)
            if not path.exists()
        ]
        try:
            return [*found, *model_difference(host, request.settings.model, model_hashes_of(request.settings.model), model)]
        except UserError as error:
            return [*found, f"{host} lacks the model: {error}"]

    def run(self, request: JobRequest, folder: Path) -> dict[str, Any] | str:
        """Take units until the job is done; returns its report, or why there is none."""
        from dcvsr_engine.jobs.job import run_job

        self._does = {"job": request.source.name, "target": str(request.target)}
        try:
            return run_job(request, self._control, folder, self._models, watched=True)
        except Cancelled:
            return "cancelled"
        except UserError as error:
            return f"{socket.gethostname()}: {error}"
        finally:
            self._does = {}

    def pause(self) -> None:
        """Wait at the next tile."""
        self._control.pause()

    def resume(self) -> None:
        """Go on."""
        self._control.resume()

    def cancel(self) -> None:
        """Stop at the next tile."""
        self._control.cancel()


def model_hashes_of(name: str) -> dict[str, str]:
    """Hash of every file of a model; raises `ModelError` where it is missing."""
    folder = model_folder(name)
    return model_hashes(folder, Declaration.from_folder(folder))
