"""A pool of clips on disk: made once, then cropped without decoding. Uint8 arrays, mapped into memory.

``DIR/training/mild-0003/{high,low}.npy`` hold the fourth shard's clips ``(clips, frames, 3, size, size)`` and their degraded
counterparts, four times smaller. A shard is a function of seed, kind and number: to enlarge a pool, add shards.
"""

import math
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dcvsr_engine.errors import JobError
from dcvsr_engine.network.upsampler import neighbours
from dcvsr_engine.research.training.data import Material, begin_worker, drawn
from dcvsr_engine.research.training.degradation import degrade_clip
from dcvsr_engine.research.training.prior_recipe import PoolRecipe
from dcvsr_engine.research.training.recipe import TRAINING_SCALE, Shares
from dcvsr_engine.storage import discard, partial_path, put_in_place

MIDDLE = 0.7
"""Share of crops whose target is the clip's middle frame; the windows of the others extend beyond the clip's ends."""


@dataclass(frozen=True)
class Shard:
    """Clips that are made and written together: shard ``number`` of a kind."""

    degradation: str
    number: int
    clips: int

    @property
    def name(self) -> str:
        """Name of the folder."""
        return f"{self.degradation}-{self.number:04}"

    def write(self, folder: Path, material: Material, asked: PoolRecipe, seed: str) -> None:
        """Make all clips; the shard's folder appears below ``folder`` when they are complete."""
        folder.mkdir(parents=True, exist_ok=True)
        partial = partial_path(folder / self.name)
        partial.mkdir()
        try:
            clips = ShardClips(material, asked, self.degradation, f"{seed}/{self.name}", self.clips)
            workers = min(asked.workers, self.clips)
            pairs = list(DataLoader(clips, batch_size=None, num_workers=workers, worker_init_fn=begin_worker))
            for name, arrays in zip(("high", "low"), zip(*pairs, strict=True), strict=True):
                np.save(partial / f"{name}.npy", torch.stack(arrays).numpy())
            put_in_place(partial, folder / self.name)
        finally:
            discard(partial)


@dataclass(frozen=True)
class ShardClips(Dataset[tuple[Tensor, Tensor]]):
    """The clips of a shard: item ``i`` is undamaged and degraded, uint8 ``(frames, 3, h, w)`` each."""

    material: Material
    asked: PoolRecipe
    degradation: str
    seed: str
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        torch.set_num_threads(1)  # there are worker processes beside this one
        rng = random.Random(f"{self.seed}/{index}")
        clip = to_levels(self.material.clip(rng, self.asked))
        return clip, to_levels(degrade_clip(clip.float() / 255, self.degradation, rng, TRAINING_SCALE))


def to_levels(clip: Tensor) -> Tensor:
    """Round RGB 0..1 of any shape to uint8."""
    return (255 * clip.clamp(0, 1)).round().byte()


def missing_shards(folder: Path, asked: PoolRecipe, clips: int) -> list[Shard]:
    """List the shards that ``folder`` lacks.

    A shard with fewer clips than it should have is made again: it was the last of a smaller pool.

    Args:
        folder: of the pool.
        asked: shares of the kinds.
        clips: number that the pool should hold.

    Returns:
        The kinds in turns, so that all grow alike.
    """
    total, shards = sum(asked.degradations.values()), []
    for kind, share in asked.degradations.items():
        count = round(clips * share / total)
        shards += [Shard(kind, i, min(asked.shard, count - i * asked.shard)) for i in range(math.ceil(count / asked.shard))]
    missing = [shard for shard in shards if shard.clips > count_clips(folder / shard.name)]
    return sorted(missing, key=lambda shard: shard.number)


def count_clips(shard: Path) -> int:
    """Count the clips in the folder of a shard; raises `JobError` when it is damaged."""
    return len(mapped(shard)[0]) if shard.is_dir() else 0


def mapped(shard: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Map the undamaged and the degraded clips of a shard's folder into memory; raises `JobError` when it is damaged."""
    try:
        high, low = (np.load(shard / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ("high", "low"))
    except (OSError, ValueError, EOFError):
        raise JobError(f"“{shard}” is damaged: remove it, and it is made again.") from None
    return high, low


@dataclass(frozen=True)
class Crops:
    """A batch, uint8.

    Attributes:
        windows: degraded ``(batch, frames, 3, s, s)``.
        truth: undamaged middle frames ``(batch, 3, 4 · s, 4 · s)``.
    """

    windows: Tensor
    truth: Tensor


class Pool:
    """The shards in a folder, by kind."""

    def __init__(self, folder: Path) -> None:
        self.shards: dict[str, list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]] = {}
        for path in sorted(folder.glob("*-????")):
            self.shards.setdefault(path.name[:-5], []).append(mapped(path))

    def clip(self, kind: str, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return clip ``index`` of all shards of a kind: undamaged and degraded frames, uint8 ``(frames, 3, h, w)``."""
        for high, low in self.shards[kind]:
            if index < len(high):
                return high[index], low[index]
            index -= len(high)
        raise IndexError(f"the pool has no such clip of the kind {kind}")

    def count(self, kind: str) -> int:
        """Count the clips of a kind."""
        return sum(len(high) for high, _ in self.shards.get(kind, ()))

    def crop(self, rng: random.Random, shares: Shares, size: int) -> tuple[Tensor, Tensor]:
        """Cut a window and its middle frame's truth, mirrored, turned and reversed at random.

        Args:
            rng: source of random numbers.
            shares: of the kinds.
            size: side of the truth in pixels.

        Returns:
            Uint8 ``(frames, 3, size / 4, size / 4)`` and ``(3, size, size)``.
        """
        kind = drawn(rng, shares)
        high, low = self.clip(kind, rng.randrange(self.count(kind)))
        frames, side = len(low), size // TRAINING_SCALE
        middle = frames // 2 if rng.random() < MIDDLE else rng.randrange(frames)
        y, x = rng.randint(0, low.shape[-2] - side), rng.randint(0, low.shape[-1] - side)
        # copied out of the memory map before it becomes a tensor, which may be written to
        window = torch.from_numpy(np.array(low[:, :, y : y + side, x : x + side]))[neighbours(frames, frames)[middle]]
        top, left = TRAINING_SCALE * y, TRAINING_SCALE * x
        truth = torch.from_numpy(np.array(high[middle, :, top : top + size, left : left + size]))
        # backwards in time: the middle frame stays in the middle
        if rng.random() < 0.5:
            window = window.flip(0)
        return turned(rng, window, truth)

    def crops(self, rng: random.Random, shares: Shares, size: int, count: int) -> Crops:
        """Cut a batch of ``count`` crops; see `crop`."""
        windows, truth = zip(*(self.crop(rng, shares, size) for _ in range(count)), strict=True)
        return Crops(torch.stack(windows), torch.stack(truth))

    def middles(self, kind: str) -> Crops:
        """Return every clip of a kind, whole."""
        pairs = [self.clip(kind, index) for index in range(self.count(kind))]
        windows = np.stack([low for _, low in pairs])
        return Crops(torch.from_numpy(windows), torch.from_numpy(np.stack([high[len(high) // 2] for high, _ in pairs])))


def turned(rng: random.Random, window: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Apply one of the eight symmetries of a square to both ``(…, side, side)``."""
    for dimension in (-1, -2):
        if rng.random() < 0.5:
            window, truth = window.flip(dimension), truth.flip(dimension)
    return (window.transpose(-1, -2), truth.transpose(-1, -2)) if rng.random() < 0.5 else (window, truth)
