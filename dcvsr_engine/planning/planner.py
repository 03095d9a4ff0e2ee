"""Makes the plan of a job: everything left to ``auto`` or to the model is decided here and written into the job."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path

import psutil

from dcvsr_engine.diffusion.lanes import LARGE_NETWORK
from dcvsr_engine.diffusion.levels import shallow_levels
from dcvsr_engine.diffusion.schedule import evaluations, guidance_acts, steps_of
from dcvsr_engine.host_memory import host_memory
from dcvsr_engine.models.registry import base_folder
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.device import DTYPES, device_title, memory, resolve_device
from dcvsr_engine.network.upsampler_config import upsampler_config
from dcvsr_engine.planning.disk import disk_needs, expected_bytes, most_bytes, tightest
from dcvsr_engine.planning.grids import grid_for, window_stride
from dcvsr_engine.planning.memory import MOST_TILES, MemoryEstimate, NetworkSize, SegmentLoad, estimate_memory
from dcvsr_engine.planning.plan import Plan, Segment
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.segments import frame_range, picture_size, segments_of
from dcvsr_engine.planning.shots import ShotBoundaries
from dcvsr_engine.planning.sizes import Sizes, decided_size, size_notes, sizes_of
from dcvsr_engine.planning.ways import precision_for, threads_for
from dcvsr_engine.settings import OutputSettings, PlannedSettings, ResolvedSettings
from dcvsr_engine.terminal import file_size
from dcvsr_engine.video.encoders import fallback_notes, needs_even_sides, resolved_output
from dcvsr_engine.video.losses import losses_ahead
from dcvsr_engine.video.probe import VideoInfo

HOST_SHARE = 0.9
"""Share of the memory that a job may plan with when the length of segments is chosen."""

TILES_TOO_LARGE = "The tiles do not fit into the device's memory: choose a smaller tile or window, or fast tiling."


def make_plan(
    request: JobRequest,
    info: VideoInfo,
    declaration: Declaration,
    unet: Path,
    boundaries: ShotBoundaries | None = None,
    folder: Path | None = None,
    segment_windows: int | None = None,
) -> Plan:
    """Plan a job.

    Args:
        request: what is wanted.
        info: facts about the input.
        declaration: the model's conventions.
        unet: the folder of its U-Net, beside which a learned upsampler is.
        boundaries: where shots begin, ``None`` when cuts have not been looked for.
        folder: the job folder, ``None`` for a job that writes nothing.
        segment_windows: see `Plan`; ``None`` to choose what fits into memory.

    Raises:
        UserError: the input, the range or the device is impossible.
    """
    settings, sizes = sized(on_device(declaration.resolve(request.settings)), request, info)
    shots = boundaries.shots if boundaries is not None else (frame_range(request, info),)
    whole = load_of(Segment(index=0, first=0, last=0), *sizes.reduced, settings, declaration, unet)
    load = replace(whole, codec=codec_of(request, info), output_size=sizes.output)
    division = divided(shots, load, sizes.reduced, segment_windows)
    planned, estimate = division.settings, division.estimate
    plan = Plan(
        settings=planned,
        device=device_title(planned.device),
        input_size=sizes.source,
        output_size=sizes.output,
        reduced_size=sizes.reduced,
        square_pixels=sizes.square,
        frames=shots[-1][1] - shots[0][0] + 1,
        segments=division.segments,
        segment_windows=division.windows,
        grid=grid_for(division.segments[0].frames, *sizes.reduced, declaration, planned),
        evaluations=job_evaluations(
            division.segments, *sizes.reduced, planned, declaration, division.load.network.shallow_share(planned)
        ),
        host_memory_available=usable_memory(),
        # without a search there is one range to cut into segments, but it is no shot that was found
        shots=None if boundaries is None else len(shots),
        notes=notes_of(info, boundaries, sizes, division, declaration),
        **asdict(estimate),
    )
    if request.target is not None and folder is not None:
        plan = with_output(plan, request.target, request.output, info, division.load.latent_bytes(), folder)
    return plan.replace(problems=problems_of(plan))


# -- segments that fit ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Division:
    """A way to cut a job into segments.

    Attributes:
        segments: in order.
        windows: as `Plan.segment_windows`.
        load: the longest of them.
        settings: with the batch sizes decided.
        estimate: memory that it takes.
    """

    segments: tuple[Segment, ...]
    windows: int
    load: SegmentLoad
    settings: PlannedSettings
    estimate: MemoryEstimate


def divided(
    shots: Sequence[tuple[int, int]], load: SegmentLoad, size: tuple[int, int], segment_windows: int | None = None
) -> Division:
    """Cut shots into the longest segments that fit into memory, of as few as one window.

    Args:
        shots: first and last frame (inclusive) of each.
        load: of any segment; its frames do not count.
        size: (width, height) of a frame to restore.
        segment_windows: see `Plan`; ``None`` to choose.
    """
    settings, room = load.settings, usable_memory()
    most = 1 + max(0, settings.segment_frames - settings.window) // window_stride(settings)
    tried = [0, *range(most, 0, -1)] if segment_windows is None else [segment_windows]
    for windows in tried:
        division = division_of(shots, load, size, windows)
        if division.estimate.host_memory <= HOST_SHARE * room:
            break
    return division


def division_of(shots: Sequence[tuple[int, int]], load: SegmentLoad, size: tuple[int, int], windows: int) -> Division:
    """Cut shots into segments of so many ``windows``, see `Plan`; the other arguments as for `divided`."""
    settings, context = load.settings, load.upsampler.context if load.upsampler else 0
    stride = window_stride(settings)
    segments = segments_of(shots, settings.segment_frames, settings.window, stride, context, settings.order, windows)
    # memory must suffice for the longest segment; the others take less
    longest = max(segments, key=lambda segment: segment.frames)
    pinned = max(segment.pinned + segment.pinned_after for segment in segments)
    grid = grid_for(longest.frames, *size, load.declaration, settings)
    # windows are even in each segment: a shorter one may have longer ones
    windows_of = (grid_for(frames, *size, load.declaration, settings) for frames in {segment.frames for segment in segments})
    grid = replace(grid, tile_frames=max(each.tile_frames for each in windows_of))
    load = replace(load, grid=grid, pinned=pinned, several=len(segments) > 1)
    return Division(segments, windows, load, *estimate_memory(load, *memory(settings.device)))


def usable_memory() -> int:
    """Bytes of the machine's memory that a job can have: what is free, and what this process has already."""
    return host_memory()[0] + int(psutil.Process().memory_info().rss)


