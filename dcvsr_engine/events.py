"""Typed events that a running job reports to the window, the command line and its report. Torch-free."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Phase = Literal["load", "analyse", "encode", "sample", "decode", "write", "publish"]


class StepKind(StrEnum):
    """Which propagation acts in a sampling step (method.md §1.5, §4)."""

    PLAIN = "plain"
    SAP = "SAP"
    TAP_FORWARD = "TAP forward"
    TAP_BACKWARD = "TAP backward"

    @property
    def is_tap(self) -> bool:
        """Whether keys and values are handed from window to window."""
        return self in (StepKind.TAP_FORWARD, StepKind.TAP_BACKWARD)


@dataclass(frozen=True)
class PhaseStarted:
    """A phase of segment ``segment`` (0-based) of ``segments`` begins.

    ``total`` counts its units: frames, or tiles of all steps; ``done`` of them were done before.
    """

    phase: Phase
    segment: int
    segments: int
    total: int
    done: int = 0


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
    """A frame in its present state, finished or not.

    ``pixels`` are uint8 RGB ``(height, width, 3)``, ``frame`` is its index in the clip, ``step`` as in `StepStarted`.
    ``final`` marks the finished frame. ``origin`` is the (x, y) of its first pixel in the whole output frame. Of a preview, the
    finished frame has the ``enlarged`` input beside it, with which a viewer mixes it at another strength.
    """

    frame: int
    step: int
    pixels: NDArray[np.uint8]
    final: bool = False
    origin: tuple[int, int] = (0, 0)
    enlarged: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class SegmentFinished:
    """Segment ``segment`` is final and on disk."""

    segment: int
    segments: int


@dataclass(frozen=True)
class MemoryUsed:
    """Bytes in use and in total on the computing device (``host`` for the processor)."""

    device: str
    used: int
    total: int


@dataclass(frozen=True)
class Warned:
    """Something the user should know; the job continues."""

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
