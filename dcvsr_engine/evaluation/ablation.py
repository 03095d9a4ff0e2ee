"""The paper's Table 2 on any model: one column per variant, all else equal."""

from typing import Any

from dcvsr_engine.evaluation.clips import SCALE
from dcvsr_engine.evaluation.methods import Restoration
from dcvsr_engine.settings import RestoreSettings

NOTHING: dict[str, Any] = {"sap": False, "tap": False, "guidance": "none"}
EVERYTHING: dict[str, Any] = {"sap": True, "tap": True, "guidance": "dssag"}

VARIANTS: dict[str, dict[str, Any]] = {
    "baseline": NOTHING,
    "+SAP": NOTHING | {"sap": True},
    "+TAP": NOTHING | {"tap": True},
    "+SAP+TAP": NOTHING | {"sap": True, "tap": True},
    "+SAP+TAP+DSSAG": EVERYTHING,
    "DSSAG→CFG": EVERYTHING | {"guidance": "cfg"},
    "DSSAG→SAG": EVERYTHING | {"guidance": "sag"},
    "DSSAG→PAG": EVERYTHING | {"guidance": "pag"},
    "γ rising": EVERYTHING | {"gamma_direction": "rising"},
    **{f"ρ={rho}": EVERYTHING | {"gamma_rho": rho} for rho in (0.25, 1.0, 2.0)},
    **{f"s_SAP={rate}": EVERYTHING | {"sap_rate": rate} for rate in (1, 4)},
    **{f"L={frames}": EVERYTHING | {"tap_frames": frames} for frames in (1, 2, 8)},
}
"""Changes of settings per variant; the defaults ρ = 0.5, s_SAP = 2 and L = 4 are those of “+SAP+TAP+DSSAG”."""


def ablation(model: str, settings: RestoreSettings) -> list[Restoration]:
    """Every variant of ``model``, on top of ``settings``."""
    return [
        Restoration(name, settings.replace(**({"model": model, "scale": SCALE} | changes))) for name, changes in VARIANTS.items()
    ]
