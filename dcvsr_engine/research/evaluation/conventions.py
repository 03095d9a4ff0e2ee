"""Which conventions a network was trained with: those under which it denoises degraded real frames best (method.md §7)."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from dcvsr_engine.control import Control
from dcvsr_engine.diffusion.branch import CONDITIONAL, Branch
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.noise import augmented, clip_noise
from dcvsr_engine.errors import InputError, ModelError
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.clip import ImageEncoder
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.haar import HaarFirstStage
from dcvsr_engine.network.vae import VaeFirstStage
from dcvsr_engine.research.evaluation.clips import Clip
from dcvsr_engine.research.evaluation.methods import enlarge_bicubic
from dcvsr_engine.research.pictures import read_pictures, to_tensor
from dcvsr_engine.tiling.grid import TileGrid

TimeIds = tuple[float, ...]

TIME_IDS: tuple[TimeIds, ...] = (
    (6.0, 127.0, 0.0),
    (6.0, 127.0, 0.02),
    (7.0, 127.0, 0.0),
    (7.0, 127.0, 0.02),
    (24.0, 127.0, 0.0),
    (0.0, 0.0, 0.0),
)
"""Candidates for frames per second, motion bucket and noise augmentation: SVD's and its neighbours, REDS' rate, and zeros."""

SIGMAS = (0.5, 2.0, 8.0, 32.0)
"""Noise levels at which the error is taken, clamped to the model's range: those where the condition matters."""

CLEAR_SIGMAS = (0.5, 2.0)
"""Those at which a picture is seen through the noise without a condition: beyond them there is nothing to do better."""

CERTAIN = 3.0
"""A convention is worse than the best when it is worse by more than this many standard errors."""

NOTICEABLE = 0.005
"""… and by at least this share: networks may like what they were not trained with a little better (noise on l: 0.24 %)."""


@dataclass(frozen=True)
class Convention:
    """What the search looks for; the names are those of `Declaration`."""

    condition_scaled: bool
    image_embedding: Literal["none", "zeros", "first-frame"]
    added_time_ids: TimeIds
    condition_noise: float = 0.0

    @classmethod
    def of(cls, declaration: Declaration) -> "Convention":
        """Return the declared one."""
        return cls(*(getattr(declaration, field.name) for field in fields(cls)))

    def values(self) -> dict[str, Any]:
        """Return the values by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class ProbeClip:
    """A clip in latents.

    Attributes:
        target: ``x_0`` of the undamaged frames ``(frames, channels, height, width)``.
        condition: ``l`` of the damaged frames, not scaled, ``(frames, condition channels, height, width)``.
        embedding: CLIP embedding of the first damaged frame ``(1, 1, width)``; ``None`` without an image encoder.
    """

    target: Tensor
    condition: Tensor
    embedding: Tensor | None


@dataclass(frozen=True)
class Trial:
    """A convention and its denoising error in every draw (the same clips, noise and noise levels for all)."""

    convention: Convention
    errors: tuple[float, ...]

    @property
    def error(self) -> float:
        """Their mean, see `mean_error`."""
        return mean_error(self.errors)

    def is_worse_than(self, other: "Trial") -> bool:
        """Return whether its errors are larger, see `exceed`."""
        return exceed(self.errors, other.errors)


@dataclass(frozen=True)
class DropTrial:
    """What the network does without some of its inputs, which are zeros in the unconditional branch.

    Attributes:
        names: of the inputs left out, as in `Declaration.unconditional`.
        errors: without them, in every draw.
        reference: errors in the same draws of what a network must beat that was trained to do without them: without the
            condition, the linear denoiser ``x / (σ² + 1)``, which knows no pictures; without the image embedding alone, the
            network itself with that of another clip.
    """

    names: tuple[str, ...]
    errors: tuple[float, ...]
    reference: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Error as a multiple of the reference's."""
        return mean_error(self.errors) / mean_error(self.reference)

    @property
    def is_trained(self) -> bool:
        """Whether the network does better than the reference, beyond chance."""
        return exceed(self.reference, self.errors)


@dataclass(frozen=True)
class Finding:
    """Result of a search.

    Attributes:
        trials: every convention, best first.
        convention: of the best and its rivals, the one that keeps most of what is declared.
        decided: names of the values in which the best and all its rivals agree, where several values were tried.
        drops: what the network does without some inputs.
    """

    trials: tuple[Trial, ...]
    convention: Convention
    decided: tuple[str, ...]
    drops: tuple[DropTrial, ...] = ()

    @property
    def unconditional(self) -> tuple[str, ...] | None:
        """The inputs that the network was trained to do without; ``None`` where no set of them, or more than one, is shown."""
        trained = [drop.names for drop in self.drops if drop.is_trained]
        return trained[0] if len(trained) == 1 else None

    @property
    def found(self) -> dict[str, Any]:
        """The values found, by the names of `Declaration`."""
        values = self.convention.values()
        return values if self.unconditional is None else values | {"unconditional": self.unconditional}

    @property
    def rivals(self) -> tuple[Trial, ...]:
        """Trials not significantly worse than the best, the best included."""
        return rivals_of(self.trials)


