"""What a job takes of memory, estimated from its settings, its sizes and the headers of its weights."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from safetensors import SafetensorError, safe_open

from dcvsr_engine.diffusion.schedule import PROPAGATING_LAYERS, most_branches
from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.first_stage import FLOAT_PIXEL, FirstStageSpec, first_stage_of
from dcvsr_engine.network.layout import weight_files
from dcvsr_engine.network.upsampler_config import UpsamplerConfig
from dcvsr_engine.planning.grids import tiles_at_once
from dcvsr_engine.settings import PlannedSettings, ResolvedSettings, SapSchedule
from dcvsr_engine.storage import read_json
from dcvsr_engine.tiling.grid import TileGrid

MEMORY_SHARE = 0.7
"""Share of the free memory that a job may plan with."""
MOST_TILES = 8
"""Tiles in a batch, at most, where the user does not choose."""

# Feature maps of the top level that are alive at the U-Net's peak, per row of the batch: 29.5 for SVD's, which has attention
# there, and 13.8 for the compact model's, which has none – counted on fake tensors. Kernels need more: on a processor the compact
# model's tiles took 21 maps and about 16 MiB (“dcvsr bench cost” in fp32 and bf16, from 32 × 32 × 4 to 64 × 64 × 14 latents).
MAPS_WITH_ATTENTION, MAPS_WITHOUT_ATTENTION = 40, 22
KERNEL_BYTES = 2**24
"""Bytes that one evaluation needs whatever its size."""
LATENT_COPIES = 6
"""Latent tensors of a segment that the host holds at once while it is sampled."""
PIXEL_COPIES = 8
"""Copies of a chunk of output frames: enlarged, decoded, corrected, and what that takes on the way."""
QUEUE_BYTES = 2**30
MOST_WAITING = 64
"""Finished frames that wait to be written: at most so many bytes, and so many."""
WAITING_PIXEL = FLOAT_PIXEL + 4
"""Bytes of a pixel that waits: colours and the error of its luma, in float32."""


@dataclass(frozen=True)
class NetworkSize:
    """Sizes of a U-Net.

    Attributes:
        weights: bytes of all weights.
        channels: channels of the top level.
        maps: feature maps of the top level that are alive at the peak, per row of the batch.
        item: bytes per number.
    """

    weights: int
    channels: int
    maps: int
    item: int

    @classmethod
    def from_folder(cls, folder: Path, item: int) -> Self:
        """Read ``config.json`` and the headers of the weights; raises `ModelError`."""
        try:
            config = read_json(folder / "config.json")
            attention = str(config["down_block_types"][0]).startswith("CrossAttn")
            channels = int(config["block_out_channels"][0])
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise ModelError(f"{folder / 'config.json'} does not describe a U-Net ({error}); get the model again.") from None
        maps = MAPS_WITH_ATTENTION if attention else MAPS_WITHOUT_ATTENTION
        return cls(parameters(folder) * item, channels, maps, item)


def parameters(folder: Path) -> int:
    """Numbers in a folder's weights; of one variant, as they are loaded."""
    count = 0
    for path in weight_files(folder):
        try:
            with safe_open(path, "pt") as weights:
                count += sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118 – no dict
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{path} is damaged or no safetensors file ({error}); get it again.") from None
    return count


