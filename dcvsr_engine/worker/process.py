"""The engine process: carries out the window's commands, runs one job at a time on a thread of its own."""

import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from dcvsr_engine import __version__
from dcvsr_engine.control import Control
from dcvsr_engine.errors import Cancelled, UserError
from dcvsr_engine.events import Event, Waiting
from dcvsr_engine.jobs.folders import has_job, job_folder
from dcvsr_engine.jobs.job import OnPlan, run_job
from dcvsr_engine.jobs.plans import plan_job
from dcvsr_engine.models.loading import load_model
from dcvsr_engine.models.registry import model_folder
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.device import available_devices, cards, device_title, memory, resolve_device
from dcvsr_engine.planning.calibration import calibrated
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.ways import precision_for
from dcvsr_engine.settings import RestoreSettings, needs_crew
from dcvsr_engine.video.comparison import ComparedPart, compare
from dcvsr_engine.video.encoders import missing_codecs
from dcvsr_engine.worker import messages
from dcvsr_engine.worker.crew import run_on_devices

FarmRun = Callable[[JobRequest, Control, Path, str], dict[str, Any]]
"""Runs a job with its folder on the farm at an address; returns its report."""


class ModelCache:
    """A loader that keeps the model that was used last."""

    def __init__(self) -> None:
        self._key: tuple[Path, str, str] | None = None
        self._model: Model | None = None

    def __call__(self, settings: RestoreSettings) -> Model:
        """The model that ``settings`` name; raises `ModelError`."""
        device = resolve_device(settings.device)
        precision = precision_for(settings, device)
        key = model_folder(settings.model).resolve(), device, precision
        if self._model is None or self._key != key:
            # the old model goes before the new one comes: memory may not hold both
            self._key, self._model = None, None
            self._model = load_model(settings.model, device, precision)
            self._key = key
        return self._model

    def clear(self) -> None:
        """Let the model go: others need the room."""
        self._key, self._model = None, None


