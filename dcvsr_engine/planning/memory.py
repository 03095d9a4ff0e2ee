"""What a job takes of memory, estimated from its settings, its sizes and the headers of its weights."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from safetensors import SafetensorError, safe_open

from dcvsr_engine.diffusion.levels import shallow_levels
from dcvsr_engine.diffusion.schedule import has_sap_steps, most_branches, steps_of
from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.first_stage import FLOAT_PIXEL, FirstStageSpec, first_stage_of
from dcvsr_engine.network.layout import weight_files
from dcvsr_engine.network.upsampler_config import UpsamplerConfig
from dcvsr_engine.planning.grids import tiles_at_once
from dcvsr_engine.settings import PlannedSettings, ResolvedSettings, SapSchedule
from dcvsr_engine.storage import read_json
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.video.encoders import tree_is_repeatable

MEMORY_SHARE = 0.7
"""Share of the free memory that a job may plan with."""
MOST_TILES = 8
"""Tiles in a batch on a GPU, at most, where the user does not choose."""

COUNTED_MAPS = {True: (27.4, 13.0), False: (10.8, 5.4)}
"""Feature maps of the top level that are alive at the U-Net's peak, and inside a propagating layer beside its keys and values,
per row of the batch; for networks that have attention there, as SVD's, and that have none, as the compact model's. Counted on
fake tensors (tests/dcvsr_engine/planning/test_counted_memory.py): 26.1 for SVD. It was measured on an H100, 26 November 2026,
torch 2.11, “dcvsr bench full”, in bf16: 26.2 for a single row, 27.33 for every row of 2 to 16."""
SHALLOW_SHARES = {True: (0.387, 0.690), False: (0.636, 0.784)}
"""Operations of an evaluation of the first one or two levels alone, as a share of a whole one; for the same kinds of networks,
and counted in the same way; the last one of the compact model's fourth edition."""
KERNEL_SHARE = {"cpu": 1.68, "cuda": 1.0, "xpu": 1.1, "mps": 1.1}
"""What a device holds beside the tensors that are counted, as a factor. On a processor it is holes in glibc's heap, mostly: of
195 MiB that a process grew by for a tile of 64 × 64 × 14 in bf16, 114 were tensors, 15 were oneDNN's, and 66 lay free between
(PyTorch's profiler, `mallinfo2`). On CUDA nothing, by the measurement above; elsewhere not measured yet."""
PARKED_MAPS = 11.3
"""Feature maps of the top level that a row holds while it waits in a propagating layer (staged lockstep), counted for SVD; the
same measurement found 11.3 with 40 rows that wait, and 11.7 with 4."""
DECODER_SHARE = {"cpu": 1.25, "cuda": 1.0, "xpu": 1.25, "mps": 1.25}
"""As `KERNEL_SHARE`, for the decoder; measured on CUDA only, likewise: 1.000 with 22 frames, in bf16 and fp16."""
KERNEL_BYTES = 2**23
"""Bytes that one evaluation needs whatever its size; measured on a processor, likewise."""
PRODUCT_BYTES = 9 * 2**20
"""Of attention by products, in bf16 on a processor (`diffusion.attention`); measured like `KERNEL_BYTES`."""
PIXEL_COPIES = 7
"""Copies in float32 of a band of output frames that is decoded and corrected, all that takes on the way included; measured on a
processor (`test_memory.py`)."""
BAND_PIXELS = 2**20
"""Output pixels that are decoded together, where parts of frames can be."""
PIXEL_LANES = 4
"""Frames that are enlarged, or decoded, side by side, at most: each takes the memory of a band."""
SMALL_FRAME = 2**15
"""LR pixels of a frame up to which threads enlarge one each; in larger ones all have enough to do together, in less memory."""
HELD_PIXEL = 6
"""Bytes of a pixel of enlarged frames that are held: three channels in 16 bits."""
PROCESS_BYTES = 480 * 2**20
"""Python, PyTorch and all other libraries, once a model is loaded: measured."""
BETWEEN = 2
"""Finished frames beside those that wait: one that is made, and one that is encoded."""
METER_PIXEL = 12
"""Bytes of an output pixel of what measures joins: the errors of a segment's first frame, of the last one and of this one."""
ENCODERS = {"h264": (5.7, 4.05, 213), "h265": (0.0, 4.9, 222), "av1": (5.0, 2.1, 130), "ffv1": (73.0, 0.0, 73)}
SHORT_LOOKAHEAD = (4.0, 5.4, 63)
"""The same of x264 without its macroblock tree, see `tree_is_repeatable`."""
OTHER_ENCODER = (20.0, 0.0, 20)
"""Bytes per output pixel that an encoder holds: at first, for every frame, and at most. Measured on two cores, preset medium."""
HEAP_BYTES = 2**27
"""Free memory that the C library keeps for allocations to come, and between others: see `environment.use_steady_heap`."""
CONTEXT_BYTES = 2**29
"""A CUDA context, its kernels and their workspaces, which a process that runs the job beside the one that plans it takes anew."""
QUEUE_BYTES = 2**27
MOST_WAITING = 64
"""Finished frames that wait to be written: at most so many bytes, and so many."""
WAITING_PIXEL = FLOAT_PIXEL + 4
"""Bytes of a pixel that waits: colours and the error of its luma, in float32."""


