"""The duration of a job, from one tile measured on the device."""

import time
from dataclasses import replace

import torch

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.restore.plan import Plan

OVERHEAD = 1.15
"""Everything but the U-Net, as a share of its time."""


@torch.no_grad()
def seconds_per_evaluation(plan: Plan, model: Model, repeats: int = 2) -> float:
    """Fastest of ``repeats`` evaluations of one tile of the plan's size, in seconds."""
    grid, stage = plan.grid, model.first_stage
    tile = grid.tile(0, 0)
    x = torch.zeros(1, tile.frames, stage.latent_channels, tile.height, tile.width)
    condition = torch.zeros(1, tile.frames, stage.condition_channels, tile.height, tile.width)
    denoiser = Denoiser(model)
    times = []
    for _ in range(repeats):
        began = time.monotonic()
        denoiser.guided(x, model.declaration.sigma_max, condition, [tile], "none", 1.0, 0.0)
        times.append(time.monotonic() - began)
    return min(times)


def calibrated(plan: Plan, model: Model) -> Plan:
    """The plan with its estimated duration filled in."""
    return replace(plan, seconds=plan.evaluations * seconds_per_evaluation(plan, model) * OVERHEAD)
