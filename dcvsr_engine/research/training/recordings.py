"""Recorded clips to train on: video files and folders of frames, REDS among them, read through the engine's reader."""

import hashlib
import os
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dcvsr_engine.errors import InputError
from dcvsr_engine.video.reader import VideoReader
from dcvsr_engine.video.suffixes import PICTURE_SUFFIXES, VIDEO_SUFFIXES

REDS4 = {"000", "011", "015", "020"}
"""Clips of REDS' training set that are kept for testing; the other 266 of its training and validation sets are trained on."""

HELD_OUT = 12
"""Of other clips one in this many is held out for validation, chosen by the hash of its name."""


def find(roots: list[Path]) -> list[Path]:
    """All video files and folders of pictures below ``roots``, or named by them, in order. Raises `InputError`."""
    found: list[Path] = []
    for root in roots:
        if not root.exists():
            raise InputError(f"The training videos “{root}” do not exist; check the name.")
        if root.is_file():
            found.append(root)
        for folder, below, names in os.walk(root):
            if any(Path(name).suffix.lower() in PICTURE_SUFFIXES for name in names):
                found.append(Path(folder))
                below.clear()
            found.extend(Path(folder, name) for name in names if Path(name).suffix.lower() in VIDEO_SUFFIXES)
    if roots and not found:
        raise InputError(f"“{roots[0]}” holds no training videos: neither video files nor folders of pictures.")
    return sorted(found)


def is_held_out(path: Path) -> bool:
    """Whether a clip is for validation only: REDS4 in REDS' layout (``train…/000`` and ``val…/000``), else one in `HELD_OUT`."""
    if path.parent.name.startswith(("train", "val")) and len(path.name) == 3 and path.name.isdigit():
        return path.parent.name.startswith("train") and path.name in REDS4
    return hashlib.sha256(path.name.encode()).digest()[0] % HELD_OUT == 0


@dataclass(frozen=True)
class Recording:
    """A clip that crops are taken from."""

    reader: VideoReader

    @classmethod
    def open(cls, path: Path, frames: int, size: int) -> "Recording":
        """The clip at ``path``; raises `InputError` when it has fewer than ``frames`` frames or a side below ``size`` pixels."""
        reader = VideoReader(path)
        width, height = reader.info.width, reader.info.height
        if reader.frames_total < frames or min(width, height) < size:
            raise InputError(
                f"“{path}” has {reader.frames_total} frames of {width}×{height}; {frames} of {size}×{size} are needed at least."
            )
        return cls(reader)

    def crop(self, rng: random.Random, frames: int, size: int) -> Tensor:
        """Consecutive frames of a random place, RGB 0..1 ``(frames, 3, size, size)``; damaged ones repeat the one before."""
        first = rng.randint(0, self.reader.frames_total - frames)
        left, top = rng.randint(0, self.reader.info.width - size), rng.randint(0, self.reader.info.height - size)
        found: dict[int, Tensor] = {}
        for frame in self.reader.frames(first, first + frames - 1):
            cut = np.ascontiguousarray(frame.pixels[top : top + size, left : left + size], dtype=np.float32)
            found[frame.index - first] = torch.from_numpy(cut).permute(2, 0, 1)
        if not found:
            raise InputError(f"Frames {first} to {first + frames - 1} of “{self.reader.info.path}” cannot be decoded.")
        good = [max((i for i in found if i <= index), default=min(found)) for index in range(frames)]
        return torch.stack([found[index] for index in good]).clamp(0, 1)


def recorded_clip(rng: random.Random, recordings: list[Recording], frames: int, size: int) -> Tensor:
    """A crop ``(frames, 3, size, size)`` of one of the recordings, half of the time mirrored, half of the time backwards."""
    clip = recordings[rng.randrange(len(recordings))].crop(rng, frames, size)
    if rng.random() < 0.5:
        clip = clip.flip(-1)
    if rng.random() < 0.5:
        clip = clip.flip(0)
    return clip.contiguous()
