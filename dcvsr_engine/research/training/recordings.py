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
"""Clips of REDS' training set kept for testing; the other 266 of its training and validation sets are for training."""

HELD_OUT_RECORDINGS = 12
"""One of this many other clips is held out for validation, chosen by the hash of its name."""


def find_recordings(roots: list[Path]) -> list[Path]:
    """Find all video files and folders of pictures below ``roots``, or named by them.

    Returns:
        Sorted paths.

    Raises:
        InputError: a root does not exist, or there are none.
    """
    clips: list[Path] = []
    for root in roots:
        if not root.exists():
            raise InputError(f"The training videos “{root}” do not exist; check the name.")
        if root.is_file():
            clips.append(root)
        for folder, below, names in os.walk(root):
            if any(Path(name).suffix.lower() in PICTURE_SUFFIXES for name in names):
                clips.append(Path(folder))
                below.clear()  # a folder of pictures is one clip; what lies deeper is not
            clips.extend(Path(folder, name) for name in names if Path(name).suffix.lower() in VIDEO_SUFFIXES)
    if roots and not clips:
        raise InputError(f"“{roots[0]}” holds no training videos: neither video files nor folders of pictures.")
    return sorted(clips)


def is_held_out_recording(path: Path) -> bool:
    """Return whether a clip is for validation only: REDS4 in REDS' layout, else one in `HELD_OUT_RECORDINGS`."""
    if path.parent.name.startswith(("train", "val")) and len(path.name) == 3 and path.name.isdigit():
        return path.parent.name.startswith("train") and path.name in REDS4
    return hashlib.sha256(path.name.encode()).digest()[0] % HELD_OUT_RECORDINGS == 0


@dataclass(frozen=True)
class Recording:
    """A recorded clip to take crops from."""

    reader: VideoReader

    @classmethod
    def open(cls, path: Path, frames: int, size: int) -> "Recording":
        """Open the clip at ``path``; raises `InputError` for fewer than ``frames`` frames or a side below ``size`` pixels."""
        reader = VideoReader(path)
        width, height = reader.info.width, reader.info.height
        if reader.frames_total < frames or min(width, height) < size:
            raise InputError(
                f"“{path}” has {reader.frames_total} frames of {width}×{height}; at least {frames} of {size}×{size} are needed."
            )
        return cls(reader)

    def crop(self, rng: random.Random, frames: int, size: int) -> Tensor:
        """Cut consecutive frames at a random position, RGB 0..1 ``(frames, 3, size, size)``.

        A frame that cannot be decoded repeats the one before it, or the first that can.

        Raises:
            InputError: none of the frames can be decoded.
        """
        first = rng.randint(0, self.reader.frames_total - frames)
        left, top = rng.randint(0, self.reader.info.width - size), rng.randint(0, self.reader.info.height - size)
        decoded: dict[int, Tensor] = {}
        for frame in self.reader.frames(first, first + frames - 1):
            pixels = np.ascontiguousarray(frame.pixels[top : top + size, left : left + size], dtype=np.float32)
            decoded[frame.index - first] = torch.from_numpy(pixels).permute(2, 0, 1)
        if not decoded:
            raise InputError(f"Frames {first} to {first + frames - 1} of “{self.reader.info.path}” cannot be decoded.")
        sources = [max((i for i in decoded if i <= index), default=min(decoded)) for index in range(frames)]
        return torch.stack([decoded[index] for index in sources]).clamp(0, 1)


def recorded_clip(rng: random.Random, recordings: list[Recording], frames: int, size: int) -> Tensor:
    """Draw a crop RGB 0..1 ``(frames, 3, size, size)`` of a recording; half of them are mirrored, half run backwards."""
    clip = recordings[rng.randrange(len(recordings))].crop(rng, frames, size)
    if rng.random() < 0.5:
        clip = clip.flip(-1)
    if rng.random() < 0.5:
        clip = clip.flip(0)
    return clip.contiguous()
