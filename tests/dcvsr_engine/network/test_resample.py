"""What the window shows as the enlarged input is what the engine works on."""

import numpy as np
import pytest
import torch

from app.preview.bicubic import enlarge_part
from dcvsr_engine.network.resample import upscale

NOISE = np.random.default_rng(1).integers(0, 256, (37, 53, 3), np.uint8)


def by_the_engine(pixels: np.ndarray, scale: int) -> np.ndarray:
    frames = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
    return upscale(frames, scale)[0].permute(1, 2, 0).numpy() * 255


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_window_enlarges_as_the_engine_does(scale):
    expected = np.rint(by_the_engine(NOISE, scale))
    whole = enlarge_part(NOISE, scale, 1, (0, 0, 53 * scale, 37 * scale))
    assert np.abs(whole - expected).max() <= 1
    np.testing.assert_array_equal(enlarge_part(NOISE, scale, 1, (31, 17, 40, 20)), whole[17:37, 31:71])


def test_a_smaller_view_of_it_is_its_average():
    soft = 64 + NOISE // 2  # overshoots stay within 0..255, where averages before and after clamping are the same
    expected = by_the_engine(soft, 4).reshape(74, 2, 106, 2, 3).mean(axis=(1, 3))
    assert np.abs(enlarge_part(soft, 4, 2, (0, 0, 106, 74)) - expected).max() <= 1
