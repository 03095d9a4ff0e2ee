"""Makes the plan of a job: everything left to ``auto`` or to the model is decided here and written into the job."""

import shutil
from dataclasses import replace
from pathlib import Path

import psutil
from diffusers import UNetSpatioTemporalConditionModel

from dcvsr_engine.errors import InputError
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.device import DTYPES, device_title, memory, resolve_device, resolve_precision
from dcvsr_engine.restore.folders import jobs_folder
from dcvsr_engine.restore.plan import Plan, Segment, grid_for
from dcvsr_engine.restore.request import JobRequest
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.video.probe import VideoInfo

ACTIVATION_MAPS = 40
"""Top-level feature maps alive at the U-Net's peak, per row of the batch; measured by ``dcvsr bench memory``, rounded up."""
MEMORY_SHARE = 0.7
"""Share of the free memory that a job may plan with."""
BYTES_PER_PIXEL = 0.25
"""Encoded size of the output per pixel, generous for CRF 16."""


def segments_of(first: int, last: int, length: int, window: int) -> tuple[Segment, ...]:
    """Cut frames ``first … last`` into segments of at most ``length``; neighbours share one ``window`` of frames."""
    length = max(length, 2 * window)
    cuts = [Segment(0, first, min(last, first + length - 1))]
    while cuts[-1].last < last:
        start = cuts[-1].last + 1 - window
        cuts.append(Segment(len(cuts), start, min(last, start + length - 1), window))
    return tuple(cuts)


def frame_range(request: JobRequest, info: VideoInfo) -> tuple[int, int]:
    """First and last frame to restore; raises `InputError` when the clip does not have them."""
    if request.frames is None:
        return 0, info.frames - 1
    first, last = request.frames
    if not 0 <= first <= last:
        raise InputError(f"Frames {first} to {last} are no range: the first must not be negative or after the last.")
    if first >= info.frames and info.frames_exact:
        raise InputError(f"“{info.path.name}” has {info.frames} frames, so frame {first} is not in it.")
    return first, min(last, info.frames - 1) if info.frames_exact else last


def picture_size(request: JobRequest, info: VideoInfo) -> tuple[int, int]:
    """Width and height of what is restored; raises `InputError` when the region leaves the picture."""
    region = request.region
    if region is None:
        return info.width, info.height
    inside = region.x >= 0 and region.y >= 0 and region.width > 0 and region.height > 0
    if not inside or region.x + region.width > info.width or region.y + region.height > info.height:
        raise InputError(f"The region does not lie inside the picture of {info.width} × {info.height} pixels.")
    return region.width, region.height


def branches(settings: RestoreSettings, declaration: Declaration) -> int:
    """The most U-Net rows per tile in one evaluation."""
    if settings.guidance == "none" or settings.guidance_scale == 1:
        return 1
    distinct = declaration.image_embedding == "first-frame" or "condition" in declaration.unconditional
    return {"pag": 3 if distinct else 2, "dssag": 2, "sag": 2, "cfg": 2 if distinct else 1}.get(settings.guidance or "none", 1)


def activation_bytes(grid: TileGrid, channels: int, item: int) -> int:
    """Peak device memory of one row of the batch, without weights."""
    return ACTIVATION_MAPS * grid.tile_frames * grid.tile_height * grid.tile_width * channels * item


def evaluations(settings: RestoreSettings, grids: list[list[TileGrid]], kinds: list[str], rows: int) -> int:
    """U-Net rows over the whole job: segments × steps × tiles × branches, SAP's second pass included."""
    total = 0
    for per_step in grids:
        for step, (grid, kind) in enumerate(zip(per_step, kinds, strict=True)):
            twice = kind == "SAP" and (settings.sap_schedule == "two-pass" or (settings.sap_schedule == "cached" and step == 0))
            total += len(grid) * rows * (2 if twice else 1)
    return total


