"""A pool of clips on disk: made once, then cropped without decoding anything. Uint8 arrays, mapped into memory.

``DIR/training/mild-0003/{high,low}.npy`` hold the fourth shard's clips ``(clips, frames, 3, size, size)`` and their degraded
counterparts, four times smaller. A shard is a function of seed, kind and number: a pool that is to be larger gets more of them.
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
from dcvsr_engine.training.data import Material, drawn
from dcvsr_engine.training.degradation import degrade
from dcvsr_engine.training.prior_recipe import SCALE, PoolRecipe
from dcvsr_engine.training.recipe import Shares
from dcvsr_engine.video.files import discard, partial_path, put_in_place

MIDDLE = 0.7
"""Share of crops whose target is the clip's middle frame; the others have windows that go beyond the clip's ends."""


@dataclass(frozen=True)
class Shard:
    """Clips that are made and written together: number ``number`` of a kind."""

    degradation: str
    number: int
    clips: int

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.degradation}-{self.number:04}"

    def write(self, folder: Path, material: Material, asked: PoolRecipe, seed: str) -> None:
        """Make all clips, and put the shard's folder in place below ``folder`` when they are complete."""
        folder.mkdir(parents=True, exist_ok=True)
        partial = partial_path(folder / self.name)
        partial.mkdir()
        try:
            clips = Clips(material, asked, self.degradation, f"{seed}/{self.name}", self.clips)
            pairs = list(DataLoader(clips, batch_size=None, num_workers=min(asked.workers, self.clips)))
            for name, arrays in zip(("high", "low"), zip(*pairs, strict=True), strict=True):
                np.save(partial / f"{name}.npy", torch.stack(arrays).numpy())
            put_in_place(partial, folder / self.name)
        finally:
            discard(partial)


@dataclass(frozen=True)
class Clips(Dataset[tuple[Tensor, Tensor]]):
    """Item ``i`` is a shard's clip of that number, undamaged and degraded, uint8 ``(frames, 3, h, w)`` each."""

    material: Material
    asked: PoolRecipe
    degradation: str
    seed: str
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        torch.set_num_threads(1)
        rng = random.Random(f"{self.seed}/{index}")
        clip = to_levels(self.material.clip(rng, self.asked))
        return clip, to_levels(degrade(clip.float() / 255, self.degradation, rng, SCALE))


def to_levels(clip: Tensor) -> Tensor:
    """RGB 0..1 as uint8."""
    return (255 * clip.clamp(0, 1)).round().byte()


def missing_shards(folder: Path, asked: PoolRecipe, clips: int) -> list[Shard]:
    """What ``folder`` lacks of ``clips`` clips in the shares asked for, the kinds in turns, so that all grow alike.

    A shard with fewer clips than it should have is made again: it ended a smaller pool.
    """
    total, shards = sum(asked.degradations.values()), []
    for kind, share in asked.degradations.items():
        count = round(clips * share / total)
        shards += [Shard(kind, i, min(asked.shard, count - i * asked.shard)) for i in range(math.ceil(count / asked.shard))]
    missing = [shard for shard in shards if shard.clips > clips_in(folder / shard.name)]
    return sorted(missing, key=lambda shard: shard.number)


def clips_in(shard: Path) -> int:
    """How many clips the folder of a shard holds; raises `JobError` when it is damaged."""
    return len(mapped(shard)[0]) if shard.is_dir() else 0


def mapped(shard: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The undamaged and the degraded clips in a shard's folder; raises `JobError`."""
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
        truth: what the middle frames were ``(batch, 3, 4 · s, 4 · s)``.
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
        """Clip ``index`` of all shards of a kind: undamaged and degraded frames."""
        for high, low in self.shards[kind]:
            if index < len(high):
                return high[index], low[index]
            index -= len(high)
        raise IndexError(f"the pool has no such clip of the kind {kind}")

    def count(self, kind: str) -> int:
        """Clips of a kind."""
        return sum(len(high) for high, _ in self.shards.get(kind, ()))

    def crop(self, rng: random.Random, shares: Shares, size: int) -> tuple[Tensor, Tensor]:
        """A window ``(frames, 3, size / 4, size / 4)`` and its middle frame's truth, mirrored, turned and reversed at random."""
        kind = drawn(rng, shares)
        high, low = self.clip(kind, rng.randrange(self.count(kind)))
        frames, side = len(low), size // SCALE
        middle = frames // 2 if rng.random() < MIDDLE else rng.randrange(frames)
        y, x = rng.randint(0, low.shape[-2] - side), rng.randint(0, low.shape[-1] - side)
        window = torch.from_numpy(np.array(low[:, :, y : y + side, x : x + side]))[neighbours(frames, frames)[middle]]
        top, left = SCALE * y, SCALE * x
        truth = torch.from_numpy(np.array(high[middle, :, top : top + size, left : left + size]))
        if rng.random() < 0.5:
            window = window.flip(0)
        return turned(rng, window, truth)

    def crops(self, rng: random.Random, shares: Shares, size: int, count: int) -> Crops:
        """A batch."""
        windows, truth = zip(*(self.crop(rng, shares, size) for _ in range(count)), strict=True)
        return Crops(torch.stack(windows), torch.stack(truth))

    def middles(self, kind: str) -> Crops:
        """Every clip of a kind, whole."""
        pairs = [self.clip(kind, index) for index in range(self.count(kind))]
        windows = np.stack([low for _, low in pairs])
        return Crops(torch.from_numpy(windows), torch.from_numpy(np.stack([high[len(high) // 2] for high, _ in pairs])))


def turned(rng: random.Random, window: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """One of the eight turns and mirrorings of a square, the same of both ``(…, side, side)``."""
    for dimension in (-1, -2):
        if rng.random() < 0.5:
            window, truth = window.flip(dimension), truth.flip(dimension)
    return (window.transpose(-1, -2), truth.transpose(-1, -2)) if rng.random() < 0.5 else (window, truth)
