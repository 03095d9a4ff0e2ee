"""A person without models, folders in the published layouts with tiny widths, and what the catalogue offers."""

import json
import shutil

import networks
import pytest


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Where models are added."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "dcvsr-studio" / "models"


@pytest.fixture(scope="session")
def unets(tmp_path_factory):
    """A folder with a tiny U-Net of SVD's class and a tiny autoencoder; not to be changed."""
    root = tmp_path_factory.mktemp("tiny")
    networks.unet().save_pretrained(root / "unet")
    networks.vae().save_pretrained(root / "vae")
    return root


@pytest.fixture
def full(unets, tmp_path):
    """A full folder without a declaration, with pickles beside the weights."""
    folder = shutil.copytree(unets, tmp_path / "my video model")
    (folder / "vae" / "diffusion_pytorch_model.bin").write_bytes(b"a pickle that nobody must read")
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableVideoDiffusionPipeline"}))
    return folder
