"""Progress, cancel and pause in one small object that every loop checks once per tile. Torch-free."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from dcvsr_engine.errors import Cancelled
from dcvsr_engine.events import Event, Waiting

CHECK_SECONDS = 0.1
"""Seconds between two checks whether a job that waits for something is cancelled."""
Parked = Callable[[], AbstractContextManager[None]]
"""Entered while a job waits, to free the computing device and to take it back."""


class Monitor(Protocol):
    """What a loop needs of the job that it works for: a `Control`, or what wraps one."""

    def emit(self, event: Event) -> None:
        """Report progress."""

    def check(self, parked: Parked = nullcontext) -> None:
        """Wait while paused and raise `Cancelled` when cancelled; see `Control.check`."""


class Control:
    """The way in and out of a running job.

    Args:
        watch: receives every progress `Event`, on the job's thread.
        pictures: whether anybody looks at pictures on the way: they have to be decoded for that.
    """

    def __init__(self, watch: Callable[[Event], None] = lambda event: None, pictures: bool = True) -> None:
        self._watch, self._pictures = watch, pictures
        self._cancelled = threading.Event()
        self._running = threading.Event()
        # a job starts running, not paused
        self._running.set()
        self._seen_frame: int | None = None

    def emit(self, event: Event) -> None:
        """Report progress."""
        self._watch(event)

    @property
    def pictures(self) -> bool:
        """Whether anybody looks at pictures on the way."""
        return self._pictures

    def look_at(self, frame: int) -> None:
        """Say which frame of the clip the user looks at: it is the one to show while a segment is sampled."""
        self._seen_frame = frame

    @property
    def seen_frame(self) -> int | None:
        """The clip's frame that the user looks at, ``None`` when nobody has said."""
        return self._seen_frame

    def cancel(self) -> None:
        """Ask the job to stop at the next tile; finished work is kept."""
        self._cancelled.set()
        # a paused job has to wake up to see that it is cancelled
        self._running.set()

    def pause(self) -> None:
        """Ask the job to wait at the next tile."""
        self._running.clear()

    def resume(self) -> None:
        """Let a paused job continue."""
        self._running.set()

    @property
    def paused(self) -> bool:
        """Whether a pause was asked for."""
        return not self._running.is_set()

    def check(self, parked: Parked = nullcontext) -> None:
        """Wait while paused; call once per tile and frame.

        Args:
            parked: entered while the job waits, to free the computing device and to take it back.

        Raises:
            Cancelled: the job is to stop.
        """
        if not self._running.is_set():
            with parked():
                self.emit(Waiting(True))
                self._running.wait()
            self.emit(Waiting(False))
        if self._cancelled.is_set():
            raise Cancelled
