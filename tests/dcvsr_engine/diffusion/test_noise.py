"""Noise per absolute frame."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dcvsr_engine.diffusion.noise import ClipNoise, clip_noise, frame_noise


@given(st.integers(0, 2**31 - 1), st.integers(0, 10**6))
def test_noise_depends_on_seed_and_frame_alone(seed, frame):
    noise = frame_noise(seed, frame, (2, 3, 4))
    torch.testing.assert_close(noise, frame_noise(seed, frame, (2, 3, 4)), rtol=0, atol=0)
    torch.testing.assert_close(noise, clip_noise(seed, frame - 2, 5, (2, 3, 4), 0.0)[2] if frame > 1 else noise, rtol=0, atol=0)
    assert not torch.equal(noise, frame_noise(seed, frame + 1, (2, 3, 4)))
    assert not torch.equal(noise, frame_noise(seed + 1, frame, (2, 3, 4)))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_noise_has_unit_variance_and_shares_what_it_should(share):
    noise = clip_noise(1, 7, 3, (4, 64, 64), share).flatten(1).double().numpy()
    assert noise.std(1) == pytest.approx([1.0] * 3, abs=0.02)
    assert np.corrcoef(noise)[0, 1] == pytest.approx(share, abs=0.02)
    np.testing.assert_array_equal(clip_noise(1, 8, 2, (4, 64, 64), share).flatten(1).numpy(), noise[1:].astype(np.float32))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_noise_is_the_same_however_it_is_cut(share):
    part = slice(1, 3), slice(0, 2), slice(3, 5), slice(0, 7)
    assert torch.equal(ClipNoise(1, range(7, 11), (4, 6, 8), share)[part], clip_noise(1, 7, 4, (4, 6, 8), share)[part])
