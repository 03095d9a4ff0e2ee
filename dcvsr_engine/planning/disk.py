"""What a job takes of the disks it writes to. Torch-free."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from dcvsr_engine.settings import OutputSettings

STATES = 3
"""Latent states on disk at once: two are kept while the third is written."""
LOSSY_BYTES = 0.25
"""Bytes per pixel of lossy video at CRF 16, generously."""
PRORES_BYTES = 0.6
"""ProRes 422 HQ aims at 220 Mbit/s for 1080p at 30 frames per second: 0.44 bytes per pixel."""
LOSSY_SHARE = 0.25
EXPECTED_SHARES = {"ffv1": 0.25, "png": 0.7, "tiff": 0.7, "prores": 0.9, "exr": 0.8, "dpx": 0.7}
"""What is usual, as a share of `most_per_pixel`: measured on three clips, EXR and DPX on one; they vary by a factor of two."""
LOSSLESS_CODECS = ("ffv1", "png", "tiff", "exr", "dpx")


def most_bytes(output: OutputSettings, frames: int, size: tuple[int, int]) -> int:
    """Encoded size of ``frames`` frames of ``size`` (width, height), generously."""
    return int(frames * size[0] * size[1] * most_per_pixel(output))


def expected_bytes(output: OutputSettings, frames: int, size: tuple[int, int]) -> int:
    """Encoded size of ``frames`` frames of ``size`` (width, height), as likely too large as too small: see `EXPECTED_SHARES`."""
    return int(frames * size[0] * size[1] * most_per_pixel(output) * EXPECTED_SHARES.get(output.codec, LOSSY_SHARE))


def most_per_pixel(output: OutputSettings) -> float:
    """Encoded size, generously: lossless codecs at no compression at all, lossy ones at a bit rate that doubles every 6 CRF."""
    # more than 8 bits are stored in two bytes
    wide = 2 if (output.bit_depth or 8) > 8 else 1
    if output.codec in LOSSLESS_CODECS:
        return 3.0 * wide
    return PRORES_BYTES if output.codec == "prores" else LOSSY_BYTES * 2 ** ((16 - output.crf) / 6)


def disk_needs(folder: Path, target: Path, result: int, latents: int) -> list[tuple[Path, int]]:
    """Where how many bytes will be written: segments and states to the job folder, the result beside the target.

    Args:
        folder: the job folder; what is in it already counts as written.
        target: the output file or folder.
        result: bytes of the encoded result.
        latents: bytes of a segment's ``x_0``.
    """
    written = sum(path.stat().st_size for path in folder.iterdir()) if folder.is_dir() else 0
    return [(folder, max(0, result + STATES * latents - written)), (target.parent, result)]


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
