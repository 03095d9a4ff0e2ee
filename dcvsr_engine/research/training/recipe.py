"""Training recipes: what is trained, on what, in which phases. JSON in and out."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from dcvsr_engine.errors import SettingsError
from dcvsr_engine.research.training.section import Section

STATE = Path("last") / "state.safetensors"
"""Of a run's folder; where it is, there is something to resume."""

DEGRADATIONS = ("mild", "real-world")
"""Names in `degradation.PRESETS`, which is not imported here because it imports torch."""

SOURCES = ("photographs", "videos")
"""What clips are made of: synthetic motion over photographs, or crops of recordings."""

Shares = dict[str, float]
"""How often each name is chosen, in any unit."""


@dataclass(frozen=True, kw_only=True)
class Mixture(Section):
    """What clips are made of.

    Attributes:
        sources: shares of `SOURCES`.
        degradations: shares of `DEGRADATIONS`.
        parallax: share of the clips made from photographs that show two depths.
    """

    sources: Shares = field(default_factory=lambda: {"photographs": 1.0}, hash=False)
    degradations: Shares = field(default_factory=lambda: {"mild": 1.0}, hash=False)
    parallax: float = 0.0

    def __post_init__(self) -> None:
        for what, shares, known in (("sources", self.sources, SOURCES), ("degradations", self.degradations, DEGRADATIONS)):
            strange = next((name for name in shares if name not in known), None)
            self.require(
                (strange is None, f"{what} are {' and '.join(known)}, not “{strange}”"),
                (min(shares.values(), default=0) >= 0 < sum(shares.values()), f"{what} need a share above 0, and none below"),
            )
        self.require((0 <= self.parallax <= 1, "parallax is between 0 and 1"))


@dataclass(frozen=True)
class TrainingPhase(Mixture):
    """One stretch of training with constant data and objective.

    Attributes:
        iterations: optimiser steps.
        frames: frames per clip; 1 skips the temporal layers.
        batch: clips that go through the network together.
        size: side of the HR crop in pixels.
        learning_rate: peak, reached over ``warmup`` iterations.
        schedule: what follows: ``"cosine"`` to a tenth of the peak, or ``"constant"``.
        at_max: share of the batch trained at σ_max.
        noise_share: share of the noise variance that all frames of a clip have in common.
        perceptual: weight of the perceptual loss on the decoded x̂_0, 0 for none.
        lattice: weight of `objective.lattice_error` of the decoded x̂_0, 0 for none.
        tile, window: side and frames of tiles that propagate to each other (`propagation`); 0 trains untiled clips.
        unrolled: share of tiled clips that make a later step, from the network's own first estimate.
        change: weight of `objective.change_error` of the decoded x̂_0, 0 for none.
        change_in_look: weight of `objective.change_in_look`, 0 for none; goes with ``perceptual`` and at least 2 frames.
    """

    iterations: int
    frames: int = 1
    batch: int = 8
    size: int = 128
    learning_rate: float = 3e-4
    warmup: int = 100
    schedule: Literal["cosine", "constant"] = "cosine"
    at_max: float = 0.5
    noise_share: float = 0.0
    perceptual: float = 0.0
    lattice: float = 0.0
    tile: int = 0
    window: int = 0
    unrolled: float = 0.0
    change: float = 0.0
    change_in_look: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(
            (min(self.iterations, self.frames, self.batch, self.size) >= 1, "iterations, frames, batch and size are at least 1"),
            (self.learning_rate > 0 and self.warmup >= 0, "learning_rate is above 0 and warmup not below"),
            (0 <= self.at_max <= 1 and 0 <= self.noise_share <= 1, "at_max and noise_share are between 0 and 1"),
            (
                self.change_in_look <= 0 or (self.frames > 1 and self.perceptual > 0),
                "change_in_look needs perceptual above 0 and at least 2 frames",
            ),
        )


