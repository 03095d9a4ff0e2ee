"""Recipes of the learned prior (`network.upsampler`): its shape, the pool of clips it is trained on, and the phases."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dcvsr_engine.training.recipe import DEGRADATIONS, Mixture, Recipe, Shares
from dcvsr_engine.training.section import Section, listed

SCALE = 4


@dataclass(frozen=True)
class PoolRecipe(Mixture):
    """Clips that are made once, kept on disk as arrays, and cropped from then on.

    Attributes:
        clips, held_out: their numbers for training and for validation, divided up as ``degradations`` says.
        shard: clips that are made and written together.
        frames, size: of a clip; ``size`` is the side of its undamaged frames in pixels.
        workers: processes that make them; what they make does not depend on their number.
    """

    clips: int = 8000
    held_out: int = 96
    shard: int = 100
    frames: int = 5
    size: int = 192
    workers: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        counts = self.clips, self.held_out, self.shard, self.frames, self.size, self.workers
        self.require(
            (min(counts) >= 1, "clips, held_out, shard, frames, size and workers are at least 1"),
            (self.frames % 2 == 1, "frames of the pool are odd: one is in the middle"),
            (self.size % SCALE == 0 and self.size >= 32, f"size of the pool is a multiple of {SCALE}, at least 32"),
        )


@dataclass(frozen=True)
class PriorPhase(Section):
    """One stretch of training.

    Attributes:
        iterations: optimiser steps.
        batch: crops that go through the network together.
        size: side of the undamaged crop in pixels.
        learning_rate: peak, reached over ``warmup`` iterations.
        schedule: what follows: ``"cosine"`` to a tenth of the peak, or ``"constant"``.
        degradations: shares of the pool's kinds of clips; by default those of the pool itself.
        uncertainty: weight of the likelihood of the error under the expected error.
    """

    iterations: int
    batch: int = 16
    size: int = 128
    learning_rate: float = 5e-4
    warmup: int = 0
    schedule: Literal["cosine", "constant"] = "constant"
    degradations: Shares = field(default_factory=dict, hash=False)
    uncertainty: float = 0.02

    def __post_init__(self) -> None:
        strange = next((name for name in self.degradations if name not in DEGRADATIONS), None)
        self.require(
            (min(self.iterations, self.batch, self.size) >= 1, "iterations, batch and size are at least 1"),
            (self.size % SCALE == 0, f"size of a crop is a multiple of {SCALE}"),
            (self.learning_rate > 0 and self.warmup >= 0, "learning_rate is above 0 and warmup not below"),
            (self.uncertainty >= 0, "uncertainty is at least 0"),
            (strange is None, f"degradations are {listed(DEGRADATIONS)}, not “{strange}”"),
            (min(self.degradations.values(), default=0) >= 0, "degradations have shares of at least 0"),
        )


@dataclass(frozen=True)
class PriorRecipe(Section):
    """A training run of the prior.

    Attributes:
        name: of the run.
        pool: what clips it sees.
        phases: what is done, in order; a run that has not ended may be given more.
        channels, blocks: of the network.
        ema: decay of the averaged weights.
        seed: of clips, crops and initial weights.
        checkpoint_every, validate_every, log_every: iterations.
        bf16: devices on which the network computes in bfloat16 (autocast); elsewhere in fp32.
    """

    name: str
    pool: PoolRecipe
    phases: tuple[PriorPhase, ...]
    channels: int = 64
    blocks: int = 8
    ema: float = 0.999
    seed: int = 0
    checkpoint_every: int = 250
    validate_every: int = 2000
    log_every: int = 100
    bf16: tuple[Literal["cpu", "cuda"], ...] = ("cpu", "cuda")

    def __post_init__(self) -> None:
        counts = self.checkpoint_every, self.validate_every, self.log_every, self.channels, self.blocks
        made = {name for name, share in self.pool.degradations.items() if share > 0}
        asked = [name for phase in self.phases for name, share in phase.degradations.items() if share > 0]
        missing = next((name for name in asked if name not in made), None)
        self.require(
            (len(self.phases) > 0, "at least one phase is needed"),
            (min(counts) >= 1, "checkpoint_every, validate_every, log_every, channels and blocks are at least 1"),
            (0 <= self.ema < 1, "ema is at least 0 and below 1"),
            (missing is None, f"a phase asks for “{missing}”, but the pool has no such clips"),
            (all(phase.size <= self.pool.size for phase in self.phases), "no crop is larger than the pool's clips"),
        )

    def to_json(self) -> str:
        """The recipe as it can be read back."""
        return json.dumps(dataclasses.asdict(self), indent=2)

    def phase_at(self, iteration: int) -> tuple[PriorPhase, int]:
        """The phase that ``iteration`` (counted over all phases) falls into, and its index within that phase."""
        for phase in self.phases:
            if iteration < phase.iterations:
                return phase, iteration
            iteration -= phase.iterations
        raise IndexError("the recipe has ended")

    def shares(self, phase: PriorPhase) -> Shares:
        """How often ``phase`` takes each kind of clip."""
        asked = {name: share for name, share in phase.degradations.items() if share > 0}
        return asked or {name: share for name, share in self.pool.degradations.items() if share > 0}

    @property
    def iterations(self) -> int:
        """Optimiser steps of all phases."""
        return sum(phase.iterations for phase in self.phases)


def read_recipe(path: Path) -> Recipe | PriorRecipe:
    """A recipe of the prior, which has a pool, or of a diffusion network; raises `SettingsError`."""
    try:
        is_prior = "pool" in json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        is_prior = False  # reading it as the other kind says what is wrong
    return PriorRecipe.from_file(path) if is_prior else Recipe.from_file(path)
