"""Where a run is in its recipe, by iterations or by the clock, and the learning rate there."""

import math
import time
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from dcvsr_engine.errors import SettingsError
from dcvsr_engine.research.training.prior_recipe import PriorRecipe
from dcvsr_engine.research.training.recipe import Recipe

SHARE_DONE = "share"
"""Name in the state of the share of the recipe that a run by the clock has done."""

ENDLESS = 10**9
"""Iterations of a phase that the clock ends."""


class Scheduled(Protocol):
    """The part of a phase that decides its learning rate."""

    @property
    def iterations(self) -> int:
        """Length of the phase."""

    @property
    def learning_rate(self) -> float:
        """Peak."""

    @property
    def warmup(self) -> int:
        """Number of iterations until the peak."""

    @property
    def schedule(self) -> str:
        """Course after the warm-up: ``"cosine"`` or ``"constant"``."""


def learning_rate(phase: Scheduled, index: float) -> float:
    """Compute the rate at iteration ``index`` of a phase: linear warm-up, then the peak, or cosine decay to a tenth of it."""
    if index < phase.warmup:
        return phase.learning_rate * (index + 1) / phase.warmup
    if phase.schedule == "constant":
        return phase.learning_rate
    progress = (index - phase.warmup) / max(1, phase.iterations - phase.warmup)
    return phase.learning_rate * (0.55 + 0.45 * math.cos(math.pi * progress))


class Course:
    """Where a run is in its recipe: by iterations."""

    def __init__(self, recipe: Recipe | PriorRecipe) -> None:
        self.recipe = recipe

    def place(self, iteration: int) -> tuple[Any, float]:
        """Return the phase that the next batch belongs to, and how many of its iterations are over."""
        return self.recipe.phase_at(iteration)

    def is_over(self, iteration: int) -> bool:
        """Whether there is nothing to do after so many iterations."""
        return iteration >= self.recipe.iterations

    def done(self, iteration: int) -> float:
        """Return the share of the recipe that is done."""
        return iteration / self.recipe.iterations

    def waits(self, iteration: int) -> bool:
        """Whether the run is to go on by the clock, and no call has said for how long."""
        return self.is_over(iteration) and self.done(iteration) < 1

    def advance(self) -> None:
        """Look at the clock, where there is one: called once after every iteration."""

    def ahead(self, phase: Any) -> Any:
        """Return the recipe of the batches to prepare in ``phase``."""
        return self.recipe

    def has_left(self, phase: Any) -> bool:
        """Whether batches of `ahead` are no longer wanted."""
        return False

    def told(self, iteration: int) -> str:
        """Say how far the run is."""
        return f"iteration {iteration}/{self.recipe.iterations}"

    def record(self) -> dict[str, Tensor]:
        """Return what `resumed_course` needs of the state."""
        return {}

    def spread(self, iteration: int, end: float, seconds: float, clock: Callable[[], float] = time.monotonic) -> "TimedCourse":
        """Return the course that goes on from here by the clock; see `TimedCourse`.

        Raises:
            SettingsError: ``end`` is no share of the recipe that is still to do.
        """
        begin = self.done(iteration)
        if not begin < end <= 1:
            raise SettingsError(f"{begin:.1%} of the recipe is done: name a share above that with --until, and at most 1.")
        return TimedCourse(self.recipe, begin, end, seconds, clock)


class TimedCourse(Course):
    """Where a run is in its recipe: by the clock.

    The recipe's iterations, and with them its phases and the fall of the learning rate, are spread over the time of one call or
    several, however many batches fit into it.

    Attributes:
        share: of the recipe, done at the last `advance`.

    Args:
        recipe: to spread.
        begin, end: shares of it, done before the call and after it.
        seconds: of the call.
        clock: tells seconds.
    """

    def __init__(
        self, recipe: Recipe | PriorRecipe, begin: float, end: float, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(recipe)
        self.share = self.begin = begin
        self.end, self.seconds, self.clock, self.started = end, seconds, clock, clock()

    def place(self, iteration: int) -> tuple[Any, float]:
        """Return the phase at the share of the recipe that is done, and how many of its iterations are over there."""
        return self.recipe.phase_at(min(self.share * self.recipe.iterations, self.recipe.iterations - 1))

    def is_over(self, iteration: int) -> bool:
        """Whether the call's time is over."""
        return self.share >= self.end

    def done(self, iteration: int) -> float:
        """Return the share of the recipe that is done."""
        return self.share

    def advance(self) -> None:
        """Look at the clock."""
        passed = min(1.0, (self.clock() - self.started) / self.seconds)
        # exact at the end, which is compared with
        self.share = self.end if passed == 1.0 else self.begin + (self.end - self.begin) * passed

    def ahead(self, phase: Any) -> Any:
        """Return a recipe of ``phase`` alone, because nobody knows how many batches it will have."""
        return self.recipe.replace(phases=(phase.replace(iterations=ENDLESS),))

    def has_left(self, phase: Any) -> bool:
        """Whether the clock has ended ``phase``, or the call."""
        return self.place(0)[0] is not phase or self.is_over(0)

    def told(self, iteration: int) -> str:
        """Say how far the run is."""
        return f"iteration {iteration}, {self.share:.1%} of the recipe"

    def record(self) -> dict[str, Tensor]:
        """Return what `resumed_course` needs of the state."""
        return {SHARE_DONE: torch.tensor(self.share, dtype=torch.float64)}


def resumed_course(recipe: Recipe | PriorRecipe, state: dict[str, Tensor]) -> Course:
    """Return the course of a run with a ``state``: one by the clock stands still until it is `Course.spread` anew."""
    share = float(state[SHARE_DONE]) if SHARE_DONE in state else None
    return Course(recipe) if share is None else TimedCourse(recipe, share, share, 1.0)
