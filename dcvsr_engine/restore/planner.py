"""Makes the plan of a job: everything left to ``auto`` or to the model is decided here and written into the job."""

import math
import shutil
from collections import Counter
from collections.abc import Sequence
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
from dcvsr_engine.restore.shots import Survey
from dcvsr_engine.settings import OutputSettings, RestoreSettings
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.video.encoders import resolved_output
from dcvsr_engine.video.probe import VideoInfo

ACTIVATION_MAPS = 40
"""Top-level feature maps alive at the U-Net's peak, per row of the batch; measured by ``dcvsr bench memory``, rounded up."""
MEMORY_SHARE = 0.7
"""Share of the free memory that a job may plan with."""
DECODED = 14
"""Frames in a window of SVD's temporal decoder."""
HANDY_BYTES = 2**28
"""Size of a chunk of output frames where nothing else decides it."""
QUEUE_BYTES = 2**30
MOST_WAITING = 64
"""Finished frames that wait to be written: at most so many bytes, and so many."""
LOSSY_BYTES = 0.25
"""Bytes per pixel of lossy video at CRF 16, generously."""
PRORES_BYTES = 0.6
"""ProRes 422 HQ aims at 220 Mbit/s for 1080p at 30 frames per second: 0.44 bytes per pixel."""


def segments_of(shots: Sequence[tuple[int, int]], length: int, window: int) -> tuple[Segment, ...]:
    """Cut every shot into segments of about equal size, at most ``length`` frames; neighbours share one ``window`` of frames."""
    length = max(length, 2 * window)
    segments: list[Segment] = []
    for first, last in shots:
        frames = last - first + 1
        count = max(1, math.ceil((frames - window) / (length - window)))
        ends = [first + window - 1 + (frames - window) * place // count for place in range(1, count)] + [last]
        starts = [first] + [end + 1 - window for end in ends[:-1]]
        for start, end in zip(starts, ends, strict=True):
            segments.append(Segment(len(segments), start, end, window if start > first else 0))
    return tuple(segments)


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


def rows_at_once(grid: TileGrid, settings: RestoreSettings, declaration: Declaration) -> int:
    """The most U-Net rows in one evaluation."""
    lockstep = settings.sap and settings.sap_schedule == "lockstep"
    return branches(settings, declaration) * (grid.spatial if lockstep else settings.tile_batch)


def activation_bytes(grid: TileGrid, channels: int, item: int) -> int:
    """Peak device memory of one row of the batch, without weights."""
    return ACTIVATION_MAPS * grid.tile_frames * grid.tile_height * grid.tile_width * channels * item


def evaluations(settings: RestoreSettings, grids: Sequence[TileGrid], rows: int) -> int:
    """U-Net rows over one segment, whose steps have ``grids``: steps × tiles × branches, SAP's second pass included."""
    from dcvsr_engine.diffusion.schedule import step_kinds

    total = 0
    for step, (grid, kind) in enumerate(zip(grids, step_kinds(len(grids), settings), strict=True)):
        twice = kind == "SAP" and (settings.sap_schedule == "two-pass" or (settings.sap_schedule == "cached" and step == 0))
        total += len(grid) * rows * (2 if twice else 1)
    return total


def unet_facts(folder: Path) -> tuple[int, int]:
    """Channels at the U-Net's top level, and bytes of its weights on disk."""
    config = UNetSpatioTemporalConditionModel.load_config(folder)
    return int(config["block_out_channels"][0]), sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def make_plan(
    request: JobRequest,
    info: VideoInfo,
    declaration: Declaration,
    unet: Path,
    survey: Survey | None = None,
    folder: Path | None = None,
) -> Plan:
    """Plan a job.

    Args:
        request: what is wanted.
        info: facts about the input.
        declaration: the model's conventions.
        unet: the folder of its U-Net.
        survey: where cuts are, ``None`` when they have not been looked for.
        folder: the job directory, ``None`` for a job that writes nothing.

    Raises:
        UserError: the input, the range or the device is impossible.
    """
    settings = declaration.resolve(request.settings)
    device = resolve_device(settings.device)
    precision = resolve_precision(settings.precision, device)
    settings = settings.replace(device=device, precision=precision)
    assert settings.steps is not None and settings.window is not None and settings.scale is not None
    width, height = picture_size(request, info)
    out = width * settings.scale, height * settings.scale
    shots = survey.shots if survey is not None else (frame_range(request, info),)
    segments = segments_of(shots, settings.segment_frames, settings.window)
    longest = max(segment.frames for segment in segments)

    rows = branches(settings, declaration)
    channels, weights = unet_facts(unet)
    grid = grid_for(longest, width, height, declaration, settings)
    per_row = activation_bytes(grid, channels, DTYPES[precision].itemsize)
    free, total = memory(device)
    settings = choose_batch(settings, grid, rows, int(free * MEMORY_SHARE) - weights, per_row)
    device_memory = weights + rows_at_once(grid, settings, declaration) * per_row
    decode_frames = frames_at_once(declaration, out[0] * out[1])
    host = host_bytes(grid, longest, latent_channels(declaration), width * height, out[0] * out[1], decode_frames)

    frames = shots[-1][1] - shots[0][0] + 1
    states = 3 * longest * grid.height * grid.width * latent_channels(declaration) * 4
    needs = [] if request.target is None else disk_needs(request, info, frames, out, states, folder or jobs_folder())
    need, room = tightest(needs)
    plan = Plan(
        settings=settings,
        device=device_title(device),
        input_size=(width, height),
        output_size=out,
        frames=frames,
        segments=segments,
        grid=grid_for(segments[0].frames, width, height, declaration, settings),
        evaluations=sum(
            count * evaluations(settings, grids_of(length, width, height, declaration, settings), rows)
            for length, count in Counter(segment.frames for segment in segments).items()
        ),
        device_memory=device_memory,
        device_memory_available=total if device == "cpu" else free,
        host_memory=host + (device_memory if device == "cpu" else 0),
        host_memory_available=int(psutil.virtual_memory().available),
        disk=need,
        disk_available=room,
        decode_frames=decode_frames,
        shots=None if survey is None else len(shots),
        notes=notes_of(info, settings, survey),
    )
    return replace(plan, problems=problems_of(plan))


def grids_of(frames: int, width: int, height: int, declaration: Declaration, settings: RestoreSettings) -> list[TileGrid]:
    """The grid of every step of a segment."""
    assert settings.steps is not None
    return [grid_for(frames, width, height, declaration, settings, step) for step in range(settings.steps)]


def latent_channels(declaration: Declaration) -> int:
    """Channels of ``x_0``."""
    return 24 if declaration.first_stage == "haar" else 4


def frames_at_once(declaration: Declaration, pixels_out: int) -> int:
    """Frames encoded or decoded together: one window of the temporal decoder; for the Haar transform as many as is handy."""
    return DECODED if declaration.first_stage == "vae" else max(1, min(DECODED, HANDY_BYTES // (12 * pixels_out)))


def host_bytes(grid: TileGrid, frames: int, channels: int, pixels_in: int, pixels_out: int, chunk: int) -> int:
    """Memory in float32 for two segments' LR frames, four latent tensors, a chunk of output frames and those being written."""
    latents = 4 * frames * grid.height * grid.width * channels * 4
    return latents + 2 * frames * pixels_in * 12 + 8 * chunk * pixels_out * 12 + queue_room(pixels_out) * pixels_out * 16


def queue_room(pixels_out: int) -> int:
    """How many finished frames may wait to be written."""
    return max(2, min(MOST_WAITING, QUEUE_BYTES // (16 * pixels_out)))


def disk_needs(
    request: JobRequest, info: VideoInfo, frames: int, out: tuple[int, int], states: int, folder: Path
) -> list[tuple[Path, int]]:
    """Where how many bytes will be written: segments and states to the job directory ``folder``, the result to the target."""
    assert request.target is not None
    output = resolved_output(request.target, info, request.output)
    result = int(frames * out[0] * out[1] * bytes_per_pixel(output))
    there = sum(path.stat().st_size for path in folder.iterdir()) if folder.is_dir() else 0
    return [(folder, max(0, result + states - there)), (request.target.parent, result)]


def bytes_per_pixel(output: OutputSettings) -> float:
    """Encoded size, generously: lossless codecs at no compression at all, lossy ones at a bit rate that doubles every 6 CRF."""
    wide = 2 if (output.bit_depth or 8) > 8 else 1
    if output.codec in ("ffv1", "png", "tiff"):
        return 3.0 * wide
    return PRORES_BYTES if output.codec == "prores" else LOSSY_BYTES * 2 ** ((16 - output.crf) / 6)


def tightest(needs: Sequence[tuple[Path, int]]) -> tuple[int, int]:
    """Bytes needed and bytes free on the disk where room is shortest; needs on one disk add up."""
    disks: dict[int, tuple[int, int]] = {}
    for folder, size in needs:
        place = existing(folder)
        disk = place.stat().st_dev
        disks[disk] = disks.get(disk, (0, 0))[0] + size, shutil.disk_usage(place).free
    return max(disks.values(), key=lambda disk: disk[0] - disk[1], default=(0, 0))


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


def notes_of(info: VideoInfo, settings: RestoreSettings, survey: Survey | None) -> tuple[str, ...]:
    """What a person should know about the input and the choices made."""
    notes = []
    if info.interlaced:
        notes.append(f"The video is interlaced ({info.field_order}) and is deinterlaced first.")
    if info.rotation or info.mirror:
        notes.append("The video is stored turned or mirrored; the result is upright.")
    if settings.tiling == "fast":
        notes.append("Fast tiling: little overlap and a moving grid, not the paper's.")
    if survey is None:
        notes.append("The clip is long: cuts are looked for when the job begins.")
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
