"""Parameters that drift over a clip: RealBasicVSR's stochastic walk."""

import random

Range = tuple[float, float]


def walk(rng: random.Random, bounds: Range, step: float, frames: int) -> list[float]:
    """One value per frame: uniform in ``bounds`` at first, then changed by at most ``step`` per frame and kept within them."""
    low, high = bounds
    values = [rng.uniform(low, high)]
    while len(values) < frames:
        values.append(min(max(values[-1] + rng.uniform(-step, step), low), high))
    return values
