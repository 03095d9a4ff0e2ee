"""Typed commands to the engine process and events from it. Torch-free; instances travel over a multiprocessing pipe."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcvsr_engine import events
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import OutputSettings

if TYPE_CHECKING:
    from dcvsr_engine.video.comparison import ComparisonMode

# -- commands ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LoadModel:
    """Load a model ahead of its first job; answered by `ModelLoaded` or `Failed`."""

    model: str
    device: str = "auto"
    precision: str = "auto"


@dataclass(frozen=True)
class PlanJob:
    """Estimate a job, with a quick calibration when ``calibrate``; answered by `JobPlanned` or `Failed`."""

    job: str
    request: JobRequest
    calibrate: bool = True


@dataclass(frozen=True)
class RunJob:
    """Run a job. Without a target it is a preview: only frames are sent.

    ``folder`` names a job folder to resume from, ``farm`` the address of a farm that is to run it.
    """

    job: str
    request: JobRequest
    folder: Path | None = None
    farm: str = ""


@dataclass(frozen=True)
class CompareVideos:
    """Put a clip and its ``result`` into one video; answered as a job is.

    ``frames`` are the first and last one of the clip, ``begins`` is the one that is the first of the result; for the rest see
    `video.comparison.compare`.
    """

    job: str
    original: Path
    result: Path
    target: Path
    mode: "ComparisonMode"
    frames: tuple[int, int]
    begins: int
    output: OutputSettings


@dataclass(frozen=True)
class Pause:
    """Wait at the next tile and free the device's memory; answered by `Paused`."""


@dataclass(frozen=True)
class Resume:
    """Continue a paused job; answered by `Resumed`."""


@dataclass(frozen=True)
class LookAt:
    """The user looks at a frame of the clip: show this one while its segment is sampled."""

    frame: int


@dataclass(frozen=True)
class Cancel:
    """Stop the running job at the next tile and keep finished work; answered by `JobCancelled`."""


@dataclass(frozen=True)
class Shutdown:
    """End the process."""


Command = LoadModel | PlanJob | RunJob | CompareVideos | Pause | Resume | LookAt | Cancel | Shutdown

# -- events -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DeviceFacts:
    """A computing device: ``name`` as in the settings, ``title`` for the user, memory in bytes."""

    name: str
    title: str
    memory: int


@dataclass(frozen=True)
class Ready:
    """The process is up; sent once."""

    version: str
    torch: str
    devices: tuple[DeviceFacts, ...]
    missing_codecs: tuple[str, ...] = ()
    """Codecs that this machine cannot write."""


@dataclass(frozen=True)
class ModelLoaded:
    """A model is in memory."""

    model: str
    device: str
    precision: str


@dataclass(frozen=True)
class JobPlanned:
    """The plan of a job, before it runs and in answer to `PlanJob`."""

    job: str
    plan: Plan


@dataclass(frozen=True)
class JobStarted:
    """A job begins; ``folder`` is its job folder, ``None`` for a preview."""

    job: str
    folder: Path | None


@dataclass(frozen=True)
class Progress:
    """A progress event of the running job."""

    job: str
    event: events.Event


@dataclass(frozen=True)
class Paused:
    """The job waits and holds no device memory."""

    job: str


@dataclass(frozen=True)
class Resumed:
    """The job continues."""

    job: str


@dataclass(frozen=True)
class JobCancelled:
    """The job was cancelled; finished work is in ``folder``."""

    job: str
    folder: Path | None


@dataclass(frozen=True)
class JobFinished:
    """The output is in place. ``report`` holds the facts of the run, see `jobs.report.JobReport`."""

    job: str
    target: Path | None
    report: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """A job (or command, with ``job`` empty) failed: ``message`` for the user, ``details`` to fold away.

    ``user_error`` marks bad input; ``folder`` is set when the job can be resumed.
    """

    job: str
    message: str
    details: str = ""
    user_error: bool = False
    folder: Path | None = None


EngineEvent = Ready | ModelLoaded | JobPlanned | JobStarted | Progress | Paused | Resumed | JobCancelled | JobFinished | Failed
