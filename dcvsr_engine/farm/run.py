"""Runs a job on a farm: one worker per device, which share the job folder; here they are started, watched and told to stop."""

import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from dcvsr_engine.control import Control
from dcvsr_engine.errors import Cancelled, JobError
from dcvsr_engine.events import FrameDone, PhaseStarted, SegmentFinished, Warned
from dcvsr_engine.farm.cluster import DEVICE, connected, devices_here, nodes, version_differences
from dcvsr_engine.farm.worker import FarmWorker, model_hashes_of, versions_here
from dcvsr_engine.jobs.manifest import read_manifest
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import devices_of, needs_crew

FARM_LOOK_SECONDS = 0.5
"""Seconds between two looks at the workers and at the job folder."""
WORKER_START_SECONDS = 120.0
"""When workers take longer to begin, it is said once."""
CANCEL_SECONDS = 600.0
"""How long workers may take to come to the end of a tile."""


class Farm:
    """The workers that are at one job.

    Attributes:
        workers: handles of Ray's actors, by what their ``run`` gives in the end.
        coming: those that have not answered yet, by what their ``now`` gives.
        refused: sentences of those that could not take part, or failed.
    """

    def __init__(self, ray: Any, request: JobRequest, folder: Path, control: Control) -> None:
        self.ray, self.request, self.folder, self.control = ray, request, folder, control
        self.workers: dict[Any, Any] = {}
        self.coming: dict[Any, Any] = {}
        self.refused: list[str] = []
        self._model = model_hashes_of(request.settings.model)
        self._began = self._started = 0
        self._since, self._said = time.monotonic(), False
        self._finished: set[int] = set()

    def run(self) -> dict[str, Any]:
        """Wait for the job; returns its report. Raises `JobError` or `Cancelled`; finished work is kept in the folder."""
        while True:
            try:
                self.control.check()
            except Cancelled:
                self.stop()
                raise
            self.start_workers()
            self.take_in()
            calls = [*self.workers] or [*self.coming]
            done, _ = self.ray.wait(calls, timeout=FARM_LOOK_SECONDS) if calls else ([], [])
            self.show_progress()
            for call in done if self.workers else ():
                if isinstance(report := self.outcome(call), dict):
                    return report
            if not self.workers and not self.coming:
                raise JobError(self.refused[-1] if self.refused else "The farm has no worker: join a computer first.")

    def start_workers(self) -> None:
        """Start a worker on every device that has none, of computers that join in the middle, too."""
        for _ in range(sum(node["devices"] for node in nodes(self.ray)) - self._started):
            self._started += 1
            gpus = int(any(node["gpus"] for node in nodes(self.ray)))
            kind = self.ray.remote(FarmWorker).options(
                num_cpus=0,
                num_gpus=gpus,
                resources={DEVICE: 1},
                max_restarts=-1,
                max_task_retries=-1,
                max_concurrency=3,
                name=f"worker-{secrets.token_hex(4)}",
            )
            worker = kind.remote()
            self.coming[worker.now.remote()] = worker

    def take_in(self) -> None:
        """Give the job to workers that have begun and can do it; those whose device is at another job are waited for."""
        begun, _ = self.ray.wait(list(self.coming), num_returns=len(self.coming), timeout=0) if self.coming else ([], [])
        for call in begun:
            worker = self.coming.pop(call)
            if refusals := self.refusals(call, worker):
                for sentence in refusals:
                    self.refuse(sentence)
                self.ray.kill(worker)
            else:
                self.workers[worker.run.remote(self.request, self.folder)] = worker
        if self.coming and not self._said and time.monotonic() - self._since > WORKER_START_SECONDS:
            self._said = True
            self.control.emit(
                Warned(f"{len(self.coming)} worker(s) of the farm wait: their devices are at other jobs, or are gone.")
            )

    def refusals(self, call: Any, worker: Any) -> list[str]:
        """Why a worker, which has answered a ``call`` of its ``now``, cannot take part: a sentence for each reason."""
        try:
            facts = self.ray.get(call)
            if different := version_differences(facts["host"], facts["versions"], versions_here()):
                return different
            found: list[str] = self.ray.get(worker.look.remote(self.request, self.folder, self._model))
        except self.ray.exceptions.RayError as error:
            return [f"A worker of the farm does not begin ({type(error).__name__}); is the program installed on every computer?"]
        return found

    def refuse(self, sentence: str) -> None:
        """Note that a worker takes no part, or no longer."""
        self.refused.append(sentence)
        self.control.emit(Warned(sentence))

    def outcome(self, call: Any) -> Any:
        """What a worker's run gave: the report; what is no report is noted."""
        worker = self.workers.pop(call)
        try:
            found = self.ray.get(call)
        except self.ray.exceptions.RayError as error:
            found = f"A worker of the farm was lost ({type(error).__name__})."
        self.ray.kill(worker)
        if isinstance(found, str):
            self.refuse(found)
        return found

    def show_progress(self) -> None:
        """Make one progress of what the job folder says."""
        with suppress(JobError):
            known = read_manifest(self.folder)
            if known is None:
                return
            for unit in known.finished:
                if unit.id not in self._finished:
                    self._finished.add(unit.id)
                    self.control.emit(SegmentFinished(len(self._finished) - 1, len(known.units)))
            done = sum(unit.frames or 0 for unit in known.finished)
            frames = known.shots.last + 1 - known.shots.first
            if not self._began:
                self._began = 1
                self.control.emit(PhaseStarted("sample", 0, 1, frames))
            self.control.emit(FrameDone(done, frames))

    def stop(self) -> None:
        """Tell all workers to stop at the next tile, and wait for it."""
        for worker in self.coming.values():
            self.ray.kill(worker)
        for worker in self.workers.values():
            worker.cancel.remote()
        if self.workers:
            self.ray.wait(list(self.workers), num_returns=len(self.workers), timeout=CANCEL_SECONDS)


def run_on_farm(request: JobRequest, control: Control, folder: Path, address: str) -> dict[str, Any]:
    """Run a job with a result on all devices of a farm; see `jobs.job.run_job`.

    Args:
        request: the job; of its device only the kind counts, and ``local`` workers are as many as it names.
        control: progress and cancel.
        folder: the job folder, which all computers see.
        address: of the farm, or ``local`` for the devices of this computer.
    """
    devices, gpus = devices_here(len(devices_of(request.settings.device)) if needs_crew(request.settings.device) else None)
    with connected(address, devices, gpus) as ray:
        folder.mkdir(parents=True, exist_ok=True)
        return Farm(ray, request, folder, control).run()
