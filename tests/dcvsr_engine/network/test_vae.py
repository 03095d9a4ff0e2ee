"""SVD's autoencoder in tiles against the same network at once, and against the definition of the merge."""

import networks
import numpy as np
import pytest
import reference
import torch

from dcvsr_engine.network import vae
from dcvsr_engine.network.vae import VaeFirstStage, pixel_grid
from dcvsr_engine.tiling.grid import TileGrid


@pytest.fixture(scope="module")
def network():
    return networks.vae()


@pytest.fixture
def stage(network):
    return VaeFirstStage(network, False)


def pixels(frames, height, width):
    """A smooth picture that moves."""
    y, x = torch.meshgrid(torch.arange(height) / 7, torch.arange(width) / 9, indexing="ij")
    return torch.stack([torch.stack([(y + f).sin(), (x - f).cos(), (x + y).sin()]) / 4 + 0.5 for f in range(frames)])


@pytest.mark.parametrize("frames", [1, 3])
def test_one_tile_is_the_network_itself(stage, network, frames):
    up = pixels(frames, 16, 24)
    latents = stage.encode_condition(up)
    torch.testing.assert_close(latents, network.encode(2 * up - 1).latent_dist.mode(), atol=1e-5, rtol=1e-5)
    decoded = stage.decode(latents, up)
    expected = network.decode(latents / network.config.scaling_factor, num_frames=frames).sample / 2 + 0.5
    torch.testing.assert_close(decoded, expected, atol=1e-5, rtol=1e-5)


def test_the_condition_is_scaled_where_declared(stage, network):
    up = pixels(1, 8, 8)
    scaled = VaeFirstStage(network, True).encode_condition(up)
    torch.testing.assert_close(scaled, stage.encode_condition(up) * network.config.scaling_factor)


def test_tiles_are_merged_with_gaussian_weights(stage, network, monkeypatch):
    monkeypatch.setattr(vae, "TILE", 8)
    up = pixels(3, 16, 24)
    grid = TileGrid.build(3, 8, 12, 8, 3, vae.VAE_OVERLAP)
    assert grid.columns == (0, 4)
    tiles = list(grid)
    encoded = [
        network.encode(2 * up[:, :, :16, 2 * t.left : 2 * t.left + 16] - 1).latent_dist.mode().double().numpy() for t in tiles
    ]
    latents = stage.encode_condition(up)
    np.testing.assert_allclose(latents, reference.merged((3, 4, 8, 12), tiles, encoded, vae.VAE_SPREAD), atol=1e-4)
    scaled = latents / network.config.scaling_factor
    decoded = [network.decode(scaled[..., t.left : t.left + 8], num_frames=3).sample.double().numpy() / 2 + 0.5 for t in tiles]
    expected = reference.merged((3, 3, 16, 24), list(pixel_grid(grid, 2)), decoded, vae.VAE_SPREAD)
    np.testing.assert_allclose(stage.decode(latents, up), expected, atol=1e-4)


def test_tiled_is_close_to_untiled(stage, network, monkeypatch):
    up = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    whole = stage.encode_condition(up)
    frames = stage.decode(whole, up)
    monkeypatch.setattr(vae, "TILE", 32)
    assert relative(stage.encode_condition(up), whole) < 0.1
    assert relative(stage.decode(whole, up), frames) < 0.1


def relative(value, truth):
    """Deviation as a share of the truth's own."""
    return float((value - truth).std() / truth.std())


def test_half_precision_keeps_the_encoder_in_full(network):
    half = networks.vae().half()
    stage = VaeFirstStage(half, False)
    assert (half.encoder.conv_in.weight.dtype, half.decoder.conv_in.weight.dtype) == (torch.float32, torch.float16)
    up = pixels(1, 8, 8)
    latents = stage.encode_condition(up)
    torch.testing.assert_close(latents, VaeFirstStage(network, False).encode_condition(up), atol=1e-2, rtol=1e-2)
    assert stage.decode(latents, up).isfinite().all()


def test_every_tile_can_be_stopped(stage, monkeypatch):
    monkeypatch.setattr(vae, "TILE", 8)
    count = []
    up = pixels(3, 16, 24)
    stage.decode(stage.encode_condition(up, lambda: count.append(1)), up, lambda: count.append(1))
    assert len(count) == 2 * 2 + 2


def test_neighbours_are_decoded_too_and_cropped(stage, monkeypatch):
    monkeypatch.setattr(vae, "TILE", 8)
    up = pixels(5, 16, 24)
    latents = stage.encode_condition(up)
    torch.testing.assert_close(stage.decode(latents, up[:2], before=1), stage.decode(latents, up)[1:3])