class Engine:
    """Exchanges `messages` over a connection.

    Attributes:
        connection: to the window.
        alone: whether it is not itself one of several engines at a job.
        on_farm: runs jobs on farms; a process that is one of several has none.
        models: loads models, and keeps the last one.
        jobs, plans: one thread for jobs, one after the other, and one for plans beside them.
        controls: of the running job and of those that wait for it.
    """

    def __init__(self, connection: Connection, alone: bool = True, on_farm: FarmRun | None = None) -> None:
        self.connection, self.alone, self.on_farm = connection, alone, on_farm
        self.models = ModelCache()
        self.jobs = ThreadPoolExecutor(1, "job")
        self.plans = ThreadPoolExecutor(1, "plan")
        self.controls: deque[Control] = deque()
        self._sending = threading.Lock()
        # the network serves one at a time: a job, a plan's measurement, or loading
        self._network = threading.Lock()

    def send(self, event: messages.EngineEvent) -> None:
        """Send an event; when the window is gone, cancel all jobs."""
        # jobs, plans and commands answer from threads of their own
        with self._sending:
            try:
                self.connection.send(event)
            except OSError:
                self.cancel_all()

    def serve(self) -> None:
        """Carry out commands until `Shutdown`, or until the window is gone."""
        there = [(name, device_title(name), memory(name)[1]) for name in available_devices()] + cards()
        facts = tuple(messages.DeviceFacts(*device) for device in there)
        self.send(messages.Ready(__version__, torch.__version__, facts, missing_codecs()))
        try:
            while not isinstance(command := self.connection.recv(), messages.Shutdown):
                self.carry_out(command)
        except (EOFError, OSError):
            pass
        self.cancel_all()
        self.jobs.shutdown(cancel_futures=True)
        self.plans.shutdown(cancel_futures=True)

    def carry_out(self, command: messages.Command) -> None:
        """Carry out one command; what takes time goes to a thread."""
        match command:
            # the first control belongs to the running job, as jobs run in the order they came
            case messages.Cancel() if self.controls:
                self.controls[0].cancel()
            case messages.Pause() if self.controls:
                self.controls[0].pause()
            case messages.Resume() if self.controls:
                self.controls[0].resume()
            case messages.LookAt(frame) if self.controls:
                self.controls[0].look_at(frame)
            case messages.LoadModel():
                self.jobs.submit(self.guarded, "", lambda: self.load(command))
            case messages.PlanJob():
                self.plans.submit(self.guarded, command.job, lambda: self.plan(command))
            case messages.RunJob():
                folder = None if command.request.target is None else command.folder or job_folder(command.request)
                control = self.new_control(command.job)
                self.jobs.submit(self.guarded, command.job, lambda: self.run(command, control, folder), folder)
            case messages.CompareVideos():
                control = self.new_control(command.job)
                self.jobs.submit(self.guarded, command.job, lambda: self.compare(command, control))

    def new_control(self, job: str) -> Control:
        """A control that sends a job's progress to the window; from here on it can be cancelled."""

        def progress(event: Event) -> None:
            if isinstance(event, Waiting):
                self.send(messages.Paused(job) if event.paused else messages.Resumed(job))
            else:
                self.send(messages.Progress(job, event))

        control = Control(progress)
        self.controls.append(control)
        return control

    def cancel_all(self) -> None:
        """Ask the running job, and those that wait for it, to stop."""
        for control in tuple(self.controls):
            control.cancel()

    def guarded(self, job: str, work: Callable[[], None], folder: Path | None = None) -> None:
        """Do ``work``, and report why when it ends early.

        Args:
            job: the job's id, empty for another command.
            work: sends its own result.
            folder: the job folder.
        """
        try:
            work()
        except Cancelled:
            self.send(messages.JobCancelled(job, kept(folder)))
        except UserError as error:
            self.send(messages.Failed(job, str(error), user_error=True, folder=kept(folder)))
        except Exception as error:
            message = f"The engine met an unknown error: {type(error).__name__}: {error}"
            self.send(messages.Failed(job, message, traceback.format_exc(), folder=kept(folder)))

    # -- work ---------------------------------------------------------------------------------------------------

    def load(self, command: messages.LoadModel) -> None:
        """Load a model ahead of time."""
        values = {"model": command.model, "device": command.device, "precision": command.precision}
        with self._network:
            model = self.models(RestoreSettings.from_dict(values))
        self.send(messages.ModelLoaded(command.model, model.device, model.precision))

    def plan(self, command: messages.PlanJob) -> None:
        """Plan a job; where asked, while no job runs and no earlier run has shown it, its duration is measured on one tile."""
        plan = plan_job(command.request)
        if command.calibrate and plan.seconds is None and self._network.acquire(blocking=False):
            try:
                plan = calibrated(plan, self.models(plan.settings))
            finally:
                self._network.release()
        self.send(messages.JobPlanned(command.job, plan))

    def run(self, command: messages.RunJob, control: Control, folder: Path | None) -> None:
        """Run a job once those before it are done."""
        job, request = command.job, command.request
        self.send(messages.JobStarted(job, folder))
        try:
            with self._network:
                control.check()
                report = self.carried_out(command, control, folder, lambda plan: self.send(messages.JobPlanned(job, plan)))
        finally:
            # before the last event is sent: what the window sends next is not meant for this job
            self.controls.remove(control)
        self.send(messages.JobFinished(job, request.target, report))

    def compare(self, command: messages.CompareVideos, control: Control) -> None:
        """Write a video of a clip before and after; no network is needed."""
        part = ComparedPart(frames=command.frames, begins=command.begins)
        self.send(messages.JobStarted(command.job, None))
        try:
            compare(command.original, command.result, command.target, command.mode, part, command.output, control)
        finally:
            self.controls.remove(control)
        self.send(messages.JobFinished(command.job, command.target))

    def carried_out(self, command: messages.RunJob, control: Control, folder: Path | None, on_plan: OnPlan) -> dict[str, Any]:
        """Run a job here, in an engine process per device where several are to compute, or on a farm; returns its report."""
        request = command.request
        if folder is None or not (command.farm or (self.alone and needs_crew(request.settings.device))):
            return run_job(request, control, folder, self.models, on_plan)
        self.models.clear()
        if not command.farm:
            return run_on_devices(request, control, folder, on_plan)
        assert self.on_farm is not None
        return self.on_farm(request, control, folder, command.farm)


def kept(folder: Path | None) -> Path | None:
    """The job folder, where there is a job to resume."""
    return folder if folder is not None and has_job(folder) else None


def serve(connection: Connection, alone: bool = True, on_farm: FarmRun | None = None) -> None:
    """The process' main function. Ctrl-C in the terminal is left to the window. See `Engine` for the arguments."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    Engine(connection, alone, on_farm).serve()