@dataclass(frozen=True)
class Validation(Mixture):
    """What is looked at every ``validate_every`` iterations: ``clips`` held-out clips, sampled in each of ``steps``.

    Attributes:
        clips, frames, size: their number, length and side in pixels.
        steps: numbers of sampling steps.
    """

    clips: int = 24
    frames: int = 1
    size: int = 192
    steps: tuple[int, ...] = (1, 2, 4)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require((min(self.clips, self.frames, self.size, *self.steps) >= 1, "numbers of validation are at least 1"))


@dataclass(frozen=True)
class Recipe(Section):
    """A whole training run.

    Attributes:
        name: of the model.
        start: checkpoint folder, relative to the working directory: ``unet/`` and ``scales.json``, or SVD's layout.
        phases: what is done, in order.
        scratch: take only the configuration from ``start``, not its weights.
        lora: rank of the adapters that are trained in place of all weights, 0 for none.
        sigma_min, sigma_max: noise range of training.
        ema: decay of the averaged weights.
        seed: of data, noise and initial weights.
        checkpoint_every, validate_every, log_every: iterations.
        sigma_mean, sigma_deviation: of ln σ.
        accumulate: batches whose gradients make one optimiser step.
        dropout: share of the clips whose conditioning is dropped as the declaration's ``unconditional`` says.
        bf16: devices on which the network computes in bfloat16 (autocast); elsewhere in fp32.
        gradient_checkpointing: compute activations twice rather than keep them.
        compile: through ``torch.compile``; needs a C++ compiler on the processor.
        validation: see there.
        workers: processes that decode, degrade and prefetch; what they give does not depend on their number.
        declaration: keys of ``dcvsr.json`` that differ from the start folder's, or from what its files suggest.
    """

    name: str
    start: str
    phases: tuple[TrainingPhase, ...]
    scratch: bool = False
    sigma_min: float = 0.02
    sigma_max: float = 20.0
    ema: float = 0.999
    seed: int = 0
    checkpoint_every: int = 250
    validate_every: int = 500
    log_every: int = 50
    sigma_mean: float = -0.3
    sigma_deviation: float = 1.3
    accumulate: int = 1
    lora: int = 0
    dropout: float = 0.0
    bf16: tuple[Literal["cpu", "cuda"], ...] = ("cpu", "cuda")
    gradient_checkpointing: bool = False
    compile: bool = False
    validation: Validation = Validation()
    workers: int = 1
    declaration: dict[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        counts = self.checkpoint_every, self.validate_every, self.log_every, self.accumulate, self.workers
        self.require(
            (len(self.phases) > 0, "at least one phase is needed"),
            (0 < self.sigma_min < self.sigma_max, "sigma_min is above 0 and below sigma_max"),
            (min(counts) >= 1, "checkpoint_every, validate_every, log_every, accumulate and workers are at least 1"),
            (self.lora >= 0 and not (self.lora and self.scratch), "lora is at least 0, and 0 for a network from scratch"),
            (0 <= self.ema < 1 and 0 <= self.dropout < 1, "ema and dropout are at least 0 and below 1"),
        )

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a recipe; raises `SettingsError`."""
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise SettingsError(f"The recipe “{path}” cannot be read ({error.strerror}).") from None
        except ValueError as error:
            raise SettingsError(f"“{path}” is no recipe: {error}.") from None
        except SettingsError as error:
            raise SettingsError(f"The recipe “{path}” is not understood: {str(error).rstrip('.')}.") from None

    def to_json(self) -> str:
        """The recipe as it can be read back."""
        return json.dumps(dataclasses.asdict(self), indent=2)

    def phase_at(self, iteration: int) -> tuple[TrainingPhase, int]:
        """The phase that ``iteration`` (counted over all phases) falls into, and its index within that phase."""
        for phase in self.phases:
            if iteration < phase.iterations:
                return phase, iteration
            iteration -= phase.iterations
        raise IndexError("the recipe has ended")

    def times(self, count: int) -> "Recipe":
        """The recipe with every iteration counted ``count`` times, as the data of accumulated batches are."""
        longer = tuple(dataclasses.replace(phase, iterations=count * phase.iterations) for phase in self.phases)
        return dataclasses.replace(self, phases=longer)

    @property
    def iterations(self) -> int:
        """Optimiser steps of all phases."""
        return sum(phase.iterations for phase in self.phases)
