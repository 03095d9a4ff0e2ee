"""A pool of clips on disk: made once, then cropped without decoding. Uint8 arrays, mapped into memory.

``DIR/training/mild-0003/{high,low}.npy`` hold the fourth shard's clips ``(clips, frames, 3, size, size)`` and their degraded
counterparts, four times smaller. A shard is a function of seed, kind and number: to enlarge a pool, add shards.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dcvsr_engine.errors import JobError, SettingsError
from dcvsr_engine.network.upsampler import neighbours
from dcvsr_engine.research.training.data import Material, TrainingData, begin_worker, drawn
from dcvsr_engine.research.training.degradation import degrade_clip
from dcvsr_engine.research.training.recipe import TRAINING_SCALE, PoolRecipe, Recipe, Shares, Validation
from dcvsr_engine.storage import discard, partial_path, put_in_place

MIDDLE = 0.7
"""Share of crops whose target is the clip's middle frame; the windows of the others extend beyond the clip's ends."""


POOL_LOCK = ".lock"
"""File in the folder of the pools, held while clips are made."""


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
            pairs = [self.pair(index, material, asked, seed) for index in range(self.clips)]
            for name, arrays in zip(("high", "low"), zip(*pairs, strict=True), strict=True):
                np.save(partial / f"{name}.npy", torch.stack(arrays).numpy())
            put_in_place(partial, folder / self.name)
        finally:
            discard(partial)

    def pair(self, index: int, material: Material, asked: PoolRecipe, seed: str) -> tuple[Tensor, Tensor]:
        """Make a clip, undamaged and degraded, uint8 ``(frames, 3, h, w)`` each."""
        rng = random.Random(f"{seed}/{self.name}/{index}")
        clip = to_levels(material.clip(rng, asked))
        return clip, to_levels(degrade_clip(clip.float() / 255, self.degradation, rng, TRAINING_SCALE))


@dataclass(frozen=True)
class ShardsToMake(Dataset[str]):
    """Shards: item ``i`` is the name of one that has been made. See `Shard.write`."""

    shards: list[Shard]
    folder: Path
    material: Material
    asked: PoolRecipe
    seed: str

    def __len__(self) -> int:
        return len(self.shards)

    def __getitem__(self, index: int) -> str:
        torch.set_num_threads(1)  # there are worker processes beside this one
        shard = self.shards[index]
        shard.write(self.folder, self.material, self.asked, self.seed)
        return shard.name


def make_pools(
    asked: PoolRecipe, seed: int, folder: Path, find: Callable[[], TrainingData], report: Callable[[str], None]
) -> None:
    """Make the clips that the pools in ``folder`` lack, several shards at once; other processes of the run wait meanwhile.

    Args:
        asked: which clips.
        seed: of the run.
        folder: holds a pool each for training and validation.
        find: finds photographs and videos; called only if clips are missing.
        report: receives a line per shard.
    """
    if not lacking(folder, asked):
        return
    report("Preparing clips …")
    data = find()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / POOL_LOCK):
        missing = lacking(folder, asked)
        for name, material in (("held-out", data.held_out), ("training", data.training)):
            shards = ShardsToMake(missing.get(name, []), folder / name, material, asked, f"{seed}/{name}")
            made = DataLoader(shards, batch_size=None, num_workers=asked.workers, worker_init_fn=begin_worker)
            for number, _ in enumerate(made, 1):
                report(f"clips: {name} {number}/{len(shards)}")


def lacking(folder: Path, asked: PoolRecipe) -> dict[str, list[Shard]]:
    """The shards that each of the pools in ``folder`` lacks, by its name; empty where both are complete."""
    pools = {"held-out": asked.held_out, "training": asked.clips}
    missing = {name: missing_shards(folder / name, asked, clips) for name, clips in pools.items()}
    return missing if any(missing.values()) else {}


def check_clip_length(asked: PoolRecipe, recipe: Recipe, context: int) -> None:
    """Raise `SettingsError` where clips are too short for the recipe and its upsampler's ``context`` on either side."""
    needed = max(part.frames for part in recipe.parts) + 2 * context
    if asked.frames < needed:
        raise SettingsError(f"“clips” must have at least {needed} frames: {2 * context} are for the upsampler alone.")


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
    missing = [shard for shard in shards if shard.clips > count_clips(folder / shard.name, asked)]
    return sorted(missing, key=lambda shard: shard.number)


