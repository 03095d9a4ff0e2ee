"""Progress of sampling as events, and the places where a job can wait or stop."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dcvsr_engine.control import Monitor
from dcvsr_engine.diffusion.schedule import Step
from dcvsr_engine.diffusion.turns import active_seconds
from dcvsr_engine.events import FramesChosen, StepStarted, TileFinished, TileStarted
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.tiling.grid import Tile, TileGrid


class SamplingObserver:
    """Reports what the sampler of one segment does; it lets the job wait or stop at every tile, and times the network.

    Attributes:
        seconds: spent in the network.
    """

    def __init__(self, monitor: Monitor, segment: Segment, check: Callable[[], None]) -> None:
        self.seconds = 0.0
        self._monitor, self._segment, self._check = monitor, segment, check
        self._done = self._total = self._steps = self._step = 0

    def expect(self, done: int, total: int, steps: int) -> None:
        """Sampling begins or resumes: ``done`` of ``total`` tiles are denoised, all passes of all ``steps`` counted."""
        self._done, self._total, self._steps = done, total, steps

    def on_step(self, step: Step, grid: TileGrid) -> None:
        """A step begins."""
        self._step = step.index
        index, first = self._segment.index, self._segment.first
        facts = step.index, self._steps, step.kind, step.sigma, step.gamma
        self._monitor.emit(StepStarted(index, *facts, grid.to_dict(), first))

    @contextmanager
    def on_tiles(self, tiles: list[Tile]) -> Iterator[None]:
        """Around an attempt at some tiles; one that fails is not reported as finished."""
        self._check()  # before the clock starts: a pause is not the network's time
        for tile in tiles:
            self._monitor.emit(TileStarted(tile.m, tile.n))
        began = active_seconds()
        yield
        seconds = active_seconds() - began
        self.seconds += seconds
        for tile in tiles:
            self._done += 1
            self._monitor.emit(TileFinished(tile.m, tile.n, self._done, self._total, seconds / len(tiles)))

    def on_frames_chosen(self, window: int, frames: list[int]) -> None:
        """TAP: a window hands on ``frames``, counted in the segment."""
        self._monitor.emit(FramesChosen(window, tuple(self._segment.first + frame for frame in frames)))

    def locate(self, tiles: list[Tile]) -> str:
        """The first of some tiles in words."""
        tile, first = tiles[0], self._segment.first + tiles[0].frame
        return f"Tile {tile.m + 1} of frames {first} to {first + tile.frames - 1} in step {self._step + 1} of {self._steps}"
