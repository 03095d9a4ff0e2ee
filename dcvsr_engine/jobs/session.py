"""What a running job works with, and how it comes by it: the open clip, the model, the shots, the plan."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import Tensor

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.errors import InputError, JobError
from dcvsr_engine.events import FrameDone, PreviewFrame
from dcvsr_engine.jobs.identity import ModelInUse
from dcvsr_engine.jobs.plans import with_reduction
from dcvsr_engine.jobs.refusal import clip_of
from dcvsr_engine.jobs.telemetry import Telemetry
from dcvsr_engine.models.loading import load_model
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.declaration import UNET_FOLDERS
from dcvsr_engine.network.device import resolve_device
from dcvsr_engine.network.layout import subfolder
from dcvsr_engine.planning.plan import Plan, Segment
from dcvsr_engine.planning.planner import make_plan
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.segments import frame_range
from dcvsr_engine.planning.shots import ShotBoundaries, detect_shots
from dcvsr_engine.planning.speeds import with_seconds
from dcvsr_engine.planning.ways import precision_for, settle_way
from dcvsr_engine.restore.frames import SegmentFrames, SegmentReader
from dcvsr_engine.restore.pipeline import SegmentPipeline
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.video.arrays import FloatArray, to_uint8
from dcvsr_engine.video.detail import measured_reduction
from dcvsr_engine.video.probe import VideoInfo
from dcvsr_engine.video.reader import VideoReader
from dcvsr_engine.video.scaling import scaled

Loader = Callable[[RestoreSettings], Model]


def load_for(settings: RestoreSettings) -> Model:
    """Load the model that ``settings`` name; raises `ModelError`."""
    return load_model(settings.model, settings.device, precision_for(settings, resolve_device(settings.device)))


@dataclass(frozen=True)
class OpenJob:
    """A job that is planned, wherever it is computed.

    Attributes:
        request: what to restore, how, and where to.
        reader: the open clip.
        info: facts about it, with its frames counted.
        plan: how it is done.
        telemetry: observes the run.
    """

    request: JobRequest
    reader: VideoReader
    info: VideoInfo
    plan: Plan
    telemetry: Telemetry


@dataclass(frozen=True)
class Session(OpenJob):
    """A job that is ready to run here: everything is there. A changed plan makes a new session.

    Attributes:
        denoiser: the model.
    """

    denoiser: Denoiser

    @property
    def model(self) -> Model:
        """The model behind the denoiser."""
        return self.denoiser.model

    @property
    def steps(self) -> int:
        """Sampling steps."""
        return self.plan.settings.steps

    def frame_reader(self) -> SegmentReader:
        """Decodes the frames of segments, one segment ahead."""
        return SegmentReader(self.reader, self.request.region, self.telemetry.check, self.plan.reduced_size)

    def pipeline(
        self, segment: Segment, frames: SegmentFrames, enlarged: Mapping[int, Tensor] = MappingProxyType({})
    ) -> SegmentPipeline:
        """The pipeline of one segment; ``enlarged`` as that of the segment before leaves it, see `SegmentPipeline`."""
        plan = self.plan
        return SegmentPipeline(
            self.denoiser,
            plan.settings,
            segment,
            frames,
            self.telemetry,
            plan.decode_frames,
            plan.offload,
            plan.branches_in_one_batch,
            enlarged,
        )

    def neighbours(self, segment: Segment) -> tuple[Segment | None, Segment | None]:
        """The segments of the clip before and after one."""
        around = (None, *self.plan.segments, None)
        return around[segment.index], around[segment.index + 2]

    def adopt_reduced_settings(self, pipeline: SegmentPipeline) -> "Session":
        """A session in which what had to be reduced for one segment, because memory ran out, holds for all that follow."""
        plan = self.plan.replace(
            settings=pipeline.settings,
            decode_frames=pipeline.decode_frames,
            branches_in_one_batch=pipeline.branches_in_one_batch,
        )
        return self if plan == self.plan else dataclasses.replace(self, plan=plan)

    def preview(self, index: int, step: int, pixels: FloatArray, final: bool, enlarged: FloatArray | None = None) -> PreviewFrame:
        """An event that shows a frame.

        Args:
            index: of the frame in the clip.
            step: how many sampling steps it has seen.
            pixels: RGB 0..1 ``(height, width, 3)``, as the network puts it out.
            final: whether it is restored completely.
            enlarged: the enlarged input, like ``pixels``, if it is to be shown too.
        """
        region, (width, height) = self.request.region, self.plan.input_size
        # as large as the result, with pixels of the input's shape, as what it is compared with has them
        factor = self.plan.output_size[1] / height
        size = round(width * factor), self.plan.output_size[1]
        shown, below = (None if part is None else to_uint8(self.finished(part, size)) for part in (pixels, enlarged))
        assert shown is not None
        origin = (round(region.x * factor), round(region.y * factor)) if region else (0, 0)
        return PreviewFrame(index, step, shown, final, origin, below)

    def finished(self, pixels: FloatArray, size: tuple[int, int] | None = None) -> FloatArray:
        """A restored frame, RGB 0..1 ``(height, width, 3)``, at a size (width, height), that of the output by default."""
        return scaled(pixels, size or self.plan.output_size, self.info.color.transfer)


@contextmanager
def opened_clip(request: JobRequest, telemetry: Telemetry) -> Iterator[tuple[VideoReader, VideoInfo]]:
    """Hold the input open, its frames counted; raises `InputError`."""
    # two short phases, as one around the yield would time the whole job
    with telemetry.phase("analyse"):
        info = clip_of(request)
    with VideoReader(info, request.output.deinterlace) as reader:
        with telemetry.phase("analyse"):
            info = reader.counted_info()
        yield reader, info


LARGE_JOB = 2**21
"""Input pixels of all frames from which on it is worth to measure how the processor computes fastest."""


def settle(request: JobRequest, info: VideoInfo, loader: Loader, telemetry: Telemetry) -> None:
    """Find out how the processor computes a new job fastest, where that is worth the time; see `settle_way`."""
    first, last = frame_range(request, info)
    with telemetry.phase("load"):
        worthwhile = (last + 1 - first) * info.width * info.height >= LARGE_JOB
        settle_way(request.settings, lambda precision: loader(request.settings.replace(precision=precision)), worthwhile)


def loaded_model(settings: RestoreSettings, loader: Loader, telemetry: Telemetry) -> Model:
    """The model of a job; raises `ModelError`, or `Cancelled` when that was asked for meanwhile."""
    with telemetry.phase("load"):
        # loading cannot be interrupted: a cancel meanwhile takes effect after it
        model = loader(settings)
    telemetry.check()
    return model


def find_shots(request: JobRequest, reader: VideoReader, info: VideoInfo, telemetry: Telemetry) -> ShotBoundaries:
    """Look for cuts in the frames that are wanted; raises `InputError` when none of them can be decoded."""
    first, last = frame_range(request, info)

    def on_frame(index: int) -> None:
        telemetry.check()
        telemetry.emit(FrameDone(index + 1 - first, last + 1 - first))

    with telemetry.phase("analyse", last + 1 - first):
        shots = detect_shots(reader, first, last, on_frame)
    if shots is None:
        raise InputError(f"Frames {first} to {last} of “{request.source.name}” cannot be decoded.")
    return shots


def feasible_plan(
    request: JobRequest,
    info: VideoInfo,
    model: ModelInUse,
    shots: ShotBoundaries,
    folder: Path | None,
    on_plan: Callable[[Plan], None],
    segment_windows: int | None = None,
    **reduced: Any,
) -> Plan:
    """Plan a job and announce the plan.

    Args:
        request: the job; its settings may be those that an earlier run arrived at.
        info: facts about the clip, with its frames counted.
        model: restores it.
        shots: where its cuts are.
        folder: the job folder, ``None`` for a job that writes nothing.
        on_plan: receives the plan.
        segment_windows: as an earlier run chose it, see `Plan`; ``None`` to choose what fits.
        reduced: values of the plan that an earlier run arrived at because memory ran out.

    Raises:
        JobError: the plan cannot be carried out here; names the first reason.
    """
    if request.settings.reduce == "auto":
        wanted = frame_range(request, info)
        request = with_reduction(request, measured_reduction(info, *wanted, request.output.deinterlace))
    unet = subfolder(model.folder, UNET_FOLDERS)
    plan = with_seconds(make_plan(request, info, model.declaration, unet, shots, folder, segment_windows).replace(**reduced))
    # before the problems are raised: whoever waits for the plan sees the numbers behind them
    on_plan(plan)
    if plan.problems:
        raise JobError(plan.problems[0])
    return plan
