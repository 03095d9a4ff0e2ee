"""Parameters that drift over a clip: RealBasicVSR's random walk (arXiv 2111.12704)."""

import random

Range = tuple[float, float]


def walk(rng: random.Random, bounds: Range, step: float, frames: int) -> list[float]:
    """Draw one value per frame: the first uniform in ``bounds``, the others at most ``step`` from the one before.

    Args:
        rng: source of random numbers.
        bounds: lowest and highest value; the walk is clamped to them.
        step: largest change per frame.
        frames: number of values.
    """
    low, high = bounds
    values = [rng.uniform(low, high)]
    while len(values) < frames:
        values.append(min(max(values[-1] + rng.uniform(-step, step), low), high))
    return values
