"""DC-VSR's sampler: Euler steps, or DPM-Solver++'s, over merged spatio-temporal tiles with SAP and TAP (method.md §1–4).

It is pure: memory that runs out, numbers that overflow, progress and cancelling wrap it from outside, see `restore`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.edm import euler_step
from dcvsr_engine.diffusion.propagation import Collect, Extension, Inject, Lockstep, SpatialBank, TemporalMemory
from dcvsr_engine.diffusion.reuse import DeepFeatures
from dcvsr_engine.diffusion.schedule import Pass, Step, mode_of, passes
from dcvsr_engine.diffusion.turns import run_in_turns
from dcvsr_engine.events import StepKind
from dcvsr_engine.settings import ResolvedSettings
from dcvsr_engine.tiling.blend import Merge, cut
from dcvsr_engine.tiling.grid import Tile, TileGrid
from dcvsr_engine.tiling.latents import Latents, Part, whole

Element = TypeVar("Element")
Denoise = Callable[[Latents, Step], Tensor]
"""Estimates ``x̂_0`` of a whole segment ``(frames, channels, height, width)`` at a step; the sampler goes on in its memory."""
AfterStep = Callable[[Step, Tensor, Tensor | None], None]
"""Receives a step, x after it and, where the next step extrapolates from it, its ``x̂_0``; both stay as they are."""
OnMerged = Callable[[Step, Merge], None]
"""Receives a step and its estimate as far as tiles have been merged."""
Estimate = Callable[[list[Tile]], Tensor]
"""Estimates ``x̂_0`` of some tiles in one batch: ``(tiles, frames, channels, height, width)``."""


@torch.no_grad()
def sample(
    denoise: Denoise,
    x: Latents,
    steps: Sequence[Step],
    pins: "PinnedFrames | None" = None,
    on_estimate: Callable[[Step, Tensor], None] = lambda step, denoised: None,
    after_step: AfterStep = lambda step, x, before: None,
    before: Tensor | None = None,
) -> Tensor:
    """Sample by Euler steps of the probability-flow ODE (Karras et al. 2022, algorithm 1 without its second-order correction).

    Where steps say so, the estimate is extrapolated first, which makes them steps of DPM-Solver++(2M).

    Args:
        denoise: `TiledDenoiser`, or any other denoiser.
        x: latents ``(frames, channels, height, width)`` at the first step's noise level; they stay as they are.
        steps: the schedule, or what is left of it.
        pins: fixes frames shared with the segments beside (method.md §6).
        on_estimate: receives a step and its ``x̂_0``, which holds until it returns.
        after_step: see `AfterStep`.
        before: the estimate of the step before the first of ``steps``, where that one extrapolates from it; shaped like ``x``.

    Returns:
        ``x_0``, shaped like ``x``.
    """
    for step, following in zip_longest(steps, steps[1:]):
        noisy = x if pins is None else PinnedLatents(x, pins, step.sigma)
        denoised = denoise(noisy, step)
        if pins is not None:
            pins.put_into(denoised)
        on_estimate(step, denoised)
        kept = denoised.clone() if following is not None and following.extrapolation else None
        x = stepped(noisy, extrapolated(denoised, before, step.extrapolation), step)
        before = kept
        after_step(step, x, before)
    return whole(x)


def extrapolated(denoised: Tensor, before: Tensor | None, weight: float) -> Tensor:
    """``x̂_0 + weight · (x̂_0 − that of the step before)``, frame by frame in the memory of ``denoised``.

    Args:
        denoised, before: ``(frames, channels, height, width)``; ``None`` where nothing is to be extrapolated from.
        weight: see `Step.extrapolation`.
    """
    for frame, earlier in zip(denoised, before, strict=True) if before is not None and weight else ():
        frame.copy_(torch.lerp(earlier, frame, 1 + weight))
    return denoised


def stepped(x: Latents, denoised: Tensor, step: Step) -> Tensor:
    """An Euler step of ``x``, frame by frame in the memory of its estimate ``denoised`` ``(frames, channels, height, width)``."""
    for frame in range(len(denoised) if step.sigma_next else 0):  # at σ = 0 the estimate is the result
        part = slice(frame, frame + 1)
        here = x[part, :, :, :]
        denoised[part] = euler_step(here, denoised[part], step.sigma, step.sigma_next)
    return denoised


@dataclass(frozen=True)
class PinnedFrames:
    """Frames of a segment that are fixed to the results of those before and after it (method.md §6).

    Attributes:
        latents: their ``x_0`` ``(channels, height, width)``, by position in the segment.
        noise: unit noise of the segment ``(frames, channels, height, width)``.
    """

    latents: Mapping[int, Tensor]
    noise: Latents

    def put_into(self, denoised: Tensor) -> None:
        """Put the fixed frames in their places in an estimate ``(frames, channels, height, width)``."""
        for position, latents in self.latents.items():
            denoised[position] = latents


class PinnedLatents:
    """``x`` with the fixed frames noised to ``sigma``; see `Latents`."""

    def __init__(self, x: Latents, pins: PinnedFrames, sigma: float) -> None:
        self.x, self.pins, self.sigma = x, pins, sigma

    @property
    def shape(self) -> tuple[int, ...]:
        """See `Latents`."""
        return self.x.shape

    def __getitem__(self, part: Part) -> Tensor:
        """See `Latents`."""
        frames, *place = part
        values = self.x[part]
        pinned = [(row, at) for row, at in enumerate(range(self.shape[0])[frames]) if at in self.pins.latents]
        if pinned:
            values, noise = values.clone(), self.pins.noise[part]
            for row, at in pinned:
                values[row] = self.pins.latents[at][tuple(place)] + self.sigma * noise[row]
        return values


@dataclass(frozen=True)
class SegmentState:
    """A segment between two steps: all that is needed to resume.

    Attributes:
        x: latents ``(frames, channels, height, width)``.
        step: how many steps are done.
        bank: keys and values for cached SAP, where the next step needs them.
        before: the estimate of the last step done, shaped like ``x``, where the next one extrapolates from it.
        features: deep features, where the next step reuses them; they are too many for a file.
    """

    x: Latents
    step: int = 0
    bank: SpatialBank | None = None
    before: Tensor | None = None
    features: DeepFeatures | None = None

    @property
    def is_storable(self) -> bool:
        """Whether a file can hold all that the next step needs."""
        return self.features is None

    def to_tensors(self) -> dict[str, Tensor]:
        """Name the tensors for a file; see `from_tensors`."""
        before = {} if self.before is None else {"before": self.before}
        return {"x": whole(self.x)} | before | ({} if self.bank is None else self.bank.to_tensors())

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor], step: int, grid: TileGrid, rate: int) -> "SegmentState":
        """The inverse of `to_tensors`.

        Args:
            tensors: ``x`` and ``before`` ``(frames, channels, height, width)``, and those of a bank, where there are such.
            step: how many steps are done.
            grid, rate: as for `SpatialBank`.
        """
        held = {name: tensor for name, tensor in tensors.items() if name not in ("x", "before")}
        bank = SpatialBank.from_tensors(held, grid, rate) if held else None
        return cls(tensors["x"], step, bank, tensors.get("before"))


# -- one step over tiles ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TileGroup:
    """Tiles that may be evaluated in any batches, under the same extensions.

    Attributes:
        tiles: in the order of evaluation.
        extensions: what acts in the propagating layers.
        merged: whether the estimates count; the first of two SAP passes only collects keys.
        together: whether all tiles must be in one batch.
        in_turns: whether batches must take turns (`run_in_turns`), because they wait for each other within a layer.
    """

    tiles: list[Tile]
    extensions: tuple[Extension, ...] = ()
    merged: bool = True
    together: bool = False
    in_turns: bool = False


class Batching(Protocol):
    """Sends the tiles of a group through the network. It may repeat, repair, observe and stop; `InBatches` is the plain one."""

    @property
    def size(self) -> int:
        """Tiles in a batch, where they need not be together."""

    def run(self, estimate: Estimate, group: TileGroup) -> Iterator[tuple[list[Tile], Tensor]]:
        """Every tile of ``group`` once, in order, with estimates ``(tiles, frames, channels, height, width)``."""


@dataclass(frozen=True)
class InBatches:
    """Batches of at most ``size`` tiles."""

    size: int = 1

    def run(self, estimate: Estimate, group: TileGroup) -> Iterator[tuple[list[Tile], Tensor]]:
        """See `Batching.run`."""
        batches = list(batched(group.tiles, len(group.tiles) if group.together else self.size))
        if group.in_turns:
            yield from zip(batches, run_in_turns([partial(estimate, tiles) for tiles in batches]), strict=True)
        else:
            yield from ((tiles, estimate(tiles)) for tiles in batches)


EXTENSIONS: dict[Pass, Callable[[SpatialBank], Extension]] = {
    Pass.COLLECT: Collect,
    Pass.INJECT: Inject,
    Pass.LOCKSTEP: Lockstep,
    Pass.STAGED: Lockstep,
}


class TiledDenoiser:
    """``x̂_0`` of a segment from tiles: SAP on even t, TAP on odd t, merged with Gaussian weights (method.md §1.4, §1.5).

    Attributes:
        denoiser, condition, settings: the network, ``l`` ``(frames, channels, height, width)``, resolved settings.
        grid_at: the tile grid of a step.
        steps: the whole schedule: a step collects keys where cached SAP follows.
        batching: how tiles go through the network.
        bank: keys and values that the step before collected, for cached SAP.
        features: deep features of the last step that evaluated all of the network, where the next one reuses them.
        branches_in_one_batch: as for `Denoiser.guided`.
        on_frames_chosen: receives each window's number and the frames, counted in the segment, that it hands on (TAP).
        on_merged: see `OnMerged`; called after each batch.
        is_flat: whether a tile's estimate is 0 without an evaluation; never where SAP or TAP acts, as others may need its keys.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        condition: Latents,
        settings: ResolvedSettings,
        grid_at: Callable[[int], TileGrid],
        steps: Sequence[Step] = (),
        batching: Batching = InBatches(1),
        bank: SpatialBank | None = None,
        branches_in_one_batch: bool = True,
        on_frames_chosen: Callable[[int, list[int]], None] = lambda window, frames: None,
        features: DeepFeatures | None = None,
        on_merged: OnMerged = lambda step, merge: None,
        is_flat: Callable[[Tile], bool] = lambda tile: False,
    ) -> None:
        self.denoiser, self.condition, self.settings, self.steps = denoiser, condition, settings, steps
        self.grid_at, self.batching, self.bank = grid_at, batching, bank
        self.branches_in_one_batch, self.on_frames_chosen = branches_in_one_batch, on_frames_chosen
        self.features, self.on_merged, self.is_flat = features, on_merged, is_flat

    def __call__(self, x: Latents, step: Step) -> Tensor:
        """Estimate ``x̂_0`` of ``x`` ``(frames, channels, height, width)``; shaped like it."""
        collected = SpatialBank(self.grid_at(step.index), self.settings.sap_rate) if self.collects(step) else None
        features = self.features if step.reuses else None
        kept = (features or DeepFeatures()) if self.is_reused(step) else None
        with self.deep_features(features, kept):
            denoised = self.denoise(x, step, collected)
        self.bank, self.features = collected, kept
        return denoised

    def deep_features(self, reused: DeepFeatures | None, kept: DeepFeatures | None) -> AbstractContextManager[None]:
        """Have a step reuse deep features where there are such, or leave its own in ``kept``."""
        if reused is not None:
            return self.denoiser.network.reusing(reused)
        return nullcontext() if kept is None else self.denoiser.network.keeping(kept)

    def denoise(self, x: Latents, step: Step, collected: SpatialBank | None = None) -> Tensor:
        """Estimate ``x̂_0`` of ``x`` ``(frames, channels, height, width)``, and leave keys and values in ``collected``.

        Returns:
            The merged estimate, shaped like ``x``.
        """
        grid = self.grid_at(step.index)
        merge = Merge(grid, x.shape[1])
        collecting = () if collected is None else (Collect(collected),)
        for tile in filter(self.is_flat, grid):
            merge.add(tile, torch.zeros(()))
        for group in self.groups(grid, step):
            with self.denoiser.propagation.extended_by(*collecting, *group.extensions):
                for tiles, estimates in self.batching.run(partial(self.estimate, x, step), group):
                    if group.merged:
                        merge.add_all(tiles, estimates)
                        self.on_merged(step, merge)
        return merge.result()

    def groups(self, grid: TileGrid, step: Step) -> Iterator[TileGroup]:
        """The groups of tiles of a step in the order of evaluation, and what propagates among them."""
        if step.kind == StepKind.SAP:
            yield from self.spatial_groups(grid, step)
        elif step.kind.is_tap:
            yield from self.temporal_groups(grid, backward=step.kind == StepKind.TAP_BACKWARD)
        else:
            yield TileGroup([tile for tile in grid if not self.is_flat(tile)])

    def spatial_groups(self, grid: TileGrid, step: Step) -> Iterator[TileGroup]:
        """SAP: the tiles of each window attend to each other, in one of four schedules (method.md §3)."""
        for n in range(len(grid.windows)):
            tiles = [grid.tile(m, n) for m in range(grid.spatial)]
            # a bank of its own window, unless the step before has collected one of all windows
            bank = self.bank or SpatialBank(grid.window(n), self.settings.sap_rate)
            for kind in passes(step, self.settings.sap_schedule):
                extensions = (EXTENSIONS[kind](bank),)
                yield TileGroup(tiles, extensions, kind != Pass.COLLECT, kind == Pass.LOCKSTEP, kind == Pass.STAGED)

    def temporal_groups(self, grid: TileGrid, backward: bool) -> Iterator[TileGroup]:
        """TAP: one window hands frames on to the next; a batch of spatial tiles at a time bounds what is held (method.md §4)."""
        windows = list(range(len(grid.windows)))
        memory = TemporalMemory(self.settings.tap_frames)
        # tiles outside, windows inside: what a tile hands on is for the same tile of the next window
        for spatial in batched(list(range(grid.spatial)), self.batching.size):
            for n in reversed(windows) if backward else windows:
                yield TileGroup([grid.tile(m, n) for m in spatial], (memory,))
                self.on_frames_chosen(n, memory.frames_of(n))

    def is_reused(self, step: Step) -> bool:
        """Whether the next step reuses deep features, of a network that has levels to leave out."""
        following = self.steps[step.index + 1 : step.index + 2]
        return self.denoiser.network.levels is not None and any(after.reuses for after in following)

    def collects(self, step: Step) -> bool:
        """Whether the next step is one of cached SAP, which needs this one's keys and values."""
        following = self.steps[step.index + 1 : step.index + 2]
        return self.settings.sap_schedule == "cached" and any(after.kind == StepKind.SAP for after in following)

    def estimate(self, x: Latents, step: Step, tiles: list[Tile]) -> Tensor:
        """Estimate some tiles of ``x`` ``(frames, channels, height, width)``: in one batch, or side by side (`lanes`).

        Returns:
            Guided estimates ``(tiles, frames, channels, height, width)``.
        """
        lanes = self.denoiser.network.lanes
        if lanes is None or torch.is_grad_enabled():
            return self.estimate_together(x, step, tiles)
        return torch.cat(lanes.run([partial(self.estimate_together, x, step, [tile]) for tile in tiles]))

    def estimate_together(self, x: Latents, step: Step, tiles: list[Tile]) -> Tensor:
        """Estimate some tiles in one batch; arguments and result are those of `estimate`."""
        return self.denoiser.guided(
            torch.stack([cut(x, tile) for tile in tiles]),
            step.sigma,
            torch.stack([cut(self.condition, tile) for tile in tiles]),
            tiles,
            mode_of(step, self.settings),
            self.settings.guidance_scale,
            step.gamma,
            self.branches_in_one_batch,
            self.settings.perturbation,
        )


def batched(items: list[Element], size: int) -> Iterator[list[Element]]:
    """``items`` in lists of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
