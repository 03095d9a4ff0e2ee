"""Rows of ``dcvsr bench full`` about limits: too many rows for an attention kernel, and too little memory."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import Attention
from torch.nn.attention import SDPBackend, sdpa_kernel

from dcvsr_engine.diffusion.attention import TemporalSelfAttention
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.sampler import SegmentState, TiledDenoiser, sample
from dcvsr_engine.diffusion.schedule import Step, steps_of
from dcvsr_engine.planning.grids import grid_for
from dcvsr_engine.planning.memory import SegmentLoad
from dcvsr_engine.research.bench.full import FullFinding, Stand, release
from dcvsr_engine.research.bench.full_network import FullSize, network_size
from dcvsr_engine.research.bench.full_tiles import MEBI, one_tile_grid, planned
from dcvsr_engine.restore.recovery import RecoveringBatches, Recovery, is_finite
from dcvsr_engine.tiling.grid import TileGrid

BACKENDS = ("FLASH_ATTENTION", "EFFICIENT_ATTENTION", "CUDNN_ATTENTION", "MATH")
PROCESS_SECONDS = 90
ROOM_ROWS = 3
"""Rows of the network's batch that fit into the limited memory: one and a half guided tiles."""


def attention_row(stand: Stand) -> Iterator[FullFinding]:
    """Temporal attention of more rows than a kernel launches: unsplit by every backend, and the engine's way.

    In a process of its own on a GPU, as a kernel that fails there may leave the device unusable.
    """
    arguments = stand.size, stand.model.device, stand.dtype
    if not stand.on_cuda:
        yield from attention_findings(*arguments)
        return
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    try:
        yield from pool.submit(attention_list, *arguments).result(timeout=PROCESS_SECONDS)
    finally:
        for process in multiprocessing.active_children():  # it may hang, and then everything would wait for it
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)


def attention_list(size: FullSize, device: str, dtype: torch.dtype) -> list[FullFinding]:
    """All of `attention_findings`."""
    return list(attention_findings(size, device, dtype))


