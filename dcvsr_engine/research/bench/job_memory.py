"""Peak memory of whole jobs, and what the planner predicts of it.

Memory depends on the size of a clip, not on what is in it: after the first tiles and frames, whose networks are evaluated, the
others are given a constant. So a window at full size takes a minute instead of an hour.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
from diffusers import UNetSpatioTemporalConditionModel
from diffusers.models.unets.unet_spatio_temporal_condition import UNetSpatioTemporalConditionOutput
from numpy.typing import NDArray
from torch import Tensor, nn

from dcvsr_engine.control import Control
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.session import load_for
from dcvsr_engine.models.registry import model_folder
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.device import DTYPES
from dcvsr_engine.network.fused import adapt_to_device
from dcvsr_engine.network.upsampling import VideoUpsampler
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.research.bench.counting import in_new_process
from dcvsr_engine.research.bench.memory import ResidentPeak
from dcvsr_engine.settings import RestoreSettings

JOB_SIZES = (720, 576, "x4"), (1280, 720, "4k"), (1920, 1080, "4k")
"""Width and height of the clips that are restored, and the size of the result."""
EVALUATED = 2
"""Tiles and parts of frames that the networks really see."""


@dataclass(frozen=True)
class JobFootprint:
    """Memory of a job on one window of a clip.

    Attributes:
        width, height, size: of the clip in pixels, and of the result as the setting says it.
        frames: of the clip.
        predicted, measured: peak bytes of the machine's memory that the process takes.
    """

    width: int
    height: int
    size: str
    frames: int
    predicted: int
    measured: int

    @property
    def ratio(self) -> float:
        """Prediction over measurement."""
        return self.predicted / self.measured


class FirstTiles(UNetSpatioTemporalConditionModel):  # type: ignore[misc]  # diffusers has no types
    """A network of which only the first evaluations are computed; the others give zeros."""

    def forward(self, sample: Tensor, *arguments: Any, **named: Any) -> Any:
        """See the base class; ``sample`` is ``(rows, frames, channels, height, width)``."""
        self._calls = getattr(self, "_calls", 0) + 1
        if self._calls <= EVALUATED:
            return super().forward(sample, *arguments, **named)
        return UNetSpatioTemporalConditionOutput(
            sample=sample.new_zeros(*sample.shape[:2], self.config.out_channels, *sample.shape[3:])
        )


class FirstFrames:
    """An upsampler of which only the first parts of frames are computed; the others are grey. See `VideoUpsampler`."""

    def __init__(self, upsampler: VideoUpsampler) -> None:
        self.frames, self.reach, self.network = upsampler.frames, upsampler.reach, upsampler.network
        self._upsampler, self._calls = upsampler, count()

    def __call__(self, windows: Tensor, scale: int) -> Tensor:
        """See `VideoUpsampler`."""
        if next(self._calls) < EVALUATED:
            return self._upsampler(windows, scale)
        return windows.new_full((len(windows), 3, *(scale * side for side in windows.shape[-2:])), 0.5)


def measure_jobs(settings: RestoreSettings, sizes: Sequence[tuple[int, int, str]] = JOB_SIZES) -> list[JobFootprint]:
    """Predict and measure the memory of restoring a window of clips of some ``sizes``, each in a new process; see `JOB_SIZES`."""
    return [in_new_process(measured_job, settings.replace(size=size), width, height) for width, height, size in sizes]


def measured_job(settings: RestoreSettings, width: int, height: int) -> JobFootprint:
    """Restore a window of a clip of ``width`` × ``height`` in this process."""
    plans: list[Plan] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frames = Declaration.from_folder(model_folder(settings.model)).resolve(settings).window
        clip = written_clip(folder / "clip.mkv", width, height, frames)
        request = JobRequest(source=clip, target=folder / "out.mkv", settings=settings)
        before = psutil.Process().memory_info().rss
        with ResidentPeak() as peak:
            run_job(request, Control(pictures=False), folder / "job", abbreviated, plans.append)
    return JobFootprint(width, height, settings.size, frames, plans[-1].host_memory, before + peak.growth)


def abbreviated(settings: RestoreSettings) -> Model:
    """The model that ``settings`` name, with networks that compute the first tiles and frames only."""
    model = load_for(settings)
    unet = FirstTiles.from_config(model.unet.config)
    nn.Module.to(unet, model.device, DTYPES[model.precision])  # not diffusers' own `to`, see `cost.with_embedding`
    adapt_to_device(unet, model.device)
    return replace(model, unet=unet.requires_grad_(False).eval(), upsampler=FirstFrames(model.upsampler))


def written_clip(path: Path, width: int, height: int, frames: int) -> Path:
    """Write a clip of a soft pattern that moves; returns ``path``."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", 25, {"preset": "ultrafast", "crf": "20", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(moving_pattern(width, height, index), "rgb24")))
        out.mux(stream.encode(None))
    return path


def moving_pattern(width: int, height: int, index: int) -> NDArray[np.uint8]:
    """Draw frame ``index``, RGB ``(height, width, 3)``."""
    rows, columns = np.mgrid[:height, :width]
    wave = 127 + 100 * np.sin(columns / 37 + index / 3) * np.cos(rows / 23)
    return np.stack([wave] * 3, -1).astype(np.uint8)