def codec_of(request: JobRequest, info: VideoInfo) -> str:
    """What the result is encoded with; empty for a preview."""
    return "" if request.target is None else resolved_output(request.target, info, request.output).codec


def sized(settings: ResolvedSettings, request: JobRequest, info: VideoInfo) -> tuple[ResolvedSettings, Sizes]:
    """Decide the sizes of a job, and the network's factor; raises `InputError` when the region leaves the picture."""
    source, aspect = picture_size(request, info), info.sample_aspect_ratio
    size = decided_size(settings.size, settings.scale, source, aspect)
    sizes = sizes_of(settings.replace(size=size), source, aspect, needs_even_sides(request.output.codec))
    return settings.replace(size=size, scale=sizes.scale), sizes


def on_device(settings: ResolvedSettings) -> ResolvedSettings:
    """Decide the device and the number format; raises `ModelError` when the device is not there."""
    device = resolve_device(settings.device)
    return settings.replace(device=device, precision=precision_for(settings, device))


def load_of(
    segment: Segment, width: int, height: int, settings: ResolvedSettings, declaration: Declaration, unet: Path
) -> SegmentLoad:
    """Gather the sizes that decide a segment's memory.

    Args:
        segment: whose memory is to be estimated.
        width, height: of a frame to restore, in pixels.
        settings: with the device and its number format decided.
        declaration: the model's conventions.
        unet: the folder of its U-Net.

    Raises:
        ModelError: the U-Net is damaged.
    """
    upsampler, base = upsampler_config(declaration.upsampler, unet.parent), base_folder(unet.parent, declaration)
    network = NetworkSize.from_folder(unet, DTYPES[settings.precision].itemsize, declaration, base)
    return SegmentLoad(
        settings=settings,
        declaration=declaration,
        network=network,
        grid=grid_for(segment.frames, width, height, declaration, settings),
        pixels_in=width * height,
        pixels_out=width * height * settings.scale**2,
        upsampler=upsampler,
        together=tiles_together(settings, network),
    )


def tiles_together(settings: ResolvedSettings, network: NetworkSize) -> int:
    """Tiles in a batch, at most, where the user does not choose: one for each thread of a processor."""
    if settings.device != "cpu":
        return MOST_TILES
    return 1 if network.weights >= LARGE_NETWORK * network.item else threads_for(settings.model)


def job_evaluations(
    segments: Sequence[Segment],
    width: int,
    height: int,
    settings: PlannedSettings,
    declaration: Declaration,
    shallow_share: float = 1.0,
) -> int:
    """Count the U-Net's evaluations of a tile over a whole job.

    Args:
        segments: of the job.
        width, height: of an input frame, in pixels.
        settings: as planned.
        declaration: the model's conventions.
        shallow_share: what an evaluation counts that leaves out the deep levels.
    """
    steps, total = steps_of(settings, declaration), 0.0
    # nearly all segments of a long clip are equally long, and fast tiling makes a grid per step
    for frames, count in Counter(segment.frames for segment in segments).items():
        grids = (grid_for(frames, width, height, declaration, settings, step.index) for step in steps)
        total += count * sum(
            len(grid) * evaluations(step, settings, declaration) * (shallow_share if step.reuses else 1)
            for step, grid in zip(steps, grids, strict=True)
        )
    return round(total)


