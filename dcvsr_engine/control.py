"""Progress, cancel and pause in one small object that every loop checks once per tile. Torch-free."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dcvsr_engine.errors import Cancelled

Phase = Literal["load", "analyse", "encode", "sample", "decode", "write", "publish"]
StepKind = Literal["plain", "SAP", "TAP →", "TAP ←"]


@dataclass(frozen=True)
class PhaseStarted:
    """A phase of segment ``segment`` (0-based) of ``segments`` begins.

    ``total`` counts its units: frames, or tiles of all steps.
    """

    phase: Phase
    segment: int
    segments: int
    total: int


@dataclass(frozen=True)
class StepStarted:
    """Sampling step ``step`` (0-based) of ``steps`` begins.

    ``grid`` is its `TileGrid.to_dict`, ``frame`` its first frame in the clip.
    """

    segment: int
    step: int
    steps: int
    kind: StepKind
    sigma: float
    gamma: float
    grid: dict[str, Any]
    frame: int


@dataclass(frozen=True)
class TileStarted:
    """Tile ``m`` of window ``n`` is being denoised."""

    m: int
    n: int


@dataclass(frozen=True)
class TileFinished:
    """Tile ``m`` of window ``n`` is done in this step; ``done`` of ``total`` units of the phase, ``seconds`` it took."""

    m: int
    n: int
    done: int
    total: int
    seconds: float


@dataclass(frozen=True)
class FramesChosen:
    """TAP: the frames (absolute in the clip) whose keys window ``n`` hands on, per attention layer the most frequent first."""

    n: int
    frames: tuple[int, ...]


@dataclass(frozen=True)
class FrameDone:
    """``done`` of ``total`` frames have passed the current phase."""

    done: int
    total: int


@dataclass(frozen=True)
class PreviewFrame:
    """A frame as far as it is.

    ``pixels`` are uint8 RGB ``(height, width, 3)``, ``frame`` is its index in the clip, ``step`` as in `StepStarted`.
    ``final`` marks the finished frame. ``origin`` is the (x, y) of its first pixel in the whole output frame.
    """

    frame: int
    step: int
    pixels: NDArray[np.uint8]
    final: bool = False
    origin: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class SegmentFinished:
    """Segment ``segment`` is final and on disk."""

    segment: int
    segments: int


@dataclass(frozen=True)
class MemoryUsed:
    """Bytes in use and there are, on the computing device (``host`` for the processor)."""

    device: str
    used: int
    total: int


@dataclass(frozen=True)
class Warned:
    """Something a person should know; the job goes on."""

    message: str


@dataclass(frozen=True)
class Waiting:
    """The job begins (``paused``) or ends waiting; while it waits it holds no device memory."""

    paused: bool


Event = (
    PhaseStarted
    | StepStarted
    | TileStarted
    | TileFinished
    | FramesChosen
    | FrameDone
    | PreviewFrame
    | SegmentFinished
    | MemoryUsed
    | Warned
    | Waiting
)


class Control:
    """The way in and out of a running job.

    Attributes:
        emit: receives every progress `Event`, on the job's thread.
        on_pause, on_resume: called when a pause begins (free the device there) and ends.
    """

    def __init__(self, emit: Callable[[Event], None] | None = None) -> None:
        self.emit: Callable[[Event], None] = emit or (lambda event: None)
        self.on_pause: Callable[[], None] = lambda: None
        self.on_resume: Callable[[], None] = lambda: None
        self._cancelled = threading.Event()
        self._running = threading.Event()
        self._running.set()

    def cancel(self) -> None:
        """Ask the job to stop at the next tile; finished work is kept."""
        self._cancelled.set()
        self._running.set()

    def pause(self) -> None:
        """Ask the job to wait at the next tile."""
        self._running.clear()

    def resume(self) -> None:
        """Let a paused job go on."""
        self._running.set()

    @property
    def paused(self) -> bool:
        """Whether a pause was asked for."""
        return not self._running.is_set()

    def check(self) -> None:
        """Called once per tile and frame: waits while paused, raises `Cancelled` when cancelled."""
        if not self._running.is_set():
            self.on_pause()
            self.emit(Waiting(True))
            self._running.wait()
            self.on_resume()
            self.emit(Waiting(False))
        if self._cancelled.is_set():
            raise Cancelled