def count_clips(shard: Path, asked: PoolRecipe) -> int:
    """Count the clips in the folder of a shard; raises `JobError` when it is damaged or has other clips than those asked for."""
    if not shard.is_dir():
        return 0
    high, _ = mapped(shard)
    if high.shape[1:] != (asked.frames, 3, asked.size, asked.size):
        raise JobError(
            f"“{shard}” holds clips of {high.shape[1]} frames of {high.shape[-1]} pixels, and the recipe asks for "
            f"{asked.frames} of {asked.size}: remove the pool, or choose another folder for the run."
        )
    return len(high)


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

    def crop(self, rng: random.Random, shares: Shares, size: int, window_frames: int = 0) -> tuple[Tensor, Tensor]:
        """Cut a window and its middle frame's truth, mirrored, turned and reversed at random.

        Args:
            rng: source of random numbers.
            shares: of the kinds.
            size: side of the truth in pixels.
            window_frames: of the window; 0 for as many as the clips have.

        Returns:
            Uint8 ``(window_frames, 3, size / 4, size / 4)`` and ``(3, size, size)``.
        """
        kind = drawn(rng, shares)
        high, low = self.clip(kind, rng.randrange(self.count(kind)))
        if window_frames and window_frames < len(low):
            first = rng.randint(0, len(low) - window_frames)
            high, low = high[first : first + window_frames], low[first : first + window_frames]
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

    def crops(self, rng: random.Random, shares: Shares, size: int, count: int, window_frames: int = 0) -> Crops:
        """Cut a batch of ``count`` crops; see `crop`."""
        windows, truth = zip(*(self.crop(rng, shares, size, window_frames) for _ in range(count)), strict=True)
        return Crops(torch.stack(windows), torch.stack(truth))

    def middles(self, kind: str, window_frames: int = 0) -> Crops:
        """Return of every clip of a kind the ``window_frames`` in the middle (0: all), and the truth of the one between them."""
        pairs = [self.clip(kind, index) for index in range(self.count(kind))]
        frames = len(pairs[0][1])
        first = (frames - (window_frames or frames)) // 2
        windows = np.stack([low[first : frames - first] for _, low in pairs])
        return Crops(torch.from_numpy(windows), torch.from_numpy(np.stack([high[frames // 2] for high, _ in pairs])))

    def clip_pair(self, rng: random.Random, kind: str, frames: int, context: int, size: int) -> tuple[Tensor, Tensor]:
        """Cut a pair as `data.training_pair` makes it, mirrored, turned and reversed at random.

        Returns:
            Uint8 ``(frames, 3, size, size)`` and ``(frames + 2 · context, 3, size / 4, size / 4)``.
        """
        high, low = self.clip(kind, rng.randrange(self.count(kind)))
        first = rng.randint(0, len(low) - frames - 2 * context)
        y, x = (rng.randint(0, (side - size) // TRAINING_SCALE) for side in high.shape[-2:])
        clip, small = cut_pair(high, low, first, frames, context, (y, x), size)
        if rng.random() < 0.5:
            clip, small = clip.flip(0), small.flip(0)
        return turned(rng, clip, small)


def turned(rng: random.Random, window: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Apply one of the eight symmetries of a square to both ``(…, side, side)``."""
    for dimension in (-1, -2):
        if rng.random() < 0.5:
            window, truth = window.flip(dimension), truth.flip(dimension)
    return (window.transpose(-1, -2), truth.transpose(-1, -2)) if rng.random() < 0.5 else (window, truth)


def cut_pair(
    high: NDArray[np.uint8], low: NDArray[np.uint8], first: int, frames: int, context: int, corner: tuple[int, int], size: int
) -> tuple[Tensor, Tensor]:
    """Cut frames out of a clip and its degraded counterpart, copied out of the memory map.

    Args:
        high, low: ``(all frames, 3, h, w)``, the second four times smaller.
        first: frame that the context begins with.
        frames: without the context.
        context: frames before and after, in the second only.
        corner: top and left in pixels of ``low``.
        size: side in pixels of ``high``.
    """
    (y, x), side = corner, size // TRAINING_SCALE
    top, left, begin = TRAINING_SCALE * y, TRAINING_SCALE * x, first + context
    clip = np.array(high[begin : begin + frames, :, top : top + size, left : left + size])
    small = np.array(low[first : begin + frames + context, :, y : y + side, x : x + side])
    return torch.from_numpy(clip), torch.from_numpy(small)


@dataclass(frozen=True)
class PooledBatches(Dataset[tuple[Tensor, Tensor]]):
    """Batches by iteration, as `data.Batches`, cut from a pool: uint8."""

    pool: Pool
    recipe: Recipe
    context: int

    def __len__(self) -> int:
        return self.recipe.iterations

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        phase, _ = self.recipe.phase_at(index)
        rng = random.Random(f"{self.recipe.seed}/{index}")
        pairs = [
            self.pool.clip_pair(rng, drawn(rng, phase.degradations), phase.frames, self.context, phase.size)
            for _ in range(phase.batch)
        ]
        clips, low = zip(*pairs, strict=True)
        return torch.stack(clips), torch.stack(low)


class PooledData:
    """The pools of a run, in place of `data.TrainingData`."""

    def __init__(self, folder: Path) -> None:
        self.training, self.held_out = Pool(folder / "training"), Pool(folder / "held-out")

    def batches(self, recipe: Recipe, context: int) -> PooledBatches:
        """Return the recipe's batches by iteration."""
        return PooledBatches(self.training, recipe, context)

    def held_out_pairs(self, asked: Validation, context: int) -> tuple[Tensor, Tensor]:
        """Cut the centres of the same clips every time: a batch of `data.training_pair`."""
        rng = random.Random(0)
        pairs = [self.centre(rng, drawn(rng, asked.degradations), asked, context) for _ in range(asked.clips)]
        clips, low = (torch.stack(side) / 255 for side in zip(*pairs, strict=True))
        return clips, low

    def centre(self, rng: random.Random, kind: str, asked: Validation, context: int) -> tuple[Tensor, Tensor]:
        """Cut the centre of a clip of a kind."""
        high, low = self.held_out.clip(kind, rng.randrange(self.held_out.count(kind)))
        first = (len(low) - asked.frames - 2 * context) // 2
        corner = tuple((side - asked.size) // TRAINING_SCALE // 2 for side in high.shape[-2:])
        return cut_pair(high, low, first, asked.frames, context, (corner[0], corner[1]), asked.size)
