"""What a job will take of memory and disk, estimated from its settings and sizes."""

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from diffusers import UNetSpatioTemporalConditionModel
from safetensors import SafetensorError, safe_open

from dcvsr_engine.diffusion.schedule import most_branches
from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.installed import weight_files
from dcvsr_engine.network.vae import TILE
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import Device, OutputSettings, RestoreSettings
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.video.encoders import resolved_output
from dcvsr_engine.video.probe import VideoInfo

# Feature maps of the top level that are alive at the U-Net's peak, per row of the batch: 29.5 for SVD's, which has attention
# there, and 13.8 for the compact model's, which has none – counted on fake tensors. Kernels need more: on a processor the compact
# model's tiles took 21 maps and about 16 MiB (“dcvsr bench cost” in fp32 and bf16, from 32 × 32 × 4 to 64 × 64 × 14 latents).
MAPS_WITH_ATTENTION, MAPS_WITHOUT = 40, 22
KERNELS = 2**24
"""Bytes that one evaluation needs whatever its size."""
# Maps of 128 channels at full resolution that SVD's autoencoder needs per decoded frame: 8, counted likewise.
VAE_MAPS, VAE_CHANNELS = 10, 128
PROPAGATING = 4
"""Layers whose keys and values are kept for other tiles."""
DECODED = 14
"""Frames in a window of SVD's temporal decoder."""
HANDY_BYTES = 2**28
"""Size of a chunk of output frames where nothing else decides it."""
QUEUE_BYTES = 2**30
MOST_WAITING = 64
"""Finished frames that wait to be written: at most so many bytes, and so many."""
STATES = 3
"""Latent states on disk at once: two are kept while the third is written."""
LOSSY_BYTES = 0.25
"""Bytes per pixel of lossy video at CRF 16, generously."""
PRORES_BYTES = 0.6
"""ProRes 422 HQ aims at 220 Mbit/s for 1080p at 30 frames per second: 0.44 bytes per pixel."""


# -- the device -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Network:
    """A U-Net's size: bytes of its ``weights``, ``channels`` and ``maps`` of its top level, bytes per ``item``."""

    weights: int
    channels: int
    maps: int
    item: int

    @classmethod
    def from_folder(cls, folder: Path, item: int) -> Self:
        """Read config and headers of the weights; raises `ModelError`."""
        config = UNetSpatioTemporalConditionModel.load_config(folder)
        attention = str(config["down_block_types"][0]).startswith("CrossAttn")
        maps = MAPS_WITH_ATTENTION if attention else MAPS_WITHOUT
        return cls(parameters(folder) * item, int(config["block_out_channels"][0]), maps, item)


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


def rows_at_once(grid: TileGrid, settings: RestoreSettings, declaration: Declaration) -> int:
    """The most U-Net rows in one evaluation."""
    lockstep = settings.sap and settings.sap_schedule == "lockstep"
    return most_branches(settings, declaration) * (grid.spatial if lockstep else settings.tile_batch)


