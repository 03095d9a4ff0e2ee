"""What to change in the settings, step by step, when a single tile does not fit into memory. Torch-free."""

from dcvsr_engine.errors import JobError
from dcvsr_engine.events import StepKind
from dcvsr_engine.settings import PlannedSettings

SMALLEST_TILE = 16
SHARE = 0.75
"""A smaller tile has this share of the side."""


def thriftier(settings: PlannedSettings, kind: str, multiple: int) -> tuple[PlannedSettings, str]:
    """Resolved settings that need less memory, and what to tell the person: the result changes.

    Args:
        settings: those that did not fit, one batch at a time.
        kind: of the step that did not fit.
        multiple: the U-Net needs tiles of a multiple of this.

    Raises:
        JobError: there is nothing left to save.
    """
    if kind == StepKind.SAP and settings.sap_schedule == "lockstep":
        sentence = "Memory ran out: tiles exchange keys in two passes from here on, which changes the result a little."
        return settings.replace(sap_schedule="two-pass"), sentence
    tile = int(settings.tile * SHARE) // multiple * multiple
    if tile < SMALLEST_TILE:
        raise JobError(
            "Memory ran out even with the smallest tiles; close other programs, or restore anew with fewer frames per tile."
        )
    sentence = f"Memory ran out: tiles are {tile} latents wide instead of {settings.tile} from here on, which changes the result."
    return settings.replace(tile=tile), sentence