def attending_levels(config: Mapping[str, Any]) -> list[bool]:
    """Whether each level of a U-Net of diffusers' ``config`` has attention, on either side."""
    sides = zip(config["down_block_types"], reversed(config["up_block_types"]), strict=True)
    return [any(str(block).startswith("CrossAttn") for block in blocks) for blocks in sides]


@dataclass(frozen=True)
class NetworkSize:
    """Sizes of the networks.

    Attributes:
        weights: bytes of the U-Net's weights.
        channels: channels of its top level.
        maps, attention_maps: as in `COUNTED_MAPS`.
        key_share: a propagating layer's keys as a share of a feature map of the top level.
        item: bytes per number.
        first_stage, image_encoder: bytes of their weights; 0 where there is none.
        config: diffusers' of the U-Net.
    """

    weights: int
    channels: int
    maps: float
    attention_maps: float
    key_share: float
    item: int
    first_stage: int = 0
    image_encoder: int = 0
    config: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_folder(cls, folder: Path, item: int, declaration: Declaration | None = None, base: Path | None = None) -> Self:
        """Read ``config.json`` and the headers of the weights of a U-Net, and those of the networks in its ``base``.

        Args:
            folder: the U-Net's.
            item: bytes of a number.
            declaration, base: which other networks there are, and the folder that they lie in; ``None`` for the U-Net alone.

        Raises:
            ModelError: a file is missing or damaged.
        """
        try:
            config = read_json(folder / "config.json")
            size = cls.from_config(config, 0, item)
        except (OSError, ValueError, KeyError, TypeError, IndexError, ZeroDivisionError) as error:
            raise ModelError(f"{folder / 'config.json'} does not describe a U-Net ({error}); get the model again.") from None
        others = {} if declaration is None or base is None else other_weights(declaration, base, item)
        return replace(size, weights=parameters(folder) * item, **others)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], weights: int, item: int) -> Self:
        """The sizes that diffusers' ``config`` of a U-Net implies, with the bytes of its ``weights`` and of a number."""
        crossing = attending_levels(config)
        channels = [int(number) for number in config["block_out_channels"]]
        level = next((place for place, crosses in enumerate(crossing) if crosses), len(crossing) - 1)
        share = channels[level] / (channels[0] * 4**level)
        maps, attention = COUNTED_MAPS[crossing[0]]
        return cls(weights, channels[0], maps, attention, share, item, config=config)

    def shallow_share(self, settings: ResolvedSettings) -> float:
        """Operations of an evaluation in a step that reuses deep features, as a share of a whole one."""
        levels = shallow_levels(self.config, settings)
        shares = SHALLOW_SHARES[attending_levels(self.config)[0]]
        return 1.0 if levels is None else shares[min(levels, len(shares)) - 1]

    def deep_numbers(self, settings: ResolvedSettings) -> float:
        """Numbers per latent and row that steps keep for others to reuse."""
        levels = shallow_levels(self.config, settings)
        return 0 if levels is None else self.config["block_out_channels"][levels] / 4**levels


def other_weights(declaration: Declaration, base: Path, item: int) -> dict[str, Any]:
    """Bytes of the weights of first stage and image encoder in the folder ``base``, by the names in `NetworkSize`."""
    stage = first_stage_of(declaration).weights_folder
    found = {"first_stage": stage, "image_encoder": "image_encoder" if declaration.image_embedding == "first-frame" else ""}
    return {name: parameters(base / folder) * item if folder else 0 for name, folder in found.items()}


