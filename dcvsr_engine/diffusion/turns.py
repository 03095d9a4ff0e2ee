"""Evaluations that take turns: each pauses in the middle of a layer until the others have come as far (staged lockstep).

A network cannot be suspended within its forward pass except on a thread of its own. Only one of these threads runs at a time, so
nothing here is parallel, and what the evaluations share needs no locks.
"""

import contextvars
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Generic, Protocol, TypeVar

import torch

TurnResult = TypeVar("TurnResult")


class Abandoned(BaseException):
    """Unwinds a paused evaluation whose companion has failed; nobody catches it."""


class Turn(Generic[TurnResult]):
    """One evaluation on its thread. It runs inside `resume` only.

    Attributes:
        done: whether it has ended.
        waited: seconds that it has spent paused.
    """

    def __init__(self, work: Callable[[], TurnResult]) -> None:
        self.done, self.waited = False, 0.0
        self._work, self._grad = work, torch.is_grad_enabled()
        self._outcome: list[TurnResult] = []
        self._error: BaseException | None = None
        self._abandoned = False
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="turn", daemon=True)
        self._thread.start()

    @property
    def outcome(self) -> TurnResult:
        """What the evaluation has returned."""
        return self._outcome[0]

    def resume(self) -> None:
        """Run up to the next pause or to the end; raises what the evaluation raises."""
        self._go.release()
        self._back.acquire()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def pause(self) -> None:
        """Let the others come as far; called by the evaluation itself."""
        began = time.monotonic()
        self._back.release()
        self._go.acquire()
        self.waited += time.monotonic() - began
        if self._abandoned:
            raise Abandoned

    def end(self) -> None:
        """Unwind an evaluation that is paused, and its thread."""
        self._abandoned = True
        self._go.release()
        self._thread.join()

    def _run(self) -> None:
        CURRENT.set(self)
        self._go.acquire()
        try:
            if not self._abandoned:
                with torch.set_grad_enabled(self._grad):  # PyTorch keeps this per thread
                    self._outcome.append(self._work())
        except Abandoned:
            pass
        except BaseException as error:
            self._error = error
        self.done = True
        self._back.release()


class Pausing(Protocol):
    """What an evaluation belongs to that may have to wait for others: a turn, or `lanes.Companions`."""

    @property
    def waited(self) -> float:
        """Seconds that it has spent paused."""

    def pause(self) -> None:
        """Let the others come as far."""


CURRENT: ContextVar[Pausing | None] = ContextVar("turn", default=None)


def run_in_turns(works: Sequence[Callable[[], TurnResult]]) -> list[TurnResult]:
    """Run ``works``, each up to its next `pause_turn` before the first one continues; returns their results in order.

    All of them have to pause equally often. The first error ends them all and is raised.
    """
    turns = [Turn(work) for work in works]
    try:
        while waiting := [turn for turn in turns if not turn.done]:
            for turn in waiting:
                turn.resume()
        return [turn.outcome for turn in turns]
    finally:
        for turn in turns:
            turn.end()


def pause_turn() -> None:
    """Wait until all evaluations of `run_in_turns`, or of `lanes.Lanes.run`, have come as far; outside of these, for nothing."""
    turn = CURRENT.get()
    if turn is not None:
        turn.pause()


def active_seconds() -> float:
    """Monotonic seconds, without those that the calling evaluation has spent paused."""
    turn = CURRENT.get()
    return time.monotonic() - (turn.waited if turn is not None else 0.0)
