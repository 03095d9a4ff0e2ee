"""Which conventions a network was trained with: those under which it denoises degraded real frames best (method.md §7)."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from dcvsr_engine.control import Control
from dcvsr_engine.diffusion.branch import Branch
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.sampler import clip_noise
from dcvsr_engine.errors import InputError, ModelError
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.clip import ImageEncoder
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.haar import HaarFirstStage
from dcvsr_engine.network.vae import VaeFirstStage
from dcvsr_engine.research.evaluation.clips import Clip
from dcvsr_engine.research.evaluation.methods import enlarged
from dcvsr_engine.research.evaluation.pictures import read, to_tensor
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
"""Frames per second, motion bucket and noise augmentation that are tried: SVD's own and near it, REDS' rate, and none."""

SIGMAS = (0.5, 2.0, 8.0, 32.0)
"""Noise levels at which the error is taken, as far as they are within the model's range: where the condition matters."""

CERTAIN = 3.0
"""Standard errors by which a convention must be worse to be told apart from the best."""


@dataclass(frozen=True)
class Convention:
    """What is looked for; the names are those of `Declaration`."""

    condition_scaled: bool
    image_embedding: Literal["none", "zeros", "first-frame"]
    added_time_ids: TimeIds

    @classmethod
    def of(cls, declaration: Declaration) -> "Convention":
        """The declared one."""
        return cls(declaration.condition_scaled, declaration.image_embedding, declaration.added_time_ids)

    def values(self) -> dict[str, Any]:
        """The values by name."""
        return {name: getattr(self, name) for name in ("condition_scaled", "image_embedding", "added_time_ids")}


@dataclass(frozen=True)
class Footage:
    """A clip as the network sees it.

    Attributes:
        target: ``x_0`` of the undamaged frames ``(frames, channels, height, width)``.
        condition: ``l`` of the damaged ones, not scaled.
        embedding: CLIP's view of the first damaged frame, where there is an image encoder.
    """

    target: Tensor
    condition: Tensor
    embedding: Tensor | None


@dataclass(frozen=True)
class Tried:
    """A convention and its denoising error in every draw (the same clips, noise and noise levels for all)."""

    convention: Convention
    errors: tuple[float, ...]

    @property
    def score(self) -> float:
        """The geometric mean of the errors, in which every noise level counts alike."""
        return math.exp(sum(map(math.log, self.errors)) / len(self.errors))

    def is_worse_than(self, other: "Tried") -> bool:
        """Whether the difference is more than chance: over `CERTAIN` standard errors of the paired ratios' logarithms."""
        ratios = torch.tensor([math.log(mine / theirs) for mine, theirs in zip(self.errors, other.errors, strict=True)])
        return bool(ratios.mean() > CERTAIN * ratios.std() / math.sqrt(len(ratios)))


@dataclass(frozen=True)
class Finding:
    """What a probe found.

    Attributes:
        tried: every convention, best first.
        convention: of those that cannot be told from the best, the one that keeps most of what is declared.
        decided: the names of the values that all conventions which cannot be told from the best agree in, out of several tried.
    """

    tried: tuple[Tried, ...]
    convention: Convention
    decided: tuple[str, ...]

    @property
    def rivals(self) -> tuple[Tried, ...]:
        """Those that cannot be told from the best, the best included."""
        return rivals_of(self.tried)


def rivals_of(tried: Sequence[Tried]) -> tuple[Tried, ...]:
    """Those that cannot be told from the first."""
    return tuple(one for one in tried if not one.is_worse_than(tried[0]))


def conventions(model: Model, has_encoder: bool, more_ids: Sequence[TimeIds] = ()) -> list[Convention]:
    """The grid: the declared convention first, then all others that the network could have been trained with."""
    declared = Convention.of(model.declaration)
    count = len(declared.added_time_ids)
    scaled = [False, True] if isinstance(model.first_stage, VaeFirstStage) else [declared.condition_scaled]
    images: list[Literal["none", "zeros", "first-frame"]] = (
        ["zeros", "first-frame"] if has_encoder else [declared.image_embedding]
    )
    ids = [*TIME_IDS, (0.0,) * count, *more_ids]
    grid = itertools.product(scaled, images, [values for values in ids if len(values) == count])
    return list(dict.fromkeys([declared, *(Convention(*values) for values in grid)]))


def encoder_of(model: Model, base: Path) -> ImageEncoder | None:
    """The model's image encoder, where its folder has one; raises `ModelError` when that cannot be loaded."""
    if model.image_encoder is not None or not (base / "image_encoder").is_dir():
        return model.image_encoder
    return ImageEncoder.from_folder(base, model.device, model.precision)


