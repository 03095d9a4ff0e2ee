"""The levels of a U-Net that every step evaluates, and those that some steps leave out. Torch-free: the planner asks, too."""

from collections.abc import Mapping, Sequence
from typing import Any

from dcvsr_engine.settings import ResolvedSettings


def shallow_levels(config: Mapping[str, Any], settings: ResolvedSettings) -> int | None:
    """Count the levels, from the top, that have to be evaluated in every step: those with propagating layers, at least the first.

    Args:
        config: diffusers' config of the U-Net.
        settings: say whether tiles propagate, and in how many layers at either end.

    Returns:
        ``None`` where no level is left below them.
    """
    layers = config["layers_per_block"]
    propagating = settings.propagating_layers if settings.sap or settings.tap else 0
    # an upper block has one layer more than the lower one of its level
    ends = [
        (config["down_block_types"], layers if isinstance(layers, int) else layers[0]),
        (config["up_block_types"][::-1], 1 + (layers if isinstance(layers, int) else layers[0])),
    ]
    levels = max(levels_with(attentions(types, count), propagating) for types, count in ends)
    return levels if levels < len(config["down_block_types"]) else None


def attentions(block_types: Sequence[str], layers: int) -> list[int]:
    """How many spatial self-attentions each level has on one side."""
    return [layers if "CrossAttn" in kind else 0 for kind in block_types]


def levels_with(found: Sequence[int], wanted: int) -> int:
    """How many of the first levels have the ``wanted`` attentions, of those ``found`` per level; one too many where none have."""
    counts = (sum(found[:level]) for level in range(1, len(found) + 1))
    return next((level for level, count in enumerate(counts, 1) if count >= wanted), len(found) + 1)
