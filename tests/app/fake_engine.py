"""An engine process that speaks the real messages and follows a script instead of a network. Torch-free."""

import dataclasses
import functools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from dcvsr_engine import events
from dcvsr_engine.control import Control
from dcvsr_engine.diffusion.schedule import steps_of
from dcvsr_engine.errors import Cancelled, OutputError
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.first_stage import RESIDUAL_TRANSFORM
from dcvsr_engine.planning.grids import grid_for
from dcvsr_engine.planning.plan import Plan, Segment
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.sizes import Sizes, decided_size, sizes_of
from dcvsr_engine.settings import PlannedSettings, ResolvedSettings
from dcvsr_engine.storage import refuse_unsafe
from dcvsr_engine.worker import messages

MACHINE = {"device": "cpu", "precision": "fp32", "sap_schedule": "lockstep", "tile_batch": 1}
"""What a planner would decide."""

MODEL = Declaration(
    name="compact",
    title="Compact",
    description="The model that the tests pretend to have.",
    license="Apache-2.0",
    training_data="Nothing at all.",
    first_stage=RESIDUAL_TRANSFORM,
    factor=4,
    multiple=8,
    steps=6,
    sigma_min=0.02,
    sigma_max=20.0,
)


GO = "go"
"""Name of a file beside the job directories."""


@dataclasses.dataclass(frozen=True)
class Script:
    """How the fake engine behaves.

    Attributes:
        tile_seconds: how long a tile takes.
        holds_from_tile: evaluation (or frame of a comparison) from which on a fresh job waits before each until it is told
            something, or until it is let go: it never ends before a test has told it. Previews never wait.
        segments: how many segments a clip has.
        problems: what the plan says does not fit.
        fits_from: settings and values up to which a plan fits; above, it has a problem.
        soft: how many times smaller a picture would hold the clip's detail.
        fail_at_tile, die_at_tile: evaluation at which a fresh (not a resumed) job fails or the process kills itself.
        die_at_start: exit before `Ready`.
        deaf: never read a command.
        keeps: whether a job that is stopped has finished something of its clip.
        jobs: where job directories go; none for previews.
        model: what every model declares.
    """

    jobs: Path
    model: Declaration = MODEL
    tile_seconds: float = 0.0
    holds_from_tile: int | None = None
    segments: int = 1
    problems: tuple[str, ...] = ()
    fits_from: dict[str, int] = dataclasses.field(default_factory=dict)
    soft: float | None = None
    fail_at_tile: int = -1
    die_at_tile: int = -1
    die_at_start: bool = False
    deaf: bool = False
    keeps: bool = True


def serve(script: Script, connection: Connection) -> None:
    """The process' main function; pass ``partial(serve, script)`` to `EngineThread`."""
    if script.die_at_start:
        os._exit(3)
    FakeEngine(script, connection).serve()


def serve_with_a_member(connection: Connection) -> None:
    """An engine that has a process of its own, as where several devices compute; its exit code is sent as a version."""
    member = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(0,))
    member.start()
    member.join()
    connection.send(messages.Ready(str(member.exitcode), "none", ()))
    connection.recv()


def fake_engine(jobs: Path, **behaviour: object) -> functools.partial[None]:
    """A target for `EngineThread`."""
    return functools.partial(serve, Script(jobs=jobs, **behaviour))  # type: ignore[arg-type]


def let_go(jobs: Path) -> None:
    """No fake engine with its job directories in ``jobs`` waits any more, see `Script.holds_from_tile`."""
    jobs.mkdir(exist_ok=True)
    (jobs / GO).touch()


