"""Training recipes: what to train, on what data, in which phases. JSON in and out; imports no torch."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from dcvsr_engine.errors import SettingsError, UserError
from dcvsr_engine.schema import FromJson, Schema

STATE = Path("last") / "state.safetensors"
"""Path of the state within a run's folder; a run can be resumed where it exists."""

TRAINING_SCALE = 4
"""Enlargement along an axis that everything is trained for."""

DEGRADATIONS = ("mild", "streamed", "real-world", "film", "interlaced")
"""Names in `degradation.PRESETS`, which is not imported here because it imports torch."""

SOURCES = ("photographs", "graphics", "videos")
"""Sources of clips: synthetic motion over photographs or drawn pictures, or crops of recordings."""

Shares = dict[str, float]
"""How often to choose each name, in any unit."""


def shares_of(what: str, known: tuple[str, ...], may_be_empty: bool = False) -> AfterValidator:
    """Validate shares of ``known`` names; ``what`` names them in the error."""

    def check(shares: Shares) -> Shares:
        unknown = next((name for name in shares if name not in known), None)
        if unknown is not None:
            raise ValueError(f"{what} are {', '.join(known[:-1])} and {known[-1]}, not “{unknown}”.")
        if may_be_empty and not shares:
            return shares
        if not min(shares.values(), default=0) >= 0 < sum(shares.values()):
            raise ValueError(f"{what} need a share above 0, and none below.")
        return shares

    return AfterValidator(check)


Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
LossWeight = Annotated[float, Field(ge=0)]


