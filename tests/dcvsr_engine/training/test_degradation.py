"""Each degradation does what its name says, and nothing depends on anything but the seed."""

import random

import pytest
import torch

from dcvsr_engine.training.degradation import degrade_mild, gaussian_blur, gaussian_noise, jpeg, video_compression


@pytest.fixture
def clip() -> torch.Tensor:
    """A moving pattern with edges, ``(4, 3, 32, 48)``."""
    y, x = torch.meshgrid(torch.arange(32), torch.arange(48), indexing="ij")
    frames = [((x + f) // 6 + y // 4) % 2 * 0.6 + 0.2 for f in range(4)]
    return torch.stack(frames).unsqueeze(1).expand(-1, 3, -1, -1).contiguous()


def test_blur_keeps_the_mean_and_removes_contrast(clip: torch.Tensor) -> None:
    blurred = gaussian_blur(clip, 2.0)
    assert blurred.std() < 0.6 * clip.std()
    constant = torch.full((1, 3, 16, 16), 0.3)
    assert torch.allclose(gaussian_blur(constant, 1.0), constant, atol=1e-6)


def test_noise_has_its_level_and_follows_the_seed(clip: torch.Tensor) -> None:
    noise = gaussian_noise(clip, 0.02, seed=3) - clip
    assert noise.std() == pytest.approx(0.02, rel=0.05)
    assert torch.equal(gaussian_noise(clip, 0.02, seed=3) - clip, noise)
    assert not torch.equal(gaussian_noise(clip, 0.02, seed=4) - clip, noise)


def test_jpeg_loses_more_at_low_quality(clip: torch.Tensor) -> None:
    fine, coarse = ((jpeg(clip, quality) - clip).abs().mean() for quality in (95, 20))
    assert 0 < fine < coarse


def test_video_compression_keeps_every_frame_and_loses_more_at_high_crf(clip: torch.Tensor) -> None:
    fine, coarse = (video_compression(clip, crf) for crf in (10, 45))
    assert fine.shape == coarse.shape == clip.shape
    assert (fine - clip).abs().mean() < (coarse - clip).abs().mean()


def test_mild_degradation_is_reproducible_and_small(clip: torch.Tensor) -> None:
    first, again, other = (degrade_mild(clip, random.Random(seed)) for seed in (5, 5, 6))
    assert first.shape == (4, 3, 8, 12)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