class FakeEngine:
    """Reads commands on the main thread and plays one job at a time on another."""

    def __init__(self, script: Script, connection: Connection) -> None:
        self.script, self.connection = script, connection
        self.control = Control()
        self.job, self.measured = "", False
        self.told = threading.Event()
        self._sending = threading.Lock()

    def send(self, event: messages.EngineEvent) -> None:
        try:
            with self._sending:
                self.connection.send(event)
        except OSError:
            os._exit(0)  # the window is gone

    def serve(self) -> None:
        """The main loop; ends with the connection."""
        self.send(messages.Ready("fake", "none", (messages.DeviceFacts("cpu", "Fake processor", 8 << 30),)))
        while self.script.deaf:
            time.sleep(1)
        while True:
            try:
                command = self.connection.recv()
            except (EOFError, OSError):
                return
            if isinstance(command, messages.Shutdown):
                return
            self.obey(command)

    def obey(self, command: messages.Command) -> None:
        match command:
            case messages.LoadModel(model):
                self.send(messages.ModelLoaded(model, "cpu", "fp32"))
            case messages.PlanJob(job, request, calibrate):
                try:
                    plan = self.plan(request, frames_of(request))
                    self.measured |= calibrate  # the engine remembers, too
                    self.send(messages.JobPlanned(job, plan if self.measured else plan.replace(seconds=None)))
                except OSError as error:
                    self.send(messages.Failed(job, f"The clip is gone: {error}."))
            case messages.RunJob(job, request, folder):
                self.told.clear()
                self.job, self.control = job, Control(lambda event: self.send(messages.Progress(job, event)))
                threading.Thread(target=self.run, args=(job, request, folder, self.control), daemon=True).start()
            case messages.CompareVideos(job):
                self.told.clear()
                self.job, self.control = job, Control(lambda event: self.send(messages.Progress(job, event)))
                threading.Thread(target=self.compare, args=(command, self.control), daemon=True).start()
            case messages.Pause():
                self.control.pause()
                self.told.set()
                self.send(messages.Paused(self.job))
            case messages.Resume():
                self.control.resume()
                self.told.set()
                self.send(messages.Resumed(self.job))
            case messages.LookAt(frame):
                self.control.look_at(frame)
            case messages.Cancel():
                self.control.cancel()
                self.told.set()

    def plan(self, request: JobRequest, frames: list[NDArray[np.uint8]]) -> Plan:
        """A plan whose geometry is the engine's own and whose resources are made up."""
        height, width = frames[0].shape[:2]
        settings, sizes = self.sized(request, width, height)
        per_segment = -(-len(frames) // self.script.segments)
        segments = tuple(
            Segment(index=i, first=first, last=min(first + per_segment, len(frames)) - 1)
            for i, first in enumerate(range(0, len(frames), per_segment))
        )
        grid = grid_for(segments[0].frames, *sizes.reduced, self.script.model, settings)
        too_large = ("The frames do not fit into memory: close other programs, or choose a smaller size.",)
        evaluations = 2 * len(grid) * settings.steps * len(segments)
        return Plan(
            settings=PlannedSettings(**(dict(settings) | MACHINE)),
            device="Fake processor",
            input_size=(width, height),
            output_size=sizes.output,
            reduced_size=sizes.reduced,
            suggested_reduction=self.script.soft if settings.reduction == 1 else None,
            frames=len(frames),
            segments=segments,
            grid=grid,
            evaluations=evaluations,
            device_memory=6 << 30,
            device_memory_available=(4 if self.script.problems else 8) << 30,
            host_memory=2 << 30,
            host_memory_available=16 << 30,
            disk=300 << 20,
            result_bytes=None if request.target is None else 100 << 20,
            disk_available=90 << 30,
            seconds=evaluations * max(self.script.tile_seconds, 0.001),
            notes=("The clip is progressive, 8 bits per channel.",),
            problems=self.script.problems + (too_large if self.exceeds(settings) else ()),
        )

    def sized(self, request: JobRequest, width: int, height: int) -> tuple[ResolvedSettings, Sizes]:
        """The engine's own sizes."""
        settings = self.script.model.resolve(request.settings)
        size = decided_size(settings.size, settings.scale, (width, height))
        sizes = sizes_of(settings.replace(size=size), (width, height))
        return settings.replace(size=size, scale=sizes.scale), sizes

    def exceeds(self, settings: ResolvedSettings) -> bool:
        """Whether a plan with these settings is not to fit."""
        return any(getattr(settings, name) > most for name, most in self.script.fits_from.items())

    def run(self, job: str, request: JobRequest, folder: Path | None, control_: Control) -> None:
        """Play a job from start to end."""
        directory = None if request.target is None else (folder or self.script.jobs / job)
        if directory:
            directory.mkdir(parents=True, exist_ok=True)
            if self.script.keeps:
                (directory / "unit-00000.video").touch()
        try:
            self.play(job, request, directory, control_, fresh=folder is None)
        except Cancelled:
            self.send(messages.JobCancelled(job, directory))
        except (RuntimeError, OSError) as error:
            self.send(messages.Failed(job, str(error), "Details that are folded away.", folder=directory))

    def play(self, job: str, request: JobRequest, directory: Path | None, control_: Control, fresh: bool) -> None:
        frames = frames_of(request)
        plan = self.plan(request, frames)
        self.send(messages.JobStarted(job, directory))
        self.send(messages.JobPlanned(job, plan))
        first = request.frames[0] if request.frames else 0
        for segment in plan.segments:
            self.sample(plan, segment, frames, first, control_, fresh, waits=fresh and directory is not None)
            for number in range(segment.first, segment.last + 1):
                control_.check()
                control_.emit(events.FrameDone(number - segment.first + 1, segment.frames))
                pixels = restored(frames[number], plan, 1.0)
                control_.emit(events.PreviewFrame(first + number, plan_steps(plan) - 1, pixels, final=True))
            control_.emit(events.SegmentFinished(segment.index, len(plan.segments)))
        if request.target:
            request.target.write_bytes(b"restored by nobody")
        self.send(messages.JobFinished(job, request.target, report(plan, request)))

    def compare(self, command: messages.CompareVideos, control_: Control) -> None:
        """Play a comparison; a target that exists is refused as by the engine."""
        self.send(messages.JobStarted(command.job, None))
        total = command.frames[1] - command.frames[0] + 1
        control_.emit(events.PhaseStarted("write", 0, 1, total))
        try:
            for done in range(1, total + 1):
                self.stand_still(done)
                control_.check()
                time.sleep(self.script.tile_seconds)
                control_.emit(events.FrameDone(done, total))
            refuse_unsafe(command.target, overwrite=command.output.overwrite)
        except Cancelled:
            self.send(messages.JobCancelled(command.job, None))
        except OutputError as error:
            self.send(messages.Failed(command.job, str(error), user_error=True))
        else:
            command.target.write_bytes(f"{command.mode} {command.frames} {command.begins}".encode())
            self.send(messages.JobFinished(command.job, command.target))

    def sample(
        self,
        plan: Plan,
        segment: Segment,
        frames: list[NDArray[np.uint8]],
        first: int,
        control_: Control,
        fresh: bool,
        waits: bool,
    ) -> None:
        """Every step and tile of a segment."""
        steps, grid, done = plan_steps(plan), plan.grid, 0
        control_.emit(events.PhaseStarted("sample", segment.index, len(plan.segments), steps * len(grid)))
        for step in steps_of(plan.settings, self.script.model):
            control_.emit(
                events.StepStarted(
                    segment.index, step.index, steps, step.kind, step.sigma, step.gamma, grid.to_dict(), first + segment.first
                )
            )
            for tile in grid:
                if waits:
                    self.stand_still(done)
                control_.check()
                self.misbehave(done, fresh)
                control_.emit(events.TileStarted(tile.m, tile.n))
                time.sleep(self.script.tile_seconds)
                done += 1
                control_.emit(events.TileFinished(tile.m, tile.n, done, steps * len(grid), self.script.tile_seconds))
                if step.kind.is_tap and tile.m == grid.spatial - 1:
                    chosen = range(tile.frame, tile.frame + min(plan.settings.tap_frames, tile.frames))
                    control_.emit(events.FramesChosen(tile.n, tuple(first + segment.first + f for f in chosen)))
            control_.emit(events.MemoryUsed("host", 3 << 30, 16 << 30))
            seen = control_.seen_frame if control_.seen_frame is not None else first + segment.first
            number = min(max(seen - first, segment.first), segment.last)
            pixels = restored(frames[number], plan, (step.index + 1) / steps)
            control_.emit(events.PreviewFrame(first + number, step.index, pixels))

    def stand_still(self, evaluation: int) -> None:
        """Wait until the window has told something."""
        holds_from = self.script.holds_from_tile
        if holds_from is not None and evaluation >= holds_from:
            while not self.told.wait(0.01) and not (self.script.jobs / GO).exists():
                pass
            self.told.clear()

    def misbehave(self, evaluation: int, fresh: bool) -> None:
        if fresh and evaluation == self.script.fail_at_tile:
            raise RuntimeError("The fake engine fails as it was told to; nothing needs to be done.")
        if fresh and evaluation == self.script.die_at_tile:
            os.kill(os.getpid(), signal.SIGKILL)


def plan_steps(plan: Plan) -> int:
    assert plan.settings.steps is not None
    return plan.settings.steps


def decoded(path: Path) -> Iterator[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def frames_of(request: JobRequest) -> list[NDArray[np.uint8]]:
    """The request's frames, cut to its range and region."""
    frames = list(decoded(request.source))
    if request.frames:
        frames = frames[request.frames[0] : request.frames[1] + 1]
    if request.region:
        box = request.region
        frames = [frame[box.y : box.y + box.height, box.x : box.x + box.width] for frame in frames]
    return frames


def restored(frame: NDArray[np.uint8], plan: Plan, progress: float) -> NDArray[np.uint8]:
    """The frame enlarged, and the sharper the further the job is."""
    image = Image.fromarray(frame).resize(plan.output_size, Image.Resampling.BICUBIC)
    blurred = image.filter(ImageFilter.GaussianBlur(6 * (1 - progress)))
    return np.asarray(blurred.filter(ImageFilter.UnsharpMask(3, round(120 * progress), 2)))


def report(plan: Plan, request: JobRequest) -> dict[str, object]:
    """Facts of a run, made up but of the real kinds."""
    return {
        "source": str(request.source),
        "target": None if request.target is None else str(request.target),
        "frames_in": plan.frames,
        "frames_out": plan.frames,
        "input_size": plan.input_size,
        "output_size": plan.output_size,
        "duration": plan.frames / 25,
        "segments": len(plan.segments),
        "evaluations": plan.evaluations,
        "seconds": {"analyse": 0.4, "load": 1.3, "encode": 0.9, "sample": 72.5, "decode": 3.25, "publish": 0.5},
        "network_seconds": 70.1,
        "peak_memory": 3 << 30,
        "suspicious_frames": [],
        "settings": plan.settings.to_dict(),
        "device": plan.device,
        "engine": "fake",
        "notes": ["The clip is progressive, 8 bits per channel."],
    }
