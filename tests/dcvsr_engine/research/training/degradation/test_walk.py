"""The stochastic walk is smooth, stays within its bounds and follows the seed."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dcvsr_engine.research.training.degradation.walk import walk


@given(st.integers(), st.floats(0, 3), st.integers(1, 30))
def test_a_walk_changes_by_at_most_its_step_and_stays_within_bounds(seed, step, frames):
    values = walk(random.Random(seed), (0.2, 3.0), step, frames)
    assert len(values) == frames
    assert all(0.2 <= value <= 3.0 for value in values)
    assert all(abs(b - a) <= step + 1e-12 for a, b in pairwise(values))
    assert values == walk(random.Random(seed), (0.2, 3.0), step, frames)


def test_a_walk_moves():
    values = walk(random.Random(0), (0.2, 3.0), 0.02, 10)
    assert len(set(values)) == 10