@dataclass(frozen=True)
class SegmentLoad:
    """A segment whose memory is estimated.

    Attributes:
        settings: with the device and its number format decided.
        declaration: the model's conventions.
        network: sizes of its U-Net.
        grid: tiles of the segment.
        pixels_in, pixels_out: pixels of a frame before and after.
        upsampler: the network that enlarges frames; ``None`` for bicubic.
    """

    settings: ResolvedSettings
    declaration: Declaration
    network: NetworkSize
    grid: TileGrid
    pixels_in: int
    pixels_out: int
    upsampler: UpsamplerConfig | None = None

    @property
    def first_stage(self) -> FirstStageSpec:
        """What turns pixels into latents and back."""
        return first_stage_of(self.declaration)

    # -- bytes on the device ------------------------------------------------------------------------------------

    def sampling_bytes(self) -> int:
        """Peak device memory of sampling, without weights: feature maps, and keys and values kept for other tiles.

        A SAP step appends the frame's subsampled tokens to keys and values, and holds both kinds twice while it does.
        """
        settings, grid, network = self.settings, self.grid, self.network
        tile = grid.tile_height * grid.tile_width
        tokens = math.ceil(grid.height * grid.width / settings.sap_rate**2) if settings.sap else 0
        row = grid.tile_frames * (network.maps * tile + 4 * tokens)
        frames_kept = grid.frames if settings.sap_schedule == "cached" else grid.tile_frames
        branches = most_branches(settings, self.declaration)
        # keys and values, of the layers at both ends
        bank = 2 * (2 * PROPAGATING_LAYERS) * frames_kept * tokens * branches
        rows = branches * tiles_at_once(grid, settings)
        return (rows * row + bank) * network.channels * network.item + KERNEL_BYTES

    def decoding_bytes(self, frames: int) -> int:
        """Peak device memory of decoding ``frames`` together, without weights."""
        grid, factor = self.grid, self.declaration.factor
        return frames * self.first_stage.decoder_bytes(grid.height, grid.width, factor, self.network.item)

    def upsampling_bytes(self) -> int:
        """Peak device memory of enlarging, which is done frame by frame; without weights, which are small."""
        return self.upsampler.peak_bytes(self.pixels_in) if self.upsampler else 0

    def frames_at_once(self, budget: int) -> int:
        """Frames to encode or decode together that fit into ``budget`` bytes: as many as the first stage wants, if possible."""
        wanted, frame = self.first_stage.frames_together(self.pixels_out), self.decoding_bytes(1)
        return max(1, min(wanted, budget // frame)) if frame else wanted

    # -- bytes on the host --------------------------------------------------------------------------------------

    def latent_bytes(self) -> int:
        """A segment's ``x_0`` in float32."""
        return self.grid.frames * self.grid.height * self.grid.width * self.first_stage.latent_channels * 4

    def host_bytes(self) -> int:
        """Memory in float32: two segments' LR frames, latent tensors, and output frames that wait to be written."""
        waiting = queue_room(self.pixels_out) * self.pixels_out * WAITING_PIXEL
        frames = self.grid.frames + (2 * self.upsampler.context if self.upsampler else 0)
        return LATENT_COPIES * self.latent_bytes() + 2 * frames * self.pixels_in * FLOAT_PIXEL + waiting

    def chunk_bytes(self, frames: int) -> int:
        """Memory of a chunk of output frames in float32, where whole frames are worked on."""
        return PIXEL_COPIES * frames * self.pixels_out * FLOAT_PIXEL


def queue_room(pixels_out: int) -> int:
    """How many finished frames of ``pixels_out`` pixels may wait to be written."""
    return max(2, min(MOST_WAITING, QUEUE_BYTES // (WAITING_PIXEL * pixels_out)))


def with_batch(load: SegmentLoad, budget: int) -> PlannedSettings:
    """Decide the SAP schedule and the tile batch that fit into ``budget`` bytes beside the weights.

    Lockstep where all tiles of a window fit in one batch; else two passes, or the cached schedule for fast tiling.
    """
    settings = load.settings

    def fits(schedule: SapSchedule, batch: int) -> bool:
        tried = settings.replace(sap_schedule=schedule, tile_batch=batch)
        return replace(load, settings=tried).sampling_bytes() <= budget

    schedule = settings.sap_schedule
    if schedule == "auto":
        # a batch of lockstep is all tiles of a window whatever ``tile_batch`` says, so that 1 stands for any
        schedule = "lockstep" if fits("lockstep", 1) else "two-pass" if settings.tiling == "paper" else "cached"
    most = 1 if settings.device == "cpu" else min(load.grid.spatial, MOST_TILES)
    batch = settings.tile_batch or max((size for size in range(1, most + 1) if fits(schedule, size)), default=1)
    return PlannedSettings(**(dict(settings) | {"sap_schedule": schedule, "tile_batch": batch}))


@dataclass(frozen=True)
class MemoryEstimate:
    """Memory that a job takes.

    Attributes:
        device_memory, device_memory_available: bytes on the device that computes, which may be the processor's own memory.
        host_memory: bytes of the machine's memory.
        decode_frames: frames encoded or decoded together.
        offload: whether the U-Net leaves the device while frames are encoded and decoded, so that more of them fit.
    """

    device_memory: int
    device_memory_available: int
    host_memory: int
    decode_frames: int
    offload: bool = False


def estimate_memory(load: SegmentLoad, free: int, total: int) -> tuple[PlannedSettings, MemoryEstimate]:
    """Decide the batch sizes, and estimate the memory they take.

    Args:
        load: the longest segment.
        free: bytes that this process can have on the device.
        total: bytes of the device.

    Returns:
        The settings with SAP schedule and tile batch decided, and the estimate.
    """
    weights, device = load.network.weights, load.settings.device
    budget = int(free * MEMORY_SHARE) - weights
    settings = with_batch(load, budget)
    load = replace(load, settings=settings)
    # the U-Net gives its room to the decoder only where that lets it decode more frames together
    offload = device == "cuda" and load.frames_at_once(budget) < load.first_stage.frames_together(load.pixels_out)
    frames = load.frames_at_once(budget + offload * weights)
    # frames are enlarged before they are encoded or decoded
    decoding, host = max(load.decoding_bytes(frames), load.upsampling_bytes()), load.host_bytes()
    if load.first_stage.pixel_device(device) == "cpu":
        host += load.chunk_bytes(frames)
    else:
        decoding += load.chunk_bytes(frames)
    peak = max(weights + load.sampling_bytes(), decoding + (not offload) * weights)
    if device == "cpu":
        return settings, MemoryEstimate(peak, total, host + peak, frames)
    return settings, MemoryEstimate(peak, free, host, frames, offload)
