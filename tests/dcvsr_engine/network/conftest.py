"""Checkpoint folders in the published layouts, with tiny widths."""

import json

import networks
import pytest


@pytest.fixture(scope="session")
def svd_layout(tmp_path_factory):
    """``(base, overlay)``: a full folder as stable-video-diffusion-img2vid, and a U-Net alone in ``unet_ema`` over it."""
    root = tmp_path_factory.mktemp("svd")
    base, overlay = root / "stable-video-diffusion-img2vid", root / "dc-vsr"
    networks.unet().save_pretrained(base / "unet")
    networks.vae().save_pretrained(base / "vae", variant="fp16")
    (base / "vae" / "diffusion_pytorch_model.bin").write_bytes(b"a pickle that nobody must read")
    other = networks.unet()
    other.conv_out.bias.add_(1)
    other.save_pretrained(overlay / "unet_ema")
    declare(overlay, base=base.name)
    declare(base, image_embedding="zeros")
    return base, overlay


def declare(folder, **changes):
    """Write a declaration."""
    (folder / "dcvsr.json").write_text(networks.declaration(name=folder.name, **changes).to_json(), encoding="utf-8")


@pytest.fixture
def redeclare():
    """Write a declaration's values as they are, valid or not."""

    def write(folder, **changes):
        path = folder / "dcvsr.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")
        return folder

    return write
