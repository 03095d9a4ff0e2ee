"""Training recipes: what is trained, on what, in which phases. JSON in and out."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

from dcvsr_engine.errors import SettingsError

DEGRADATIONS = ("mild", "real-world")
"""Names in `degradation.PRESETS`, which is not imported here because it imports torch."""


def check_shares(what: str, shares: dict[str, float], known: tuple[str, ...]) -> None:
    """Raise `SettingsError` unless ``shares`` has names that are ``known``, no share below 0 and one above."""
    for name in shares:
        if name not in known:
            raise SettingsError(f"The {what} of a recipe are {', '.join(known)}, not “{name}”.")
    if min(shares.values(), default=0) < 0 or sum(shares.values()) <= 0:
        raise SettingsError(f"One of the recipe's {what} needs a share above 0, and none may be below.")


@dataclass(frozen=True)
class Phase:
    """One stretch of training with constant data and objective.

    Attributes:
        iterations: optimiser steps.
        frames: frames per clip; 1 skips the temporal layers.
        batch: clips per iteration.
        size: side of the HR crop in pixels.
        learning_rate: peak; warm-up over ``warmup`` iterations, then cosine to a tenth of it.
        at_max: share of the batch trained at σ_max.
        noise_share: share of the noise variance that all frames of a clip have in common.
        perceptual: weight of the perceptual loss on the decoded x̂_0, 0 for none.
        lattice: weight of `objective.lattice_error` of the decoded x̂_0, 0 for none.
        tile, window: side and frames of tiles that propagate to each other (`propagation`); 0 trains untiled clips.
        unrolled: share of tiled clips that make a later step, from the network's own first estimate.
        change: weight of `objective.change_error` of the decoded x̂_0, 0 for none.
        degradations: of `DEGRADATIONS`, how often each is used, in any unit.

    Raises `SettingsError` for an unknown degradation, or when none has a share above 0.
    """

    iterations: int
    frames: int = 1
    batch: int = 8
    size: int = 128
    learning_rate: float = 3e-4
    warmup: int = 100
    at_max: float = 0.5
    noise_share: float = 0.0
    perceptual: float = 0.0
    lattice: float = 0.0
    tile: int = 0
    window: int = 0
    unrolled: float = 0.0
    change: float = 0.0
    degradations: dict[str, float] = field(default_factory=lambda: {"mild": 1.0}, hash=False)

    def __post_init__(self) -> None:
        check_shares("degradations", self.degradations, DEGRADATIONS)


@dataclass(frozen=True)
class Recipe:
    """A whole training run.

    Attributes:
        name: of the model.
        start: checkpoint folder with ``unet/`` and ``scales.json``, relative to the working directory.
        phases: what is done, in order.
        scratch: take only the configuration from ``start``, not its weights.
        sigma_min, sigma_max: noise range of training.
        ema: decay of the averaged weights.
        seed: of data, noise and initial weights.
        checkpoint_every, validate_every: iterations.
    """

    name: str
    start: str
    phases: tuple[Phase, ...]
    scratch: bool = False
    sigma_min: float = 0.02
    sigma_max: float = 20.0
    ema: float = 0.999
    seed: int = 0
    checkpoint_every: int = 250
    validate_every: int = 500

    @classmethod
    def from_file(cls, path: Path) -> "Recipe":
        """Read a recipe; raises `TypeError` for an unknown key."""
        values = json.loads(path.read_text(encoding="utf-8"))
        values["phases"] = tuple(Phase(**phase) for phase in values["phases"])
        return cls(**values)

    def to_json(self) -> str:
        """The recipe as it can be read back."""
        return json.dumps(dataclasses.asdict(self), indent=2)

    def phase_at(self, iteration: int) -> tuple[Phase, int]:
        """The phase that ``iteration`` (counted over all phases) falls into, and its index within that phase."""
        for phase in self.phases:
            if iteration < phase.iterations:
                return phase, iteration
            iteration -= phase.iterations
        raise IndexError("the recipe has ended")

    @property
    def iterations(self) -> int:
        """Optimiser steps of all phases."""
        return sum(phase.iterations for phase in self.phases)
