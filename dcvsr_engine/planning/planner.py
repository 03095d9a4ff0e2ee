"""Makes the plan of a job: everything left to ``auto`` or to the model is decided here and written into the job."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from dcvsr_engine.diffusion.guidance import branches_of
from dcvsr_engine.diffusion.sampler import steps_of
from dcvsr_engine.errors import InputError
from dcvsr_engine.events import StepKind
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.device import DTYPES, device_title, memory, resolve_device, resolve_precision
from dcvsr_engine.paths import jobs_folder
from dcvsr_engine.planning.memory import (
    Network,
    branches,
    decoding_bytes,
    disk_needs,
    frames_at_once,
    host_bytes,
    is_distinct,
    pixel_bytes,
    pixels_on_device,
    sampling_bytes,
    tightest,
    wanted_at_once,
)
from dcvsr_engine.planning.plan import Plan, Segment, grid_for
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.shots import Survey
from dcvsr_engine.settings import RestoreSettings, SapSchedule
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.video.encoders import resolved_output
from dcvsr_engine.video.losses import losses_ahead
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
        passes = 2 if step.kind == StepKind.SAP and both else 1
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
    settings = on_device(declaration.resolve(request.settings))
    width, height = picture_size(request, info)
    shots = survey.shots if survey is not None else (frame_range(request, info),)
    assert settings.scale is not None and settings.window is not None
    segments = segments_of(shots, settings.segment_frames, settings.window)
    size = width * settings.scale, height * settings.scale
    longest = grid_for(max(segment.frames for segment in segments), width, height, declaration, settings)
    settings, room = with_memory(settings, longest, (width, height), declaration, unet)
    frames = shots[-1][1] - shots[0][0] + 1
    disk, disk_available = disk_room(request, info, frames, size, longest, declaration, folder)
    plan = Plan(
        settings=settings,
        device=device_title(settings.device),
        input_size=(width, height),
        output_size=size,
        frames=frames,
        segments=segments,
        grid=grid_for(segments[0].frames, width, height, declaration, settings),
        evaluations=sum(
            count * evaluations(settings, grids_of(length, width, height, declaration, settings), declaration)
            for length, count in Counter(segment.frames for segment in segments).items()
        ),
        device_memory=room.device,
        device_memory_available=room.device_available,
        host_memory=room.host,
        host_memory_available=int(psutil.virtual_memory().available),
        disk=disk,
        disk_available=disk_available,
        decode_frames=room.decode_frames,
        offload=room.offload,
        shots=None if survey is None else len(shots),
        notes=(*notes_of(info, settings, survey, room.offload), *output_notes(request, info, size)),
    )
    return replace(plan, problems=problems_of(plan))


def on_device(settings: RestoreSettings) -> RestoreSettings:
    """``settings`` with device and number format decided."""
    device = resolve_device(settings.device)
    return settings.replace(device=device, precision=resolve_precision(settings.precision, device))


@dataclass(frozen=True)
class Room:
    """Memory that a job takes of ``device`` and ``host``, in bytes; for ``decode_frames`` and ``offload`` see `Plan`."""

    device: int
    device_available: int
    host: int
    decode_frames: int
    offload: bool = False


def with_memory(
    settings: RestoreSettings, grid: TileGrid, size: tuple[int, int], declaration: Declaration, unet: Path
) -> tuple[RestoreSettings, Room]:
    """Schedule, tile batch, decoder chunk and offload that fit into memory, and what they take.

    Args:
        settings: with device and number format decided.
        grid: of the longest segment.
        size: width and height of the input in pixels.
        declaration: the model's conventions.
        unet: the folder of its U-Net.
    """
    assert settings.scale is not None
    pixels_in = size[0] * size[1]
    pixels_out = pixels_in * settings.scale**2
    network = Network.from_folder(unet, DTYPES[settings.precision].itemsize)
    free, total = memory(settings.device)
    budget = int(free * MEMORY_SHARE) - network.weights
    settings = choose_batch(settings, grid, declaration, network, budget)
    wanted = wanted_at_once(declaration, pixels_out)
    offload = settings.device == "cuda" and frames_at_once(declaration, grid, pixels_out, network.item, budget) < wanted
    chunk = frames_at_once(declaration, grid, pixels_out, network.item, budget + offload * network.weights)
    pixels, decoding = pixel_bytes(pixels_out, chunk), decoding_bytes(declaration, grid, chunk, network.item)
    host = host_bytes(grid, grid.frames, declaration, pixels_in, pixels_out)
    if pixels_on_device(declaration, settings.device):
        decoding += pixels
    else:
        host += pixels
    sampling = network.weights + sampling_bytes(network, grid, settings, declaration)
    device = max(sampling, decoding + (not offload) * network.weights)
    if settings.device == "cpu":
        return settings, Room(device, total, host + device, chunk)
    return settings, Room(device, free, host, chunk, offload)


def disk_room(
    request: JobRequest,
    info: VideoInfo,
    frames: int,
    size: tuple[int, int],
    grid: TileGrid,
    declaration: Declaration,
    folder: Path | None,
) -> tuple[int, int]:
    """Bytes needed and bytes free on the disk where room is shortest; nothing for a job that writes nothing."""
    if request.target is None:
        return 0, 0
    return tightest(disk_needs(request, info, frames, size, grid, declaration, folder or jobs_folder()))


def output_notes(request: JobRequest, info: VideoInfo, size: tuple[int, int]) -> tuple[str, ...]:
    """What the output will not have as the input has it."""
    if request.target is None:
        return ()
    output = resolved_output(request.target, info, request.output)
    return losses_ahead(request.target, info, *size, output, request.frames is None)


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


def notes_of(info: VideoInfo, settings: RestoreSettings, survey: Survey | None, offload: bool = False) -> tuple[str, ...]:
    """What a person should know about the input and the choices made."""
    notes = []
    if info.interlaced:
        notes.append(f"The video is interlaced ({info.field_order}) and is deinterlaced first.")
    if info.rotation or info.mirror:
        notes.append("The video is stored turned or mirrored; the result is upright.")
    if settings.tiling == "fast":
        notes.append("Fast tiling: little overlap and a moving grid, not the paper's.")
    if offload:
        notes.append("The U-Net leaves the device while frames are encoded and decoded, so that more of them fit.")
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
