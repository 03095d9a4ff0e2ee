"""Work side by side on a processor: each piece by a single thread, as many at once as there are threads.

Small layers gain little by several threads: two tiles of the compact model took 0.127 s each on a thread of their own, and
0.149 s one after the other on two (Zen 4, torch 2.13). Nor does a result depend on the number of threads, or on what else is in a
batch: several threads add up sums, those of a group norm for one, in another order.
"""

import contextvars
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import torch

from dcvsr_engine.diffusion.turns import CURRENT, Abandoned, pause_turn

LaneResult = TypeVar("LaneResult")

LARGE_NETWORK = 2**27
"""Weights from which on a single tile keeps all threads busy, and several take too much memory."""
MOST_PIECES = 2**16
"""Threads, at most: those whose work waits for its companions count, too."""


class Lanes:
    """Threads of the processor, each of which works alone.

    Attributes:
        count: how many work at once; those that PyTorch has where these are made.
    """

    def __init__(self) -> None:
        self.count = torch.get_num_threads()
        self._threads = ThreadPoolExecutor(MOST_PIECES, "lane")

    def run(self, works: Sequence[Callable[[], LaneResult]]) -> list[LaneResult]:
        """Do ``works``; returns their results in order.

        They pause together (`turns.pause_turn`): none goes on before all have come as far, and, where the caller takes turns
        itself, the others' turns. The first error is raised when all have ended.
        """
        companions = Companions(len(works), self.count)
        try:
            if len(works) == 1:
                return [contextvars.copy_context().run(companions.do, works[0])]
            tasks = [self._threads.submit(contextvars.copy_context().run, companions.do, work) for work in works]
            wait(tasks)
            errors = [error for task in tasks if (error := task.exception()) is not None]
            if errors:
                raise next((error for error in errors if not isinstance(error, Abandoned)), errors[0])
            return [task.result() for task in tasks]
        finally:
            torch.set_num_threads(self.count)


class Companions:
    """Pieces of work that are done side by side, ``room`` of them at a time, and pause together."""

    def __init__(self, count: int, room: int) -> None:
        self._room, self._meeting = threading.Semaphore(room), threading.Condition()
        self._working, self._arrived, self._meetings, self._failed = count, 0, 0, False
        self._caller, self._grad = contextvars.copy_context(), torch.is_grad_enabled()

    @property
    def waited(self) -> float:
        """Seconds that they have spent paused for the turns of others, which none of them counts."""
        return 0.0

    def do(self, work: Callable[[], LaneResult]) -> LaneResult:
        """Do a piece of work on the calling thread, as soon as there is room."""
        CURRENT.set(self)
        with self._room:
            torch.set_num_threads(1)
            try:
                with torch.set_grad_enabled(self._grad):  # PyTorch keeps this per thread
                    return work()
            except BaseException:
                self._failed = True
                raise
            finally:
                self._leave()

    def pause(self) -> None:
        """Wait until all companions that still work have come as far; see `turns.pause_turn`."""
        self._room.release()
        try:
            with self._meeting:
                self._arrived, before = self._arrived + 1, self._meetings
                self._meet()
                self._meeting.wait_for(lambda: self._failed or self._meetings > before)
        finally:
            self._room.acquire()
            torch.set_num_threads(1)  # whoever took a turn meanwhile has set it back
        if self._failed:
            raise Abandoned

    def _leave(self) -> None:
        with self._meeting:
            self._working -= 1
            self._meet()

    def _meet(self) -> None:
        """Have all go on that wait, where nobody is missing and once the caller may."""
        if self._arrived == self._working > 0 and not self._failed:
            try:
                self._caller.run(pause_turn)
            except BaseException:
                self._failed = True
                raise
            finally:
                self._arrived, self._meetings = 0, self._meetings + 1
        self._meeting.notify_all()
