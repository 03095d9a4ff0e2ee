"""Recipes of the learned prior (`network.upsampler`): its shape, the pool of clips to train on, and the phases."""

import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dcvsr_engine.research.training.recipe import (
    DEGRADATIONS,
    TRAINING_SCALE,
    Count,
    LossWeight,
    PoolRecipe,
    Recipe,
    RecipePart,
    Shares,
    shares_of,
)
from dcvsr_engine.schema import FromJson


class PriorPhase(RecipePart):
    """A stretch of training.

    Attributes:
        iterations: optimiser steps.
        batch: crops per batch.
        size: side of the undamaged crop in pixels.
        learning_rate: peak, reached over ``warmup`` iterations.
        schedule: after the warm-up, ``"cosine"`` decays to a tenth of the peak, ``"constant"`` keeps it.
        degradations: shares of the pool's kinds of clips; empty for those of the pool itself.
        uncertainty: weight of the likelihood of the error under the expected error.
    """

    iterations: Count
    batch: Count = 16
    size: Count = 128
    learning_rate: float = Field(default=5e-4, gt=0)
    warmup: int = Field(default=0, ge=0)
    schedule: Literal["cosine", "constant"] = "constant"
    degradations: Annotated[Shares, shares_of("degradations", DEGRADATIONS, may_be_empty=True)] = Field(default_factory=dict)
    uncertainty: LossWeight = 0.02

    @model_validator(mode="after")
    def _crops_fit_the_scale(self) -> Self:
        if self.size % TRAINING_SCALE:
            raise ValueError(f"size of a crop must be a multiple of {TRAINING_SCALE}, not {self.size}.")
        return self


class PriorRecipe(RecipePart):
    """A training run of the prior.

    Attributes:
        name: of the run.
        pool: the clips to train on.
        frames: that the network looks at, odd; 0 for all frames of a clip.
        phases: in order; a run that has not ended may be given more.
        channels, blocks: of the network.
        ema: decay of the averaged weights.
        seed: of clips, crops and initial weights.
        checkpoint_every, validate_every, log_every: iterations.
        bf16: devices on which the network computes in bfloat16 (autocast); elsewhere it computes in fp32.
        start: folder of an upsampler to start from; empty to start from bicubic interpolation.
        crop_workers: processes that cut crops; the crops do not depend on their number.
    """

    name: str
    pool: PoolRecipe
    phases: FromJson[tuple[PriorPhase, ...]]
    frames: int = Field(default=0, ge=0)
    channels: Count = 64
    blocks: Count = 8
    ema: float = Field(default=0.999, ge=0, lt=1)
    seed: int = 0
    checkpoint_every: Count = 250
    validate_every: Count = 2000
    log_every: Count = 100
    bf16: FromJson[tuple[Literal["cpu", "cuda"], ...]] = ("cpu", "cuda")
    start: str = ""
    crop_workers: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _the_pool_has_what_phases_ask_for(self) -> Self:
        if not self.phases:
            raise ValueError("at least one phase is needed.")
        made = {name for name, share in self.pool.degradations.items() if share > 0}
        asked = [name for phase in self.phases for name, share in phase.degradations.items() if share > 0]
        missing = next((name for name in asked if name not in made), None)
        if missing is not None:
            raise ValueError(f"a phase asks for “{missing}”, but the pool has no such clips.")
        if any(phase.size > self.pool.size for phase in self.phases):
            raise ValueError("a phase has larger crops than the pool's clips.")
        if self.window % 2 == 0 or self.window > self.pool.frames:
            raise ValueError(f"frames must be odd and at most the pool's ({self.pool.frames}), not {self.window}.")
        return self

    @property
    def window(self) -> int:
        """Frames that the network looks at."""
        return self.frames or self.pool.frames

    def phase_at(self, iteration: float) -> tuple[PriorPhase, float]:
        """Return the phase of ``iteration``, counted over all phases, and its index within that phase."""
        for phase in self.phases:
            if iteration < phase.iterations:
                return phase, iteration
            iteration -= phase.iterations
        raise IndexError("the recipe has ended")

    def shares(self, phase: PriorPhase) -> Shares:
        """Return how often ``phase`` takes each kind of clip."""
        asked = {name: share for name, share in phase.degradations.items() if share > 0}
        return asked or {name: share for name, share in self.pool.degradations.items() if share > 0}

    @property
    def iterations(self) -> int:
        """Optimiser steps of all phases."""
        return sum(phase.iterations for phase in self.phases)


def read_recipe(path: Path) -> Recipe | PriorRecipe:
    """Read a recipe of the prior, which has a pool, or of a diffusion network; raises `SettingsError`."""
    try:
        is_prior = "pool" in json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        is_prior = False  # reading it as the other kind says what is wrong
    return PriorRecipe.from_file(path) if is_prior else Recipe.from_file(path)
