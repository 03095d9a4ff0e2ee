"""Training batches as a pure function of (seed, iteration), so that a resumed run sees the same data."""

import random
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from dcvsr_engine.errors import InputError
from dcvsr_engine.network.resample import upscale
from dcvsr_engine.training import photographs
from dcvsr_engine.training.degradation import degrade
from dcvsr_engine.training.motion import synthetic_clip
from dcvsr_engine.training.recipe import Recipe


@dataclass(frozen=True)
class Photographs:
    """Training and held-out photographs with their reductions, uint8 ``(3, height, width)``."""

    training: list[Tensor]
    held_out: list[Tensor]

    @classmethod
    def load(cls, roots: list[Path], smallest: int = 320) -> "Photographs":
        """Find and load all photographs below ``roots``; raises `InputError` when there are none."""
        paths = photographs.find(roots)
        if not paths:
            raise InputError("No training photographs were found: install the Debian packages that the model card names.")
        sets: tuple[list[Tensor], list[Tensor]] = ([], [])
        for path in paths:
            levels = photographs.pyramid(photographs.load(path), smallest)
            sets[photographs.is_held_out(path)].extend(torch.tensor(level).permute(2, 0, 1) for level in levels)
        return cls(*sets)


def drawn(rng: random.Random, shares: dict[str, float]) -> str:
    """One of the names, as often as its share; no random number is drawn where there is one name only."""
    names = list(shares)
    return names[0] if len(names) == 1 else rng.choices(names, list(shares.values()))[0]


def training_pair(
    rng: random.Random,
    photos: list[Tensor],
    frames: int,
    size: int,
    scale: int = 4,
    degradations: dict[str, float] | None = None,
) -> tuple[Tensor, Tensor]:
    """A clip and its degraded (by default mildly), bicubically upscaled counterpart, RGB 0..1 ``(frames, 3, size, size)``."""
    clip = synthetic_clip(rng, photos, frames, size)
    preset = drawn(rng, degradations or {"mild": 1.0})
    return clip, upscale(degrade(clip, preset, rng, scale), scale)


class Batches(Dataset[tuple[Tensor, Tensor]]):
    """Item ``i`` is the batch of iteration ``i``: ``(I, I_up)``, each ``(batch, frames, 3, size, size)``."""

    def __init__(self, photos: list[Tensor], recipe: Recipe, start: int = 0) -> None:
        self.photos, self.recipe, self.start = photos, recipe, start

    def __len__(self) -> int:
        return self.recipe.iterations - self.start

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        torch.set_num_threads(1)
        iteration = self.start + index
        phase, _ = self.recipe.phase_at(iteration)
        rng = random.Random(f"{self.recipe.seed}/{iteration}")
        pairs = [
            training_pair(rng, self.photos, phase.frames, phase.size, degradations=phase.degradations) for _ in range(phase.batch)
        ]
        clips, upscaled = zip(*pairs, strict=True)
        return torch.stack(clips), torch.stack(upscaled)
