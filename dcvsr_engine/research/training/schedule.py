"""The learning rate over a phase."""

import math
from typing import Protocol


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


def learning_rate(phase: Scheduled, index: int) -> float:
    """Compute the rate at iteration ``index`` of a phase: linear warm-up, then the peak, or cosine decay to a tenth of it."""
    if index < phase.warmup:
        return phase.learning_rate * (index + 1) / phase.warmup
    if phase.schedule == "constant":
        return phase.learning_rate
    progress = (index - phase.warmup) / max(1, phase.iterations - phase.warmup)
    return phase.learning_rate * (0.55 + 0.45 * math.cos(math.pi * progress))
