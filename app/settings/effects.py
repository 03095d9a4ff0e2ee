"""Which settings have no effect under the others, and why. What acts is asked from the method's own counting."""

from PySide6.QtCore import QCoreApplication

from dcvsr_engine.diffusion.branch import is_distinct
from dcvsr_engine.diffusion.schedule import step_kinds, steps_of
from dcvsr_engine.events import StepKind
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.first_stage import first_stage_of
from dcvsr_engine.settings import Guidance, ResolvedSettings

GAMMA_ROWS = ("gamma_peak", "gamma_rho", "gamma_direction", "gamma_layers")
GUIDING_SCALE = 2.0
"""Guidance scale that choosing a guidance sets where the model's own is 1: the paper's."""


def idle_reasons(settings: ResolvedSettings, model: Declaration) -> dict[str, str]:
    """The settings that have no effect now, each with a sentence that says why."""
    return (
        guidance_reasons(settings, model)
        | propagation_reasons(settings)
        | tiling_reasons(settings)
        | evaluation_reasons(settings, model)
    )


def guidance_reasons(settings: ResolvedSettings, model: Declaration) -> dict[str, str]:
    """Of guidance and γ."""
    if settings.guidance == "none":
        off = QCoreApplication.translate("Effects", "Guidance is off.")
        return dict.fromkeys(("guidance_scale", "guidance_low", "guidance_high", "perturbation", *GAMMA_ROWS), off)
    reasons = {}
    if settings.guidance not in ("sag", "pag"):
        reasons["perturbation"] = QCoreApplication.translate("Effects", "Only SAG and PAG have a scale of their own.")
    if settings.guidance == "cfg" and not is_distinct(model):
        reasons["guidance_scale"] = cfg_reason()
    if settings.guidance != "dssag":
        only = QCoreApplication.translate("Effects", "γ acts with DSSAG only.")
    elif settings.guidance_scale == 1:
        only = QCoreApplication.translate("Effects", "Guidance scale 1 is no guidance: γ has nothing to act on.")
    else:
        return reasons | curve_reasons(settings)
    return reasons | dict.fromkeys(GAMMA_ROWS, only)


def curve_reasons(settings: ResolvedSettings) -> dict[str, str]:
    """Of the form of the γ curve."""
    if settings.gamma_peak == 0:
        return dict.fromkeys(GAMMA_ROWS[1:], QCoreApplication.translate("Effects", "γ peak is 0."))
    if settings.steps == 1:
        reason = QCoreApplication.translate("Effects", "With one step there is no curve: it has γ peak.")
        return dict.fromkeys(("gamma_rho", "gamma_direction"), reason)
    return {}


def propagation_reasons(settings: ResolvedSettings) -> dict[str, str]:
    """Of SAP and TAP."""
    reasons: dict[str, str] = {}
    if StepKind.SAP not in step_kinds(settings.steps, settings.replace(sap=True)):
        one = QCoreApplication.translate("Effects", "With one step there is no SAP step: SAP acts in every second step.")
        reasons |= dict.fromkeys(("sap", "sap_schedule", "sap_rate"), one)
    elif not settings.sap:
        reasons |= dict.fromkeys(("sap_schedule", "sap_rate"), QCoreApplication.translate("Effects", "SAP is off."))
    if not settings.tap:
        reasons |= dict.fromkeys(("tap_frames", "tap_direction"), QCoreApplication.translate("Effects", "TAP is off."))
    if not settings.sap and not settings.tap:
        off = QCoreApplication.translate("Effects", "SAP and TAP are off.")
        reasons |= dict.fromkeys(("propagation_order", "propagating_layers"), off)
    return reasons


def tiling_reasons(settings: ResolvedSettings) -> dict[str, str]:
    """Of tiles."""
    if settings.tiling == "paper":
        return {}
    return {"overlap": QCoreApplication.translate("Effects", "Fast tiling has its own overlap.")}


def evaluation_reasons(settings: ResolvedSettings, model: Declaration) -> dict[str, str]:
    """Of what saves evaluations."""
    reasons = {}
    if not any(step.extrapolation for step in steps_of(settings.replace(solver="dpmpp-2m"), model)):
        three = QCoreApplication.translate("Effects", "The first and the last step are Euler's: it takes three steps.")
        reasons["solver"] = three
    if settings.tiling == "fast":
        reasons["reuse"] = QCoreApplication.translate("Effects", "Fast tiling moves its tiles: none sees again what it saw.")
    elif not any(step.reuses for step in steps_of(settings.replace(reuse=max(2, settings.reuse)), model)):
        reasons["reuse"] = QCoreApplication.translate("Effects", "It takes two steps with the same guidance, and not SAG.")
    if not first_stage_of(model).local:
        reasons["flat"] = QCoreApplication.translate("Effects", "This model does not go by the enlarged picture.")
    elif settings.sap or settings.tap:
        reasons["flat"] = QCoreApplication.translate("Effects", "With SAP or TAP other tiles look at flat ones.")
    if settings.grain:
        reasons["still"] = QCoreApplication.translate("Effects", "Film grain is another in every frame.")
    return reasons


def cfg_reason() -> str:
    """Why CFG has no effect with a model whose unconditional branch drops nothing."""
    return QCoreApplication.translate("Effects", "CFG changes nothing with this model: its training left nothing out.")


def scale_for(guidance: Guidance | None, settings: ResolvedSettings, default: float) -> float | None:
    """The guidance scale that goes with choosing a guidance.

    Args:
        guidance: the choice, ``None`` for the model's default.
        settings: those before.
        default: the model's own guidance scale.
    """
    if guidance is None:
        return None
    if guidance == "none":
        return 1.0
    return next(scale for scale in (settings.guidance_scale, default, GUIDING_SCALE) if scale != 1)
