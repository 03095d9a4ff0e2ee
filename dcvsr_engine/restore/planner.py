"""Makes the plan of a job: everything left to ``auto`` or to the model is decided here and written into the job."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil

from dcvsr_engine.diffusion.guidance import branches_of
from dcvsr_engine.diffusion.sampler import steps_of
from dcvsr_engine.errors import InputError
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.device import DTYPES, device_title, memory, resolve_device, resolve_precision
from dcvsr_engine.restore.folders import jobs_folder
from dcvsr_engine.restore.needs import (
    Network,
    branches,
    decoding_bytes,
    disk_needs,
    frames_at_once,
    host_bytes,
    is_distinct,
    sampling_bytes,
    tightest,
)
from dcvsr_engine.restore.plan import Plan, Segment, grid_for
from dcvsr_engine.restore.request import JobRequest
from dcvsr_engine.restore.shots import Survey
from dcvsr_engine.settings import RestoreSettings, SapSchedule
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.video.probe import VideoInfo

MEMORY_SHARE = 0.7
"""Share of the free memory that a job may plan with."""
MOST_TILES = 8
"""Tiles in a batch, at most, where the person does not choose."""


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


def evaluations(settings: RestoreSettings, grids: Sequence[TileGrid], declaration: Declaration) -> int:
    """U-Net rows over one segment, whose steps have ``grids``: tiles × branches per step, SAP's second pass included."""
    total = 0
    for step, grid in zip(steps_of(settings, declaration), grids, strict=True):
        both = settings.sap_schedule == "two-pass" or (settings.sap_schedule == "cached" and step.index == 0)
        passes = 2 if step.kind == "SAP" and both else 1
        total += len(grid) * passes * rows_in(settings, step.gamma, declaration)
    return total


def rows_in(settings: RestoreSettings, gamma: float, declaration: Declaration) -> int:
    """U-Net rows per tile in a step: one per branch, and SAG's second look."""
    assert settings.guidance is not None and settings.guidance_scale is not None
    if settings.guidance == "sag" and settings.guidance_scale != 1:
        return branches(settings, declaration) + 1
    return len(branches_of(settings.guidance, settings.guidance_scale, gamma, is_distinct(declaration)))


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

    grid = grid_for(longest, width, height, declaration, settings)
    network = Network.from_folder(unet, DTYPES[precision].itemsize)
    free, total = memory(device)
    budget = int(free * MEMORY_SHARE) - network.weights
    settings = choose_batch(settings, grid, declaration, network, budget)
    decode_frames = frames_at_once(declaration, grid, out[0] * out[1], network.item, budget)
    device_memory = network.weights + max(
        sampling_bytes(network, grid, settings, declaration), decoding_bytes(declaration, grid, decode_frames, network.item)
    )
    host = host_bytes(grid, longest, declaration, width * height, out[0] * out[1], decode_frames)

    frames = shots[-1][1] - shots[0][0] + 1
    needs = [] if request.target is None else disk_needs(request, info, frames, out, grid, declaration, folder or jobs_folder())
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
            count * evaluations(settings, grids_of(length, width, height, declaration, settings), declaration)
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


def choose_batch(
    settings: RestoreSettings, grid: TileGrid, declaration: Declaration, network: Network, budget: int
) -> RestoreSettings:
    """Decide the SAP schedule and the tile batch that fit into ``budget`` bytes beside the weights.

    Lockstep where all tiles of a window fit in one batch; else two passes, or the cached schedule for fast tiling.
    """

    def fits(schedule: SapSchedule, batch: int) -> bool:
        tried = settings.replace(sap_schedule=schedule, tile_batch=batch)
        return sampling_bytes(network, grid, tried, declaration) <= budget

    schedule = settings.sap_schedule
    if schedule == "auto":
        schedule = "lockstep" if fits("lockstep", 1) else "two-pass" if settings.tiling == "paper" else "cached"
    most = 1 if settings.device == "cpu" else min(grid.spatial, MOST_TILES)
    batch = settings.tile_batch or max((size for size in range(1, most + 1) if fits(schedule, size)), default=1)
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
