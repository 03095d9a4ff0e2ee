"""Jobs that take a second: a model with random weights, short clips, requests, and what came out of them."""

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
from clips import BITS, Clip, write_clip
from numpy.typing import NDArray

from dcvsr_engine.control import Control
from dcvsr_engine.events import Event, StepStarted
from dcvsr_engine.jobs.folders import PUBLISHING
from dcvsr_engine.jobs.manifest import RECORD, FileFacts, JobIdentity, Manifest, Unit, read_manifest
from dcvsr_engine.jobs.presence import LOCK
from dcvsr_engine.paths import jobs_folder
from dcvsr_engine.planning.request import JobRequest, Region
from dcvsr_engine.planning.shots import ShotBoundaries
from dcvsr_engine.settings import OutputSettings, PlannedSettings, RestoreSettings

CHANNELS = 24
"""Latent channels of the Haar first stage."""
FRAMES = 20
"""Frames of `short_clip`: two segments that share a window."""
PLANNED = {
    **{
        "size": "x2",
        "scale": 2,
        "steps": 2,
        "guidance": "none",
        "guidance_scale": 1.0,
        "tiling": "paper",
        "tile": 16,
        "window": 7,
        "sap": True,
        "tap": True,
    },
    **{"sap_schedule": "lockstep", "precision": "fp32", "device": "cpu", "tile_batch": 1},
}
"""What a plan decides, for `manifest`."""


def write_model(folder: Path, **declared: object) -> Path:
    """A checkpoint with random weights and attention at both of its levels; ``declared`` goes into its declaration.

    It has a learned upsampler where that is declared.
    """
    import networks

    unet = networks.unet(in_channels=2 * CHANNELS, out_channels=CHANNELS, num_attention_heads=(1, 1))
    unet.save_pretrained(folder / "unet")
    if declared.get("upsampler") == "learned":
        (folder / "upsampler").mkdir()
        networks.upsampler().save(folder / "upsampler")
    declaration = {
        "name": folder.name,
        "title": "Tiny",
        "first_stage": "haar",
        "factor": 4,
        "multiple": 2,
        "added_time_ids": [0.0, 0.0, 0.0],
        "image_embedding": "none",
        "unconditional": [],
        "sigma_min": 0.02,
        "sigma_max": 20.0,
        "steps": 2,
        "guidance": "none",
        "guidance_scale": 1.0,
        "tile": 16,
        "window": 7,
        "scale": 2,
    }
    (folder / "dcvsr.json").write_text(json.dumps(declaration | declared))
    (folder / "scales.json").write_text(json.dumps({"residual_scale": [0.05] * CHANNELS, "condition_scale": [1.0] * CHANNELS}))
    return folder


