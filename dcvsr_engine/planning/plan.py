"""What a job will do and need, before it runs: segments, tiles, evaluations, memory, disk, time. Torch-free."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.tiling.grid import TileGrid


@dataclass(frozen=True)
class Segment:
    """Frames ``first … last`` (inclusive, in the clip) worked on at once.

    The first ``shared`` of them are fixed to the segment before.
    """

    index: int
    first: int
    last: int
    shared: int = 0

    @property
    def frames(self) -> int:
        """Frames of the segment, the shared ones included."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Plan:
    """A job's plan.

    Attributes:
        settings: fully resolved, nothing left to ``auto`` or the model's default.
        device: where it computes, for people.
        input_size, output_size: (width, height) in pixels.
        frames: frames in and out.
        segments: stretches worked on at once, in order.
        grid: tiles of the first segment's latents.
        evaluations: U-Net evaluations of one tile, over the whole job.
        decode_frames: frames encoded or decoded together.
        offload: whether the U-Net leaves the device while frames are encoded and decoded, so that more of them fit.
        shots: stretches between cuts, ``None`` where they have not been looked for yet.
        device_memory, device_memory_available, host_memory, host_memory_available, disk, disk_available: bytes.
        seconds: estimated duration, ``None`` without a calibration.
        notes: sentences about the input and choices made for it.
        problems: sentences that say what does not fit and what to change; empty when the job can run.
    """

    settings: RestoreSettings
    device: str
    input_size: tuple[int, int]
    output_size: tuple[int, int]
    frames: int
    segments: tuple[Segment, ...]
    grid: TileGrid
    evaluations: int
    device_memory: int
    device_memory_available: int
    host_memory: int
    host_memory_available: int
    disk: int
    disk_available: int
    decode_frames: int = 14
    offload: bool = False
    shots: int | None = None
    seconds: float | None = None
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def tiles_at_once(self) -> int:
        """Tiles in a batch: with the lockstep schedule, at least in its steps, all of a window."""
        settings = self.settings
        return self.grid.spatial if settings.sap and settings.sap_schedule == "lockstep" else settings.tile_batch

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self) | {"settings": self.settings.to_dict()}


def padded(size: int, multiple: int) -> int:
    """``size`` rounded up to a multiple."""
    return -(-size // multiple) * multiple


def latent_size(width: int, height: int, declaration: Declaration, scale: int) -> tuple[int, int]:
    """Latent (width, height) of an input frame, padded to the U-Net's multiple."""
    return (
        padded(padded(width * scale, declaration.factor) // declaration.factor, declaration.multiple),
        padded(padded(height * scale, declaration.factor) // declaration.factor, declaration.multiple),
    )


def grid_for(
    frames: int, width: int, height: int, declaration: Declaration, settings: RestoreSettings, step: int = 0
) -> TileGrid:
    """The engine's tile grid for ``frames`` input frames of ``width × height`` pixels at sampling step ``step``.

    Paper tiling has the same grid at every step; fast tiling overlaps little and moves the grid.
    """
    resolved = declaration.resolve(settings)
    assert resolved.tile is not None and resolved.window is not None and resolved.scale is not None
    columns, rows = latent_size(width, height, declaration, resolved.scale)
    tile = padded(resolved.tile, declaration.multiple)
    if resolved.tiling == "paper":
        return TileGrid.build(frames, rows, columns, tile, resolved.window, resolved.overlap, align=declaration.multiple)
    shift = (step * resolved.window // 3, step * tile // 3, step * tile // 3)
    return TileGrid.build(frames, rows, columns, tile, resolved.window, FAST_OVERLAP, shift, FAST_SPREAD, declaration.multiple)


FAST_OVERLAP = 0.125
FAST_SPREAD = 0.2
