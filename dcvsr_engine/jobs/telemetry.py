"""What a running job reports: events, phases and their times, facts per segment, previews now and then, memory in use."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import psutil
import torch

from dcvsr_engine.control import Control, Parked
from dcvsr_engine.events import Event, MemoryUsed, Phase, PhaseStarted, PreviewFrame, Warned
from dcvsr_engine.network.device import memory
from dcvsr_engine.settings import Device

PREVIEW_INTERVAL = 0.25
"""Seconds between two previews, at least; those in between are not even made."""
PREVIEW_PAUSE = 10.0
"""Time between two previews, at least, in what making the last one took: they must not slow a job down."""


@dataclass
class WorkRecord:
    """What the work on one segment, or on what belongs to no segment, took.

    Attributes:
        seconds: per phase.
        warnings: sentences that were reported during it.
        peak_memory: bytes.
        network_seconds: in the U-Net.
        suspicious: indices of frames that half precision spoilt and that were decoded again.
        repeated: frames that show what another one shows, and were not restored.
    """

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    warnings: list[str] = field(default_factory=list)
    peak_memory: int = 0
    network_seconds: float = 0.0
    suspicious: tuple[int, ...] = ()
    repeated: int = 0

    def see_memory(self, used: int) -> None:
        """Take ``used`` bytes into account."""
        self.peak_memory = max(self.peak_memory, used)

    def see_network(self, seconds: float, suspicious: list[int], repeated: int) -> None:
        """Add time in the U-Net, frames that had to be decoded again, and those that were not restored."""
        self.repeated += repeated
        self.network_seconds += seconds
        self.suspicious += tuple(suspicious)


class Telemetry:
    """Observes one run of a job; a `control.Monitor` around the caller's `Control`, which stays as it is.

    Attributes:
        job: work that belongs to no segment.
        waiting_seconds: for which the network had nothing to do because of video input or output, looking for cuts and
            publishing aside.
    """

    def __init__(self, control: Control) -> None:
        self.job = WorkRecord()
        self.waiting_seconds = 0.0
        self._control = control
        self._current, self._place = self.job, (0, 1)
        self._previewed, self._preview_seconds = float("-inf"), 0.0
        self._began = self._checked = time.monotonic()

    @property
    def seen_frame(self) -> int | None:
        """The clip's frame that the user looks at; see `Control.look_at`."""
        return self._control.seen_frame

    @property
    def idle(self) -> float:
        """Seconds since the job last checked whether it is to go on, which it does once per tile."""
        return time.monotonic() - self._checked

    def emit(self, event: Event) -> None:
        """Pass an event on; a warning also goes into the report."""
        if isinstance(event, Warned):
            self._current.warnings.append(event.message)
        self._control.emit(event)

    def check(self, parked: Parked = nullcontext) -> None:
        """See `Control.check`."""
        self._control.check(parked)
        self._checked = time.monotonic()

    @contextmanager
    def segment(self, index: int, segments: int) -> Iterator[WorkRecord]:
        """Attribute everything that is reported to segment ``index`` (0-based) of ``segments``.

        Yields:
            What the work on it takes; complete when the segment is left.
        """
        self._current, self._place = WorkRecord(), (index, segments)
        try:
            yield self._current
        finally:
            self._current, self._place = self.job, (0, 1)

    @contextmanager
    def phase(self, name: Phase, total: int = 0) -> Iterator[None]:
        """Announce a phase of ``total`` units, and time it."""
        self.emit(PhaseStarted(name, *self._place, total))
        seconds, began = self._current.seconds, time.monotonic()
        try:
            yield
        finally:
            seconds[name] += time.monotonic() - began

    def add_waiting(self, seconds: float) -> None:
        """Add to `waiting_seconds`."""
        self.waiting_seconds += seconds

    @property
    def waiting_share(self) -> float:
        """Share of the time so far for which the network waited for video input or output, 0 … 1."""
        # these two phases are all video input or output, so the network waits for their whole length
        waiting = self.waiting_seconds + self.job.seconds["analyse"] + self.job.seconds["publish"]
        return waiting / (time.monotonic() - self._began)

    def preview(self, make: Callable[[], PreviewFrame | None], always: bool = False) -> None:
        """Send a preview, unless nobody looks, or the last one was sent just before.

        This is the only place where previews are held back: the pipe to the window and the window itself take what comes.

        Args:
            make: gives the preview, or ``None`` when there is none; only called when it is sent.
            always: send it whatever came before, as finished frames of a job that writes no file.
        """
        now = time.monotonic()
        if not always and not self._control.pictures:
            return
        if not always and now - self._previewed < max(PREVIEW_INTERVAL, PREVIEW_PAUSE * self._preview_seconds):
            return
        # before it is made: a preview that does not fit into memory is not tried again at once
        self._previewed = now
        if (event := make()) is not None:
            self.emit(event)
        self._preview_seconds = time.monotonic() - now

    def measure_memory(self, device: Device) -> None:
        """Report the memory in use on ``device``, and remember the peak."""
        # torch counts no memory of the host: the size of the process stands for it
        used = int(torch.cuda.max_memory_allocated()) if device == "cuda" else int(psutil.Process().memory_info().rss)
        self._current.see_memory(used)
        self.emit(MemoryUsed("host" if device == "cpu" else device, used, memory(device)[1]))
