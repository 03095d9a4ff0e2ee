"""Effect of propagation: agreement of neighbouring tiles and windows in their overlap, and what SAP's cheap schedules lose."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.edm import euler_step
from dcvsr_engine.diffusion.propagation import SpatialBank
from dcvsr_engine.diffusion.sampler import Estimate, InBatches, TileGroup
from dcvsr_engine.diffusion.schedule import Step, steps_of
from dcvsr_engine.errors import InputError
from dcvsr_engine.events import StepKind
from dcvsr_engine.research.bench.workload import BenchWorkload, load_workload
from dcvsr_engine.settings import RestoreSettings, SapSchedule
from dcvsr_engine.tiling.grid import Tile, TileGrid


@dataclass(frozen=True)
class StepFigures:
    """Measured at one step, every variant from the same noisy latents.

    Attributes:
        step: index; the trajectory follows the kinds of the schedule.
        kind: of the step.
        sigma: noise level.
        tiles_off, tiles_on: RMS difference of neighbouring tiles in their overlap, plain and with SAP (two passes).
        windows_off, windows_on: the same for neighbouring windows, plain and with TAP.
        two_pass, cached: RMS distance of the merged result from lockstep's, relative to lockstep's from plain; ``cached`` is
            ``None`` at the first step, which has no keys of an earlier one.
    """

    step: int
    kind: StepKind
    sigma: float
    tiles_off: float
    tiles_on: float
    windows_off: float
    windows_on: float
    two_pass: float
    cached: float | None


@dataclass(frozen=True)
class StepResult:
    """Result of a step: the merged ``x̂_0`` and each tile's own, ``(frames, channels, height, width)``."""

    merged: Tensor
    tiles: dict[Tile, Tensor]


@dataclass(frozen=True)
class RecordingBatches(InBatches):
    """Keeps the estimates of a step's tiles; of two passes those of the second.


    Attributes:
        estimates: per tile ``(frames, channels, height, width)``.
    """

    estimates: dict[Tile, Tensor] = field(default_factory=dict)

    def run(self, estimate: Estimate, group: TileGroup) -> Iterator[tuple[list[Tile], Tensor]]:
        """Evaluate a group of tiles and keep the estimates; see `Batching.run`."""
        for tiles, estimates in super().run(estimate, group):
            self.estimates.update(zip(tiles, estimates, strict=True))
            yield tiles, estimates


def measure_propagation(settings: RestoreSettings, clip: Path) -> list[StepFigures]:
    """Sample the middle of ``clip`` with SAP and TAP and measure every step; raises `UserError`."""
    workload = load_workload(settings.replace(sap=True, tap=True), clip)
    if workload.grid.spatial == 1 or len(workload.grid.windows) == 1:
        raise InputError(f"“{clip.name}” makes a single tile or window; choose a larger or longer one, or smaller tiles.")
    return list(measured_steps(workload, workload.denoiser()))


@torch.no_grad()
def measured_steps(workload: BenchWorkload, denoiser: Denoiser) -> Iterator[StepFigures]:
    """Sample, and evaluate all variants at every step from the same noisy latents."""
    x = workload.noise * workload.model.declaration.sigma_max
    seen: SpatialBank | None = None
    for step in steps_of(workload.settings, workload.model.declaration):
        # the keys of this step's plain pass are what cached SAP injects at the next step
        before, seen = seen, SpatialBank(workload.grid, workload.settings.sap_rate)
        plain = evaluate_kind(workload, denoiser, x, step, StepKind.PLAIN, collected=seen)
        two_pass = evaluate_kind(workload, denoiser, x, step, StepKind.SAP, "two-pass")
        lockstep = evaluate_kind(workload, denoiser, x, step, StepKind.SAP, "lockstep")
        cached = evaluate_kind(workload, denoiser, x, step, StepKind.SAP, "cached", before) if before else None
        tap = evaluate_kind(workload, denoiser, x, step, step.kind if step.kind.is_tap else StepKind.TAP_FORWARD)
        # the change by SAP itself: the unit for what its cheaper schedules lose
        effect = rms(lockstep.merged - plain.merged)
        yield StepFigures(
            step.index,
            step.kind,
            step.sigma,
            tiles_off=disagreement(plain, beside(workload.grid)),
            tiles_on=disagreement(two_pass, beside(workload.grid)),
            windows_off=disagreement(plain, following(workload.grid)),
            windows_on=disagreement(tap, following(workload.grid)),
            two_pass=rms(two_pass.merged - lockstep.merged) / effect,
            cached=None if cached is None else rms(cached.merged - lockstep.merged) / effect,
        )
        # the trajectory follows the schedule, whatever else was tried at this step
        denoised = {StepKind.SAP: two_pass, StepKind.PLAIN: plain}.get(step.kind, tap).merged
        x = euler_step(x, denoised, step.sigma, step.sigma_next)


def evaluate_kind(
    workload: BenchWorkload,
    denoiser: Denoiser,
    x: Tensor,
    step: Step,
    kind: StepKind,
    schedule: SapSchedule = "two-pass",
    previous: SpatialBank | None = None,
    collected: SpatialBank | None = None,
) -> StepResult:
    """Take one step of another kind.

    Args:
        workload: with settings and tiles.
        denoiser: of the model.
        x: noisy latents ``(frames, channels, height, width)``.
        step: noise level and index.
        kind: in place of the step's.
        schedule: of SAP.
        previous: keys of an earlier step to inject (cached SAP).
        collected: receives the keys of this step.
    """
    batches = RecordingBatches()
    tiled = workload.tiled(denoiser, batches, previous, sap_schedule=schedule)
    merged = tiled.denoise(x, dataclasses.replace(step, kind=kind), collected)
    return StepResult(merged, batches.estimates)


def beside(grid: TileGrid) -> Iterator[tuple[Tile, Tile]]:
    """Yield all pairs of tiles of a window that are neighbours in a row or a column."""
    columns = len(grid.columns)
    for n in range(len(grid.windows)):
        for m in range(grid.spatial):
            if (m + 1) % columns:
                yield grid.tile(m, n), grid.tile(m + 1, n)
            if m + columns < grid.spatial:
                yield grid.tile(m, n), grid.tile(m + columns, n)


def following(grid: TileGrid) -> Iterator[tuple[Tile, Tile]]:
    """Yield all pairs of tiles at the same position in successive windows."""
    return ((grid.tile(m, n), grid.tile(m, n + 1)) for n in range(len(grid.windows) - 1) for m in range(grid.spatial))


def disagreement(outcome: StepResult, pairs: Iterable[tuple[Tile, Tile]]) -> float:
    """Compute the RMS difference of pairs of tiles where they overlap."""
    squares, count = 0.0, 0
    for first, second in pairs:
        gap = overlap(outcome.tiles[first], first, second) - overlap(outcome.tiles[second], second, first)
        squares, count = squares + float(gap.double().square().sum()), count + gap.numel()
    return float((squares / count) ** 0.5)


def overlap(values: Tensor, tile: Tile, other: Tile) -> Tensor:
    """Cut the part of a tile's ``values`` ``(frames, channels, height, width)`` that ``other`` covers as well."""
    frames, rows, columns = (
        slice(max(own.start, foreign.start) - own.start, min(own.stop, foreign.stop) - own.start)
        for own, foreign in zip(tile.slices, other.slices, strict=True)
    )
    return values[frames, :, rows, columns]


def rms(values: Tensor) -> float:
    """Compute the root mean square of a tensor of any shape."""
    return float(values.double().square().mean().sqrt())
