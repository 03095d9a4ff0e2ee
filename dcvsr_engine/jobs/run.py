"""What previews and jobs share: the open input, the model, the plan, a segment's way through the network, events and facts."""

import dataclasses
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor

from dcvsr_engine.control import Control, Parked
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.sampler import SegmentState
from dcvsr_engine.errors import InputError, JobError
from dcvsr_engine.events import Event, FrameDone, MemoryUsed, Phase, PhaseStarted, PreviewFrame, Warned
from dcvsr_engine.jobs.report import SegmentFacts, make_report
from dcvsr_engine.models.loading import load_model
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.declaration import UNET_FOLDERS
from dcvsr_engine.network.device import memory
from dcvsr_engine.network.layout import subfolder
from dcvsr_engine.network.oom import attempt, give_back
from dcvsr_engine.planning.plan import Plan, Segment
from dcvsr_engine.planning.planner import frame_range, make_plan
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.shots import Survey, survey
from dcvsr_engine.restore.frames import Footage, FootageReader
from dcvsr_engine.restore.pipeline import Pixels, SegmentPipeline, to_bytes
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.video.probe import VideoInfo, probe
from dcvsr_engine.video.reader import VideoReader

PREVIEW_INTERVAL = 0.1
"""Least seconds between finished frames that are shown of a job that writes a file."""

Loader = Callable[[RestoreSettings], Model]


def load_for(settings: RestoreSettings) -> Model:
    """Load the model that ``settings`` name."""
    return load_model(settings.model, settings.device, settings.precision)


@dataclass(frozen=True)
class Joint:
    """``x_0`` ``(frames, channels, height, width)`` of the last frames of a segment, and which frames of the clip they are."""

    latents: Tensor
    indices: tuple[int, ...]


