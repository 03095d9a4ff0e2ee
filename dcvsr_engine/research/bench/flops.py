"""Floating-point operations of a job with the full-size network, counted on fake tensors: nothing is computed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import UNetSpatioTemporalConditionModel
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from dcvsr_engine.diffusion.attention import install_processors
from dcvsr_engine.diffusion.branch import CONDITIONAL, Branch, alike_parts
from dcvsr_engine.diffusion.propagation import BatchLayout, Extension, Lockstep, SpatialBank, TemporalMemory
from dcvsr_engine.diffusion.reuse import DeepFeatures, LevelledUNet
from dcvsr_engine.diffusion.schedule import Pass, Step, evaluations, passes, steps_of
from dcvsr_engine.events import StepKind
from dcvsr_engine.models.shapes import SVD_UNET
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.planning.grids import grid_for, window_stride
from dcvsr_engine.planning.segments import segments_of
from dcvsr_engine.research.bench.counting import flops
from dcvsr_engine.settings import FEWER_EVALUATIONS, PAPER_SETTINGS, ResolvedSettings, RestoreSettings
from dcvsr_engine.tiling.grid import TileGrid

REFERENCE = "two passes, at 0ce4a1c"
REFERENCE_FLOPS = 713e15
"""What an independent review counted for the default of that commit; it is not counted here."""
INTERVAL = ("guidance_low", "guidance_high")
JOBS: dict[str, dict[str, Any]] = {
    "two passes": {"sap_schedule": "two-pass"},
    "default (staged)": {"sap_schedule": "staged"},
    "default, in one piece": {"sap_schedule": "staged", "segment_frames": 1000},
    f"{FEWER_EVALUATIONS['steps']} steps": {"sap_schedule": "staged", "steps": FEWER_EVALUATIONS["steps"]},
    "guidance interval": {"sap_schedule": "staged", **{name: FEWER_EVALUATIONS[name] for name in INTERVAL}},
    "deep features reused": {"sap_schedule": "staged", "reuse": FEWER_EVALUATIONS["reuse"]},
    "fewer evaluations": {"sap_schedule": "staged"} | FEWER_EVALUATIONS,
}
"""What is counted: settings over those of the paper; the last is all of the three before."""
GOALS = {"default (staged)": 0.63, "fewer evaluations": 0.16}
"""Shares of the reference that are aimed at."""


@dataclass(frozen=True)
class FlopFigure:
    """A job's operations.

    Attributes:
        name: of its settings.
        evaluations: rows of the U-Net; `None` for the reference.
        upper: those among them that leave out the deep levels.
        operations: floating-point operations of all.
        share: of the reference's.
        goal: the share that is aimed at, where one is.
    """

    name: str
    evaluations: int | None
    upper: int | None
    operations: float
    share: float
    goal: float | None = None


class FakeNetwork:
    """A U-Net on fake tensors, whose evaluations of a tile are counted once each.

    Args:
        config: diffusers'.
        declaration: says whether branches share the front, see `diffusion.front`.
        settings: say which layers propagate, how many tokens SAP and how many frames TAP hands on.
        grid: a frame's tiles, two windows of them at least.
    """

    def __init__(self, config: Mapping[str, Any], declaration: Declaration, settings: ResolvedSettings, grid: TileGrid) -> None:
        self.config, self.declaration, self.settings, self.grid = config, declaration, settings, grid
        self._mode = FakeTensorMode()
        with self._mode:
            unet = UNetSpatioTemporalConditionModel.from_config(config).eval().requires_grad_(False)
            self._network = LevelledUNet(unet, install_processors(unet, settings.propagating_layers), settings)
        self._counts: dict[tuple[Pass | StepKind, bool, int], int] = {}

    def count(self, kind: Pass | StepKind, upper: bool = False, branches: int = 1) -> int:
        """Operations of a tile in so many ``branches``: of all levels, or of the ``upper`` ones, over kept features."""
        if (kind, upper, branches) not in self._counts:
            with self._mode, torch.no_grad():
                self._counts[kind, upper, branches] = self._counted(kind, upper, branches)
        return self._counts[kind, upper, branches]

    def _counted(self, kind: Pass | StepKind, upper: bool, branches: int) -> int:
        extensions, features = self._extensions(kind), DeepFeatures()
        with self._network.propagation.extended_by(*extensions):
            self._evaluate(0, branches)  # what TAP hands on
            with self._network.keeping(features):
                whole = flops(lambda: self._evaluate(1, branches))
            if not upper:
                return whole
            with self._network.reusing(features):
                return flops(lambda: self._evaluate(1, branches))

    def _extensions(self, kind: Pass | StepKind) -> tuple[Extension, ...]:
        """What acts in the propagating layers: SAP's tokens of the whole frame, or TAP's of the window before."""
        if kind == StepKind.TAP_FORWARD:
            return (TemporalMemory(self.settings.tap_frames),)
        spatial = kind in (Pass.INJECT, Pass.LOCKSTEP, Pass.STAGED)
        return (Lockstep(SpatialBank(self.grid, self.settings.sap_rate)),) if spatial else ()

    def _evaluate(self, window: int, branches: int) -> Tensor:
        """Evaluate the first tile of a window; ``(branches, frames, channels, height, width)``."""
        config, tile = self.config, self.grid.tile(0, window)
        ids = config["projection_class_embeddings_input_dim"] // config["addition_time_embed_dim"]
        rows = (CONDITIONAL, *(Branch(conditional=False, gamma=float(number)) for number in range(1, branches)))
        with self._network.propagation.batch(BatchLayout(rows, (tile,))):
            return self._network(
                torch.zeros(branches, tile.frames, config["in_channels"], tile.height, tile.width),
                torch.tensor(1.0),
                torch.zeros(branches, 1, config["cross_attention_dim"]),
                torch.zeros(branches, ids),
                alike_parts(self.declaration, branches),
            )


def evaluation_flops(
    config: Mapping[str, Any], declaration: Declaration, settings: ResolvedSettings, side: int, frames: int
) -> tuple[int, int]:
    """Operations of an evaluation of one tile without foreign keys: of all levels, and of those that every step evaluates."""
    network = FakeNetwork(config, declaration, settings, TileGrid.build(2 * frames, side, side, side, frames, 0.0))
    return network.count(Pass.PLAIN), network.count(Pass.PLAIN, upper=True)


def measure_flops(
    declaration: Declaration, config: Mapping[str, Any] = SVD_UNET, size: tuple[int, int] = (1920, 1080), frames: int = 100
) -> list[FlopFigure]:
    """Count the U-Net's operations in a job, for each of `JOBS`.

    Args:
        declaration: the model's conventions.
        config: diffusers' of its U-Net.
        size: (width, height) in pixels of the result.
        frames: of one shot.
    """
    paper = declaration.resolve(RestoreSettings(**PAPER_SETTINGS))
    lr = size[0] // paper.scale, size[1] // paper.scale
    network = FakeNetwork(config, declaration, paper, grid_for(2 * paper.window, *lr, declaration, paper))
    figures = [FlopFigure(REFERENCE, None, None, REFERENCE_FLOPS, 1.0)]
    for name, changes in JOBS.items():
        settings = paper.replace(**changes)
        pieces = segments_of([(0, frames - 1)], settings.segment_frames, settings.window, window_stride(settings))
        grids = [grid_for(piece.frames, *lr, declaration, settings) for piece in pieces]
        figures.append(figure_of(name, grids, settings, declaration, network.count))
    return figures


def figure_of(
    name: str,
    grids: list[TileGrid],
    settings: ResolvedSettings,
    declaration: Declaration,
    count: Callable[[Pass | StepKind, bool, int], int],
) -> FlopFigure:
    """Add up the steps of segments with these ``grids``; ``count`` those of a tile, see `FakeNetwork`."""
    rows = upper = operations = 0
    for step in steps_of(settings, declaration):
        each = evaluations(step, settings, declaration)
        for grid in grids:
            rows += each * len(grid)
            upper += each * len(grid) * step.reuses
            operations += step_flops(step, grid, settings, declaration, count)
    return FlopFigure(name, rows, upper, operations, operations / REFERENCE_FLOPS, GOALS.get(name))


def step_flops(
    step: Step,
    grid: TileGrid,
    settings: ResolvedSettings,
    declaration: Declaration,
    count: Callable[[Pass | StepKind, bool, int], int],
) -> int:
    """Operations of one step over the tiles of ``grid``."""
    made = passes(step, settings.sap_schedule)
    each = evaluations(step, settings, declaration) // len(made)
    if step.kind.is_tap:
        # in either direction one window is the first and receives nothing
        first, others = grid.spatial, len(grid) - grid.spatial
        plain, extended = (count(kind, step.reuses, each) for kind in (Pass.PLAIN, StepKind.TAP_FORWARD))
        return first * plain + others * extended
    return len(grid) * sum(count(Pass.PLAIN if kind == Pass.COLLECT else kind, step.reuses, each) for kind in made)
