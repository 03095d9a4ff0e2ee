"""The feature maps that the planner reckons with are those that live at once, counted on fake tensors of the real sizes."""

from itertools import repeat

import networks
import pytest
import torch
from diffusers import UNetSpatioTemporalConditionModel
from live_bytes import LiveBytes
from torch._subclasses.fake_tensor import FakeTensorMode

from dcvsr_engine.diffusion.attention import install_processors
from dcvsr_engine.diffusion.branch import CONDITIONAL
from dcvsr_engine.diffusion.propagation import BatchLayout, append
from dcvsr_engine.models.shapes import SVD_UNET
from dcvsr_engine.planning.memory import COUNTED_MAPS, SHALLOW_SHARES
from dcvsr_engine.research.bench.flops import evaluation_flops
from dcvsr_engine.resources import resource
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.storage import read_json
from dcvsr_engine.tiling.grid import TileGrid

TILE, FRAMES = 64, 14
CONFIGS = {"svd": SVD_UNET, "compact": dict(read_json(resource("models", "compact", "unet", "config.json")))}


class Foreign:
    """Appends tokens to keys and values: so many per latent of a frame, or of so many frames."""

    def __init__(self, per_latent: float, frames: int) -> None:
        self.per_latent, self.frames = per_latent, frames

    def extend(self, layer, key, value, layout):
        if self.frames:
            held = (side[:, :, : self.frames].transpose(2, 3).flatten(3, 4).unsqueeze(2) for side in (key, value))
        else:
            tokens = int(self.per_latent * key.shape[4])  # fewer on a reduced level
            held = [key.new_zeros(*key.shape[:2], key.shape[2], key.shape[3], tokens, key.shape[5]) for _ in repeat(0, 2)]
        keys, values = held
        return append(key, keys), append(value, values)

    def move(self, device):
        """Nothing is held."""


def maps_alive(name: str, per_latent: float = 0, frames: int = 0) -> float:
    """Feature maps of the top level at the peak of an evaluation of one row."""
    config = CONFIGS[name]
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with FakeTensorMode():
            unet = UNetSpatioTemporalConditionModel.from_config(config).eval().requires_grad_(False)
            propagation = install_processors(unet)
            x = torch.zeros(1, FRAMES, config["in_channels"], TILE, TILE)
            ids = torch.zeros(1, config["projection_class_embeddings_input_dim"] // config["addition_time_embed_dim"])
            embedding = torch.zeros(1, 1, config["cross_attention_dim"])
            layout = BatchLayout((CONDITIONAL,), (TileGrid.build(FRAMES, TILE, TILE, TILE, FRAMES).tile(0, 0),))
            extensions = (Foreign(per_latent, frames),) if per_latent or frames else ()
            with torch.no_grad(), propagation.extended_by(*extensions), propagation.batch(layout), LiveBytes(unet) as live:
                unet(x, torch.tensor(1.0), encoder_hidden_states=embedding, added_time_ids=ids)
    finally:
        torch.set_default_dtype(before)
    return live.peak / (2 * FRAMES * TILE**2 * config["block_out_channels"][0])


@pytest.mark.parametrize(("name", "key_share"), [("compact", 1 / 4), pytest.param("svd", 1.0, marks=pytest.mark.slow)])
def test_maps_are_counted(name, key_share):
    maps, attention = COUNTED_MAPS[name == "svd"]
    assert 0.9 * maps <= maps_alive(name) <= maps
    assert maps_alive(name, per_latent=8.0) == pytest.approx(attention + 4 * 8.0 * key_share, rel=0.02)
    assert maps_alive(name, frames=14) == pytest.approx(attention + 2 * 15 * key_share, rel=0.02)


OFF = {"sap": False, "tap": False}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "changes", "levels"),
    [("compact", OFF, 1), ("svd", {}, 1), ("svd", {"propagating_layers": 3}, 2)],
)
def test_the_shares_of_upper_levels_are_counted(name, changes, levels):
    declaration = networks.declaration()
    settings = declaration.resolve(RestoreSettings(**changes))
    whole, upper = evaluation_flops(CONFIGS[name], declaration, settings, TILE, FRAMES)
    assert upper / whole == pytest.approx(SHALLOW_SHARES[name == "svd"][levels - 1], rel=0.01)