def sampling_bytes(network: Network, grid: TileGrid, settings: RestoreSettings, declaration: Declaration) -> int:
    """Peak device memory of sampling, without weights: feature maps, and keys and values kept for other tiles.

    A SAP step appends the frame's subsampled tokens to keys and values, and holds both kinds twice while it does.
    """
    tile = grid.tile_height * grid.tile_width
    frame = -(-grid.height * grid.width // settings.sap_rate**2) if settings.sap else 0
    row = grid.tile_frames * (network.maps * tile + 4 * frame)
    kept = grid.frames if settings.sap_schedule == "cached" else grid.tile_frames
    bank = 2 * PROPAGATING * kept * frame * most_branches(settings, declaration)
    return (rows_at_once(grid, settings, declaration) * row + bank) * network.channels * network.item + KERNELS


def pixels_on_device(declaration: Declaration, device: Device) -> bool:
    """Whether whole frames are enlarged, transformed and corrected where the U-Net computes; an autoencoder's tiles are not."""
    return declaration.first_stage == "haar" and device == "cuda"


def decoding_bytes(declaration: Declaration, grid: TileGrid, frames: int, item: int) -> int:
    """Peak device memory of an autoencoder that decodes ``frames`` together, without weights."""
    if declaration.first_stage == "haar":
        return 0
    pixels = min(TILE, grid.height) * min(TILE, grid.width) * declaration.factor**2
    return frames * VAE_MAPS * VAE_CHANNELS * pixels * item


def frames_at_once(declaration: Declaration, grid: TileGrid, pixels_out: int, item: int, budget: int) -> int:
    """Frames encoded or decoded together: a window of the temporal decoder if it fits; for the Haar transform what is handy."""
    wanted = wanted_at_once(declaration, pixels_out)
    if declaration.first_stage == "haar":
        return wanted
    return max(1, min(wanted, budget // decoding_bytes(declaration, grid, 1, item)))


def wanted_at_once(declaration: Declaration, pixels_out: int) -> int:
    """Frames encoded or decoded together where memory is plentiful."""
    return max(1, min(DECODED, HANDY_BYTES // (12 * pixels_out))) if declaration.first_stage == "haar" else DECODED


# -- the host ---------------------------------------------------------------------------------------------------


def latent_bytes(declaration: Declaration, grid: TileGrid) -> int:
    """A segment's ``x_0``."""
    return grid.frames * grid.height * grid.width * (24 if declaration.first_stage == "haar" else 4) * 4


def host_bytes(grid: TileGrid, frames: int, declaration: Declaration, pixels_in: int, pixels_out: int) -> int:
    """Memory in float32: two segments' LR frames, six latent tensors, and output frames that wait to be written."""
    waiting = queue_room(pixels_out) * pixels_out * 16
    return 6 * latent_bytes(declaration, grid) + 2 * frames * pixels_in * 12 + waiting


def pixel_bytes(pixels_out: int, chunk: int) -> int:
    """Memory for a chunk of output frames in float32: enlarged, decoded, corrected, and what that takes on the way."""
    return 8 * chunk * pixels_out * 12


def queue_room(pixels_out: int) -> int:
    """How many finished frames may wait to be written."""
    return max(2, min(MOST_WAITING, QUEUE_BYTES // (16 * pixels_out)))


# -- disks ------------------------------------------------------------------------------------------------------


def disk_needs(
    request: JobRequest,
    info: VideoInfo,
    frames: int,
    size: tuple[int, int],
    grid: TileGrid,
    declaration: Declaration,
    folder: Path,
) -> list[tuple[Path, int]]:
    """Where how many bytes will be written: segments and states to the job directory ``folder``, the result to the target."""
    assert request.target is not None
    output = resolved_output(request.target, info, request.output)
    result = int(frames * size[0] * size[1] * bytes_per_pixel(output))
    there = sum(path.stat().st_size for path in folder.iterdir()) if folder.is_dir() else 0
    states = STATES * latent_bytes(declaration, grid)
    return [(folder, max(0, result + states - there)), (request.target.parent, result)]


def bytes_per_pixel(output: OutputSettings) -> float:
    """Encoded size, generously: lossless codecs at no compression at all, lossy ones at a bit rate that doubles every 6 CRF."""
    wide = 2 if (output.bit_depth or 8) > 8 else 1
    if output.codec in ("ffv1", "png", "tiff"):
        return 3.0 * wide
    return PRORES_BYTES if output.codec == "prores" else LOSSY_BYTES * 2 ** ((16 - output.crf) / 6)


def tightest(needs: Sequence[tuple[Path, int]]) -> tuple[int, int]:
    """Bytes needed and bytes free on the disk where room is shortest; needs on one disk add up."""
    disks: dict[int, tuple[int, int]] = {}
    for folder, size in needs:
        place = existing(folder)
        disk = disk_of(place)
        disks[disk] = disks.get(disk, (0, 0))[0] + size, shutil.disk_usage(place).free
    return max(disks.values(), key=lambda disk: disk[0] - disk[1], default=(0, 0))


def disk_of(folder: Path) -> int:
    """Which disk a folder is on."""
    return folder.stat().st_dev


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())