def unet_facts(folder: Path) -> tuple[int, int]:
    """Channels at the U-Net's top level, and bytes of its weights on disk."""
    config = UNetSpatioTemporalConditionModel.load_config(folder)
    return int(config["block_out_channels"][0]), sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def make_plan(request: JobRequest, info: VideoInfo, declaration: Declaration, unet: Path) -> Plan:
    """Plan a job.

    Args:
        request: what is wanted.
        info: facts about the input.
        declaration, unet: the model, and the folder of its U-Net.

    Raises:
        UserError: the input, the range or the device is impossible.
    """
    from dcvsr_engine.diffusion.schedule import step_kinds

    settings = declaration.resolve(request.settings)
    device = resolve_device(settings.device)
    precision = resolve_precision(settings.precision, device)
    settings = settings.replace(device=device, precision=precision)
    assert settings.steps is not None and settings.window is not None and settings.scale is not None
    width, height = picture_size(request, info)
    first, last = frame_range(request, info)
    segments = segments_of(first, last, settings.segment_frames, settings.window)

    rows = branches(settings, declaration)
    channels, weights = unet_facts(unet)
    grid = grid_for(segments[0].frames, width, height, declaration, settings)
    per_row = activation_bytes(grid, channels, DTYPES[precision].itemsize)
    free, total = memory(device)
    settings = choose_batch(settings, grid, rows, int(free * MEMORY_SHARE) - weights, per_row)
    batch = grid.spatial if settings.sap_schedule == "lockstep" and settings.sap else settings.tile_batch
    device_memory = weights + batch * rows * per_row

    out = width * settings.scale, height * settings.scale
    longest = max(segment.frames for segment in segments)
    host = host_bytes(grid, longest, declaration, width * height, out[0] * out[1])
    host_total = host + (device_memory if device == "cpu" else 0)
    frames = last - first + 1
    states = 3 * longest * grid.height * grid.width * latent_channels(declaration) * 4
    disk = int(frames * out[0] * out[1] * BYTES_PER_PIXEL * 2) + states
    folder = jobs_folder()
    grids = [[grid_for(s.frames, width, height, declaration, settings, i) for i in range(settings.steps)] for s in segments]
    plan = Plan(
        settings=settings,
        device=device_title(device),
        input_size=(width, height),
        output_size=out,
        frames=frames,
        segments=segments,
        grid=grid,
        evaluations=evaluations(settings, grids, list(step_kinds(settings.steps, settings)), rows),
        device_memory=device_memory,
        device_memory_available=total if device == "cpu" else free,
        host_memory=host_total,
        host_memory_available=int(psutil.virtual_memory().available),
        disk=disk,
        disk_available=shutil.disk_usage(existing(folder)).free,
        notes=notes_of(info, settings),
    )
    return replace(plan, problems=problems_of(plan))


def latent_channels(declaration: Declaration) -> int:
    """Channels of ``x_0``."""
    return 24 if declaration.first_stage == "haar" else 4


def host_bytes(grid: TileGrid, frames: int, declaration: Declaration, pixels_in: int, pixels_out: int) -> int:
    """Memory for a segment's frames and latents in float32: LR frames, four latent tensors, a chunk of output frames."""
    latents = 4 * frames * grid.height * grid.width * latent_channels(declaration) * 4
    return latents + frames * pixels_in * 12 + 4 * min(frames, 14) * pixels_out * 12


def choose_batch(settings: RestoreSettings, grid: TileGrid, rows: int, budget: int, per_row: int) -> RestoreSettings:
    """Decide the SAP schedule and the tile batch that fit into ``budget`` bytes.

    Lockstep where all tiles of a window fit in one batch; else two passes, or the cached schedule for fast tiling.
    """
    fit = max(1, budget // (rows * per_row))
    schedule = settings.sap_schedule
    if schedule == "auto":
        schedule = "lockstep" if fit >= grid.spatial else "two-pass" if settings.tiling == "paper" else "cached"
    batch = settings.tile_batch or (1 if settings.device == "cpu" else max(1, min(fit, grid.spatial, 8)))
    return settings.replace(sap_schedule=schedule, tile_batch=batch)


def notes_of(info: VideoInfo, settings: RestoreSettings) -> tuple[str, ...]:
    """What a person should know about the input and the choices made."""
    notes = []
    if info.interlaced:
        notes.append(f"The video is interlaced ({info.field_order}) and is deinterlaced first.")
    if info.rotation or info.mirror:
        notes.append("The video is stored turned or mirrored; the result is upright.")
    if settings.tiling == "fast":
        notes.append("Fast tiling: little overlap and a moving grid, not the paper's.")
    return tuple(notes)


def problems_of(plan: Plan) -> tuple[str, ...]:
    """What does not fit, and what to change."""
    problems = []
    if plan.device_memory > plan.device_memory_available:
        problems.append("The tiles do not fit into the device's memory: choose a smaller tile or window, or fast tiling.")
    if plan.host_memory > plan.host_memory_available:
        problems.append("The frames do not fit into memory: choose fewer frames per segment or a smaller scale.")
    if plan.disk > plan.disk_available:
        problems.append("There is not enough disk space: free some, or restore a shorter part.")
    return tuple(problems)


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())
