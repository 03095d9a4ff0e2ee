"""Colour correction: low frequencies against their definition, detail left alone."""

import numpy as np
import pytest
import torch

from dcvsr_engine.restore.color import LEVELS, adain, color_moments, correct, deviation_and_mean, low_frequencies, wavelet


def smoothed(plane: np.ndarray, hole: int) -> np.ndarray:
    """One à-trous smoothing of a plane, written out tap by tap with the border repeated."""
    rows, columns = np.indices(plane.shape)
    result = np.zeros_like(plane)
    for down, weight_down in ((-1, 1), (0, 2), (1, 1)):
        for right, weight_right in ((-1, 1), (0, 2), (1, 1)):
            y = np.clip(rows + down * hole, 0, plane.shape[0] - 1)
            x = np.clip(columns + right * hole, 0, plane.shape[1] - 1)
            result += weight_down * weight_right / 16 * plane[y, x]
    return result


def test_low_frequencies_are_five_smoothings_with_growing_holes():
    frames = torch.rand(2, 3, 21, 34, dtype=torch.float64)
    expected = frames.numpy().copy()
    for level in range(LEVELS):
        expected = np.stack([[smoothed(plane, 2**level) for plane in frame] for frame in expected])
    np.testing.assert_allclose(low_frequencies(frames).numpy(), expected, atol=1e-12)


def test_wavelet_takes_colour_from_the_reference_and_keeps_detail():
    reference, detail = torch.full((1, 3, 40, 40), 0.4), 0.1 * (torch.arange(40) % 2 - 0.5)
    corrected = wavelet(reference + detail + torch.tensor([0.1, -0.05, 0.0]).view(1, 3, 1, 1), reference)
    torch.testing.assert_close(corrected.mean((2, 3)), reference.mean((2, 3)), atol=1e-3, rtol=0)
    assert (corrected.diff(dim=-1).abs() - 0.1).abs().max() < 2e-3


def test_adain_takes_mean_and_deviation():
    frames, reference = torch.rand(2, 3, 9, 9), 0.3 + 0.2 * torch.rand(2, 3, 9, 9)
    found, wanted = torch.std_mean(adain(frames, reference), (2, 3)), torch.std_mean(reference, (2, 3))
    torch.testing.assert_close(found, wanted)


def test_moments_of_parts_add_up_to_those_of_frames():
    frames = 0.9 + 0.01 * torch.rand(2, 3, 9, 7)
    parts = color_moments(frames[..., :4, :]) + color_moments(frames[..., 4:, :])
    torch.testing.assert_close(parts, color_moments(frames))
    for found, wanted in zip(deviation_and_mean(parts), torch.std_mean(frames, (2, 3), keepdim=True), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("color", ["wavelet", "adain", "none"])
def test_what_is_right_stays_and_nothing_leaves_the_range(color):
    frames = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(correct(frames, frames, color), frames)
    assert correct(2 * frames - 0.5, frames, "none").aminmax() == (0, 1)
