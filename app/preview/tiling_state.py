"""The tile grid as the engine works through it: what the overlay and the window strip draw."""

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QObject, Signal

from dcvsr_engine.events import StepKind
from dcvsr_engine.tiling.grid import Tile, TileGrid

TileState = Literal["waiting", "running", "done"]


class TilingState(QObject):
    """The current grid, step and progress; positions are in output pixels and frames of the clip.

    Attributes:
        grid: the engine's own grid, or ``None``.
        factor: output pixels per latent pixel.
        first_frame: the clip's frame that is the grid's frame 0.
        origin: (x, y) of the grid's corner in the output frame.
        kind: the running step's propagation, ``None`` when nothing runs.
        sap_rate: stride in latent pixels at which a SAP step takes keys.
        chosen: frames of the clip that a window passes on in this TAP step.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.grid: TileGrid | None = None
        self.factor = 8
        self.first_frame = 0
        self.origin = (0, 0)
        self.kind: StepKind | None = None
        self.sap_rate = 2
        self.chosen: dict[int, tuple[int, ...]] = {}
        self._states: dict[tuple[int, int], TileState] = {}

    def set_grid(self, grid: TileGrid | None, factor: int = 8, first_frame: int = 0, origin: tuple[int, int] = (0, 0)) -> None:
        """Show another grid, without step and progress."""
        self.grid, self.factor, self.first_frame, self.origin = grid, factor, first_frame, origin
        self.set_step(None)

    def set_sap_rate(self, rate: int) -> None:
        """SAP steps take a key from every ``rate``-th latent pixel along each axis."""
        self.sap_rate = rate
        self.changed.emit()

    def set_step(self, kind: StepKind | None) -> None:
        """A step begins (``None``: nothing runs): all its tiles wait."""
        self.kind = kind
        self._states.clear()
        self.chosen.clear()
        self.changed.emit()

    def set_tile_state(self, m: int, n: int, state: TileState) -> None:
        """Tile ``m`` of window ``n`` is waiting, running or done in this step."""
        self._states[m, n] = state
        self.changed.emit()

    def set_chosen_frames(self, n: int, frames: Sequence[int]) -> None:
        """Window ``n`` passes these frames of the clip to its neighbour."""
        self.chosen[n] = tuple(frames)
        self.changed.emit()

    def tile_state(self, m: int, n: int) -> TileState:
        """The state of tile ``m`` of window ``n``."""
        return self._states.get((m, n), "waiting")

    def window_state(self, n: int) -> TileState:
        """The state of window ``n``: running from its first tile to its last."""
        states = {self.tile_state(m, n) for m in range(self.grid.spatial)} if self.grid else set()
        if len(states) > 1:
            return "running"
        return states.pop() if states else "waiting"

    def place_states(self, frame: int) -> list[TileState]:
        """State of the tiles at each place ``m`` that cover a frame of the clip: done when all of them are."""
        windows = self.windows_at(frame)
        return [_together([self.tile_state(m, n) for n in windows]) for m in range(self.grid.spatial)] if self.grid else []

    def windows_at(self, frame: int) -> list[int]:
        """The windows that cover a frame of the clip."""
        if self.grid is None:
            return []
        inside = frame - self.first_frame
        return [n for n, start in enumerate(self.grid.windows) if start <= inside < start + self.grid.tile_frames]

    def window_frames(self, n: int) -> tuple[int, int]:
        """First and last frame of window ``n`` in the clip."""
        assert self.grid is not None
        first = self.first_frame + self.grid.windows[n]
        return first, first + self.grid.tile_frames - 1

    def latent(self, x: float, y: float) -> tuple[int, int]:
        """The latent (row, column) at an output position."""
        return int((y - self.origin[1]) // self.factor), int((x - self.origin[0]) // self.factor)

    def tiles_at(self, frame: int, x: float, y: float) -> list[tuple[Tile, float]]:
        """The tiles that cover an output position at a frame of the clip, the heaviest first, with their Gaussian weights."""
        if self.grid is None:
            return []
        at = (frame - self.first_frame, *self.latent(x, y))
        return [(tile, self.grid.weight(tile, *at)) for tile in self.grid.tiles_at(*at)]


def _together(states: list[TileState]) -> TileState:
    if "running" in states:
        return "running"
    return "done" if states and states.count("done") == len(states) else "waiting"
