"""What guidance and propagation cost, as ratios of times taken in turns in one run."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import UNetSpatioTemporalConditionModel
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.propagation import SpatialBank
from dcvsr_engine.diffusion.schedule import Step
from dcvsr_engine.events import StepKind
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.device import DTYPES, device_title
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.research.bench.memory import peak_bytes
from dcvsr_engine.research.bench.workload import Workload, load_workload
from dcvsr_engine.settings import Guidance, RestoreSettings
from dcvsr_engine.tiling.blend import cut

Work = Callable[[], Any]
COST_GUIDANCE_SCALE, COST_GAMMA = 2.0, 1.0


@dataclass(frozen=True)
class Ratio:
    """How much longer something takes, and how much more it computes (counted FLOPs)."""

    time: float
    work: float


@dataclass(frozen=True)
class Cost:
    """What was measured.

    Attributes:
        device, precision, tile: where and on what; the tile as width × height × frames.
        dssag_to_cfg, pag_to_dssag: a guided tile of a random-weight network whose branches differ; PAG on top of CFG.
        cached_sap, tap: a step of all tiles against a plain one.
        sampling_to_network: the sampling phase of a whole restoration against its time in the U-Net.
        tile_bytes: memory that one evaluation of one tile takes at its peak, without weights.
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
    """Measure everything; raises `UserError`."""
    material = load_workload(settings, clip)
    grid, model = material.grid, material.model
    clock = time.process_time if model.device == "cpu" else time.perf_counter
    cfg, dssag, pag = fastest(guided_tiles(material), repeats, clock)
    plain, cached, tap = step_kinds_work(material)
    times = fastest([plain, cached, tap], repeats, clock)
    works = [flops(work) for work in (plain, cached, tap)]
    used = peak_bytes(material.settings, grid.tile_frames, grid.tile_height, grid.tile_width)
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
        sampling_to_network=whole_job(material, clip),
        tile_bytes=used,
        maps_alive=used / map_bytes,
    )


def fastest(works: Sequence[Work], repeats: int, clock: Callable[[], float]) -> list[float]:
    """Seconds of each work, the least of ``repeats``, taken in turns so that a busy machine slows all of them alike.

    Every work ends with its result on the processor, so nothing is left running on a device. Where the processor computes, its
    own time is taken, which other programs change less.
    """
    for work in works:
        work()
    taken = [[seconds(work, clock) for work in works] for _ in range(repeats)]
    return [min(times) for times in zip(*taken, strict=True)]


def seconds(work: Work, clock: Callable[[], float]) -> float:
    """How long ``work`` takes."""
    began = clock()
    work()
    return clock() - began


def flops(work: Work) -> int:
    """Floating-point operations of matrix products, convolutions and attention; the processor's attention is missing in torch."""
    on_processor = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    counter = FlopCounterMode(display=False, custom_mapping={on_processor: attention_flops})
    with counter:
        work()
    return int(counter.get_total_flops())


def attention_flops(query: Any, key: Any, value: Any, *rest: Any, **named: Any) -> int:
    """Of one attention, from shapes."""
    return int(sdpa_flop_count(query, key, value))


# -- what is timed ----------------------------------------------------------------------------------------------


def with_embedding(model: Model) -> Denoiser:
    """A denoiser of the model's shape with random weights and an image embedding, so that its branches differ."""
    torch.manual_seed(0)
    unet = UNetSpatioTemporalConditionModel.from_config(model.unet.config)
    nn.Module.to(
        unet, model.unet.device, model.unet.dtype
    )  # diffusers' own would warn of layers to be kept in fp32: there are none
    declaration = model.declaration.replace(unconditional=("image_embedding",), image_embedding="first-frame")
    random = dataclasses.replace(model, unet=unet.requires_grad_(False).eval(), declaration=declaration)
    return Denoiser(random, torch.randn(1, 1, unet.config.cross_attention_dim))


def guided_tiles(material: Workload) -> list[Work]:
    """One tile with CFG, DSSAG, and PAG on top of CFG."""
    denoiser, tile, sigma = with_embedding(material.model), material.grid.tile(0, 0), 1.0
    x, condition = cut(material.noise, tile)[None], cut(material.condition, tile)[None]

    def guided(mode: Guidance) -> Work:
        return torch.no_grad()(lambda: denoiser.guided(x, sigma, condition, [tile], mode, COST_GUIDANCE_SCALE, COST_GAMMA))

    return [guided("cfg"), guided("dssag"), guided("pag")]


def step_kinds_work(material: Workload) -> list[Work]:
    """A plain step of all tiles, one of cached SAP, one of TAP."""
    denoiser, sigma = material.denoiser(), material.model.declaration.sigma_max
    x, bank = material.noise * sigma, SpatialBank(material.grid, material.settings.sap_rate)

    def step(kind: StepKind, previous: SpatialBank | None = None, collected: SpatialBank | None = None) -> Work:
        tiled = material.tiled(denoiser, bank=previous, sap_schedule="cached", guidance="none")
        second = Step(1, sigma, 0.0, 0.0, kind)  # from the second step on, cached SAP has the keys of the step before
        return torch.no_grad()(lambda: tiled.denoise(x, second, collected))

    step(StepKind.PLAIN, collected=bank)()
    return [step(StepKind.PLAIN), step(StepKind.SAP, bank), step(StepKind.TAP_FORWARD)]


def whole_job(material: Workload, clip: Path) -> float:
    """The sampling phase of a whole restoration of the same piece over its time in the U-Net."""
    request = JobRequest(source=clip, settings=material.settings, frames=(0, material.frames - 1), region=material.region)
    report = run_job(request, loader=lambda settings: material.model)
    return float(report["seconds"]["sample"] / report["network_seconds"])
