"""The paper's Table 2 on any model: one column per variant, all else equal."""

from collections.abc import Sequence
from typing import Any

from dcvsr_engine.errors import SettingsError
from dcvsr_engine.research.evaluation.methods import Restoration
from dcvsr_engine.settings import RestoreSettings

NOTHING: dict[str, Any] = {"sap": False, "tap": False, "guidance": "none"}
EVERYTHING: dict[str, Any] = {"sap": True, "tap": True, "guidance": "dssag"}

VARIANTS: dict[str, dict[str, Any]] = {
    "baseline": NOTHING,
    "+SAP": NOTHING | {"sap": True},
    "+TAP": NOTHING | {"tap": True},
    "+DSSAG": NOTHING | {"guidance": "dssag"},
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

STEPS = 4
GUIDANCE_SCALE = 1.5
"""Used where the model declares one step or no guidance: the variants would not differ."""


def ablation(model: Restoration, names: Sequence[str] = ()) -> list[Restoration]:
    """Build variants of ``model`` on top of its settings, in the paper's tiling unless they name another.

    Args:
        model: the one whose parts are compared.
        names: of `VARIANTS`; all where none is given.

    Raises:
        ModelError: unknown model.
        SettingsError: unknown variant, or fewer than two steps.
    """
    unknown = [name for name in names if name not in VARIANTS]
    if unknown:
        raise SettingsError(f"“{unknown[0]}” is no variant of the ablation; choose some of {', '.join(VARIANTS)}.")
    base = common_settings(model)
    return [Restoration(name, base.replace(**VARIANTS[name])) for name in names or VARIANTS]


def common_settings(model: Restoration) -> RestoreSettings:
    """Choose the settings that all variants share; SAP and TAP alternate, so two steps are the minimum."""
    settings, resolved = model.settings, model.resolved
    if settings.steps == 1:
        raise SettingsError("The ablation needs steps=2 or more: SAP and TAP act in alternating steps.")
    # the user's choices win over these defaults
    changes: dict[str, Any] = {} if resolved.steps != 1 else {"steps": STEPS}
    if settings.guidance_scale is None and resolved.guidance_scale == 1:
        changes["guidance_scale"] = GUIDANCE_SCALE
    if settings.tiling is None:
        changes["tiling"] = "paper"
    return settings.replace(**changes)
