"""Runs a job: plan, restore segment by segment, publish. Killed and run again, it goes on and gives the same frames."""

import dataclasses
import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor

from dcvsr_engine import __version__
from dcvsr_engine.control import Control, FrameDone, MemoryUsed, Phase, PhaseStarted, PreviewFrame, SegmentFinished, Warned
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.sampler import SegmentState
from dcvsr_engine.errors import InputError, JobError
from dcvsr_engine.network.checkpoint import UNET_FOLDERS, Model, load, sha256, subfolder
from dcvsr_engine.network.declaration import FILE, Declaration
from dcvsr_engine.network.device import memory
from dcvsr_engine.network.installed import find
from dcvsr_engine.restore.folders import jobs_folder
from dcvsr_engine.restore.pipeline import Pixels, SegmentPipeline, to_bytes
from dcvsr_engine.restore.plan import Plan, Segment
from dcvsr_engine.restore.planner import make_plan
from dcvsr_engine.restore.request import JobRequest, Region
from dcvsr_engine.restore.store import JobStore, fingerprint
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.video.probe import VideoInfo, probe
from dcvsr_engine.video.publish import publish
from dcvsr_engine.video.reader import Frame, VideoReader
from dcvsr_engine.video.writer import VideoWriter, check_target

BLACK = 4 / 255
"""A frame is black when its brightest pixel is below this while the input's is not."""

Loader = Callable[[RestoreSettings], Model]


def load_for(settings: RestoreSettings) -> Model:
    """Load the model that ``settings`` name."""
    return load(settings.model, settings.device, settings.precision)


def plan_job(request: JobRequest) -> Plan:
    """Plan a job without running it; raises `UserError`."""
    with VideoReader(probe(request.source), request.output.deinterlace) as reader:
        info = counted(reader)
    folder = find(request.settings.model)
    declaration = Declaration.from_folder(folder)
    if request.target is not None:
        check_target(request.target, info, request.output)
    return make_plan(request, info, declaration, subfolder(folder, UNET_FOLDERS))


def counted(reader: VideoReader) -> VideoInfo:
    """Facts about the input with its frames counted; raises `InputError` when there are none."""
    if reader.frames_total == 0:
        raise InputError(f"“{reader.info.path.name}” has no frames that can be decoded.")
    return dataclasses.replace(reader.info, frames=reader.frames_total, frames_exact=True)


def job_folder(request: JobRequest) -> Path:
    """The job directory of a request: the same request comes back to the same directory."""
    key = hashlib.sha256(request.to_json().encode()).hexdigest()[:12]
    return jobs_folder() / f"{request.source.stem[:40]}-{key}"


def run_job(
    request: JobRequest,
    control: Control | None = None,
    folder: Path | None = None,
    loader: Loader = load_for,
    on_plan: Callable[[Plan], None] = lambda plan: None,
) -> dict[str, Any]:
    """Run a job, or continue it where its directory says it stopped.

    Args:
        request: what to restore. Without a target, finished frames are only sent as `PreviewFrame` events.
        control: progress, cancel and pause.
        folder: the job directory, chosen from the request when not given.
        loader: gives the model; a process that runs several jobs keeps it.
        on_plan: receives the plan before work begins.

    Returns:
        The report: frames, durations, times per phase in seconds, peak memory in bytes, settings, notes.

    Raises:
        UserError: bad input, or the job cannot be continued.
        Cancelled: finished work is kept in the directory.
    """
    return JobRun(request, control or Control(), loader).run(folder, on_plan)