def parameters(folder: Path) -> int:
    """Count the numbers in a folder's weights, of one variant, as they are loaded; raises `ModelError` when one is damaged."""
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
        pinned: frames whose ``x_0`` neighbouring segments hand over.
        codec: that the result is encoded with; empty where it is not.
        output_size: (width, height) of that.
        together: tiles in a batch, at most, where the user does not choose.
        several: whether there is more than one segment: the next one's frames are decoded meanwhile.
    """

    settings: ResolvedSettings
    declaration: Declaration
    network: NetworkSize
    grid: TileGrid
    pixels_in: int
    pixels_out: int
    upsampler: UpsamplerConfig | None = None
    pinned: int = 0
    codec: str = ""
    output_size: tuple[int, int] = (0, 0)
    together: int = MOST_TILES
    several: bool = True

    @property
    def first_stage(self) -> FirstStageSpec:
        """What turns pixels into latents and back."""
        return first_stage_of(self.declaration)

    # -- bytes on the device ------------------------------------------------------------------------------------

    def sampling_bytes(self) -> int:
        """Peak device memory of sampling, without weights: feature maps, and keys and values kept for other tiles."""
        settings, grid, network = self.settings, self.grid, self.network
        row = grid.tile_frames * grid.tile_height * grid.tile_width * max(network.maps, *self.propagating_maps())
        rows = most_branches(settings, self.declaration) * tiles_at_once(grid, settings)
        kept = self.kept_keys(rows) + self.parked_maps()
        evaluated = rows * row * network.channels * network.item + self.outside_bytes(rows)
        by_products = settings.device == "cpu" and network.item == 2
        fixed = KERNEL_BYTES + by_products * PRODUCT_BYTES
        if settings.device == "cpu":
            fixed *= tiles_at_once(grid, settings)  # each thread has its own, see `diffusion.lanes`
        return int(evaluated * KERNEL_SHARE[settings.device] + kept * network.channels * network.item) + fixed

    def outside_bytes(self, rows: int) -> int:
        """Latents that ``rows`` hold outside of the network in float32, where that is on the same device.

        These are x, the condition, x once more as it is scaled, and both together.
        """
        grid, stage = self.grid, self.first_stage
        numbers = 3 * stage.latent_channels + 2 * stage.condition_channels if self.settings.device == "cpu" else 0
        return rows * grid.tile_frames * grid.tile_height * grid.tile_width * numbers * 4

    def parked_maps(self) -> float:
        """What the tiles of a window hold while they wait for those of the batch (staged lockstep), in numbers per channel."""
        settings, grid = self.settings, self.grid
        if settings.sap_schedule != "staged" or not has_sap_steps(settings, settings.steps):
            return 0
        rows = most_branches(settings, self.declaration) * max(0, grid.spatial - tiles_at_once(grid, settings))
        return PARKED_MAPS * rows * grid.tile_frames * grid.tile_height * grid.tile_width

    def propagating_maps(self) -> tuple[float, float]:
        """Feature maps of the top level alive in a propagating layer of a SAP and of a TAP step, per row.

        SAP appends the frame's subsampled tokens to keys and values, and holds both kinds twice while it does. TAP appends those
        of L frames to every frame's own.
        """
        settings, grid, network = self.settings, self.grid, self.network
        spatial = 4 * self.foreign_tokens() / (grid.tile_height * grid.tile_width)
        temporal = 2 * (1 + settings.tap_frames * (1 + 1 / grid.tile_frames)) if settings.tap and len(grid.windows) > 1 else 0
        return network.attention_maps + network.key_share * spatial, network.attention_maps + network.key_share * temporal

    def foreign_tokens(self) -> int:
        """Latents of a frame whose keys SAP hands to all tiles; 0 where no step is SAP."""
        settings, grid = self.settings, self.grid
        acts = has_sap_steps(settings, settings.steps)
        return math.ceil(grid.height * grid.width / settings.sap_rate**2) if acts else 0

    def kept_keys(self, rows: int) -> float:
        """Keys and values that are kept from one tile to another, in numbers per channel, while ``rows`` rows are evaluated."""
        settings, grid = self.settings, self.grid
        # keys and values, of the layers at both ends
        kinds = 2 * (2 * settings.propagating_layers) * self.network.key_share
        frames_kept = grid.frames if settings.sap_schedule == "cached" else grid.tile_frames
        spatial = frames_kept * self.foreign_tokens() * most_branches(settings, self.declaration)
        # what the window before offers, and what this one will
        frames = min(settings.tap_frames, grid.tile_frames) if settings.tap and len(grid.windows) > 1 else 0
        temporal = 2 * frames * grid.tile_height * grid.tile_width * rows
        return kinds * max(spatial, temporal)

    def decoding_bytes(self, frames: int) -> int:
        """Peak device memory of decoding a chunk of ``frames`` with its margins, without weights."""
        grid, factor = self.grid, self.declaration.factor
        decoded = min(grid.frames, self.first_stage.decoded_frames(frames))
        each = self.first_stage.decoder_bytes(grid.height, grid.width, factor, self.network.item)
        return int(DECODER_SHARE[self.settings.device] * decoded * each)

    def upsampling_bytes(self) -> int:
        """Peak device memory of enlarging, which is done frame by frame, or band by band; without weights, which are small."""
        if self.upsampler is None:
            return 0
        width = self.grid.width * self.declaration.factor // self.settings.scale
        pixels = self.upsampler.band_pixels(self.pixels_in, width) if self.first_stage.local else self.pixels_in
        small = self.settings.device == "cpu" and self.first_stage.local and self.pixels_in <= SMALL_FRAME
        lanes = min(PIXEL_LANES, self.together) if small else 1
        return lanes * self.upsampler.peak_bytes(pixels, self.network.item)

    def frames_at_once(self, budget: int) -> int:
        """Frames to encode or decode together that fit into ``budget`` bytes: as many as the first stage wants, if possible."""
        wanted = self.first_stage.frames_together(self.pixels_out)
        return next((frames for frames in range(wanted, 1, -1) if self.decoding_bytes(frames) <= budget), 1)

    # -- bytes on the host --------------------------------------------------------------------------------------

    def latent_bytes(self) -> int:
        """A segment's ``x_0`` in float32."""
        return self.grid.frames * self.grid.height * self.grid.width * self.first_stage.latent_channels * 4

    def host_bytes(self) -> int:
        """Memory of the host all through a segment: the program, LR frames, also those of the next segment, enlarged frames."""
        stage, pixels = self.first_stage, self.pixels_in * (2 if self.several else 1)
        lr = (self.grid.frames + (2 * self.upsampler.context if self.upsampler else 0)) * pixels * FLOAT_PIXEL
        enlarged = HELD_PIXEL * self.pixels_out * self.grid.frames if self.upsampler and stage.local else 0
        # those that are pinned here, and those that the next one will pin
        pinned = 2 * self.pinned * self.latent_bytes() // self.grid.frames
        return PROCESS_BYTES + HEAP_BYTES + lr + enlarged + pinned + self.deep_bytes()

    def finished_bytes(self) -> int:
        """What is held of finished frames: by those that wait to be encoded, by what measures joins, and by the encoder."""
        waiting = min(self.grid.frames, queue_room(self.pixels_out) + BETWEEN) * WAITING_PIXEL
        return (waiting + METER_PIXEL) * self.pixels_out + self.encoder_bytes()

    def deep_bytes(self) -> int:
        """Deep features of all tiles and branches, where steps reuse them."""
        grid, settings = self.grid, self.settings
        if not any(step.reuses for step in steps_of(settings, self.declaration)):
            return 0
        rows = len(grid) * most_branches(settings, self.declaration)
        latents = rows * grid.tile_frames * grid.tile_height * grid.tile_width
        return int(latents * self.network.deep_numbers(settings) * self.network.item)

    def sampled_bytes(self) -> int:
        """What is held of a segment while it is sampled: merged estimates and weights, x, noise, condition."""
        stage, frame = self.first_stage, self.latent_bytes() // self.grid.frames
        merged = self.latent_bytes() * (1 + 1 / stage.latent_channels)
        # the only step begins with noise alone, which all frames may have in common
        x = self.latent_bytes() if self.settings.steps > 1 else 0
        noise = frame if self.declaration.noise_share == 1 else self.latent_bytes()
        condition = 0 if self.encodes_parts else self.latent_bytes() * stage.condition_channels / stage.latent_channels
        # the estimates of two steps, where one is extrapolated from the other
        before = 2 * self.latent_bytes() if any(step.extrapolation for step in steps_of(self.settings, self.declaration)) else 0
        return int(merged + x + noise + condition + before)

    @property
    def encodes_parts(self) -> bool:
        """Whether the condition is encoded tile by tile, when it is asked for."""
        return self.first_stage.local and not self.declaration.condition_noise

    def encoder_bytes(self) -> int:
        """What the encoder holds of a segment's frames."""
        if not self.codec:
            return 0
        (width, height), costs = self.output_size, ENCODERS.get(self.codec, OTHER_ENCODER)
        first, each, most = SHORT_LOOKAHEAD if self.codec == "h264" and not tree_is_repeatable(width) else costs
        return int(min(first + each * self.grid.frames, most) * width * height)

    def chunk_bytes(self, frames: int) -> int:
        """Memory of a chunk of output frames beyond one, and of a band of it where frames can be worked on in parts."""
        whole = band = frames * self.pixels_out
        if self.first_stage.local:
            lanes = min(PIXEL_LANES, self.together, frames) if self.settings.device == "cpu" else 1
            band = min(whole, lanes * BAND_PIXELS)
        # one is that which is made; while frames of a chunk wait, they hold all of it
        return 2 * (frames - 1) * self.pixels_out * WAITING_PIXEL + PIXEL_COPIES * band * FLOAT_PIXEL


