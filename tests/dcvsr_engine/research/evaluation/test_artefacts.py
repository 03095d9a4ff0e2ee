"""What is made where nothing was, on pictures that are known: grain on smooth areas, dots along edges."""

import numpy as np
import pytest

from dcvsr_engine.research.evaluation.artefacts import dotted_edge_score, is_smooth, seed_difference, smooth_deviation


@pytest.fixture
def sky(moving):
    """A smooth gradient on the left, texture on the right, grey ``(2, 96, 160, 3)``."""
    picture = np.broadcast_to(np.linspace(100, 150, 160), (2, 96, 160))[..., None].repeat(3, -1).copy()
    chequers = 60 * (np.indices((96, 80)).sum(0) // 2 % 2)
    picture[:, :, 80:] += chequers[None, ..., None]
    return picture.round().astype(np.uint8)


def edge(slope, height=128, width=96):
    """A soft edge from 40 to 200 that runs downwards, ``(2, height, width, 3)``."""
    y, x = np.indices((height, width))
    picture = 40 + 160 / (1 + np.exp(-(x - width / 2 - slope * (y - height / 2)) / 1.2))
    return np.broadcast_to(picture[None, ..., None], (2, height, width, 3)).round().astype(np.uint8), y, x


def test_smooth_is_what_has_no_detail_even_with_a_gradient(sky):
    smooth = is_smooth(sky[0, ..., 0].astype(float))
    assert smooth[:, :70].all() and not smooth[:, 90:].any()


def test_grain_on_smooth_areas_counts_and_on_texture_does_not(sky, noisy):
    grain = noisy(sky, 3)
    left, right = sky.copy(), sky.copy()
    left[:, :, :70], right[:, :, 90:] = grain[:, :, :70], grain[:, :, 90:]
    # noise of 3 levels in R, G and B is less in Y: √(65.5² + 128.6² + 25²) / 255 of it
    assert smooth_deviation(left, sky, sky) == pytest.approx(3 * 0.574 * np.sqrt(70 / 80), rel=0.1)
    assert smooth_deviation(right, sky, sky) == 0


def test_the_inputs_own_noise_is_not_held_against_a_method(sky, noisy):
    damaged = noisy(sky, 4)
    assert smooth_deviation(damaged, damaged, sky) == 0
    assert smooth_deviation(sky, damaged, sky) < -2
    assert smooth_deviation(noisy(sky, 4, seed=1), damaged, sky) == pytest.approx(0, abs=0.1)


def test_a_picture_without_smooth_areas_has_no_deviation(noisy):
    chequers = (200 * (np.indices((64, 64)).sum(0) % 2)).astype(np.uint8)[None, ..., None].repeat(3, -1)
    assert smooth_deviation(chequers, chequers, chequers) is None


@pytest.mark.parametrize("slope", [0.0, 0.3, -0.7])
@pytest.mark.parametrize("turned", [False, True])
def test_dots_in_the_networks_rhythm_raise_the_score_along_edges_of_any_direction(noisy, slope, turned):
    truth, y, x = edge(slope)
    near = np.abs(x - 48 - slope * (y - 64)) < 2
    dots = 24 * (near & (y % 4 < 2))
    grain = noisy(truth, 3)
    dotted = np.clip(grain + dots[None, ..., None], 0, 255).astype(np.uint8)
    other = np.clip(grain + (24 * (near & (y % 7 < 3)))[None, ..., None], 0, 255).astype(np.uint8)
    clips = [truth, grain, dotted, other]
    truth, grain, dotted, other = [clip.swapaxes(1, 2) for clip in clips] if turned else clips
    assert dotted_edge_score(grain, truth, 4) == pytest.approx(1, abs=0.35)
    assert dotted_edge_score(dotted, truth, 4) > 4
    assert dotted_edge_score(other, truth, 4) < 1.5


def test_a_lattice_away_from_edges_is_the_lattice_scores_business(noisy):
    truth, _, x = edge(0.0)
    lattice = 8 * ((np.indices(truth.shape[1:3]).sum(0) % 4 < 2) & (np.abs(x - 48) > 12))
    grain = noisy(truth, 3)
    result = np.clip(grain + lattice[None, ..., None], 0, 255).astype(np.uint8)
    assert dotted_edge_score(result, truth, 4) == pytest.approx(dotted_edge_score(grain, truth, 4), abs=0.01)


def test_without_edges_or_errors_there_is_no_score(sky):
    truth, _, _ = edge(0.0)
    assert dotted_edge_score(truth, truth, 4) is None
    flat = np.full((1, 64, 64, 3), 90, np.uint8)
    assert dotted_edge_score(flat + np.uint8(1), flat, 4) is None


def test_two_seeds_differ_by_their_noise_together(moving, noisy):
    grey = np.full((3, 64, 64, 3), 128, np.uint8)
    shifted = grey + np.uint8(4)
    assert seed_difference(grey, shifted) == pytest.approx(4 * 219 / 255)
    first, second = noisy(grey, 3, seed=1), noisy(grey, 3, seed=2)
    assert seed_difference(first, second) == pytest.approx(3 * 0.574 * np.sqrt(2), rel=0.05)
    assert seed_difference(moving, moving) == 0
