"""Rows of ``dcvsr bench full`` about whole steps: what propagation and merging add, and what frames cost."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from torch import Tensor

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.sampler import InBatches, TiledDenoiser
from dcvsr_engine.diffusion.schedule import Step
from dcvsr_engine.events import StepKind
from dcvsr_engine.network.device import memory
from dcvsr_engine.planning.grids import grid_for, window_stride
from dcvsr_engine.planning.memory import SegmentLoad, estimate_memory
from dcvsr_engine.planning.segments import segments_of
from dcvsr_engine.research.bench.full import FullFinding, Stand, release
from dcvsr_engine.research.bench.full_network import network_size
from dcvsr_engine.research.bench.full_tiles import BENCH_GAMMA, MEBI, SIGMA, planned
from dcvsr_engine.settings import PlannedSettings, ResolvedSettings
from dcvsr_engine.tiling.blend import Merge, cut
from dcvsr_engine.tiling.grid import TileGrid

TIMED_KINDS = {
    "plain": (StepKind.PLAIN, "staged"),
    "SAP staged": (StepKind.SAP, "staged"),
    "SAP lockstep": (StepKind.SAP, "lockstep"),
    "SAP two-pass": (StepKind.SAP, "two-pass"),
    "TAP": (StepKind.TAP_FORWARD, "staged"),
}
HD_TILES = 8
HD, HD_READY = (1920, 1080), (1280, 720)
COUNTED_FRAMES = 100
FAST: dict[str, Any] = {"guidance": "none", "guidance_scale": 1.0, "tiling": "fast", "sap_schedule": "cached"}
COUNTED_PRESETS: dict[str, dict[str, Any]] = {
    "paper, 25 steps": {"steps": 25, "guidance": "dssag", "guidance_scale": 2.0, "tiling": "paper"},
    "fast, 25 steps": FAST | {"steps": 25},
    "fast, 12 steps": FAST | {"steps": 12},
}
"""The window's presets; its fast one takes half the steps."""


def step_work(
    stand: Stand, denoiser: Denoiser, grid: TileGrid, kind: StepKind, settings: PlannedSettings
) -> Callable[[], Tensor]:
    """One step of the engine's sampler over all tiles of ``grid``."""
    stage, shape = stand.model.first_stage, (grid.height, grid.width)
    x = SIGMA * stand.random(grid.frames, stage.latent_channels, *shape)
    condition = stand.random(grid.frames, stage.condition_channels, *shape)
    tiled = TiledDenoiser(denoiser, condition, settings, lambda step: grid, batching=InBatches(settings.tile_batch))
    return partial(tiled.denoise, x, Step(0, SIGMA, SIGMA / 2, BENCH_GAMMA, kind))


def step_finding(stand: Stand, grid: TileGrid, name: str, batch: int, warm: bool = False) -> FullFinding:
    """Time and memory of a step of the kind ``name``."""
    kind, schedule = TIMED_KINDS[name]
    settings = planned(stand, sap_schedule=schedule, tile_batch=batch)
    work = step_work(stand, Denoiser(stand.model), grid, kind, settings)
    # one kind of step at a time is measured, and planned
    alone = settings.replace(sap=kind == StepKind.SAP, tap=kind.is_tap, steps=2)
    plan = SegmentLoad(alone, stand.model.declaration, network_size(stand.model), grid, 0, 0).sampling_bytes()
    peak = stand.peak(work)
    taken = stand.once(work) if warm else stand.seconds(work, warm=True)
    text = (
        f"{name}, {len(grid)} tiles × 2 rows, {batch} tiles in a batch: {taken:.3f} s; "
        f"peak {peak / MEBI:.0f} MiB, plan {plan / MEBI:.0f} MiB, plan/peak {plan / peak if peak else 0:.3f}"
    )
    values = {"kind": name, "tiles": len(grid), "batch": batch, "seconds": taken, "peak_bytes": peak, "planned_bytes": plan}
    return text, values


def merge_seconds(stand: Stand, grid: TileGrid) -> float:
    """Seconds that cutting and merging all tiles of ``grid`` takes."""
    latents = stand.random(grid.frames, stand.model.first_stage.latent_channels, grid.height, grid.width)
    tiles = [cut(latents, tile).clone() for tile in grid]

    def work() -> None:
        merge = Merge(grid, latents.shape[1])
        for tile, values in zip(grid, tiles, strict=True):
            cut(latents, tile).clone()
            merge.add(tile, values)
        merge.result()

    return stand.seconds(work)


