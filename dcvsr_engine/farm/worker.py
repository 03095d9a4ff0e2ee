"""A worker of a farm: keeps the model of one device, and takes units of a job folder that all computers see."""

import os
import platform
import socket
from pathlib import Path
from typing import Any

import ray
import torch

from dcvsr_engine import __version__
from dcvsr_engine.control import Control
from dcvsr_engine.errors import Cancelled, UserError
from dcvsr_engine.events import Event, PhaseStarted
from dcvsr_engine.farm.cluster import model_difference
from dcvsr_engine.jobs.identity import model_hashes
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.models.registry import model_folder
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.device import device_title, memory, resolve_device
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.worker.process import ModelCache


class FarmWorker:
    """What runs on one device. Ray starts it again where it was killed, and repeats the call that it was at."""

    def __init__(self) -> None:
        self._models = ModelCache()
        self._control = Control(self._watch)
        self._now = "waits"

    def _watch(self, event: Event) -> None:
        if isinstance(event, PhaseStarted):
            self._now = f"{event.phase} {event.segment + 1}/{event.segments}"

    def now(self) -> dict[str, Any]:
        """What it is and what it does."""
        device = resolve_device("auto")
        facts = {"host": socket.gethostname(), "device": device_title(device), "memory": memory(device)[1]}
        return facts | {"does": self._now, "pid": os.getpid(), "versions": versions_here()}

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
        try:
            return run_job(request, self._control, folder, self._models)
        except Cancelled:
            return "cancelled"
        except UserError as error:
            return f"{socket.gethostname()}: {error}"
        finally:
            self._now = "waits"

    def cancel(self) -> None:
        """Stop at the next tile."""
        self._control.cancel()


def versions_here() -> dict[str, str]:
    """What must be the same on all computers of a farm."""
    return {"dcvsr": __version__, "Ray": ray.__version__, "Python": platform.python_version(), "PyTorch": torch.__version__}


def model_hashes_of(name: str) -> dict[str, str]:
    """Hash of every file of a model; raises `ModelError` where it is missing."""
    folder = model_folder(name)
    return model_hashes(folder, Declaration.from_folder(folder))
