"""Optical flow, tOF, warping error and flicker on clips whose movement is known."""

import numpy as np
import pytest

from dcvsr_engine.research.evaluation.temporal import flicker, flow, tof, visible, warp, warping_error
from dcvsr_engine.research.pictures import luma

pytest.importorskip("cv2", reason="needs the extra “metrics” (opencv-python-headless)")


def test_flow_finds_the_known_movement(moving):
    found = flow(*luma(moving)[:2])[16:-16, 16:-16]
    assert np.median(found, axis=(0, 1)).tolist() == pytest.approx([3, 0], abs=0.1)


def test_tof_is_zero_for_the_truth_and_the_speed_for_a_frozen_result(moving):
    frozen = np.repeat(moving[:1], len(moving), axis=0)
    assert tof(moving, moving) == 0
    assert tof(frozen, moving) == pytest.approx(3, abs=0.3)


def test_warp_takes_pixels_from_where_the_motion_points(moving):
    first, second = luma(moving)[:2]
    motion = np.zeros((*first.shape, 2), np.float32)
    motion[..., 0] = 3
    assert np.allclose(warp(second, motion)[:, :-3], first[:, :-3], atol=1e-3)


def test_hidden_pixels_are_not_visible():
    forward = np.zeros((16, 32, 2), np.float32)
    forward[:, :16, 0] = 10
    seen = visible(forward, np.zeros_like(forward))
    assert not seen[:, :16].any() and seen[:, 16:].all()


def test_warping_error_follows_motion_and_counts_noise(moving, noisy):
    steady = warping_error(moving, moving)
    deviation = 10 / 255 * 219 / 255
    shaky = warping_error(noisy(moving, 10), moving)
    brightness = np.linalg.norm([65.481, 128.553, 24.966]) / 219
    # two independent noises, the second one smoothed a little by the sub-pixel warp
    expected = 1000 * 2 * (deviation * brightness) ** 2
    assert steady < 0.1
    assert 0.7 * expected < shaky - steady < 1.1 * expected


def test_flicker_is_measured_only_where_the_truth_stands_still(half_still, noisy):
    assert flicker(half_still, half_still) < 0.1
    right_half = half_still.copy()
    right_half[:, :, 104:] = noisy(half_still, 10)[:, :, 104:]
    assert flicker(right_half, half_still) < 0.2
    blinking = half_still.copy()
    blinking[::2] = np.minimum(blinking[::2].astype(int) + 5, 255)
    assert flicker(blinking, half_still) == pytest.approx(5 * 219 / 255, abs=0.1)


def test_flicker_of_a_clip_without_standing_parts_is_none(moving, noisy):
    assert flicker(moving, noisy(moving, 40)) is None
