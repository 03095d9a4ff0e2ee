"""Training as the engine samples: merged tiles, foreign keys of SAP and TAP, and steps that follow the network's own estimate."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import torch
from diffusers import UNetSpatioTemporalConditionModel
from torch import Tensor

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.sampler import InBatches, TiledDenoiser
from dcvsr_engine.diffusion.schedule import Step, karras_sigmas
from dcvsr_engine.events import StepKind
from dcvsr_engine.network.checkpoint import FirstStage, Model
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.first_stage import RESIDUAL_TRANSFORM
from dcvsr_engine.research.training.recipe import Recipe, TrainingPhase
from dcvsr_engine.settings import Device, RestoreSettings
from dcvsr_engine.tiling.grid import PAPER_SPREAD, TileGrid

Option = TypeVar("Option")

STEP_KINDS: tuple[StepKind, ...] = (StepKind.PLAIN, StepKind.SAP, StepKind.TAP_FORWARD, StepKind.TAP_BACKWARD)
SPREADS = (PAPER_SPREAD, 0.3)
"""Spreads of the blending weights: the paper's, and a wide one that lets the borders of tiles count."""


def draw_one(options: Sequence[Option], generator: torch.Generator) -> Option:
    """One of ``options``."""
    return options[int(torch.randint(len(options), (1,), generator=generator))]


def inner_levels(recipe: Recipe, most: int = 4) -> list[float]:
    """The noise levels after the first of the schedules of 2 to ``most`` steps."""
    schedules = (karras_sigmas(steps, recipe.sigma_min, recipe.sigma_max) for steps in range(2, most + 1))
    return [float(sigma) for sigmas in schedules for sigma in sigmas[1:-1]]


class TiledNetwork:
    """Estimates whole clips from tiles with propagation, by the engine's own sampler; gradients flow through all of it.

    Attributes:
        denoiser: of the network that is trained.
        settings: what the sampler is told.
        levels: noise levels of later steps.
    """

    def __init__(self, unet: UNetSpatioTemporalConditionModel, stage: FirstStage, recipe: Recipe, device: Device = "cpu") -> None:
        declaration = Declaration(
            name=recipe.name, title=recipe.name,
            first_stage=RESIDUAL_TRANSFORM, factor=stage.factor, multiple=4, image_embedding="none",
            added_time_ids=(0.0, 0.0, 0.0), sigma_min=recipe.sigma_min, sigma_max=recipe.sigma_max, steps=1, guidance="none",
        )  # fmt: skip
        self.denoiser = Denoiser(Model(declaration, Path(), unet, stage, device, "fp32"))
        self.settings = declaration.resolve(RestoreSettings(sap_schedule="lockstep", tap_frames=2))
        self.levels = inner_levels(recipe)
        self.sigma_max = recipe.sigma_max

    def estimate(self, x: Tensor, condition: Tensor, sigma: float, kind: StepKind, grid: TileGrid) -> Tensor:
        """The merged ``x̂_0`` of ``x`` ``(frames, channels, h, w)`` in a step of ``kind``."""
        tiled = TiledDenoiser(self.denoiser, condition, self.settings, lambda step: grid, batching=InBatches(grid.spatial))
        return tiled.denoise(x, Step(0, sigma, 0.0, 0.0, kind))

    def grid(self, shape: torch.Size, phase: TrainingPhase, generator: torch.Generator) -> TileGrid:
        """Tiles and windows of the phase over a clip of ``shape`` (frames, channels, h, w)."""
        frames, _, height, width = shape
        return TileGrid.build(frames, height, width, phase.tile, phase.window, spread=draw_one(SPREADS, generator), align=4)

    def estimates(
        self, target: Tensor, condition: Tensor, noise: Tensor, sigma: Tensor, phase: TrainingPhase, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """``x̂_0`` of clips ``(batch, frames, channels, h, w)``, and the noise level each was estimated at ``(batch,)``.

        A share ``phase.unrolled`` of the clips makes a later step, which starts from what the network makes of pure noise; its
        error does not shrink with the noise, so its level is given as infinite: the loss then has weight 1.
        """
        condition, noise, estimates, levels = condition.cpu(), noise.cpu(), [], []  # the sampler merges on the processor
        for i in range(len(target)):
            if float(torch.rand((), generator=generator)) < phase.unrolled:
                estimates.append(self.later_step(condition[i], noise[i], phase, generator))
                levels.append(sigma.new_tensor(torch.inf))
            else:
                estimates.append(self.first_step(target[i].cpu(), condition[i], noise[i], float(sigma[i]), phase, generator))
                levels.append(sigma[i])
        return torch.stack(estimates).to(target), torch.stack(levels).to(sigma)

    def first_step(self, target: Tensor, condition: Tensor, noise: Tensor, sigma: float, phase: TrainingPhase,
                   generator: torch.Generator) -> Tensor:  # fmt: skip
        """``x̂_0`` from the noisy target, as in ordinary training."""
        kind, grid = draw_one(STEP_KINDS, generator), self.grid(target.shape, phase, generator)
        return self.estimate(target + sigma * noise, condition, sigma, kind, grid)

    def later_step(self, condition: Tensor, noise: Tensor, phase: TrainingPhase, generator: torch.Generator) -> Tensor:
        """``x̂_0`` of a later step, which starts from what the network makes of pure noise, as in sampling."""
        grid = self.grid(condition.shape, phase, generator)
        with torch.no_grad():
            own = self.estimate(self.sigma_max * noise, condition, self.sigma_max, draw_one(STEP_KINDS, generator), grid)
        sigma = draw_one(self.levels, generator)
        return self.estimate(own + sigma * noise, condition, sigma, draw_one(STEP_KINDS, generator), grid)
