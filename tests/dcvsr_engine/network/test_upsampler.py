"""The prior against a plain implementation of its formulas, at the ends of clips, and on disk."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.resample import upscale
from dcvsr_engine.network.upsampler import Upsampler, neighbours
from dcvsr_engine.network.upsampler_config import UpsamplerConfig

SMALL = UpsamplerConfig(channels=6, blocks=2, frames=3)


def network(config: UpsamplerConfig = SMALL) -> Upsampler:
    """Of random weights in every layer, the last one included."""
    torch.manual_seed(0)
    made = Upsampler(config)
    for weight in made.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    return made.eval()


def convolved(pictures: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A 3 × 3 convolution of ``(channels, h, w)``, zeros around, in loops over its taps."""
    _, height, width = pictures.shape
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)))
    found = np.zeros((len(weight), height, width)) + bias[:, None, None]
    for y in range(3):
        for x in range(3):
            found += np.einsum("oi,ihw->ohw", weight[:, :, y, x], padded[:, y : y + height, x : x + width])
    return found


def reference(weights: dict[str, np.ndarray], window: np.ndarray, blocks: int, scale: int) -> np.ndarray:
    """What the prior adds to bicubic, and ln of the expected error, ``(4, scale · h, scale · w)``."""

    def layer(name: str, values: np.ndarray) -> np.ndarray:
        return convolved(values, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def rectified(values: np.ndarray) -> np.ndarray:
        return np.where(values > 0, values, 0.1 * values)

    features = rectified(layer("head", window.reshape(-1, *window.shape[2:]) - 0.5))
    for block in range(blocks):
        features = features + layer(f"body.{block}.second", rectified(layer(f"body.{block}.first", features)))
    tail = layer("tail", features)
    height, width = window.shape[2:]
    found = np.zeros((4, scale * height, scale * width))
    for channel in range(4):
        for y in range(scale):
            for x in range(scale):
                found[channel, y::scale, x::scale] = tail[channel * scale**2 + y * scale + x]
    return found


def test_the_network_is_what_its_formulas_say():
    prior = network()
    windows = torch.rand(2, 3, 3, 7, 9, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        pictures, log_error = prior(windows)
    weights = {name: value.double().numpy() for name, value in prior.state_dict().items()}
    for one, picture, error in zip(windows, pictures, log_error, strict=True):
        wanted = reference(weights, one.double().numpy(), SMALL.blocks, SMALL.scale)
        bicubic = upscale(one[1:2], SMALL.scale)[0].double().numpy()
        np.testing.assert_allclose(picture.numpy(), bicubic + wanted[:3], atol=2e-4)
        np.testing.assert_allclose(error.numpy(), wanted[3:], atol=2e-4)


def test_a_new_one_is_bicubic_interpolation():
    clip = torch.rand(4, 3, 6, 8)
    with torch.no_grad():
        assert torch.equal(Upsampler(SMALL).enlarge(clip).pictures, upscale(clip, 4))


def test_beyond_the_ends_of_a_clip_the_nearest_frame_is_seen():
    assert neighbours(4, 5).tolist() == [[0, 0, 0, 1, 2], [0, 0, 1, 2, 3], [0, 1, 2, 3, 3], [1, 2, 3, 3, 3]]
    assert neighbours(1, 3).tolist() == [[0, 0, 0]]
    prior, clip = network(), torch.rand(3, 3, 6, 8)
    with torch.no_grad():
        longer = prior.enlarge(torch.cat([clip[:1], clip, clip[-1:]])).pictures[1:-1]
        torch.testing.assert_close(prior.enlarge(clip).pictures, longer)


def test_frames_depend_on_their_neighbours_alone_and_on_those():
    prior, clip = network(), torch.rand(7, 3, 6, 8)
    changed = clip.clone()
    changed[5] = 1 - changed[5]
    with torch.no_grad():
        differs = (prior.enlarge(clip).pictures != prior.enlarge(changed).pictures).flatten(1).any(1)
    assert differs.tolist() == [False, False, False, False, True, True, True]


def test_a_saved_one_is_loaded_in_half_precision(tmp_path):
    prior, clip = network(), torch.rand(2, 3, 6, 8)
    prior.save(tmp_path)
    loaded = Upsampler.from_folder(tmp_path)
    assert loaded.config == SMALL and not any(weight.requires_grad for weight in loaded.parameters())
    for name, value in prior.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value.half().float())
    with torch.no_grad():
        torch.testing.assert_close(loaded.enlarge(clip).pictures, prior.enlarge(clip).pictures, atol=0.02, rtol=0)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"channels": 6, "blocks": 2, "frames": 4}, "frames must be odd"),
        ({"channels": 6.5}, "channels must be a whole number"),
        ({"kernel": 3}, "kernel"),
        ({"channels": 8, "blocks": 2, "frames": 3}, "size mismatch"),
    ],
)
def test_folders_that_cannot_be_used_are_named_in_a_sentence(tmp_path, values, words):
    network().save(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(values))
    with pytest.raises(ModelError, match=words) as caught:
        Upsampler.from_folder(tmp_path)
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def test_weights_are_never_unpickled(tmp_path):
    network().save(tmp_path)
    torch.save({"head.weight": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="cannot be used"):
        Upsampler.from_folder(tmp_path)
    save_file({"head.weight": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="cannot be used"):
        Upsampler.from_folder(tmp_path)