def mean_error(errors: Sequence[float]) -> float:
    """Geometric mean of errors: it weighs every noise level alike."""
    return math.exp(sum(map(math.log, errors)) / len(errors))


def exceed(errors: Sequence[float], others: Sequence[float]) -> bool:
    """Whether the log ratios of errors to others of the same draws exceed `CERTAIN` standard errors, and `NOTICEABLE`."""
    # paired: both saw the same draws, so that their difficulty cancels
    ratios = torch.tensor([math.log(mine / theirs) for mine, theirs in zip(errors, others, strict=True)])
    return float(ratios.mean()) > max(CERTAIN * float(ratios.std()) / math.sqrt(len(ratios)), NOTICEABLE)


def rivals_of(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Return the trials that are not significantly worse than the first."""
    return tuple(trial for trial in trials if not trial.is_worse_than(trials[0]))


def candidate_conventions(model: Model, has_encoder: bool, more_ids: Sequence[TimeIds] = ()) -> list[Convention]:
    """List the conventions to try: the declared one first, then all others that the network could have been trained with.

    Args:
        model: to probe.
        has_encoder: an image encoder is available.
        more_ids: time ids to try beside `TIME_IDS`.
    """
    declared = Convention.of(model.declaration)
    count = len(declared.added_time_ids)
    scaled = [False, True] if isinstance(model.first_stage, VaeFirstStage) else [declared.condition_scaled]
    images: list[Literal["none", "zeros", "first-frame"]] = (
        ["zeros", "first-frame"] if has_encoder else [declared.image_embedding]
    )
    ids = [*TIME_IDS, (0.0,) * count, *more_ids]
    combinations = itertools.product(scaled, images, [values for values in ids if len(values) == count])
    plain = [Convention(*values) for values in combinations]
    # SVD's third id says how much noise was added to l
    noisy = [replace(convention, condition_noise=convention.added_time_ids[2]) for convention in plain if count > 2]
    # a dictionary keeps the order and drops repetitions
    return list(dict.fromkeys([declared, *plain, *noisy]))


def encoder_of(model: Model, base: Path) -> ImageEncoder | None:
    """Load the image encoder from ``base`` where the model has one; raises `ModelError` when it cannot be loaded."""
    if model.image_encoder is not None or not (base / "image_encoder").is_dir():
        return model.image_encoder
    return ImageEncoder.from_folder(base, model.device, model.precision)


def encode_probe_clip(model: Model, clip: Clip, encoder: ImageEncoder | None) -> ProbeClip:
    """Encode a prepared clip by the model's first stage.

    Raises:
        InputError: the clip has no undamaged original, or its sides do not fit the model.
    """
    if clip.truth is None:
        raise InputError("A probe needs undamaged clips, which it damages itself; choose another degradation than none.")
    up, truth = to_tensor(enlarge_bicubic(clip.low)), to_tensor(read_pictures(clip.truth))
    unit = model.declaration.factor * model.declaration.multiple
    if up.shape[-2] % unit or up.shape[-1] % unit:
        raise InputError(f"The sides of the crop must be multiples of {unit} for this model; choose another --crop.")
    embedding = None if encoder is None else encoder.embed(up[0])
    stage = model.first_stage
    if isinstance(stage, HaarFirstStage):
        return ProbeClip(stage.encode_target(truth, up), stage.encode_condition(up), embedding)
    if not isinstance(stage, VaeFirstStage):
        raise ModelError(f"A model with the first stage “{model.declaration.first_stage}” cannot be probed.")
    # the condition is stored unscaled; `denoising_errors` scales it for the conventions that say so
    plain = VaeFirstStage(stage.vae, condition_scaled=False)
    return ProbeClip(plain.encode_condition(truth) * condition_scale(model), plain.encode_condition(up), embedding)


def condition_scale(model: Model) -> float:
    """Return the factor of ``l`` under conventions that scale it."""
    stage = model.first_stage
    return float(stage.vae.config.scaling_factor) if isinstance(stage, VaeFirstStage) else 1.0


def find_conventions(
    model: Model,
    clips: Sequence[ProbeClip],
    candidates: Sequence[Convention],
    draws: int,
    control: Control,
    watch: Callable[[Trial], None] = lambda trial: None,
) -> Finding:
    """Try every convention on the same draws of noise.

    Args:
        model: to probe; it stays unchanged.
        clips: in latents.
        candidates: conventions, the declared one among them.
        draws: of noise per clip and noise level.
        control: checked before every evaluation; raises `Cancelled`.
        watch: receives every trial.
    """
    trials = []
    for convention in candidates:
        trial = Trial(convention, tuple(denoising_errors(model, clips, convention, draws, control)))
        watch(trial)
        trials.append(trial)
    ranked = tuple(sorted(trials, key=lambda trial: trial.error))
    rivals = rivals_of(ranked)
    declared = Convention.of(model.declaration).values()

    def kept(trial: Trial) -> int:
        return sum(value == declared[name] for name, value in trial.convention.values().items())

    def values(among: Sequence[Trial], name: str) -> set[Any]:
        return {trial.convention.values()[name] for trial in among}

    decided = tuple(name for name in declared if len(values(rivals, name)) == 1 < len(values(ranked, name)))
    chosen = max(rivals, key=kept).convention
    return Finding(ranked, chosen, decided, tuple(try_drops(model, clips, chosen, draws, control)))


def try_drops(
    model: Model, clips: Sequence[ProbeClip], convention: Convention, draws: int, control: Control
) -> Iterator[DropTrial]:
    """Yield what the network does without its condition, without the image embedding and without both, where it has one.

    Args:
        model, clips, draws, control: as for `find_conventions`.
        convention: under which to try.
    """

    def errors(clips: Sequence[ProbeClip], branch: Branch, *names: str) -> tuple[float, ...]:
        probed = replace(model, declaration=model.declaration.replace(unconditional=names))
        return tuple(denoising_errors(probed, clips, convention, draws, control, branch, CLEAR_SIGMAS))

    sees = convention.image_embedding == "first-frame"
    unconditional = Branch(conditional=False)
    linear = tuple(linear_errors(model, clips, draws))
    for names in (("condition",), ("image_embedding", "condition")) if sees else (("condition",),):
        yield DropTrial(names, errors(clips, unconditional, *names), linear)
    if sees and len(clips) > 1:
        # every clip with the embedding of the one before it
        strangers = [replace(clip, embedding=clips[place - 1].embedding) for place, clip in enumerate(clips)]
        yield DropTrial(("image_embedding",), errors(clips, unconditional, "image_embedding"), errors(strangers, CONDITIONAL))


def linear_errors(model: Model, clips: Sequence[ProbeClip], draws: int) -> Iterator[float]:
    """Yield the errors of ``x̂_0 = x / (σ² + 1)`` in the draws of `denoising_errors`: the best that a line can do."""
    for clip in clips:
        for sigma, _, noise in noise_draws(model.declaration, clip, draws, CLEAR_SIGMAS):
            estimate = (clip.target + sigma * noise) / (sigma**2 + 1)
            yield weighted_error(estimate, clip.target, sigma)


def noise_draws(
    declaration: Declaration, clip: ProbeClip, draws: int, sigmas: Sequence[float]
) -> Iterator[tuple[float, int, Tensor]]:
    """Yield every noise level and draw: σ, seed, and noise shaped like the clip; the same for every convention."""
    frames, channels, height, width = clip.target.shape
    for sigma, seed in itertools.product(probe_sigmas(declaration, sigmas), range(draws)):
        yield sigma, seed, clip_noise(seed, 0, frames, (channels, height, width), declaration.noise_share)


def weighted_error(estimate: Tensor, target: Tensor, sigma: float) -> float:
    """The EDM loss ``λ(σ) ‖x̂_0 − x_0‖²``, λ = (σ² + 1) / σ², of an estimate shaped like its target."""
    return float((estimate - target).square().mean()) * (sigma**2 + 1) / sigma**2


def denoising_errors(
    model: Model,
    clips: Sequence[ProbeClip],
    convention: Convention,
    draws: int,
    control: Control,
    branch: Branch = CONDITIONAL,
    sigmas: Sequence[float] = SIGMAS,
) -> Iterator[float]:
    """Yield the `weighted_error` of every clip, noise level and draw under ``convention``, in a branch of guidance."""
    declaration = model.declaration.replace(**convention.values())
    probed = replace(model, declaration=declaration)  # shares the networks
    scale = condition_scale(model) if convention.condition_scaled else 1.0
    for clip in clips:
        frames, _, height, width = clip.target.shape
        tile = TileGrid.build(frames, height, width, max(height, width), frames).tile(0, 0)
        denoiser = Denoiser(probed, clip.embedding if convention.image_embedding == "first-frame" else None)
        for sigma, seed, noise in noise_draws(declaration, clip, draws, sigmas):
            control.check()
            condition = augmented(clip.condition * scale, convention.condition_noise, seed, range(frames))
            noisy = clip.target + sigma * noise
            with torch.no_grad():
                estimates = denoiser.evaluate(noisy[None], sigma, condition[None], [tile], (branch,))
            yield weighted_error(estimates[branch][0], clip.target, sigma)


def probe_sigmas(declaration: Declaration, sigmas: Sequence[float]) -> list[float]:
    """Clamp noise levels to the model's range, without repetition."""
    return sorted({min(max(sigma, declaration.sigma_min), declaration.sigma_max) for sigma in sigmas})
