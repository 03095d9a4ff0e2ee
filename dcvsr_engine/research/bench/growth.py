"""Whether memory and time per frame stay constant as clips get longer."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import psutil
import torch
from numpy.typing import NDArray

from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.session import load_for
from dcvsr_engine.network.device import device_title
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.research.bench.counting import in_new_process
from dcvsr_engine.research.bench.memory import ResidentPeak
from dcvsr_engine.settings import RestoreSettings

CLIP_SECONDS = 10, 60
CLIP_RATE = 25
CLIP_WIDTH, CLIP_HEIGHT = 32, 24
GROWTH_SCALE = 2


@dataclass(frozen=True)
class GrowthRun:
    """One restoration in a process of its own.

    Attributes:
        device: name of the device.
        frames, segments: of the clip.
        before: resident bytes of the process when the job began, with the model loaded.
        peak: highest resident bytes observed.
        seconds: per frame; processor time where the processor computes.
        waiting_share: share of the time in which the network waited for video input or output.
    """

    device: str
    frames: int
    segments: int
    before: int
    peak: int
    seconds: float
    waiting_share: float


@dataclass(frozen=True)
class Growth:
    """Runs of a short clip and of a long one."""

    short: GrowthRun
    long: GrowthRun

    @property
    def memory(self) -> float:
        """Peak memory of the long clip over the short one's."""
        return self.long.peak / self.short.peak

    @property
    def own_memory(self) -> float:
        """The same ratio of the job's own memory, without program and model."""
        return (self.long.peak - self.long.before) / max(1, self.short.peak - self.short.before)

    @property
    def time(self) -> float:
        """Time per frame of the long clip over the short one's."""
        return self.long.seconds / self.short.seconds


def measure_growth(
    settings: RestoreSettings, frames: tuple[int, int] = (CLIP_SECONDS[0] * CLIP_RATE, CLIP_SECONDS[1] * CLIP_RATE)
) -> Growth:
    """Make and restore a short and a long clip, each in a process of its own; ``frames`` are their lengths."""
    short, long = (in_new_process(measured_run, settings, count) for count in frames)
    return Growth(short, long)


def measured_run(settings: RestoreSettings, frames: int) -> GrowthRun:
    """Restore a clip of ``frames`` frames and measure memory and time."""
    torch.set_num_threads(1)  # at this size several threads wait for each other, which counts as processor time
    model = load_for(settings)
    clock = time.process_time if model.device == "cpu" else time.perf_counter
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = write_clip(folder / "clip.mkv", frames)
        request = JobRequest(source=clip, target=folder / "out.mkv", settings=settings.replace(size=f"x{GROWTH_SCALE}"))
        before, began = psutil.Process().memory_info().rss, clock()
        with ResidentPeak() as peak:
            report = run_job(request, folder=folder / "job", loader=lambda settings: model)
        seconds = clock() - began
    peak_bytes = before + peak.growth
    return GrowthRun(
        device_title(model.device), frames, report["segments"], before, peak_bytes, seconds / frames, report["waiting_share"]
    )


def write_clip(path: Path, frames: int) -> Path:
    """Write a soft pattern that moves without cuts; returns ``path``."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", CLIP_RATE)
        stream.width, stream.height, stream.pix_fmt = CLIP_WIDTH, CLIP_HEIGHT, "yuv444p"
        for index in range(frames):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pattern(index), "rgb24").reformat(format="yuv444p")))
        out.mux(stream.encode(None))
    return path


def pattern(index: int) -> NDArray[np.uint8]:
    """Draw frame ``index``, RGB ``(height, width, 3)``."""
    columns, rows = np.meshgrid(np.arange(CLIP_WIDTH), np.arange(CLIP_HEIGHT))
    wave = 128 + 80 * np.sin((columns + 2 * rows + index) / 6)
    return np.stack([wave, 255 - wave, np.full_like(wave, 100)], -1).astype(np.uint8)
