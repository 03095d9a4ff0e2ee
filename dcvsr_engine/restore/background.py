"""Calls made one after the other on a thread of their own; a bounded number of them wait."""

import threading
import time
from collections.abc import Callable
from queue import Queue
from types import TracebackType
from typing import Self

Call = Callable[[], None]


class Background:
    """A context manager that ends its thread; calls that are still waiting when it is left are dropped, so `drain` it before.

    Attributes:
        waited: seconds for which the caller was held up.
    """

    def __init__(self, room: int) -> None:
        self.waited = 0.0
        self._calls: Queue[Call | None] = Queue(room)
        self._error: BaseException | None = None
        self._dropping = False
        self._thread = threading.Thread(target=self._work, name="writer")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._dropping = True
        self._calls.put(None)
        self._thread.join()

    def __call__(self, call: Call) -> None:
        """Have ``call`` made later; raises what an earlier one raised."""
        self.check()
        began = time.monotonic()
        self._calls.put(call)
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
        while self._error is None and not done.wait(0.05):
            pass
        self.waited += time.monotonic() - began
        self.check()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            if self._dropping or self._error is not None:
                continue
            try:
                call()
            except BaseException as error:
                self._error = error
