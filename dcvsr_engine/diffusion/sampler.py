"""DC-VSR's sampler: Euler steps over merged spatio-temporal tiles with SAP, TAP and guidance (method.md §1–5)."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from dcvsr_engine.control import Monitor, Parked
from dcvsr_engine.diffusion.attention import Collect, Extension, Inject, KeyBank, Lockstep, Tap
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.edm import to_d
from dcvsr_engine.diffusion.schedule import Step, passes, steps_of
from dcvsr_engine.events import FramesChosen, StepKind, StepStarted, TileFinished, TileStarted, Warned
from dcvsr_engine.network.oom import in_parts
from dcvsr_engine.network.soundness import finite, sound
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.tiling.blend import Merge, cut
from dcvsr_engine.tiling.grid import Tile, TileGrid

T = TypeVar("T")
COMMON_NOISE = 2**40
"""Counter of the noise that all frames share; no frame index comes near it."""


def frame_noise(seed: int, frame: int, shape: tuple[int, int, int]) -> Tensor:
    """Unit noise ``(channels, height, width)`` of one frame, from a counter-based generator: the same however a clip is cut."""
    generator = np.random.Generator(np.random.Philox(key=[seed, frame]))
    return torch.as_tensor(generator.standard_normal(shape, dtype=np.float32))


def clip_noise(seed: int, first: int, frames: int, shape: tuple[int, int, int], share: float) -> Tensor:
    """Unit noise ``(frames, channels, height, width)``; ``share`` of its variance is common to all frames of the clip."""
    own = torch.stack([frame_noise(seed, first + f, shape) for f in range(frames)])
    if share == 0:
        return own
    return math.sqrt(1 - share) * own + math.sqrt(share) * frame_noise(seed, COMMON_NOISE, shape)


@dataclass
class SegmentState:
    """Latents of a segment between two steps: all that is needed to go on.

    Attributes:
        x: ``(frames, channels, height, width)``.
        step: steps done.
        bank: keys and values for cached SAP, where the next step needs them.
    """

    x: Tensor
    step: int = 0
    bank: KeyBank | None = None


@dataclass
class Shared:
    """The first frames of a segment, fixed to the result ``x_0`` of the segment before (method.md §6)."""

    latents: Tensor
    noise: Tensor

    def fix(self, x: Tensor, sigma: float) -> None:
        """Put the fixed frames, noised to ``sigma``, in place of the first ones of ``x``."""
        x[: len(self.latents)] = self.latents + sigma * self.noise[: len(self.latents)]


class Sampler:
    """Samples one segment.

    Attributes:
        denoiser, settings (resolved), control: what it works with.
        grid_at: the tile grid of a step.
        segment, first_frame: where the segment is, for progress events.
        batch: tiles per evaluation; becomes smaller when memory runs out.
        seconds: time spent in the U-Net.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        settings: RestoreSettings,
        grid_at: Callable[[int], TileGrid],
        control: Monitor,
        segment: int = 0,
        first_frame: int = 0,
        batch: int = 1,
        parked: Parked = nullcontext,
    ) -> None:
        self.denoiser, self.settings, self.grid_at, self.control = denoiser, settings, grid_at, control
        self.segment, self.first_frame, self.batch, self.parked = segment, first_frame, batch, parked
        self.schedule = steps_of(settings, denoiser.model.declaration)
        self.seconds = 0.0
        self.done = 0

    @torch.no_grad()
    def run(
        self,
        state: SegmentState,
        condition: Tensor,
        shared: Shared | None = None,
        after_step: Callable[[SegmentState, Tensor], None] = lambda state, denoised: None,
    ) -> Tensor:
        """Sample from ``state`` to the end; returns ``x_0`` ``(frames, channels, height, width)``.

        Args:
            state: start (pure noise times σ_max) or a state saved after a step.
            condition: ``l`` ``(frames, channels, height, width)``.
            shared: frames fixed to the segment before.
            after_step: receives the new state and the step's merged ``x̂_0``.

        Raises:
            ShortageError: memory does not even suffice for the least that can be evaluated at once; the state that
                ``after_step`` was given last can be gone on from.
            JobError: the network gives numbers that are not finite.
        """
        self.done = sum(self.tiles_of_step(step) for step in self.schedule[: state.step])
        for step in self.schedule[state.step :]:
            if shared is not None:
                shared.fix(state.x, step.sigma)
            bank = KeyBank(self.grid_at(step.index), self.settings.sap_rate) if self.collects(step) else None
            denoised = self.denoise(state, condition, step, bank)
            if shared is not None:
                shared.fix(denoised, 0.0)
            x = state.x + to_d(state.x, step.sigma, denoised) * (step.sigma_next - step.sigma)
            state = SegmentState(x, step.index + 1, bank)
            after_step(state, denoised)
        return state.x

    # -- one step -----------------------------------------------------------------------------------------------

    def denoise(self, state: SegmentState, condition: Tensor, step: Step, collected: KeyBank | None) -> Tensor:
        """The merged ``x̂_0`` of all tiles at one step; keys for cached SAP go to ``collected``."""
        grid = self.grid_at(step.index)
        self.control.emit(
            StepStarted(
                self.segment, step.index, len(self.schedule), step.kind, step.sigma, step.gamma, grid.to_dict(), self.first_frame
            )
        )
        merge = Merge(grid, state.x.shape[1])
        collecting: list[Extension] = [] if collected is None else [Collect(collected)]
        for tiles, extensions, merged in self.passes(grid, step, state.bank):
            for part, estimates in self.evaluations(state.x, condition, step, tiles, collecting + extensions):
                if merged:
                    for tile, estimate in zip(part, estimates, strict=True):
                        merge.add(tile, estimate)
        self.denoiser.propagation.extensions = []
        return merge.result()

    def evaluations(
        self, x: Tensor, condition: Tensor, step: Step, tiles: list[Tile], extensions: list[Extension]
    ) -> Iterator[tuple[list[Tile], Tensor]]:
        """Tiles and their estimates, in smaller batches when memory runs out. Tiles in lockstep stay together."""
        together = any(isinstance(extension, Lockstep) for extension in extensions)
        work = partial(self.evaluate, x, condition, step, extensions)
        waiting = tiles
        while waiting:
            size = len(waiting) if together else self.batch
            batch, waiting = waiting[:size], waiting[size:]
            yield from in_parts(work, batch, self.shrink, least=size if together else 1)

    def shrink(self, batch: int) -> None:
        """Go on with smaller batches."""
        self.batch = batch
        self.control.emit(Warned(f"Memory ran out: tiles are denoised {batch} at a time from here on."))

    def evaluate(self, x: Tensor, condition: Tensor, step: Step, extensions: list[Extension], tiles: list[Tile]) -> Tensor:
        """Guided estimates of a batch of tiles, with cancel, pause and progress around it."""
        self.denoiser.propagation.extensions = extensions
        self.control.check(self.parked)
        for tile in tiles:
            self.control.emit(TileStarted(tile.m, tile.n))
        began = time.monotonic()
        estimates = self.guided(x, condition, step, tiles)
        damaged = [i for i, estimate in enumerate(estimates) if not finite(estimate)]
        if damaged:
            again = [tiles[i] for i in damaged]
            estimates[damaged] = sound(
                self.denoiser.model,
                lambda: self.guided(x, condition, step, again),
                self.place_of(again[0], step),
                warn=lambda sentence: self.control.emit(Warned(sentence)),
            )
        seconds = time.monotonic() - began
        self.seconds += seconds
        for tile in tiles:
            self.done += 1
            self.control.emit(TileFinished(tile.m, tile.n, self.done, self.total, seconds / len(tiles)))
        return estimates

    def guided(self, x: Tensor, condition: Tensor, step: Step, tiles: list[Tile]) -> Tensor:
        """Guided estimates of a batch of tiles ``(tiles, frames, channels, height, width)``."""
        settings = self.settings
        assert settings.guidance is not None and settings.guidance_scale is not None
        return self.denoiser.guided(
            torch.stack([cut(x, tile) for tile in tiles]),
            step.sigma,
            torch.stack([cut(condition, tile) for tile in tiles]),
            tiles,
            settings.guidance,
            settings.guidance_scale,
            step.gamma,
        )

    def place_of(self, tile: Tile, step: Step) -> str:
        """A tile in words."""
        first = self.first_frame + tile.frame
        return (
            f"Tile {tile.m + 1} of frames {first} to {first + tile.frames - 1} in step {step.index + 1} of {len(self.schedule)}"
        )

    # -- what propagates ----------------------------------------------------------------------------------------

    def passes(self, grid: TileGrid, step: Step, previous: KeyBank | None) -> Iterator[tuple[list[Tile], list[Extension], bool]]:
        """Groups of tiles in the order of evaluation, the extensions that act on them, and whether they are merged."""
        if step.kind == StepKind.SAP:
            yield from self.spatial_passes(grid, previous)
        elif step.kind == StepKind.PLAIN:
            yield list(grid), [], True
        else:
            yield from self.temporal_passes(grid, backward=step.kind == StepKind.TAP_BACKWARD)

    def spatial_passes(self, grid: TileGrid, previous: KeyBank | None) -> Iterator[tuple[list[Tile], list[Extension], bool]]:
        """SAP, window by window, in one of its three schedules (method.md §3)."""
        for n in range(len(grid.windows)):
            window = [grid.tile(m, n) for m in range(grid.spatial)]
            bank = previous or KeyBank(grid.window(n), self.settings.sap_rate)
            if self.settings.sap_schedule == "lockstep":
                yield window, [Lockstep(bank)], True
                continue
            if bank is not previous:
                yield window, [Collect(bank)], False
            yield window, [Inject(bank)], True

    def temporal_passes(self, grid: TileGrid, backward: bool) -> Iterator[tuple[list[Tile], list[Extension], bool]]:
        """TAP: for a batch of places, one window after the other (method.md §4)."""
        order = list(range(len(grid.windows)))
        tap = Tap(self.settings.tap_frames)
        for places in batches(list(range(grid.spatial)), self.batch):
            for n in reversed(order) if backward else order:
                yield [grid.tile(m, n) for m in places], [tap], True
                frames = [frame for frame, _ in tap.chosen[n].most_common(self.settings.tap_frames)]
                self.control.emit(FramesChosen(n, tuple(sorted(self.first_frame + frame for frame in frames))))

    def collects(self, step: Step) -> bool:
        """Whether the step after ``step`` is a cached SAP step."""
        following = self.schedule[step.index + 1 : step.index + 2]
        return self.settings.sap_schedule == "cached" and any(s.kind == StepKind.SAP for s in following)

    # -- counting -----------------------------------------------------------------------------------------------

    @property
    def total(self) -> int:
        """Tile evaluations of the whole segment, all passes counted."""
        return sum(self.tiles_of_step(step) for step in self.schedule)

    def tiles_of_step(self, step: Step) -> int:
        """Tile evaluations of one step: all tiles once per pass."""
        return len(passes(step, self.settings.sap_schedule)) * len(self.grid_at(step.index))


def batches(items: list[T], size: int) -> Iterator[list[T]]:
    """``items`` in lists of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
