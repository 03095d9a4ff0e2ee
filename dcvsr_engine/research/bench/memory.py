"""Peak memory of one tile, and what the planner predicts of it."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import psutil
import torch

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.models.loading import load_model
from dcvsr_engine.models.registry import model_folder
from dcvsr_engine.network.declaration import UNET_FOLDERS, Declaration
from dcvsr_engine.network.device import DTYPES
from dcvsr_engine.network.layout import subfolder
from dcvsr_engine.planning.memory import NetworkSize, SegmentLoad
from dcvsr_engine.planning.planner import on_device
from dcvsr_engine.research.bench.counting import in_new_process
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.tiling.grid import TileGrid

SAMPLING_INTERVAL = 0.001
WARM_UP_UNITS = 2
"""Units and frames of a first evaluation, which loads and allocates what stays."""


TILE_SIZES = (6, 32), (14, 32), (14, 64)
"""Frames and side in latents of the tiles that `measure_memory` evaluates."""
REPEATS = 3
"""Processes that each size is measured in; their median counts, as resident memory depends on what the C library gives back."""


@dataclass(frozen=True)
class Footprint:
    """Memory of one evaluation of one tile.

    Attributes:
        frames, side: of the tile, in latents.
        predicted, measured: peak bytes beyond the weights.
    """

    frames: int
    side: int
    predicted: int
    measured: int

    @property
    def ratio(self) -> float:
        """Prediction over measurement."""
        return self.predicted / self.measured


def measure_memory(settings: RestoreSettings, sizes: Sequence[tuple[int, int]] = TILE_SIZES) -> list[Footprint]:
    """Predict and measure the memory of tiles of some ``sizes``, frames and side in latents; raises `ModelError`."""
    return [
        Footprint(
            frames,
            side,
            predicted_bytes(settings, frames, side),
            round(median(peak_bytes(settings, frames, side, side) for _ in range(REPEATS))),
        )
        for frames, side in sizes
    ]


def predicted_bytes(settings: RestoreSettings, frames: int, side: int) -> int:
    """What the planner reckons with for one evaluation of one tile, beyond the weights."""
    folder = model_folder(settings.model)
    declaration = Declaration.from_folder(folder)
    plain = settings.replace(guidance="none", sap=False, tap=False, tile_batch=1)
    resolved = on_device(declaration.resolve(plain))
    network = NetworkSize.from_folder(subfolder(folder, UNET_FOLDERS), DTYPES[resolved.precision].itemsize)
    grid = TileGrid.build(frames, side, side, side, frames)
    return SegmentLoad(resolved, declaration, network, grid, 0, 0).sampling_bytes()


def peak_bytes(settings: RestoreSettings, frames: int, height: int, width: int) -> int:
    """Measure the memory of one evaluation of one tile in a new process.

    Args:
        settings: model, device and precision.
        frames, height, width: of the tile, in latents.

    Returns:
        Peak bytes beyond the weights.
    """
    return in_new_process(measured_peak, settings, frames, height, width)


@torch.no_grad()
def measured_peak(settings: RestoreSettings, frames: int, height: int, width: int) -> int:
    """Measure `peak_bytes` in this process."""
    model = load_model(settings.model, settings.device, settings.precision)
    denoiser, stage = Denoiser(model), model.first_stage

    def evaluate(frames: int, height: int, width: int) -> None:
        tile = TileGrid.build(frames, height, width, max(height, width), frames).tile(0, 0)
        x, condition = (torch.zeros(1, frames, c, height, width) for c in (stage.latent_channels, stage.condition_channels))
        denoiser.guided(x, 1.0, condition, [tile], "none", 1.0, 0.0)

    small = WARM_UP_UNITS * model.declaration.multiple
    # kernels and workspaces load at the first evaluation and are no part of a tile's memory
    evaluate(WARM_UP_UNITS, small, small)
    # torch counts what it allocates on a GPU; on the processor there is only the size of the process
    if model.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        evaluate(frames, height, width)
        return int(torch.cuda.max_memory_allocated()) - before
    with ResidentPeak() as peak:
        evaluate(frames, height, width)
    return peak.growth


class ResidentPeak:
    """Context that observes how much the process' resident memory grows inside.

    Attributes:
        growth: largest growth observed, in bytes.
    """

    def __enter__(self) -> "ResidentPeak":
        self.growth = 0
        self._process = psutil.Process()
        self._before = self._process.memory_info().rss
        self._open = True
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *facts: object) -> None:
        self._open = False
        self._thread.join()
        self._look()  # a busy machine may never have let the thread

    def _watch(self) -> None:
        while self._open:
            self._look()
            time.sleep(SAMPLING_INTERVAL)

    def _look(self) -> None:
        self.growth = max(self.growth, self._process.memory_info().rss - self._before)