class JobRun:
    """One run of a job.

    Attributes:
        request, control, loader, on_plan: as `job.run_job` takes them.
        reader, info, model, denoiser: there while `opened`.
        plan: there after `make_plan`.
        facts: about every segment that this run or an earlier one has worked on, by its index.
        notes: sentences for the report.
        waited: seconds for which the network had nothing to do because of video input or output, but for looking through the
            clip before and for publishing.
    """

    reader: VideoReader
    info: VideoInfo
    model: Model
    denoiser: Denoiser
    plan: Plan

    def __init__(self, request: JobRequest, control: Control, loader: Loader, on_plan: Callable[[Plan], None]) -> None:
        self.request, self.control, self.loader, self.on_plan = request, control, loader, on_plan
        self.facts: dict[int, SegmentFacts] = {}
        self.notes: list[str] = []
        self.waited = 0.0
        self._seconds: dict[str, float] = defaultdict(float)
        self._current: SegmentFacts | None = None
        self._shown = 0.0
        self._began = time.monotonic()

    # -- what is told -------------------------------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        """Pass an event on; a warning also goes into the report."""
        if isinstance(event, Warned):
            (self._current.warnings if self._current else self.notes).append(event.message)
        self.control.emit(event)

    def check(self, parked: Parked = nullcontext) -> None:
        """See `Control.check`."""
        self.control.check(parked)

    @contextmanager
    def phase(self, name: Phase, segment: int = 0, total: int = 0) -> Iterator[None]:
        """Announce and time a phase."""
        self.emit(PhaseStarted(name, segment, len(self.plan.segments) if self._current else 1, total))
        seconds = self._current.seconds if self._current else self._seconds
        began = time.monotonic()
        try:
            yield
        finally:
            seconds[name] = seconds.get(name, 0.0) + time.monotonic() - began

    def show(self, frame: int, step: int, pixels: Pixels, final: bool) -> None:
        """Send a frame to whoever watches: every finished one of a preview, else one now and then."""
        now = time.monotonic()
        if final and self.request.target is not None and now - self._shown < PREVIEW_INTERVAL:
            return
        self._shown = now
        region, scale = self.request.region, self.plan.settings.scale or 1
        origin = (region.x * scale, region.y * scale) if region else (0, 0)
        self.emit(PreviewFrame(frame, step, to_bytes(pixels), final, origin))

    def measure_memory(self) -> None:
        """Report memory in use and remember the peak."""
        device = self.model.device
        used = int(torch.cuda.max_memory_allocated()) if device == "cuda" else int(psutil.Process().memory_info().rss)
        if self._current is not None:
            self._current.peak_memory = max(self._current.peak_memory, used)
        self.emit(MemoryUsed("host" if device == "cpu" else device, used, memory(device)[1]))

    # -- preparation --------------------------------------------------------------------------------------------

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Hold the input open, with its frames counted."""
        with self.phase("analyse"):
            info = probe(self.request.source)
        with VideoReader(info, self.request.output.deinterlace) as self.reader:
            with self.phase("analyse"):
                self.info = self.reader.counted_info()
            yield

    def load(self) -> None:
        """Load the model."""
        with self.phase("load"):
            self.model = self.loader(self.request.settings)
            self.denoiser = Denoiser(self.model)
        self.control.check()

    def survey(self) -> Survey:
        """Look for cuts in the frames that are wanted."""
        first, last = frame_range(self.request, self.info)

        def on_frame(index: int) -> None:
            self.control.check()
            self.emit(FrameDone(index + 1 - first, last + 1 - first))

        with self.phase("analyse", total=last + 1 - first):
            found = survey(self.reader, first, last, on_frame)
        if found is None:
            raise InputError(f"Frames {first} to {last} of “{self.request.source.name}” cannot be decoded.")
        return found

    def make_plan(self, found: Survey, settings: RestoreSettings, folder: Path | None = None, decode_frames: int = 0) -> None:
        """Plan and announce the plan; raises `JobError` where it cannot be done."""
        unet = subfolder(self.model.folder, UNET_FOLDERS)
        request = dataclasses.replace(self.request, settings=settings)
        plan = make_plan(request, self.info, self.model.declaration, unet, found, folder)
        self.plan = dataclasses.replace(plan, decode_frames=decode_frames or plan.decode_frames)
        self.on_plan(self.plan)
        if self.plan.problems:
            raise JobError(self.plan.problems[0])

    # -- segments -----------------------------------------------------------------------------------------------

    @contextmanager
    def segment(self, segment: Segment) -> Iterator[SegmentFacts]:
        """Around the work on a segment: gathers facts about it, and gives memory back."""
        self._current = self.facts[segment.index] = SegmentFacts()
        try:
            yield self._current
        finally:
            self._current = None
            give_back()

    def footage_reader(self) -> FootageReader:
        """Reads what is wanted."""
        return FootageReader(self.reader, self.request.region, self.control.check)

    def pipeline(self, segment: Segment, footage: Footage, on_change: Callable[[], None] = lambda: None) -> SegmentPipeline:
        """The pipeline of a segment."""
        plan = self.plan
        return SegmentPipeline(self.denoiser, plan.settings, segment, footage, self, plan.decode_frames, on_change, plan.offload)

    def sample(
        self,
        pipeline: SegmentPipeline,
        fixed: Tensor | None,
        state: SegmentState | None = None,
        save: Callable[[SegmentState], None] = lambda state: None,
    ) -> Tensor:
        """Encode and sample a segment; its middle frame is shown after each step.

        Args:
            pipeline: of the segment.
            fixed: ``x_0`` of its first frames, those that the segment before has too.
            state: where an earlier run stopped.
            save: receives the state after each step.
        """
        segment, frames = pipeline.segment.index, len(pipeline.footage)
        with self.phase("encode", segment, frames):
            condition = pipeline.encode()
        middle = frames // 2

        def after_step(new: SegmentState, denoised: Tensor) -> None:
            save(new)
            picture = attempt(lambda: pipeline.picture(denoised, [middle]))
            if picture is not None:
                self.show(pipeline.footage.indices[middle], new.step - 1, picture[0].permute(1, 2, 0).numpy(), final=False)
            self.measure_memory()

        with self.phase("sample", segment, pipeline.sampler.total):
            latents = pipeline.sample(condition, state, fixed, after_step)
        self.facts[segment].network_seconds = pipeline.sampler.seconds
        return latents

    def joint_of(self, segment: Segment, footage: Footage, latents: Tensor) -> Joint | None:
        """What the next segment shares with this one; ``None`` when there is nothing."""
        following = self.plan.segments[segment.index + 1 : segment.index + 2]
        places = [place for place, index in enumerate(footage.indices) if following and index >= following[0].first]
        return Joint(latents[places], tuple(footage.indices[place] for place in places)) if places else None

    def keep_thrift(self, pipeline: SegmentPipeline) -> None:
        """What had to be saved in one segment is saved in the next ones too."""
        self.plan = dataclasses.replace(self.plan, settings=pipeline.fitting_settings, decode_frames=pipeline.chunk)

    def report(self, **more: Any) -> dict[str, Any]:
        """The facts of the run."""
        facts = [self.facts[index] for index in sorted(self.facts)]
        waited = self.waited + self._seconds["analyse"] + self._seconds["publish"]
        share = waited / (time.monotonic() - self._began)
        notes = [*self.notes, *self.reader.warnings]
        more |= {"waiting_share": round(share, 4)}
        return make_report(self.request, self.info, self.plan, facts, self._seconds, notes, **more)


def join(footage: Footage, joint: Joint | None) -> tuple[Footage, Tensor | None]:
    """A segment's footage that begins with the frames of ``joint``, as far as they can be decoded again, and their ``x_0``.

    Frames between those that only this time could be decoded are left out: their place in the output has passed.
    """
    if joint is None:
        return footage, None
    known = {index: place for place, index in enumerate(joint.indices)}
    shared = [place for place, index in enumerate(footage.indices) if index in known]
    new = [place for place, index in enumerate(footage.indices) if index > joint.indices[-1]]
    fixed = joint.latents[[known[footage.indices[place]] for place in shared]]
    return footage.select(shared + new) if len(shared) + len(new) < len(footage) else footage, fixed if shared else None
