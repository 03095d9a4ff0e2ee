"""Calls made one after the other on a thread of their own; a bounded number of them wait."""

import threading
import time
from collections.abc import Callable
from queue import Queue
from types import TracebackType
from typing import Self

Call = Callable[[], None]


class Background:
    """A context manager that ends its thread. Call `drain` first: on leaving, only the waiting calls marked ``keep`` are made.

    Args:
        room: how many calls may wait before the caller does.

    Attributes:
        waited: seconds for which the caller was held up.
    """

    def __init__(self, room: int) -> None:
        self.waited = 0.0
        self._calls: Queue[tuple[Call, bool] | None] = Queue(room)
        self._error: BaseException | None = None
        self._dropping = False
        self._thread = threading.Thread(target=self._work, name="writer")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        # after a clean end `drain` has emptied the queue: what still waits belongs to a job that failed or was cancelled
        self._dropping = True
        self._calls.put(None)
        self._thread.join()

    def __call__(self, call: Call, keep: bool = False) -> None:
        """Have ``call`` made later, with ``keep`` even when the job is cancelled; raises what an earlier call raised."""
        self.check()
        began = time.monotonic()
        self._calls.put((call, keep))
        self.waited += time.monotonic() - began

    def check(self) -> None:
        """Raise what a call raised."""
        if self._error is not None:
            raise self._error

    def drain(self) -> None:
        """Wait until all calls are made; raises what one of them raised."""
        done = threading.Event()
        self(done.set)
        began = time.monotonic()
        # after an error nothing is made any more, `done.set` included: look at both
        while self._error is None and not done.wait(0.05):
            pass
        self.waited += time.monotonic() - began
        self.check()

    def _work(self) -> None:
        while (waiting := self._calls.get()) is not None:
            call, keep = waiting
            if self._error is None and (keep or not self._dropping):
                try:
                    call()
                # kept for the job's thread: raised here it would end this one, and the caller would wait for room for ever
                except BaseException as error:
                    self._error = error
