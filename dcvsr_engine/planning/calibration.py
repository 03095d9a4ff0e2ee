"""Duration and memory of a job, from one tile measured on the device."""

import time
from functools import partial

import torch

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.schedule import most_branches
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.oom import attempt
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.planner import problems_of
from dcvsr_engine.planning.speeds import remember_speed

OVERHEAD = 1.15
"""Everything but the U-Net, as a share of its time."""


@torch.no_grad()
def evaluate_tile(plan: Plan, model: Model) -> float:
    """Seconds that one evaluation of one tile of the plan's size takes, where a processor's threads have one each."""
    stage = model.first_stage
    model.unet.to(model.device)  # the job before may have left it elsewhere
    tile, count = plan.grid.tile(0, 0), plan.tiles_at_once if model.device == "cpu" else 1
    x = torch.zeros(1, tile.frames, stage.latent_channels, tile.height, tile.width)
    condition = torch.zeros(1, tile.frames, stage.condition_channels, tile.height, tile.width)
    began, denoiser = time.monotonic(), Denoiser(model)
    # without guidance, so that time and memory are those of one row; branches are counted apart
    work = partial(denoiser.guided, x, model.declaration.sigma_max, condition, [tile], "none", 1.0, 0.0)
    denoiser.network.side_by_side([work] * count)
    return (time.monotonic() - began) / count


def seconds_per_evaluation(plan: Plan, model: Model, repeats: int = 2) -> float | None:
    """Fastest of ``repeats`` evaluations of one tile of the plan's size, in seconds; ``None`` when memory does not suffice."""
    # the fastest: the first evaluation also pays for memory and kernels that later ones find ready
    return attempt(lambda: min(evaluate_tile(plan, model) for _ in range(repeats)))


def calibrated(plan: Plan, model: Model) -> Plan:
    """Measure the plan's duration in seconds, and on a CUDA device its memory in bytes."""
    weights = 0
    if model.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        weights = torch.cuda.memory_allocated()
    seconds = seconds_per_evaluation(plan, model)
    if seconds is None:
        problem = "A single tile does not fit into the device's memory: choose a smaller tile or window."
        return plan.replace(problems=(*plan.problems, problem))
    plan = plan.replace(seconds=plan.evaluations * seconds * OVERHEAD)
    remember_speed(plan, plan.evaluations * seconds * OVERHEAD)
    return with_measured_memory(plan, model, weights) if model.device == "cuda" else plan


def with_measured_memory(plan: Plan, model: Model, weights: int) -> Plan:
    """Replace the estimate of device memory by the peak of one row times the rows of a batch.

    Args:
        plan: of the job.
        model: on a CUDA device, after an evaluation of one tile.
        weights: bytes that the device held before that.
    """
    row = torch.cuda.max_memory_allocated() - weights
    rows = most_branches(plan.settings, model.declaration) * plan.tiles_at_once
    plan = plan.replace(device_memory=weights + row * rows)
    return plan.replace(problems=problems_of(plan))
