"""Training as the engine samples: merged tiles, foreign keys of SAP and TAP, and steps from the network's own estimate."""

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.sampler import InBatches, TiledDenoiser
from dcvsr_engine.diffusion.schedule import Step, karras_sigmas
from dcvsr_engine.events import StepKind
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.research.training.recipe import Recipe, TrainingPhase
from dcvsr_engine.research.training.start import Start
from dcvsr_engine.settings import Device, RestoreSettings
from dcvsr_engine.tiling.grid import PAPER_SPREAD, TileGrid

Option = TypeVar("Option")

STEP_KINDS: tuple[StepKind, ...] = (StepKind.PLAIN, StepKind.SAP, StepKind.TAP_FORWARD, StepKind.TAP_BACKWARD)
SPREADS = (PAPER_SPREAD, 0.3)
"""Spreads of the blending weights: the paper's, and a wide one that gives the borders of tiles more weight."""


def draw_one(options: Sequence[Option], generator: torch.Generator) -> Option:
    """Draw one of ``options``, each as likely."""
    return options[int(torch.randint(len(options), (1,), generator=generator))]


def inner_levels(recipe: Recipe, most: int = 4) -> list[float]:
    """List the noise levels after the first of all schedules of 2 to ``most`` steps: those of later sampling steps."""
    schedules = (karras_sigmas(steps, recipe.sigma_min, recipe.sigma_max) for steps in range(2, most + 1))
    return [float(sigma) for sigmas in schedules for sigma in sigmas[1:-1]]


class TiledNetwork:
    """Estimates whole clips from tiles with propagation, by the engine's own sampler; gradients flow through all of it.

    Attributes:
        denoiser: of the network under training, with the start's conventions.
        settings: of the sampler; no guidance, because the loss is on the conditional estimate.
        align: tiles lie at multiples of this, as the network needs.
        levels: noise levels of later steps.
        sigma_max: noise level of the first step.
    """

    def __init__(self, start: Start, recipe: Recipe, device: Device = "cpu") -> None:
        declaration = start.declaration
        self.denoiser = Denoiser(Model(declaration, start.folder, start.unet, start.stage, device, "fp32"))
        settings = RestoreSettings(steps=1, guidance="none", guidance_scale=1.0, sap_schedule="lockstep", tap_frames=2)
        self.settings = declaration.resolve(settings)
        self.align = declaration.multiple
        self.levels = inner_levels(recipe)
        self.sigma_max = recipe.sigma_max

    def estimate(self, x: Tensor, condition: Tensor, sigma: float, kind: StepKind, grid: TileGrid) -> Tensor:
        """Estimate the merged ``x̂_0`` of one clip in a step of ``kind``.

        Args:
            x: noisy latents ``(frames, channels, h, w)``.
            condition: ``l`` ``(frames, condition channels, h, w)``.
            sigma: noise level.
            kind: of the step: plain, SAP or TAP.
            grid: the tiles.

        Returns:
            Shaped like ``x``.
        """
        tiled = TiledDenoiser(self.denoiser, condition, self.settings, lambda step: grid, batching=InBatches(grid.spatial))
        return tiled.denoise(x, Step(0, sigma, 0.0, 0.0, kind))

    def grid(self, shape: torch.Size, phase: TrainingPhase, generator: torch.Generator) -> TileGrid:
        """Lay the phase's tiles and windows over a clip of ``shape`` (frames, channels, h, w)."""
        frames, _, height, width = shape
        spread = draw_one(SPREADS, generator)
        return TileGrid.build(frames, height, width, phase.tile, phase.window, spread=spread, align=self.align)

    def estimates(
        self, target: Tensor, condition: Tensor, noise: Tensor, sigma: Tensor, phase: TrainingPhase, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Estimate ``x̂_0`` of a batch, a share ``phase.unrolled`` of it at a later sampling step.

        Args:
            target, condition, noise: latents ``(batch, frames, channels, h, w)``.
            sigma: noise levels of the clips that start from the noisy target ``(batch,)``.
            phase: tiles and shares.
            generator: source of random numbers.

        Returns:
            ``x̂_0`` like ``target``, and the noise levels ``(batch,)``. Those of later steps are infinite, so that their loss has
            weight 1: they start from the network's own estimate, whose error does not shrink with the noise.
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
        """Estimate ``x̂_0`` of one clip ``(frames, channels, h, w)`` from its noisy target, as in ordinary training."""
        kind, grid = draw_one(STEP_KINDS, generator), self.grid(target.shape, phase, generator)
        return self.estimate(target + sigma * noise, condition, sigma, kind, grid)

    def later_step(self, condition: Tensor, noise: Tensor, phase: TrainingPhase, generator: torch.Generator) -> Tensor:
        """Estimate ``x̂_0`` of one clip ``(frames, channels, h, w)`` from the network's own estimate of noise, as in sampling.

        No gradient flows through that first estimate: it would double the memory.
        """
        grid = self.grid(condition.shape, phase, generator)
        with torch.no_grad():
            own = self.estimate(self.sigma_max * noise, condition, self.sigma_max, draw_one(STEP_KINDS, generator), grid)
        sigma = draw_one(self.levels, generator)
        return self.estimate(own + sigma * noise, condition, sigma, draw_one(STEP_KINDS, generator), grid)