def numbered(index: int, width: int, height: int) -> NDArray[np.float64]:
    """A soft moving pattern below the frame's number, whatever the size; `number` reads it."""
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    wave = 0.5 + 0.3 * np.sin((columns + 2 * rows + 5 * index) / 9)
    pixels = np.stack([wave, 1 - wave, np.full_like(wave, 0.4)], -1)
    bits = index >> (np.arange(width) * BITS // width) & 1
    pixels[: height // 3] = np.where(bits, 0.9, 0.1)[None, :, None]
    return pixels


def number(pixels: NDArray[np.uint8]) -> int:
    """The number in a frame of `numbered`, at any scale."""
    height, width = pixels.shape[:2]
    blocks = pixels[: height // 4].reshape(height // 4, BITS, width // BITS, 3).mean((0, 2, 3))
    return sum(int(block > 127) << bit for bit, block in enumerate(blocks))


def short_clip(path: Path, frames: int = FRAMES, **facts: Any) -> Path:
    """A clip of two segments, small enough for a single tile."""
    return write_clip(path, Clip(**({"pts": range(frames), "width": 32, "height": 24, "picture": numbered} | facts)))


def cut_clip(path: Path, *lengths: int, **facts: Any) -> Path:
    """A clip of several shots: every other one is dark."""
    shots = [shot for shot, length in enumerate(lengths) for _ in range(length)]

    def picture(index: int, width: int, height: int) -> NDArray[np.float64]:
        pixels = numbered(index, width, height)
        pixels[height // 3 :] *= 1 - 0.8 * (shots[index] % 2)
        return pixels

    return short_clip(path, len(shots), picture=picture, **facts)


def settings(model: Path, **changes: Any) -> RestoreSettings:
    """Settings of a job of seconds."""
    values = {"model": str(model), "segment_frames": 14, "overlap": 0.0, "device": "cpu", "precision": "fp32"}
    return RestoreSettings(**(values | changes))


def request(
    source: Path,
    target: Path | None,
    model: Path,
    frames: tuple[int, int] | None = None,
    region: Region | None = None,
    codec: str = "ffv1",
    overwrite: bool = False,
    **changes: Any,
) -> JobRequest:
    """A job of seconds."""
    output = OutputSettings(codec=codec, overwrite=overwrite)
    return JobRequest(
        source=source, target=target, settings=settings(model, **changes), output=output, frames=frames, region=region
    )


def manifest(folder: Path, **changes: Any) -> Manifest:
    """The manifest of a job of two units, as if it had been begun in ``folder``."""
    asked = JobRequest(
        source=folder / "clip \udce9.mkv", target=folder / "out.mkv", settings=RestoreSettings(seed=7), frames=(3, 22)
    )
    identity = JobIdentity(
        engine="0.1.0",
        input=(FileFacts(name="clip.mkv", size=4, changed=5, ends="ab"),),
        model={"tiny/dcvsr.json": "cd"},
        device=("cpu", "fp32"),
        request=asked,
    )
    values: dict[str, Any] = {
        "identity": identity,
        "shots": ShotBoundaries(first=3, last=22, cuts=(9,)),
        "threads": 1,
        "settings": PlannedSettings(**PLANNED),
        "decode_frames": 14,
        "output": OutputSettings(codec="ffv1", bit_depth=8),
        "units": (Unit(id=0, first=3, last=8), Unit(id=1, first=9, last=22, needs=(0,))),
    }
    return Manifest(**(values | changes))


def kept() -> list[str]:
    """Files in the folders of all jobs, but for what stays of one that is done, its record, and for locks."""
    found = (path for path in jobs_folder().rglob("*") if path.is_file())
    return [path.name for path in found if path.name not in (LOCK, PUBLISHING, RECORD)]


def pictures(path: Path) -> list[NDArray[np.uint8]]:
    """The frames of a file."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def fingerprint(path: Path) -> list[tuple[int | None, str]]:
    """Time and exact content of every decoded frame of a file."""
    with av.open(str(path)) as container:
        return [(frame.pts, digest(frame)) for frame in container.decode(video=0)]


def digest(frame: av.VideoFrame) -> str:
    """Hash of a frame's planes, padding aside."""
    return hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest()


class Watch(Control):
    """A control that keeps all events and can act on one of them.

    Attributes:
        events: all that came.
        act: called with every event, on the job's thread.
    """

    def __init__(self, act: Any = None) -> None:
        super().__init__(self.receive)
        self.events: list[Event] = []
        self.act = act or (lambda event: None)

    def receive(self, event: Event) -> None:
        self.events.append(event)
        self.act(event)

    def of(self, *kinds: type) -> list[Any]:
        """The events of some kinds."""
        return [event for event in self.events if isinstance(event, kinds)]


def has_finished(folder: Path) -> bool:
    """Whether the job in ``folder`` has a finished unit: one is written while the next is restored."""
    known = read_manifest(folder)
    return known is not None and bool(known.finished)


class CancelAt:
    """Cancels a job at its nth event of a kind that fits, and not before ``once`` holds."""

    def __init__(self, kind: type, count: int = 1, once: Callable[[], Any] = lambda: True, **facts: Any) -> None:
        self.kind, self.left, self.once, self.facts = kind, count, once, facts
        self.watch = Watch(self)

    def __call__(self, event: Event) -> None:
        if isinstance(event, self.kind) and all(getattr(event, name) == value for name, value in self.facts.items()):
            self.left -= 1
            if self.left == 0:
                end = time.monotonic() + 120
                while not self.once():
                    assert time.monotonic() < end, "what the job is to have reached has not come"
                    time.sleep(0.01)
                self.watch.cancel()


def run_to(request: JobRequest, folder: Path, reached: Any, end: Callable[[], None]) -> None:
    """In another process, run a job up to a first step, and there do what ``end`` says."""
    from dcvsr_engine.jobs import presence
    from dcvsr_engine.jobs.job import run_job

    presence.PATIENCE_SECONDS = 0.0  # it has to check once per tile

    def act(event: Event) -> None:
        if isinstance(event, StepStarted):
            reached.set()
            end()

    run_job(request, Watch(act), folder)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hang() -> None:
    time.sleep(600)