def queue_room(pixels_out: int) -> int:
    """How many finished frames of ``pixels_out`` pixels may wait to be written."""
    return max(1, min(MOST_WAITING, QUEUE_BYTES // (WAITING_PIXEL * pixels_out)))


def with_batch(load: SegmentLoad, budget: int) -> PlannedSettings:
    """Decide the SAP schedule and the tile batch that fit into ``budget`` bytes beside the weights.

    Lockstep where all tiles of a window fit in one batch, or are in one anyway; else staged, where they fit while they wait; else
    two passes, or the cached schedule for fast tiling.
    """
    settings = load.settings

    def fits(schedule: SapSchedule, batch: int) -> bool:
        tried = settings.replace(sap_schedule=schedule, tile_batch=batch)
        return replace(load, settings=tried).sampling_bytes() <= budget

    schedule = settings.sap_schedule
    if schedule == "auto":
        last: SapSchedule = "two-pass" if settings.tiling == "paper" else "cached"
        exact: tuple[SapSchedule, ...] = ("lockstep", "staged")
        schedule = next((tried for tried in exact if fits(tried, 1)), last)
    alike = settings.sap or settings.tap  # else tiles of several windows may be in a batch
    most = min(load.grid.spatial if alike else len(load.grid), load.together)
    batch = settings.tile_batch or max((size for size in range(1, most + 1) if fits(schedule, size)), default=1)
    if settings.sap_schedule == "auto" and batch >= load.grid.spatial:
        schedule = "lockstep"
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


@dataclass(frozen=True)
class PhaseLoad:
    """Memory of a part of a segment's work, beside weights and what is held all through.

    Attributes:
        host, device: bytes of the machine's memory and of the device's, which may be the same.
        offloads: whether the U-Net may leave the device meanwhile.
    """

    host: int
    device: int
    offloads: bool = False


def phases_of(load: SegmentLoad, frames: int) -> list[PhaseLoad]:
    """What is done with a segment, one after the other; ``frames`` are decoded together."""
    finished, decoding, chunk = load.finished_bytes(), load.decoding_bytes(frames), load.chunk_bytes(frames)
    on_device = load.first_stage.pixel_device(load.settings.device) == load.settings.device
    decoded = PhaseLoad(load.latent_bytes() + finished + (not on_device) * chunk, decoding + on_device * chunk, offloads=True)
    # while frames are enlarged, those of the segment before are still being encoded
    enlarged = PhaseLoad(finished if load.several else 0, load.upsampling_bytes(), offloads=True)
    return [enlarged, PhaseLoad(load.sampled_bytes(), load.sampling_bytes()), decoded]


def estimate_memory(load: SegmentLoad, free: int, total: int) -> tuple[PlannedSettings, MemoryEstimate]:
    """Decide the batch sizes, and estimate the memory they take.

    Args:
        load: the longest segment.
        free: bytes that this process can have on the device.
        total: bytes of the device.

    Returns:
        The settings with SAP schedule and tile batch decided, and the estimate.
    """
    network, device = load.network, load.settings.device
    # of these only the U-Net can leave while frames are decoded
    weights, resident = network.weights, network.first_stage + (CONTEXT_BYTES if device == "cuda" else 0)
    budget = int(free * MEMORY_SHARE) - weights - resident
    settings = with_batch(load, budget)
    load = replace(load, settings=settings)
    # the U-Net gives its room to the decoder only where that lets it decode more frames together
    offload = device == "cuda" and load.frames_at_once(budget) < load.first_stage.frames_together(load.pixels_out)
    frames = load.frames_at_once(budget + offload * weights)
    phases = phases_of(load, frames)
    # of the weights only the U-Net's can leave; the image encoder sees one frame before anything else is done
    phases.append(PhaseLoad(0, network.image_encoder))
    peak = resident + max(phase.device + (0 if offload and phase.offloads else weights) for phase in phases)
    if device == "cpu":
        host = load.host_bytes() + resident + weights + max(phase.device + phase.host for phase in phases)
        return settings, MemoryEstimate(peak, total, host, frames)
    return settings, MemoryEstimate(peak, free, load.host_bytes() + max(phase.host for phase in phases), frames, offload)
