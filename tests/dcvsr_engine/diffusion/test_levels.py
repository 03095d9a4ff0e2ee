"""Which levels of a U-Net a step can leave out."""

import networks
import pytest

from dcvsr_engine.diffusion.levels import shallow_levels
from dcvsr_engine.models.shapes import SVD_UNET
from dcvsr_engine.resources import resource
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.storage import read_json

COMPACT = dict(read_json(resource("models", "compact", "unet", "config.json")))
DEEPER = COMPACT | {
    "down_block_types": ["DownBlockSpatioTemporal", "CrossAttnDownBlockSpatioTemporal", "CrossAttnDownBlockSpatioTemporal"],
    "up_block_types": ["CrossAttnUpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal", "UpBlockSpatioTemporal"],
}
"""A network like the compact model's, with attention on all levels but the first, on both sides."""
OFF = {"sap": False, "tap": False}


@pytest.mark.parametrize(
    ("config", "changes", "levels"),
    [
        (SVD_UNET, {}, 1),
        (SVD_UNET, OFF, 1),
        (SVD_UNET, {"propagating_layers": 3}, 2),
        (SVD_UNET, {"propagating_layers": 8}, None),
        (COMPACT, {}, None),
        (COMPACT, {"propagating_layers": 1}, None),
        (DEEPER, {"propagating_layers": 1}, 2),
        (DEEPER, {"sap": False, "propagating_layers": 1}, 2),
        (COMPACT, OFF, 1),
    ],
)
def test_levels_with_propagating_layers_are_evaluated_in_every_step(config, changes, levels):
    assert shallow_levels(config, networks.declaration().resolve(RestoreSettings(**changes))) == levels
