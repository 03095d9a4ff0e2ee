"""Unit variances of a refining network's latents: measured on training clips, over the upsampler that it will refine."""

import random
from collections.abc import Iterable

import torch
from torch import Tensor

from dcvsr_engine.network.first_stage import HAAR
from dcvsr_engine.network.haar import HaarFirstStage
from dcvsr_engine.network.upsampling import VideoUpsampler
from dcvsr_engine.research.training.data import Material, training_pair
from dcvsr_engine.research.training.recipe import Recipe
from dcvsr_engine.research.training.start import enlarge_clips


def unit_stage() -> HaarFirstStage:
    """Make a first stage that divides nothing."""
    return HaarFirstStage([1.0] * HAAR.latent_channels, [1.0] * HAAR.condition_channels)


class Deviations:
    """Gathers the standard deviation of every channel, in double precision."""

    def __init__(self) -> None:
        self._count, self._sum, self._squares = 0, torch.zeros(1), torch.zeros(1)

    def add(self, values: Tensor) -> None:
        """Take values ``(n, channels, h, w)``."""
        channels = values.double().transpose(0, 1).flatten(1)
        self._count += channels.shape[1]
        self._sum, self._squares = self._sum + channels.sum(1), self._squares + channels.square().sum(1)

    def __call__(self) -> list[float]:
        """Return one deviation per channel."""
        variance = self._squares / self._count - (self._sum / self._count).square()
        return [float(value) for value in variance.sqrt()]


@torch.no_grad()
def measure_scales(recipe: Recipe, material: Material, upsampler: VideoUpsampler, clips: int) -> HaarFirstStage:
    """Measure what makes every band of residual and condition have unit variance.

    Args:
        recipe: its phases take turns in saying which clips.
        material: to train on.
        upsampler: makes ``I_up``.
        clips: how many clips; the same ones every time.

    Returns:
        The first stage with these scales.
    """
    stage, residual, condition = unit_stage(), Deviations(), Deviations()
    for index in range(clips):
        phase, rng = recipe.phases[index % len(recipe.phases)], random.Random(f"{recipe.seed}/scales/{index}")
        clip, low = training_pair(rng, material, phase, upsampler.frames // 2)
        up = enlarge_clips(upsampler, low.unsqueeze(0))[0]
        residual.add(stage.encode_target(clip, up))
        condition.add(stage.encode_condition(up))
    return HaarFirstStage(residual(), condition())


def matched_stage(stage: HaarFirstStage, estimates: Iterable[tuple[Tensor, Tensor]]) -> HaarFirstStage:
    """Change residual scales so that one network makes as much detail as another.

    Args:
        stage: of both networks.
        estimates: pairs of estimates x̂_0 ``(n, channels, h, w)``: by the network to follow, and by the one to be scaled.
    """
    example, made = Deviations(), Deviations()
    for pair in estimates:
        for deviations, latents in zip((example, made), pair, strict=True):
            deviations.add(latents)
    ratios = torch.tensor(example()) / torch.tensor(made())
    return HaarFirstStage((stage.residual_scale.flatten() * ratios).tolist(), stage.condition_scale.flatten().tolist())