def with_output(plan: Plan, target: Path, output: OutputSettings, info: VideoInfo, latents: int, folder: Path) -> Plan:
    """Add to a plan what its result takes of the disks, and what it loses against the input.

    Args:
        plan: of the job.
        target: the output file or folder.
        output: how it is written.
        info: facts about the input.
        latents: bytes of a segment's ``x_0``.
        folder: the job folder.
    """
    asked, output = output, resolved_output(target, info, output)
    needs = disk_needs(folder, target, most_bytes(output, plan.frames, plan.output_size), latents)
    needed, available = tightest(needs)
    losses = losses_ahead(target, reshaped(info, plan), *plan.output_size, output, whole=plan.frames == info.frames)
    return plan.replace(
        disk=needed,
        disk_available=available,
        result_bytes=expected_bytes(output, plan.frames, plan.output_size),
        notes=(*plan.notes, *fallback_notes(asked, output), *losses),
    )


def reshaped(info: VideoInfo, plan: Plan) -> VideoInfo:
    """Facts about the input with the shape of the output's pixels, for whoever writes that."""
    return replace(info, sample_aspect_ratio=Fraction(1)) if plan.square_pixels else info


# -- what the user should know ----------------------------------------------------------------------------------


def input_notes(info: VideoInfo, boundaries: ShotBoundaries | None) -> list[str]:
    """List the facts about the input that change how it is processed."""
    notes = []
    if info.interlaced:
        notes.append(f"The video is interlaced ({info.field_order}) and is deinterlaced first.")
    if info.rotation or info.mirror:
        notes.append("The video is stored turned or mirrored; the result is upright.")
    if boundaries is None:
        notes.append("The clip is long: cuts are looked for when the job begins.")
    return notes


def notes_of(
    info: VideoInfo, boundaries: ShotBoundaries | None, sizes: Sizes, division: Division, declaration: Declaration
) -> tuple[str, ...]:
    """All that the user should know about a plan."""
    return (
        *input_notes(info, boundaries),
        *size_notes(sizes),
        *choice_notes(division.settings, division.estimate.offload),
        *memory_notes(division),
        *guidance_notes(division.settings, declaration),
        *reuse_notes(division, declaration),
    )


def memory_notes(division: Division) -> list[str]:
    """A sentence where segments are shorter than the settings say."""
    if not division.windows:
        return []
    frames = max(segment.frames for segment in division.segments)
    return [f"Memory is short: {frames} frames are worked on at once, and joins are seen less far around."]


def choice_notes(settings: PlannedSettings, offload: bool) -> list[str]:
    """Choices that differ from the paper's, or that do nothing here."""
    notes = []
    if settings.tiling == "fast":
        notes.append("Fast tiling: little overlap and a moving grid, not the paper's.")
    if settings.solver == "dpmpp-2m":
        notes.append("Steps are those of DPM-Solver++ (2M), not Euler's.")
    if settings.still and not settings.grain:
        notes.append("Still and doubled frames are restored once: evaluations and time are those of a clip without any.")
    if settings.flat and not settings.sap and not settings.tap:
        notes.append("Flat tiles are enlarged only: evaluations and time are those of a clip without any.")
    if settings.compile != "off" and settings.device == "cpu":
        notes.append("Nothing is compiled: on a processor that gains nothing.")
    if offload:
        notes.append("The U-Net leaves the device while frames are encoded and decoded, so that more of them fit.")
    return notes


def reuse_notes(division: Division, declaration: Declaration) -> list[str]:
    """A sentence where deep features are to be reused: in how many steps, or that they are not."""
    settings = division.settings
    if settings.reuse == 1:
        return []
    if shallow_levels(division.load.network.config, settings) is None:
        return ["Nothing of this network is reused: all of its levels have propagating layers; choose fewer of them, or none."]
    count = sum(step.reuses for step in steps_of(settings, declaration))
    if not count:
        return ["No deep features are reused: that takes paper tiling, two steps at least, and guidance other than SAG."]
    return [f"Deep features are reused in {count} of {settings.steps} steps, not the paper's; it resumes from the other steps."]


def guidance_notes(settings: PlannedSettings, declaration: Declaration) -> list[str]:
    """A sentence where the chosen guidance does nothing in any step (method.md §5)."""
    if settings.guidance == "none" or guidance_acts(settings, declaration):
        return []
    name = settings.guidance.upper()
    if settings.guidance_scale == 1:
        return [f"Guidance {name} does nothing at a guidance scale of 1."]
    if not any(step.guided for step in steps_of(settings, declaration)):
        return [f"Guidance {name} does nothing: no step has a noise level between guidance_low and guidance_high."]
    return [f"Guidance {name} does nothing here: this model's unconditional branch drops nothing, and γ is 0 in every step."]


def problems_of(plan: Plan) -> tuple[str, ...]:
    """What does not fit, and what to change."""
    problems = []
    if plan.device_memory > plan.device_memory_available:
        problems.append(TILES_TOO_LARGE)
    if plan.host_memory > plan.host_memory_available:
        problems.append("The frames do not fit into memory: close other programs, or choose a smaller size.")
    if plan.disk > plan.disk_available:
        needed, free = file_size(plan.disk), file_size(plan.disk_available)
        problems.append(
            f"There is not enough disk space: {needed} are needed, {free} are free; free some, or restore a shorter part."
        )
    return tuple(problems)
