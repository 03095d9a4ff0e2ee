"""What propagation does: neighbouring tiles and windows agree better in their overlap; and what SAP's cheaper schedules lose."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.edm import to_d
from dcvsr_engine.diffusion.propagation import SpatialBank
from dcvsr_engine.diffusion.sampler import Estimate, InBatches, TileGroup
from dcvsr_engine.diffusion.schedule import Step, steps_of
from dcvsr_engine.errors import InputError
from dcvsr_engine.events import StepKind
from dcvsr_engine.research.bench.workload import Workload, load_workload
from dcvsr_engine.settings import RestoreSettings, SapSchedule
from dcvsr_engine.tiling.grid import Tile, TileGrid


@dataclass(frozen=True)
class StepFigures:
    """Measured at one step, every variant from the same noisy latents.

    Attributes:
        step, kind, sigma: the step; the trajectory follows its kind.
        tiles_off, tiles_on: RMS difference of neighbouring tiles in their overlap, plain and with SAP (two passes).
        windows_off, windows_on: the same for neighbouring windows, plain and with TAP.
        two_pass, cached: RMS distance of the merged result from lockstep's, as a share of lockstep's from plain; ``cached`` is
            ``None`` at the first step, which has nothing to inject.
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
class Outcome:
    """Of one evaluation of all tiles: the merged ``x̂_0`` and each tile's own."""

    merged: Tensor
    tiles: dict[Tile, Tensor]


@dataclass(frozen=True)
class RecordingBatches(InBatches):
    """Keeps the estimate of every tile of a step; of two passes the second.

    Attributes:
        estimates: per tile ``(frames, channels, height, width)``.
    """

    estimates: dict[Tile, Tensor] = field(default_factory=dict)

    def run(self, estimate: Estimate, group: TileGroup) -> Iterator[tuple[list[Tile], Tensor]]:
        """See `Batching.run`."""
        for tiles, estimates in super().run(estimate, group):
            self.estimates.update(zip(tiles, estimates, strict=True))
            yield tiles, estimates


def measure_propagation(settings: RestoreSettings, clip: Path) -> list[StepFigures]:
    """Figures of every step of sampling the middle of ``clip``; raises `UserError`."""
    material = load_workload(settings, clip)
    if material.grid.spatial == 1 or len(material.grid.windows) == 1:
        raise InputError(f"“{clip.name}” makes a single tile or window; choose a larger or longer one, or smaller tiles.")
    return list(measured_steps(material, material.denoiser()))


@torch.no_grad()
def measured_steps(material: Workload, denoiser: Denoiser) -> Iterator[StepFigures]:
    """Sample, and at every step evaluate all variants."""
    x = material.noise * material.model.declaration.sigma_max
    seen: SpatialBank | None = None
    for step in steps_of(material.settings, material.model.declaration):
        before, seen = seen, SpatialBank(material.grid, material.settings.sap_rate)
        plain = evaluate_kind(material, denoiser, x, step, StepKind.PLAIN, collected=seen)
        two_pass = evaluate_kind(material, denoiser, x, step, StepKind.SAP, "two-pass")
        lockstep = evaluate_kind(material, denoiser, x, step, StepKind.SAP, "lockstep")
        cached = evaluate_kind(material, denoiser, x, step, StepKind.SAP, "cached", before) if before else None
        tap = evaluate_kind(material, denoiser, x, step, step.kind if step.kind.is_tap else StepKind.TAP_FORWARD)
        effect = rms(lockstep.merged - plain.merged)
        yield StepFigures(
            step.index,
            step.kind,
            step.sigma,
            tiles_off=disagreement(plain, beside(material.grid)),
            tiles_on=disagreement(two_pass, beside(material.grid)),
            windows_off=disagreement(plain, following(material.grid)),
            windows_on=disagreement(tap, following(material.grid)),
            two_pass=rms(two_pass.merged - lockstep.merged) / effect,
            cached=None if cached is None else rms(cached.merged - lockstep.merged) / effect,
        )
        denoised = {StepKind.SAP: two_pass, StepKind.PLAIN: plain}.get(step.kind, tap).merged
        x = x + to_d(x, step.sigma, denoised) * (step.sigma_next - step.sigma)


def evaluate_kind(
    material: Workload,
    denoiser: Denoiser,
    x: Tensor,
    step: Step,
    kind: StepKind,
    schedule: SapSchedule = "two-pass",
    previous: SpatialBank | None = None,
    collected: SpatialBank | None = None,
) -> Outcome:
    """One step of another kind."""
    batches = RecordingBatches()
    tiled = material.tiled(denoiser, batches, previous, sap_schedule=schedule)
    merged = tiled.denoise(x, dataclasses.replace(step, kind=kind), collected)
    return Outcome(merged, batches.estimates)


def beside(grid: TileGrid) -> Iterator[tuple[Tile, Tile]]:
    """Every two tiles of a window that lie side by side or one above the other."""
    columns = len(grid.columns)
    for n in range(len(grid.windows)):
        for m in range(grid.spatial):
            if (m + 1) % columns:
                yield grid.tile(m, n), grid.tile(m + 1, n)
            if m + columns < grid.spatial:
                yield grid.tile(m, n), grid.tile(m + columns, n)


def following(grid: TileGrid) -> Iterator[tuple[Tile, Tile]]:
    """Every two windows that follow each other, at every place."""
    return ((grid.tile(m, n), grid.tile(m, n + 1)) for n in range(len(grid.windows) - 1) for m in range(grid.spatial))


def disagreement(outcome: Outcome, pairs: Iterable[tuple[Tile, Tile]]) -> float:
    """RMS difference of pairs of tiles where they overlap."""
    squares, count = 0.0, 0
    for first, second in pairs:
        difference = overlap(outcome.tiles[first], first, second) - overlap(outcome.tiles[second], second, first)
        squares, count = squares + float(difference.double().square().sum()), count + difference.numel()
    return float((squares / count) ** 0.5)


def overlap(values: Tensor, tile: Tile, other: Tile) -> Tensor:
    """The part of a tile's ``values`` ``(frames, channels, height, width)`` that ``other`` covers too."""
    frames, rows, columns = (
        slice(max(own.start, foreign.start) - own.start, min(own.stop, foreign.stop) - own.start)
        for own, foreign in zip(tile.slices, other.slices, strict=True)
    )
    return values[frames, :, rows, columns]


def rms(values: Tensor) -> float:
    """Root mean square."""
    return float(values.double().square().mean().sqrt())
