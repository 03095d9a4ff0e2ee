"""Scaling of whole frames: brightness, detail, range."""

import numpy as np
import pytest

from dcvsr_engine.video.colorimetry import to_linear
from dcvsr_engine.video.scaling import scaled


def pattern(width: int, height: int) -> np.ndarray:
    """Alternating black and white columns, the finest pattern there is."""
    columns = np.arange(width) % 2
    return np.broadcast_to(columns[None, :, None], (height, width, 3)).astype(np.float32)


def test_a_frame_of_the_size_is_left_alone():
    frame = pattern(16, 8)
    assert scaled(frame, (16, 8), "bt709") is frame


def test_fine_patterns_keep_their_light():
    small = scaled(pattern(64, 32), (32, 16), "bt709")
    assert small.shape == (16, 32, 3) and small.dtype == np.float32
    assert float(to_linear("bt709")(small).mean()) == pytest.approx(0.5, abs=0.01)
    assert float(small.mean()) > 0.65, "averaging code values would give 0.5, which is darker"


def test_hdr_and_enlarging_work_on_code_values():
    assert float(scaled(pattern(64, 32), (32, 16), "smpte2084").mean()) == pytest.approx(0.5, abs=0.01)
    assert float(scaled(pattern(32, 16), (64, 32), "bt709").mean()) == pytest.approx(0.5, abs=0.01)


def test_nothing_leaves_the_range_and_slopes_stay():
    edge = np.zeros((32, 32, 3), np.float32)
    edge[:, 16:] = 1
    small = scaled(edge, (24, 24), "iec61966-2-1")
    assert small.min() >= 0 and small.max() <= 1
    slope = np.broadcast_to(np.linspace(0.2, 0.8, 60, dtype=np.float32)[None, :, None], (30, 60, 3))
    assert np.abs(scaled(slope, (30, 15), "bt709")[7, 4:-4, 0] - np.linspace(0.2, 0.8, 30)[4:-4]).max() < 0.01
