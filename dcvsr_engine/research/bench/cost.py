"""Cost of guidance and propagation, as ratios of times measured in turns in one run."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import UNetSpatioTemporalConditionModel
from torch import nn

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.propagation import SpatialBank
from dcvsr_engine.diffusion.schedule import Step
from dcvsr_engine.events import StepKind
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.device import DTYPES, device_title
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.research.bench.counting import TimedWork, flops
from dcvsr_engine.research.bench.memory import peak_bytes
from dcvsr_engine.research.bench.workload import BenchWorkload, load_workload
from dcvsr_engine.settings import Guidance, RestoreSettings
from dcvsr_engine.tiling.blend import cut

COST_GUIDANCE_SCALE, COST_GAMMA = 2.0, 1.0


@dataclass(frozen=True)
class Ratio:
    """Ratio of times, and of counted floating-point operations (``work``)."""

    time: float
    work: float


@dataclass(frozen=True)
class Cost:
    """Results.

    Attributes:
        device, precision: where and in which number format.
        tile: width × height × frames in latents.
        dssag_to_cfg, pag_to_dssag: time ratios of a guided tile, by a random-weight network whose branches differ; PAG on top
            of CFG.
        cached_sap, tap: a step of all tiles relative to a plain one.
        sampling_to_network: sampling phase of a whole restoration over its time in the U-Net.
        tile_bytes: peak memory of one evaluation of one tile, without weights.
        maps_alive: the same in feature maps of the U-Net's top level.
    """

    device: str
    precision: str
    tile: str
    dssag_to_cfg: float
    pag_to_dssag: float
    cached_sap: Ratio
    tap: Ratio
    sampling_to_network: float
    tile_bytes: int
    maps_alive: float


def measure_cost(settings: RestoreSettings, clip: Path, repeats: int) -> Cost:
    """Measure everything.

    Args:
        settings: model, tile, window, device and precision.
        clip: a video; the middle of its first frames is used.
        repeats: timings per work, of which the fastest counts.

    Raises:
        UserError: the clip or the model does not fit.
    """
    workload = load_workload(settings, clip)
    grid, model = workload.grid, workload.model
    clock = time.process_time if model.device == "cpu" else time.perf_counter
    # each ratio comes from one call: times of different calls do not compare on a busy machine
    cfg, dssag, pag = fastest(guided_tiles(workload), repeats, clock)
    plain, cached, tap = step_kinds_work(workload)
    times = fastest([plain, cached, tap], repeats, clock)
    works = [flops(work) for work in (plain, cached, tap)]
    used = peak_bytes(workload.settings, grid.tile_frames, grid.tile_height, grid.tile_width)
    channels = int(model.unet.config.block_out_channels[0])
    map_bytes = grid.tile_frames * grid.tile_height * grid.tile_width * channels * DTYPES[model.precision].itemsize
    return Cost(
        device_title(model.device),
        model.precision,
        f"{grid.tile_width}×{grid.tile_height}×{grid.tile_frames}",
        dssag_to_cfg=dssag / cfg,
        pag_to_dssag=pag / dssag,
        cached_sap=Ratio(times[1] / times[0], works[1] / works[0]),
        tap=Ratio(times[2] / times[0], works[2] / works[0]),
        sampling_to_network=whole_job(workload, clip),
        tile_bytes=used,
        maps_alive=used / map_bytes,
    )


def fastest(works: Sequence[TimedWork], repeats: int, clock: Callable[[], float]) -> list[float]:
    """Time each work in turns, so that a busy machine slows all of them alike.

    Every work ends with its result on the processor, so nothing is left running on a device.

    Args:
        works: what to time.
        repeats: timings per work.
        clock: processor time where the processor computes, because other programs change it less.

    Returns:
        The fastest time of each work in seconds.
    """
    for work in works:
        work()  # the first run loads and allocates
    taken = [[seconds(work, clock) for work in works] for _ in range(repeats)]
    return [min(times) for times in zip(*taken, strict=True)]


def seconds(work: TimedWork, clock: Callable[[], float]) -> float:
    """Time ``work`` once, in seconds."""
    began = clock()
    work()
    return clock() - began


# -- timed works ----------------------------------------------------------------------------------------------


def with_embedding(model: Model) -> Denoiser:
    """Make a denoiser of the model's shape with random weights and an image embedding, so that its branches differ."""
    torch.manual_seed(0)
    unet = UNetSpatioTemporalConditionModel.from_config(model.unet.config)
    # not diffusers' own `to`, which warns of layers to keep in fp32: there are none
    nn.Module.to(unet, model.unet.device, model.unet.dtype)
    declaration = model.declaration.replace(unconditional=("image_embedding",), image_embedding="first-frame")
    random = dataclasses.replace(model, unet=unet.requires_grad_(False).eval(), declaration=declaration)
    return Denoiser(random, torch.randn(1, 1, unet.config.cross_attention_dim))


def guided_tiles(workload: BenchWorkload) -> list[TimedWork]:
    """List the evaluations of one tile with CFG, DSSAG, and PAG on top of CFG."""
    denoiser, tile, sigma = with_embedding(workload.model), workload.grid.tile(0, 0), 1.0
    x, condition = cut(workload.noise, tile)[None], cut(workload.condition, tile)[None]

    def guided(mode: Guidance) -> TimedWork:
        return torch.no_grad()(lambda: denoiser.guided(x, sigma, condition, [tile], mode, COST_GUIDANCE_SCALE, COST_GAMMA))

    return [guided("cfg"), guided("dssag"), guided("pag")]


def step_kinds_work(workload: BenchWorkload) -> list[TimedWork]:
    """List a plain step of all tiles, one of cached SAP, and one of TAP."""
    denoiser, sigma = workload.denoiser(), workload.model.declaration.sigma_max
    x, bank = workload.noise * sigma, SpatialBank(workload.grid, workload.settings.sap_rate)

    def step(kind: StepKind, previous: SpatialBank | None = None, collected: SpatialBank | None = None) -> TimedWork:
        tiled = workload.tiled(denoiser, bank=previous, sap_schedule="cached", guidance="none")
        second = Step(1, sigma, 0.0, 0.0, kind)  # from the second step on, cached SAP has the keys of the step before
        return torch.no_grad()(lambda: tiled.denoise(x, second, collected))

    step(StepKind.PLAIN, collected=bank)()
    return [step(StepKind.PLAIN), step(StepKind.SAP, bank), step(StepKind.TAP_FORWARD)]


def whole_job(workload: BenchWorkload, clip: Path) -> float:
    """Restore the same piece as a job; returns its sampling time over its time in the U-Net."""
    request = JobRequest(source=clip, settings=workload.settings, frames=(0, workload.frames - 1), region=workload.region)
    report = run_job(request, loader=lambda settings: workload.model)
    return float(report["seconds"]["sample"] / report["network_seconds"])