class JobRun:
    """One run of a job.

    Attributes:
        request, control, loader: what to do, the way in and out, and where the model comes from.
        seconds: time per phase.
        suspicious: frames that came out black or not finite.
    """

    def __init__(self, request: JobRequest, control: Control, loader: Loader) -> None:
        self.request, self.control, self.loader = request, control, loader
        self.seconds: defaultdict[Phase, float] = defaultdict(float)
        self.suspicious: list[int] = []
        self.notes: list[str] = []
        self.network_seconds = 0.0
        self.peak_memory = 0
        self.written = 0

    def run(self, folder: Path | None, on_plan: Callable[[Plan], None]) -> dict[str, Any]:
        """See `run_job`."""
        request = self.request
        with VideoReader(probe(request.source), request.output.deinterlace) as reader:
            with self.phase("analyse"):
                info = counted(reader)
                if request.target is not None:
                    check_target(request.target, info, request.output)
            with self.phase("load"):
                model = self.loader(request.settings)
            plan = make_plan(request, info, model.declaration, subfolder(model.folder, UNET_FOLDERS))
            on_plan(plan)
            if plan.problems:
                raise JobError(plan.problems[0])
            self.control.on_pause = lambda: model.move("cpu")
            self.control.on_resume = lambda: model.move(model.device)
            if request.target is None:
                self.preview(reader, model, plan)
            else:
                self.restore(JobStore(folder or job_folder(request)), reader, info, model, plan)
            self.notes += reader.warnings
        return self.report(info, plan)

    @contextmanager
    def phase(self, name: Phase, segment: int = 0, segments: int = 1, total: int = 0) -> Iterator[None]:
        """Announce and time a phase."""
        self.control.emit(PhaseStarted(name, segment, segments, total))
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] += time.monotonic() - began

    # -- the two kinds of job -----------------------------------------------------------------------------------

    def preview(self, reader: VideoReader, model: Model, plan: Plan) -> None:
        """Restore and send frames, write nothing."""
        joint = None
        for segment in plan.segments:
            frames = self.read(reader, segment)
            pipeline = self.pipeline(model, plan, segment, frames)
            skip = shared_frames(frames, segment)
            latents = self.sample(pipeline, plan, joint)
            joint = latents[-following_frames(frames, plan, segment) :]
            with self.phase("decode", segment.index, len(plan.segments), len(frames)):
                for frame, pixels in zip(frames[skip:], pipeline.decode(latents, skip), strict=True):
                    self.examine(frame, pixels)
                    self.send(frame.index, plan.settings.steps or 0, pixels, final=True)

    def restore(self, store: JobStore, reader: VideoReader, info: VideoInfo, model: Model, plan: Plan) -> None:
        """Restore what is not finished yet, then publish."""
        with store.locked():
            plan = self.agree(store, model, plan)
            files = []
            joint: Tensor | None = None
            for segment in plan.segments:
                file = store.segment_file(segment)
                if not file.exists():
                    if segment.shared and joint is None:
                        joint = store.load_joint(plan.segments[segment.index - 1])
                        if joint is None:
                            raise JobError(f"The job in {store.folder} is damaged: start it anew with “dcvsr restore --fresh”.")
                    joint = self.restore_segment(store, reader, info, model, plan, segment, joint)
                files.append(file)
                self.control.emit(SegmentFinished(segment.index, len(plan.segments)))
            assert self.request.target is not None
            with self.phase("publish"):
                published = publish(files, self.request.target, info, self.request.output, self.request.frames)
            self.written, self.notes = published.frames, self.notes + list(published.notes)
        store.remove()

    def restore_segment(
        self, store: JobStore, reader: VideoReader, info: VideoInfo, model: Model, plan: Plan, segment: Segment, joint: Tensor | None
    ) -> Tensor:
        """One segment to its file; returns the ``x_0`` of the frames that the next one shares."""
        frames = self.read(reader, segment)
        pipeline = self.pipeline(model, plan, segment, frames)
        skip = shared_frames(frames, segment)
        state = store.load_state(segment, pipeline.sampler.grid_at(0), plan.settings.sap_rate)
        latents = self.sample(pipeline, plan, joint, state, lambda new: store.save_state(segment, new))
        following = latents[-following_frames(frames, plan, segment) :]
        width, height = plan.output_size
        with self.phase("decode", segment.index, len(plan.segments), len(frames)):
            with VideoWriter(store.segment_file(segment), info, width, height, self.request.output) as writer:
                for frame, pixels in zip(frames[skip:], pipeline.decode(latents, skip), strict=True):
                    self.examine(frame, pixels)
                    writer.write(pixels, frame.pts, frame.duration)
                    self.send(frame.index, plan.settings.steps or 0, pixels, final=True)
                # the segment counts as finished once its file has its name, so what follows from it comes first
                store.save_joint(segment, following)
        store.drop_states(segment)
        return following

    def agree(self, store: JobStore, model: Model, plan: Plan) -> Plan:
        """Write a new job's manifest, or make sure that nothing changed since a job was begun; returns the plan to follow."""
        identity = self.identity(model, plan)
        known = store.read_manifest()
        if known is None:
            store.write_manifest(identity)
            return plan
        for part, sentence in CHANGES.items():
            if known.get(part) != identity[part]:
                raise JobError(f"This job cannot be continued because {sentence}; restore it anew with “dcvsr restore --fresh”.")
        settings = RestoreSettings.from_dict(known["plan"])
        return dataclasses.replace(plan, settings=settings)

    def identity(self, model: Model, plan: Plan) -> dict[str, Any]:
        """What must not change while a job is unfinished."""
        facts = self.request.source.stat()
        files = [model.folder / FILE, *sorted(subfolder(model.folder, UNET_FOLDERS).glob("*.safetensors"))]
        return {
            "engine": __version__,
            "request": self.request.to_dict(),
            "input": {"size": facts.st_size, "mtime": facts.st_mtime_ns, "content": fingerprint(self.request.source)},
            "model": {str(file.relative_to(model.folder)): sha256(file) for file in files},
            "plan": plan.settings.to_dict(),
        }

    # -- phases -------------------------------------------------------------------------------------------------

    def read(self, reader: VideoReader, segment: Segment) -> list[Frame]:
        """Decode a segment's frames."""
        frames = []
        with self.phase("encode", segment.index, 1, segment.frames):
            for frame in reader.frames(segment.first, segment.last):
                self.control.check()
                frames.append(frame)
        if not frames:
            raise InputError(f"Frames {segment.first} to {segment.last} of “{self.request.source.name}” cannot be decoded.")
        return frames

    def pipeline(self, model: Model, plan: Plan, segment: Segment, frames: list[Frame]) -> SegmentPipeline:
        """The pipeline of a segment."""
        pixels = torch.from_numpy(np.stack([crop(frame.pixels, self.request.region) for frame in frames]))
        denoiser = Denoiser(model)
        return SegmentPipeline(model, denoiser, plan.settings, segment, pixels.permute(0, 3, 1, 2).contiguous(), self.control)

    def sample(
        self,
        pipeline: SegmentPipeline,
        plan: Plan,
        joint: Tensor | None,
        state: SegmentState | None = None,
        save: Callable[[SegmentState], None] = lambda state: None,
    ) -> Tensor:
        """Encode and sample a segment; a preview of its middle frame is sent after each step."""
        segment, count = pipeline.segment, len(plan.segments)
        with self.phase("encode", segment.index, count, len(pipeline.frames)):
            condition = pipeline.encode()
        middle = len(pipeline.frames) // 2

        def after_step(new: SegmentState, denoised: Tensor) -> None:
            if new.step < len(pipeline.sampler.schedule):
                save(new)
            picture = pipeline.decode_frames(denoised, slice(middle, middle + 1))[0]
            self.send(segment.first + middle, new.step - 1, picture.permute(1, 2, 0).numpy(), final=False)
            self.measure_memory(pipeline.model)

        with self.phase("sample", segment.index, count, pipeline.sampler.total):
            latents = pipeline.sample(condition, state, joint, after_step)
        self.network_seconds += pipeline.sampler.seconds
        return latents

    # -- what is looked at on the way ---------------------------------------------------------------------------

    def examine(self, frame: Frame, pixels: Pixels) -> None:
        """Note frames that are not finite or turned black."""
        black = pixels.max() < BLACK <= frame.pixels.max()
        if black or not np.isfinite(pixels).all():
            self.suspicious.append(frame.index)
            self.control.emit(Warned(f"Frame {frame.index} came out {'black' if black else 'damaged'}."))

    def send(self, frame: int, step: int, pixels: Pixels, final: bool) -> None:
        """Send a frame to whoever watches."""
        region, scale = self.request.region, self.request.settings.scale or 1
        origin = (region.x * scale, region.y * scale) if region else (0, 0)
        self.control.emit(PreviewFrame(frame, step, to_bytes(pixels), final, origin))
        if final:
            self.control.emit(FrameDone(frame + 1, frame + 1))

    def measure_memory(self, model: Model) -> None:
        """Report memory in use and remember the peak."""
        if model.device == "cuda":
            used, total = int(torch.cuda.max_memory_allocated()), memory(model.device)[1]
        else:
            used, total = int(psutil.Process().memory_info().rss), memory(model.device)[1]
        self.peak_memory = max(self.peak_memory, used)
        self.control.emit(MemoryUsed("host" if model.device == "cpu" else model.device, used, total))

    def report(self, info: VideoInfo, plan: Plan) -> dict[str, Any]:
        """The facts of the run."""
        return {
            "source": str(self.request.source),
            "target": None if self.request.target is None else str(self.request.target),
            "frames_in": plan.frames,
            "frames_out": self.written,
            "input_size": plan.input_size,
            "output_size": plan.output_size,
            "duration": info.duration,
            "segments": len(plan.segments),
            "evaluations": plan.evaluations,
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
            "network_seconds": round(self.network_seconds, 3),
            "peak_memory": self.peak_memory,
            "suspicious_frames": self.suspicious,
            "settings": plan.settings.to_dict(),
            "device": plan.device,
            "engine": __version__,
            "notes": [*plan.notes, *self.notes],
        }


CHANGES = {
    "engine": "the program was updated since",
    "input": "the input file has changed",
    "model": "the model's files have changed",
    "request": "its settings or files are others",
}


def crop(pixels: Pixels, region: Region | None) -> Pixels:
    """The region of a frame ``(height, width, 3)``."""
    if region is None:
        return pixels
    return pixels[region.y : region.y + region.height, region.x : region.x + region.width]


def shared_frames(frames: list[Frame], segment: Segment) -> int:
    """How many of the decoded frames belong to the segment before."""
    return sum(frame.index < segment.first + segment.shared for frame in frames)


def following_frames(frames: list[Frame], plan: Plan, segment: Segment) -> int:
    """How many of the decoded frames the next segment shares, at least one."""
    following = plan.segments[segment.index + 1 : segment.index + 2]
    return max(1, sum(frame.index >= following[0].first for frame in frames)) if following else 1
