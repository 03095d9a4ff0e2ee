"""Pictures of latents without the autoencoder: tiny decoders in their published layout, and a map fitted to known frames."""

import networks
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.preview import LatentPreview, LinearPreview, load_tiny_decoder, preview_of
from dcvsr_engine.network.vae import VaeFirstStage

BLOCKS, CONVOLUTIONS, WITHOUT_BIAS = (3, 4, 5, 8, 9, 10, 13, 14, 15, 18), (1, 7, 12, 17, 19), (7, 12, 17)
"""Places of layers with weights in the published files."""


def published(video, prefix="decoder."):
    """Random weights by the names and shapes of the published files."""
    generator = torch.Generator().manual_seed(0)
    weights = {}

    def add(name, channels, out, bias=True):
        weights[f"{prefix}{name}.weight"] = torch.randn(out, channels, 3, 3, generator=generator) / (3 * channels**0.5)
        if bias:
            weights[f"{prefix}{name}.bias"] = 0.1 * torch.randn(out, generator=generator)

    for place in CONVOLUTIONS:
        add(place, 4 if place == 1 else 64, 3 if place == 19 else 64, place not in WITHOUT_BIAS)
    for place in BLOCKS:
        add(f"{place}.conv.0", 128 if video else 64, 64)
        add(f"{place}.conv.2", 64, 64)
        add(f"{place}.conv.4", 64, 64)
    return weights


def decoded_in_order(weights, latents, video):
    """The published decoders frame by frame, each block with what it got for the frame before."""

    def convolved(name, x):
        return F.conv2d(x, weights[f"decoder.{name}.weight"], weights.get(f"decoder.{name}.bias"), padding=1)

    pictures, memory = [], {}
    for frame in latents.split(1):
        x = convolved(1, torch.tanh(frame / 3) * 3).relu()
        for place in range(3, 19):
            if place in BLOCKS:
                before = memory.get(place, torch.zeros_like(x))
                memory[place] = x
                inner = convolved(f"{place}.conv.0", torch.cat([x, before], 1) if video else x).relu()
                x = (convolved(f"{place}.conv.4", convolved(f"{place}.conv.2", inner).relu()) + x).relu()
            elif place in CONVOLUTIONS:
                x = convolved(place, F.interpolate(x, scale_factor=2, mode="nearest"))
        pictures.append(convolved(19, x))
    return torch.cat(pictures)


def decoder_file(folder, weights):
    save_file(weights, folder / "tiny.safetensors")
    return folder / "tiny.safetensors"


@pytest.mark.parametrize("video", [True, False])
def test_a_tiny_decoder_is_the_published_one(video, tmp_path):
    weights = published(video)
    decoder = load_tiny_decoder(decoder_file(tmp_path, weights | {"encoder.0.weight": torch.zeros(1)}))
    latents = 2 * torch.randn(3, 4, 3, 4, generator=torch.Generator().manual_seed(1))
    assert decoder.remembers == video
    torch.testing.assert_close(decoder.decode_tile(latents), decoded_in_order(weights, latents, video), atol=1e-4, rtol=1e-4)


def test_a_decoder_may_be_alone_in_its_file(tmp_path):
    assert not load_tiny_decoder(decoder_file(tmp_path, published(video=False, prefix=""))).remembers


@pytest.mark.parametrize("missing", ["decoder.7.weight", "decoder.3.conv.0.weight"])
def test_another_network_is_refused(missing, tmp_path):
    weights = published(video=True)
    del weights[missing]
    with pytest.raises(ModelError, match="no decoder in the layout"):
        load_tiny_decoder(decoder_file(tmp_path, weights))


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "tiny.safetensors").write_bytes(b"pickled")
    with pytest.raises(ModelError, match="damaged"):
        load_tiny_decoder(tmp_path / "tiny.safetensors")


def test_colors_that_are_linear_in_latents_are_found():
    generator = torch.Generator().manual_seed(2)
    latents, weights = torch.randn(3, 4, 5, 6, generator=generator), torch.randn(3, 4, generator=generator)
    colors = torch.einsum("dc,nchw->ndhw", weights, latents) + 0.5
    found = LinearPreview(4)
    for part in range(3):  # as chunks of frames come
        found.learn(latents[part : part + 1], F.interpolate(colors[part : part + 1], scale_factor=8, mode="nearest"))
    torch.testing.assert_close(found(latents), colors, atol=1e-4, rtol=1e-4)


def test_a_clip_of_one_color_has_that_color():
    found, latents = LinearPreview(4), torch.ones(2, 4, 5, 6)
    found.learn(latents, torch.full((2, 3, 40, 48), 0.25))
    torch.testing.assert_close(found(latents), torch.full((2, 3, 5, 6), 0.25), atol=1e-3, rtol=0)


def test_a_decoder_for_video_sees_the_frames_before(tmp_path):
    decoder = load_tiny_decoder(decoder_file(tmp_path, published(video=True)))
    stage = VaeFirstStage(networks.vae(levels=4), False)
    preview = LatentPreview(stage, decoder)
    latents = torch.randn(5, 4, 3, 4, generator=torch.Generator().manual_seed(3))
    shown = preview(latents, 3)
    assert shown.shape == (1, 3, 24, 32)
    torch.testing.assert_close(shown, decoder.decode_tile(latents[1:4])[2:], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(preview(latents, 0), decoder.decode_tile(latents[:1]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("scaled", [False, True])
def test_known_frames_have_the_nearest_colors(scaled):
    """However ``l`` is scaled: the map belongs to x_0."""
    stage = VaeFirstStage(networks.vae(), scaled)
    pixels = torch.rand(3, 3, 16, 24, generator=torch.Generator().manual_seed(4))
    preview = preview_of(stage, None)
    preview.learn(stage.encode_condition(pixels), pixels)
    latents = stage.encode_target(pixels, pixels)
    known = F.pad(latents.permute(0, 2, 3, 1).reshape(-1, 4), (0, 1), value=1.0)
    colors = F.avg_pool2d(pixels, stage.factor).permute(0, 2, 3, 1).reshape(-1, 3)
    nearest = (known @ torch.linalg.lstsq(known, colors).solution).view(3, 8, 12, 3).permute(0, 3, 1, 2)
    expected = F.interpolate(nearest[1:2], scale_factor=stage.factor, mode="bilinear")
    torch.testing.assert_close(preview(latents, 1), expected, atol=1e-3, rtol=0)