@torch.no_grad()
def attention_findings(size: FullSize, device: str, dtype: torch.dtype) -> Iterator[FullFinding]:
    """Try every backend at every number of rows, then the engine's processor."""
    frames = 14
    for rows in size.attention_rows:
        query = torch.randn(rows, size.heads, frames, size.head_width, device=device, dtype=dtype)
        parts = query.split(size.most_rows // 2 + 1)
        expected = torch.cat([F.scaled_dot_product_attention(part, part, part) for part in parts])
        for name in (*BACKENDS, "default"):
            outcome = unsplit_outcome(query, expected, name)
            yield f"{rows} rows unsplit, {name}: {outcome}", {"rows": rows, "backend": name, "outcome": outcome}
    width = size.heads * size.head_width
    layer = Attention(width, heads=size.heads, dim_head=size.head_width).to(device, dtype)
    hidden = torch.randn(size.attention_rows[-1], frames, width, device=device, dtype=dtype)
    ours = TemporalSelfAttention(size.most_rows)(layer, hidden)
    halves = torch.cat([TemporalSelfAttention(size.most_rows)(layer, half) for half in hidden.chunk(8)])
    difference = float((ours.float() - halves.float()).abs().max())
    text = f"{len(hidden)} rows, the engine's way: runs, largest difference from eighths {difference:.2e}"
    yield text, {"rows": len(hidden), "backend": "engine", "difference": difference}


def unsplit_outcome(query: torch.Tensor, expected: torch.Tensor, name: str) -> str:
    """What comes of one unsplit call of the attention of ``query`` ``(rows, heads, frames, dim)`` by a backend."""
    try:
        with sdpa_kernel(getattr(SDPBackend, name)) if name != "default" else nothing_chosen():
            result = F.scaled_dot_product_attention(query, query, query)
        difference = float((result.float() - expected.float()).abs().max())
        return f"runs, largest difference from the split {difference:.2e}"
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"


@contextmanager
def nothing_chosen() -> Iterator[None]:
    """PyTorch chooses the backend."""
    yield


# -- too little memory ------------------------------------------------------------------------------------------


@contextmanager
def limited_memory(stand: Stand, room: int) -> Iterator[int]:
    """Allow the process only what it holds on a CUDA device and ``room`` bytes inside; yields the limit, 0 without one."""
    if not stand.on_cuda:
        yield 0
        return
    release()
    limit = torch.cuda.memory_reserved() + room
    torch.cuda.set_per_process_memory_fraction(min(1.0, limit / torch.cuda.get_device_properties(0).total_memory))
    try:
        yield limit
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        release()


class LadderRun:
    """A small segment that is sampled with the engine's ladder, as the pipeline does.

    Attributes:
        said: what the user would be told.
        state: where the next rung resumes.
    """

    def __init__(self, stand: Stand) -> None:
        self.stand, self.said = stand, list[str]()
        self.denoiser = Denoiser(stand.model)
        start = planned(stand, steps=2, sap_schedule="lockstep", tile_batch=4)
        self.recovery = Recovery(stand.model, start, 1, self.said.append)
        grid, stage = self.grid_at(0), stand.model.first_stage
        self.condition = stand.random(grid.frames, stage.condition_channels, grid.height, grid.width)
        noise = stand.random(grid.frames, stage.latent_channels, grid.height, grid.width)
        self.state = SegmentState(stand.model.declaration.sigma_max * noise)

    @property
    def steps(self) -> list[Step]:
        """The schedule: SAP, then TAP."""
        return steps_of(self.recovery.settings, self.stand.model.declaration)

    def grid_at(self, step: int) -> TileGrid:
        """The tiles of a step: 2 × 2 and two windows as long as they need not be smaller."""
        declaration, settings = self.stand.model.declaration, self.recovery.settings
        side = declaration.factor * (declaration.tile + declaration.tile // 2) // settings.scale
        return grid_for(settings.window + settings.window // 2, side, side, declaration, settings, step)

    def resume(self) -> torch.Tensor:
        """Sample from the state with the settings that fit."""
        settings, steps = self.recovery.settings, self.steps
        batches = RecoveringBatches(self.recovery, self.stand.model, self.said.append, lambda tiles: f"{len(tiles)} tiles")
        together = self.recovery.branches_in_one_batch
        tiled = TiledDenoiser(self.denoiser, self.condition, settings, self.grid_at, steps, batches, None, together)
        return sample(tiled, self.state.x, steps[self.state.step :], after_step=self.keep, before=self.state.before)

    def keep(self, step: Step, x: torch.Tensor, before: torch.Tensor | None) -> None:
        """Keep the state after a step."""
        self.state = SegmentState(x, step.index + 1, before=before)

    def run(self) -> torch.Tensor:
        """The result, after as many rungs as it needs."""
        return self.recovery.descend(self.resume, lambda: self.steps[self.state.step].kind)


def ladder_row(stand: Stand) -> Iterator[FullFinding]:
    """Sample two steps where only one and a half guided tiles have room, from the settings of a large device."""
    one = planned(stand, guidance="none", sap=False, tap=False)
    load = SegmentLoad(one, stand.model.declaration, network_size(stand.model), one_tile_grid(stand), 0, 0)
    run = LadderRun(stand)
    with limited_memory(stand, ROOM_ROWS * load.sampling_bytes()) as limit:
        result: list[torch.Tensor] = []
        taken = stand.once(lambda: result.append(run.run()))
    values: dict[str, Any] = {"limit_bytes": limit, "seconds": taken, "finite": is_finite(result[0]), "said": run.said}
    settings = run.recovery.settings
    values |= {"schedule": settings.sap_schedule, "batch": settings.tile_batch, "tile": settings.tile}
    for sentence in run.said:
        yield f"said: {sentence}", {"said": sentence}
    text = (
        f"limit {limit / MEBI:.0f} MiB: finished in {taken:.1f} s, result finite: {values['finite']}; "
        f"{settings.sap_schedule}, {settings.tile_batch} tiles in a batch of {settings.tile}"
    )
    yield text, values
