"""What a job will do and need, before it runs: segments, tiles, evaluations, memory, disk, time. Torch-free."""

from typing import ClassVar

from dcvsr_engine.errors import JobError, UserError
from dcvsr_engine.planning.grids import tiles_at_once
from dcvsr_engine.schema import FromJson, Schema
from dcvsr_engine.settings import PlannedSettings
from dcvsr_engine.tiling.grid import TileGrid


class Segment(Schema):
    """Frames ``first … last`` (inclusive, in the clip) worked on at once.

    Attributes:
        index: its number in the job.
        first, last: its frames.
        shared: how many of its first frames the segment before has, too.
        pinned: how many of them, from the first one, are pinned to what the segment before made of them, which puts them out.
            The other shared frames had no future there: they are sampled anew, and this segment puts them out.
        pinned_after: how many of its last frames are pinned to what the segment after makes of them, which puts them out.
        before, after: how many frames before and after them, of the same shot and inside the range that is restored, are only
            looked at by the upsampler.
    """

    error_type: ClassVar[type[UserError]] = JobError

    index: int
    first: int
    last: int
    shared: int = 0
    pinned: int = 0
    pinned_after: int = 0
    before: int = 0
    after: int = 0

    @property
    def frames(self) -> int:
        """Frames of the segment, the shared ones included."""
        return self.last - self.first + 1

    @property
    def begins(self) -> int:
        """The first frame that it puts out; the segment before puts out those before it."""
        # where nothing is pinned here, the segment before is pinned to the larger half of the shared frames
        return self.first + (self.pinned or self.shared // 2)

    @property
    def beside(self) -> tuple[int, int]:
        """Numbers of the segments before and after it."""
        return self.index - 1, self.index + 1

    @property
    def needs(self) -> tuple[int, ...]:
        """Numbers of the segments to whose results it is pinned."""
        return tuple(index for index, pinned in zip(self.beside, (self.pinned, self.pinned_after), strict=True) if pinned)

    def pins(self, index: int) -> bool:
        """Whether a frame of the clip is pinned here."""
        begin, end = self.first + self.pinned, self.last - self.pinned_after
        return self.first <= index < begin or end < index <= self.last


class Plan(Schema):
    """A job's plan.

    Attributes:
        settings: how it is restored; nothing is left to ``auto`` or the model's default.
        device: where it computes, in words.
        input_size, output_size: (width, height) in pixels.
        reduced_size: of what is restored, the input's own where it is not reduced first.
        suggested_reduction: how many times smaller than the input a picture would still hold its detail; ``None`` where
            that is no smaller than what is restored, or was not measured.
        square_pixels: whether the result has square pixels; else they have the shape of the input's.
        frames: frames in and out.
        segments: stretches worked on at once, in order.
        segment_windows: windows of a segment, at most, where memory is too short for the settings' ``segment_frames``; else 0.
        grid: tiles of the first segment's latents.
        evaluations: U-Net evaluations of one tile, over the whole job; those of the upper levels alone count by their share.
        decode_frames: frames encoded or decoded together.
        offload: whether the U-Net leaves the device while frames are encoded and decoded, so that more of them fit.
        branches_in_one_batch: whether the U-Net sees all branches of guidance at once; one by one takes less memory.
        shots: how many there are, ``None`` where cuts have not been looked for yet.
        device_memory, device_memory_available, host_memory, host_memory_available, disk, disk_available: bytes.
        result_bytes: estimated size of the output file, ``None`` for a job that writes none.
        seconds: estimated duration, ``None`` without a calibration.
        notes: sentences about the input and choices made for it.
        problems: sentences that say what does not fit and what to change; empty when the job can run.
    """

    error_type: ClassVar[type[UserError]] = JobError

    settings: FromJson[PlannedSettings]
    device: str
    input_size: FromJson[tuple[int, int]]
    output_size: FromJson[tuple[int, int]]
    reduced_size: FromJson[tuple[int, int]]
    frames: int
    segments: FromJson[tuple[Segment, ...]]
    grid: TileGrid
    evaluations: int
    device_memory: int
    device_memory_available: int
    host_memory: int
    host_memory_available: int
    decode_frames: int = 14
    offload: bool = False
    branches_in_one_batch: bool = True
    segment_windows: int = 0
    disk: int = 0
    disk_available: int = 0
    result_bytes: int | None = None
    square_pixels: bool = False
    suggested_reduction: float | None = None
    shots: int | None = None
    seconds: float | None = None
    notes: FromJson[tuple[str, ...]] = ()
    problems: FromJson[tuple[str, ...]] = ()

    @property
    def restored_size(self) -> tuple[int, int]:
        """(width, height) in pixels of what comes out of the network, before it is brought to the output's size."""
        return self.reduced_size[0] * self.settings.scale, self.reduced_size[1] * self.settings.scale

    @property
    def tiles_at_once(self) -> int:
        """Tiles in a batch of the U-Net, at most."""
        return tiles_at_once(self.grid, self.settings)
