"""The fixed residual transform: exact inverse, untouched content, against plain numpy."""

import numpy as np
import pytest
import torch

from dcvsr_engine.network.haar import HaarFirstStage, haar, inverse_haar, merge, split

RESIDUAL, CONDITION = torch.linspace(0.05, 0.3, 24).tolist(), torch.linspace(0.5, 2, 24).tolist()


@pytest.fixture
def stage():
    return HaarFirstStage(RESIDUAL, CONDITION)


def frames(seed, height=16, width=24):
    return torch.rand(3, 3, height, width, generator=torch.Generator().manual_seed(seed))


def test_one_level_is_orthonormal_and_exactly_inverted():
    x = frames(0)
    bands = haar(x)
    assert bands.shape == (3, 12, 8, 12)
    torch.testing.assert_close(bands.square().sum(), x.square().sum())
    torch.testing.assert_close(inverse_haar(bands), x)
    a, b, c, d = (x[1, 2, y, z].item() for y, z in ((4, 6), (4, 7), (5, 6), (5, 7)))
    expected = np.array([a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d]) / 2
    np.testing.assert_allclose(bands[1, 2::3, 2, 3], expected, atol=1e-6)


def test_one_product_of_matrices_does_what_the_levels_do(stage):
    x, bands = frames(7), torch.randn(3, 24, 4, 6, generator=torch.Generator().manual_seed(8))
    torch.testing.assert_close(stage.encode_condition(x) * stage.condition_scale, split(x.double()).float(), atol=2e-6, rtol=0)
    torch.testing.assert_close(stage.inverse(bands), merge(bands.double()).float(), atol=2e-6, rtol=0)


def test_the_condition_is_two_levels_of_luma_and_the_coarse_half_of_chroma(stage):
    x = frames(1)
    rgb = 2 * x.double().numpy() - 1
    luma = np.einsum("c,nchw->nhw", [0.299, 0.587, 0.114], rgb)
    blue = 0.564 * (rgb[:, 2] - luma)
    condition = stage.encode_condition(x)
    assert condition.shape == (3, 24, 4, 6)
    means = luma.reshape(3, 4, 4, 6, 4).mean((2, 4))
    np.testing.assert_allclose(condition[:, 0] * CONDITION[0], 4 * means, atol=1e-5)
    means = blue.reshape(3, 4, 4, 6, 4).mean((2, 4))
    np.testing.assert_allclose(condition[:, 16] * CONDITION[16], 4 * means, atol=2e-3)


def test_what_the_network_leaves_alone_stays_untouched(stage):
    x = frames(2)
    assert torch.equal(stage.decode(torch.zeros(3, 24, 4, 6), x), x)
    latents = torch.randn(3, 24, 4, 6)
    assert torch.equal(stage.decode(latents, x[1:2], before=1), stage.decode(latents, x)[1:2])


def test_decoding_the_target_gives_the_frames_where_the_transform_holds_them(stage):
    up = frames(3)
    grey = frames(4).mean(1, keepdim=True).expand(-1, 3, -1, -1)
    smooth = frames(5, 4, 6).repeat_interleave(4, 2).repeat_interleave(4, 3)
    for target in (up + 0.3 * (grey - 0.5), up + 0.3 * (smooth - 0.5)):
        torch.testing.assert_close(stage.decode(stage.encode_target(target, up), up), target, atol=1e-5, rtol=0)


def test_latents_and_scales_are_exact_inverses(stage):
    latents, up = torch.randn(3, 24, 4, 6), frames(6)
    torch.testing.assert_close(stage.encode_target(stage.decode(latents, up), up), latents, atol=2e-5, rtol=0)


def test_every_use_can_be_stopped(stage):
    def stop():
        pytest.fail("stopped")

    up = frames(0)
    for use in (lambda: stage.encode_condition(up, stop), lambda: stage.decode(torch.zeros(3, 24, 4, 6), up, stop)):
        with pytest.raises(pytest.fail.Exception):
            use()