class RecipePart(Schema):
    """Base of a recipe and of its parts."""

    error_type: ClassVar[type[UserError]] = SettingsError
    noun: ClassVar[str] = "key"

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a recipe; raises `SettingsError`."""
        try:
            return cls.from_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"The recipe “{path}” cannot be read ({error.strerror}).") from None
        except (UnicodeDecodeError, SettingsError) as error:
            raise SettingsError(f"The recipe “{path}” is not understood: {str(error).rstrip('.')}.") from None


class Mixture(RecipePart):
    """The mixture that clips are drawn from.

    Attributes:
        sources: shares of `SOURCES`.
        degradations: shares of `DEGRADATIONS`.
        parallax: share of the clips from photographs that show two depths.
        handheld: share of those filmed by a shaking camera, with crossing objects and fades.
    """

    sources: Annotated[Shares, shares_of("sources", SOURCES)] = Field(default_factory=lambda: {"photographs": 1.0})
    degradations: Annotated[Shares, shares_of("degradations", DEGRADATIONS)] = Field(default_factory=lambda: {"mild": 1.0})
    parallax: Share = 0.0
    handheld: Share = 0.0


class PoolRecipe(Mixture):
    """Clips that are made once, kept on disk as arrays, and cropped during training.

    Attributes:
        clips, held_out: numbers for training and for validation, divided up as ``degradations`` says.
        shard: clips that are made and written together.
        frames: frames of a clip, odd: one is in the middle.
        size: side of a clip's undamaged frames in pixels.
        workers: processes that make clips; the clips do not depend on their number.
    """

    clips: Count = 8000
    held_out: Count = 96
    shard: Count = 100
    frames: Count = 5
    size: int = Field(default=192, ge=32)
    workers: Count = 2

    @model_validator(mode="after")
    def _windows_have_a_middle(self) -> Self:
        if self.frames % 2 == 0:
            raise ValueError(f"frames of the pool must be odd, not {self.frames}: one is in the middle.")
        if self.size % TRAINING_SCALE:
            raise ValueError(f"size of the pool must be a multiple of {TRAINING_SCALE}, not {self.size}.")
        return self

    def check(self, asked: "TrainingPhase | Validation") -> None:
        """Raise `ValueError` where a part of a recipe asks for what these clips do not have."""
        missing = next((name for name, share in asked.degradations.items() if share > 0 >= self.degradations.get(name, 0)), None)
        if missing is not None:
            raise ValueError(f"“{missing}” is asked for, but no such clips are made.")
        if asked.size > self.size or asked.frames > self.frames:
            raise ValueError(f"crops must fit into the clips, which have {self.frames} frames of {self.size} pixels.")


class TrainingPhase(Mixture):
    """A stretch of training with constant data and objective.

    Attributes:
        iterations: optimiser steps.
        frames: frames per clip; 1 skips the temporal layers.
        batch: clips per batch.
        size: side of the HR crop in pixels.
        learning_rate: peak, reached over ``warmup`` iterations.
        schedule: after the warm-up, ``"cosine"`` decays to a tenth of the peak, ``"constant"`` keeps it.
        at_max: share of the batch trained at σ_max.
        noise_share: share of the noise variance that all frames of a clip have in common.
        perceptual: weight of the perceptual loss on the decoded x̂_0; 0 for none.
        lattice: weight of `objective.lattice_error` of the decoded x̂_0, at one and two latents; 0 for none.
        tile: side in latents of the tiles that clips are trained in (`propagation`); 0 trains untiled clips.
        window: frames of these tiles.
        unrolled: share of tiled clips trained at a later sampling step, from the network's own first estimate.
        change: weight of `objective.change_error` of the decoded x̂_0; 0 for none.
        change_in_look: weight of `objective.change_in_look`; needs ``perceptual`` and at least 2 frames; 0 for none.
        excess: weight of `objective.excess_detail` of the decoded x̂_0; 0 for none.
        adversarial: weight of the loss against an `adversary` on the decoded x̂_0; needs at least 2 frames; 0 for none.
        taught: weight of the squared difference from the x̂_0 of the start folder's network, for one that is narrower; 0 for none.
        judged: side in pixels of the crops that the perceptual network sees, at most ``size``.
    """

    iterations: Count
    frames: Count = 1
    batch: Count = 8
    size: Count = 128
    learning_rate: float = Field(default=3e-4, gt=0)
    warmup: int = Field(default=100, ge=0)
    schedule: Literal["cosine", "constant"] = "cosine"
    at_max: Share = 0.5
    noise_share: Share = 0.0
    perceptual: LossWeight = 0.0
    lattice: LossWeight = 0.0
    tile: int = Field(default=0, ge=0)
    window: int = Field(default=0, ge=0)
    unrolled: Share = 0.0
    change: LossWeight = 0.0
    change_in_look: LossWeight = 0.0
    excess: LossWeight = 0.0
    adversarial: LossWeight = 0.0
    taught: LossWeight = 0.0
    judged: Count = 72

    @model_validator(mode="after")
    def _perceptual_losses_have_pictures_to_compare(self) -> Self:
        if self.change_in_look > 0 and not (self.frames > 1 and self.perceptual > 0):
            raise ValueError("change_in_look needs perceptual above 0 and at least 2 frames.")
        if self.adversarial > 0 and (self.frames < 2 or self.size % 8):
            raise ValueError("adversarial needs at least 2 frames, and a size that is a multiple of 8.")
        if self.perceptual > 0 and self.judged > self.size:
            raise ValueError(f"judged must be at most size ({self.size}), not {self.judged}.")
        return self


class Validation(Mixture):
    """What is validated every ``validate_every`` iterations.

    Attributes:
        clips: number of held-out clips.
        frames: frames per clip.
        size: side in pixels.
        steps: numbers of sampling steps to try.
    """

    clips: Count = 24
    frames: Count = 1
    size: Count = 192
    steps: FromJson[tuple[Count, ...]] = (1, 2, 4)


class Recipe(RecipePart):
    """A whole training run.

    Attributes:
        name: of the model.
        start: checkpoint folder, relative to the working directory: ``unet/`` and ``scales.json``, or SVD's layout.
        phases: in order.
        scratch: take only the configuration from ``start``, not its weights.
        narrow: entries of the U-Net's configuration that differ from the start's; what is left of its weights is kept.
        sigma_min, sigma_max: noise range of training.
        ema: decay of the averaged weights.
        seed: of data, noise and initial weights.
        checkpoint_every, validate_every, log_every: iterations.
        sigma_mean, sigma_deviation: of ln σ.
        critic_channels, critic_rate: width and learning rate of the critic where a phase is adversarial.
        accumulate: batches whose gradients make one optimiser step.
        lora: rank of the adapters to train instead of all weights; 0 for none.
        dropout: share of the clips whose conditioning is dropped as the declaration's ``unconditional`` says.
        bf16: devices on which the network computes in bfloat16 (autocast); elsewhere it computes in fp32.
        quick: devices on which layers are replaced by ones that train faster (`quick`); measured on CUDA alone.
        gradient_checkpointing: compute activations twice instead of keeping them.
        compile: use ``torch.compile``; needs a C++ compiler on the processor.
        validation: what to validate with.
        workers: processes that decode, degrade and prefetch; the data do not depend on their number.
        clips: made once before training and then cropped again and again, where clips made anew come too slowly for the
            device; phases and validation then say only which degradations they want.
        declaration: entries of ``dcvsr.json`` that differ from the start folder's, or from what its files suggest.
    """

    name: str
    start: str
    phases: FromJson[tuple[TrainingPhase, ...]]
    scratch: bool = False
    narrow: dict[str, Any] = Field(default_factory=dict)
    sigma_min: float = Field(default=0.02, gt=0)
    sigma_max: float = 20.0
    ema: float = Field(default=0.999, ge=0, lt=1)
    seed: int = 0
    checkpoint_every: Count = 250
    validate_every: Count = 500
    log_every: Count = 50
    sigma_mean: float = -0.3
    sigma_deviation: float = 1.3
    critic_channels: Count = 32
    critic_rate: float = Field(default=2e-4, gt=0)
    accumulate: Count = 1
    lora: int = Field(default=0, ge=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    bf16: FromJson[tuple[Literal["cpu", "cuda"], ...]] = ("cpu", "cuda")
    quick: FromJson[tuple[Literal["cpu", "cuda"], ...]] = ("cuda",)
    gradient_checkpointing: bool = False
    compile: bool = False
    validation: Validation = Validation()
    workers: Count = 1
    clips: PoolRecipe | None = None
    declaration: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _values_fit_together(self) -> Self:
        if not self.phases:
            raise ValueError("at least one phase is needed.")
        if not self.sigma_min < self.sigma_max:
            raise ValueError(f"sigma_min must be below sigma_max ({self.sigma_max}), not {self.sigma_min}.")
        # adapters change trained weights; there are none to change
        if self.lora and self.scratch:
            raise ValueError("lora must be 0 for a network trained from scratch.")
        if self.clips is not None:
            for part in self.parts:
                self.clips.check(part)
        return self

    @property
    def parts(self) -> tuple[TrainingPhase | Validation, ...]:
        """All parts that ask for clips."""
        return (*self.phases, self.validation)

    def phase_at(self, iteration: float) -> tuple[TrainingPhase, float]:
        """Return the phase of ``iteration``, counted over all phases, and its index within that phase."""
        for phase in self.phases:
            if iteration < phase.iterations:
                return phase, iteration
            iteration -= phase.iterations
        raise IndexError("the recipe has ended")

    def times(self, count: int) -> "Recipe":
        """Return the recipe with ``count`` times the iterations: one per batch where batches are accumulated."""
        return self.replace(phases=tuple(phase.replace(iterations=count * phase.iterations) for phase in self.phases))

    @property
    def is_perceptual(self) -> bool:
        """Whether a phase has a perceptual loss."""
        return any(phase.perceptual > 0 for phase in self.phases)

    @property
    def iterations(self) -> int:
        """Optimiser steps of all phases."""
        return sum(phase.iterations for phase in self.phases)
