"""CLIP's view of the first frame, with a network of its class and tiny widths."""

import json

import networks
import pytest
import torch

from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.checkpoint import load
from dcvsr_engine.network.clip import ImageEncoder


class Means(torch.nn.Module):
    """Sees the mean of each channel."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))
        self.config = type("Config", (), {"image_size": 28})

    def forward(self, pictures):
        assert pictures.shape == (1, 3, 28, 28)
        return type("Output", (), {"image_embeds": self.scale * pictures.mean((2, 3))})


def test_a_frame_is_shrunk_and_normalised():
    pytest.importorskip("transformers")
    frame = torch.tensor([0.2, 0.5, 0.8]).view(3, 1, 1).expand(3, 60, 90)
    embedding = ImageEncoder(Means(), [0.1, 0.2, 0.3], [0.5, 1.0, 2.0]).embed(frame)
    torch.testing.assert_close(embedding, torch.tensor([[[0.2, 0.3, 0.25]]]), atol=1e-4, rtol=0)


def test_without_transformers_the_missing_package_is_named(svd_layout, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(ModelError, match=r"pip install dcvsr-studio\[clip\]"):
        ImageEncoder.from_folder(tmp_path, "cpu", "fp32")


def test_a_checkpoint_with_an_image_encoder(svd_layout, tmp_path):
    transformers = pytest.importorskip("transformers")
    base = svd_layout[0]
    folder = tmp_path / "model"
    folder.mkdir()
    for part in ("unet", "vae"):
        (folder / part).symlink_to(base / part)
    config = transformers.CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14,
        projection_dim=networks.EMBEDDING,
    )  # fmt: skip
    transformers.CLIPVisionModelWithProjection(config).save_pretrained(folder / "image_encoder")
    (folder / "dcvsr.json").write_text(networks.declaration(image_embedding="first-frame").to_json())
    with pytest.raises(ModelError, match="image encoder"):
        load(folder, folder, "cpu", "fp32")
    (folder / "feature_extractor").mkdir()
    (folder / "feature_extractor" / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": [0.5] * 3, "image_std": [0.2] * 3})
    )
    encoder = load(folder, folder, "cpu", "fp32").image_encoder
    first, second = (encoder.embed(torch.rand(3, 40, 50)) for _ in range(2))
    assert first.shape == (1, 1, networks.EMBEDDING)
    assert not torch.allclose(first, second)


def test_the_network_is_on_the_device_only_while_it_sees_a_frame(monkeypatch):
    pytest.importorskip("transformers")
    network, places = Means(), []
    monkeypatch.setattr(network, "to", lambda device: places.append(device) or network)
    encoder = ImageEncoder(network, [0.0] * 3, [1.0] * 3, "cuda")
    encoder.embed(torch.rand(3, 40, 50))
    assert places == ["cuda", "cpu"]
    monkeypatch.setattr(network, "forward", lambda pictures: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        encoder.embed(torch.rand(3, 40, 50))
    assert places == ["cuda", "cpu"] * 2
