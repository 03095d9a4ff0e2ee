"""The learning rate over a phase."""

import math
from typing import Protocol


class Scheduled(Protocol):
    """What a phase says about its learning rate."""

    @property
    def iterations(self) -> int:
        """Its length."""

    @property
    def learning_rate(self) -> float:
        """The peak."""

    @property
    def warmup(self) -> int:
        """Iterations until the peak."""

    @property
    def schedule(self) -> str:
        """What follows: ``"cosine"`` or ``"constant"``."""


def learning_rate(phase: Scheduled, index: int) -> float:
    """Linear warm-up, then cosine decay to a tenth of the peak, or the peak."""
    if index < phase.warmup:
        return phase.learning_rate * (index + 1) / phase.warmup
    if phase.schedule == "constant":
        return phase.learning_rate
    progress = (index - phase.warmup) / max(1, phase.iterations - phase.warmup)
    return phase.learning_rate * (0.55 + 0.45 * math.cos(math.pi * progress))