def footage_of(model: Model, clip: Clip, encoder: ImageEncoder | None) -> Footage:
    """A prepared clip through the first stage; raises `InputError` where it has no undamaged original or does not fit."""
    if clip.truth is None:
        raise InputError("A probe needs undamaged clips, which it damages itself; choose another degradation than none.")
    up, truth = to_tensor(enlarged(clip.low)), to_tensor(read(clip.truth))
    unit = model.declaration.factor * model.declaration.multiple
    if up.shape[-2] % unit or up.shape[-1] % unit:
        raise InputError(f"The sides of the crop must be multiples of {unit} for this model; choose another --crop.")
    embedding = None if encoder is None else encoder.embed(up[0])
    stage = model.first_stage
    if isinstance(stage, HaarFirstStage):
        return Footage(stage.encode_target(truth, up), stage.encode_condition(up), embedding)
    if not isinstance(stage, VaeFirstStage):
        raise ModelError(f"A model with the first stage “{model.declaration.first_stage}” cannot be probed.")
    plain = VaeFirstStage(stage.vae, condition_scaled=False)
    return Footage(plain.encode_condition(truth) * scaling(model), plain.encode_condition(up), embedding)


def scaling(model: Model) -> float:
    """What ``l`` is multiplied by where it is scaled."""
    stage = model.first_stage
    return float(stage.vae.config.scaling_factor) if isinstance(stage, VaeFirstStage) else 1.0


def probe(
    model: Model,
    footage: Sequence[Footage],
    candidates: Sequence[Convention],
    draws: int,
    control: Control,
    watch: Callable[[Tried], None] = lambda tried: None,
) -> Finding:
    """Try every convention on the same ``draws`` draws of noise per clip and noise level.

    Args:
        model: its declaration comes back unchanged.
        footage: clips.
        candidates: conventions, the declared one among them.
        draws: how many.
        control: asked before every evaluation; raises `Cancelled`.
        watch: is told every result.
    """
    tried = []
    for convention in candidates:
        with declaring(model, convention):
            found = Tried(convention, tuple(errors(model, footage, convention, draws, control)))
        watch(found)
        tried.append(found)
    ranked = tuple(sorted(tried, key=lambda one: one.score))
    rivals = rivals_of(ranked)
    declared = Convention.of(model.declaration).values()

    def kept(one: Tried) -> int:
        return sum(value == declared[name] for name, value in one.convention.values().items())

    def values(among: Sequence[Tried], name: str) -> set[Any]:
        return {one.convention.values()[name] for one in among}

    decided = tuple(name for name in declared if len(values(rivals, name)) == 1 < len(values(ranked, name)))
    return Finding(ranked, max(rivals, key=kept).convention, decided)


@contextmanager
def declaring(model: Model, convention: Convention) -> Iterator[None]:
    """Have the model declare ``convention`` inside."""
    declared = model.declaration
    model.declaration = replace(declared, **convention.values())
    try:
        yield
    finally:
        model.declaration = declared


def errors(model: Model, footage: Sequence[Footage], convention: Convention, draws: int, control: Control) -> Iterator[float]:
    """The EDM loss ``λ(σ) ‖x̂_0 − x_0‖²`` with λ = (σ² + 1) / σ² of every clip, noise level and draw of noise."""
    declaration = model.declaration
    for one in footage:
        frames, channels, height, width = one.target.shape
        tile = TileGrid.build(frames, height, width, max(height, width), frames).tile(0, 0)
        denoiser = Denoiser(model, one.embedding if convention.image_embedding == "first-frame" else None)
        condition = one.condition * (scaling(model) if convention.condition_scaled else 1.0)
        for sigma in sigmas(declaration):
            for seed in range(draws):
                control.check()
                noise = clip_noise(seed, 0, frames, (channels, height, width), declaration.noise_share)
                noisy = one.target + sigma * noise
                with torch.no_grad():
                    estimates = denoiser.evaluate(noisy[None], sigma, condition[None], [tile], (Branch(),))
                error = (estimates[Branch()][0] - one.target).square().mean()
                yield float(error) * (sigma**2 + 1) / sigma**2


def sigmas(declaration: Declaration) -> list[float]:
    """`SIGMAS` within the model's range, without repetition."""
    return sorted({min(max(sigma, declaration.sigma_min), declaration.sigma_max) for sigma in SIGMAS})
