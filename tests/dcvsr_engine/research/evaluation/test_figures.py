"""Crops and temporal profiles."""

import numpy as np

from dcvsr_engine.research.evaluation.figures import crop_image, crop_position, profile_row, temporal_profile


def test_the_crop_is_where_the_detail_is():
    pictures = np.full((3, 100, 200, 3), 90, np.uint8)
    pictures[:, 60:90, 140:190] = np.random.default_rng(0).integers(0, 255, (30, 50, 1), np.uint8)
    top, left = crop_position(pictures, side=64)
    assert top <= 60 and top + 64 >= 90 and left <= 140 and left + 64 >= 190
    assert (np.asarray(crop_image(pictures, (top, left), side=64)) == pictures[1, top : top + 64, left : left + 64]).all()


def test_pictures_smaller_than_the_crop_are_shown_whole():
    pictures = np.zeros((1, 40, 50, 3), np.uint8)
    assert crop_position(pictures) == (0, 0) and crop_image(pictures, (0, 0)).size == (50, 40)


def test_the_profile_stacks_the_row_that_changes_most(half_still):
    pictures = half_still.copy()
    pictures[::2, 77] = 255
    assert profile_row(pictures) == 77
    lines = np.asarray(temporal_profile(pictures, 77))
    assert lines.shape == (18, 192, 3) and (lines[::3] == pictures[:, 77]).all()


def test_profiles_of_wide_pictures_begin_where_the_crop_does(half_still):
    wide = np.concatenate([half_still] * 3, axis=2)
    assert (np.asarray(temporal_profile(wide, 5, 100))[::3] == wide[:, 5, 100:420]).all()
    assert (np.asarray(temporal_profile(wide, 5, 500))[::3] == wide[:, 5, -320:]).all()