def steps_row(stand: Stand) -> Iterator[FullFinding]:
    """Steps over 2 × 2 tiles and two windows: plain, SAP by each schedule, TAP; and what merging takes."""
    tile, window = stand.model.declaration.tile, stand.model.declaration.window
    grid = TileGrid.build(
        window + window // 2, tile + tile // 2, tile + tile // 2, tile, window, align=stand.model.declaration.multiple
    )
    for name in TIMED_KINDS:
        text, values = step_finding(stand, grid, name, 2)
        stand.note(f"step {name}", values["seconds"])
        yield text, values
        release()
    merging = merge_seconds(stand, grid)
    plain, sap, tap = (stand.found[f"step {name}"] for name in ("plain", "SAP staged", "TAP"))
    mean = (sap + tap) / 2
    stand.note("row", mean / (2 * len(grid)))
    share = (mean - plain + merging) / mean
    text = (
        f"SAP {sap / plain - 1:+.1%}, TAP {tap / plain - 1:+.1%} of a plain step; merging {merging:.4f} s; "
        f"propagation and merging {share:.1%} of a mean step (goal ≤ 10 %)"
    )
    yield text, {"sap": sap / plain, "tap": tap / plain, "merge_seconds": merging, "share": share}


def hd_row(stand: Stand) -> Iterator[FullFinding]:
    """A step of one window of 1080p: plain, and SAP in staged lockstep."""
    declaration = stand.model.declaration
    width, height = HD if stand.size.dense > 1024 else (40, 24)
    settings = planned(stand)
    grid = grid_for(declaration.window, width // settings.scale, height // settings.scale, declaration, settings)
    times = []
    for name in ("plain", "SAP staged"):
        text, values = step_finding(stand, grid, name, HD_TILES, warm=True)
        times.append(stand.note(f"hd {name}", values["seconds"]))
        yield text, values
        release()
    yield f"SAP at this size: {times[1] / times[0] - 1:+.1%} of a plain step", {"sap": times[1] / times[0]}


# -- frames -----------------------------------------------------------------------------------------------------


def frames_row(stand: Stand) -> Iterator[FullFinding]:
    """Seconds per frame of a result: counted evaluations × measured seconds, of no run that was made."""
    each = stand.found.get("row") or stand.found["tile"]
    source = "a mean of SAP and TAP steps" if "row" in stand.found else "single evaluations"
    yield f"{each:.4f} s per evaluation of a tile and branch, from {source}", {"seconds_per_evaluation": each, "source": source}
    for size in (HD_READY, HD):
        for name, changes in COUNTED_PRESETS.items():
            yield frame_finding(stand, size, name, changes, each)


def frame_finding(stand: Stand, size: tuple[int, int], name: str, changes: dict[str, Any], each: float) -> FullFinding:
    """Seconds per frame of results of a ``size`` by a preset."""
    from dcvsr_engine.planning.planner import job_evaluations

    declaration = stand.model.declaration
    free = ResolvedSettings(**(dict(planned(stand)) | {"sap_schedule": "auto", "tile_batch": 0} | changes))
    width, height = size[0] // free.scale, size[1] // free.scale
    segments = segments_of([(0, COUNTED_FRAMES - 1)], free.segment_frames, free.window, window_stride(free))
    longest = max(segment.frames for segment in segments)
    grid = grid_for(longest, width, height, declaration, free)
    load = SegmentLoad(free, declaration, network_size(stand.model), grid, width * height, size[0] * size[1])
    decided, estimate = estimate_memory(load, *memory(stand.model.device))
    count = job_evaluations(segments, width, height, decided, declaration)
    seconds = count * each / COUNTED_FRAMES
    text = (
        f"{size[0]}×{size[1]} {name}: {count / COUNTED_FRAMES:.1f} evaluations per frame × {each:.4f} s = {seconds:.1f} s "
        f"(counted evaluations × measured seconds; {decided.sap_schedule}, {decided.tile_batch} tiles in a batch, "
        f"plan {estimate.device_memory / 2**30:.1f} GiB)"
    )
    values = {"size": size, "preset": name, "evaluations_per_frame": count / COUNTED_FRAMES, "seconds_per_frame": seconds}
    return text, values | {"schedule": decided.sap_schedule, "batch": decided.tile_batch, "planned_bytes": estimate.device_memory}
