"""Training batches as a pure function of (seed, iteration), so that a resumed run sees the same data."""

import gc
import os
import random
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from dcvsr_engine.errors import InputError
from dcvsr_engine.research.training import photographs, recordings
from dcvsr_engine.research.training.degradation import degrade_clip
from dcvsr_engine.research.training.graphics import drawing
from dcvsr_engine.research.training.motion import synthetic_clip
from dcvsr_engine.research.training.prior_recipe import PriorRecipe
from dcvsr_engine.research.training.recipe import TRAINING_SCALE, PoolRecipe, Recipe, TrainingPhase, Validation
from dcvsr_engine.research.training.recordings import Recording, recorded_clip

ClipRequest = TrainingPhase | Validation | PoolRecipe
"""Parts of recipes that describe clips."""


@dataclass(frozen=True)
class Material:
    """Sources of clips.

    Attributes:
        photographs: photographs and their reductions, uint8 ``(3, height, width)``.
        videos: recordings.
    """

    photographs: list[Tensor] = field(default_factory=list)
    videos: list[Recording] = field(default_factory=list)

    def clip(self, rng: random.Random, asked: ClipRequest) -> Tensor:
        """Draw a sharp clip, RGB 0..1 ``(frames, 3, size, size)``, from one of the sources asked for."""
        source = drawn(rng, asked.sources)
        if source == "videos":
            return recorded_clip(rng, self.videos, asked.frames, asked.size)
        pictures = [drawing(rng, 2 * asked.size)] if source == "graphics" else self.photographs
        return synthetic_clip(rng, pictures, asked.frames, asked.size, asked.parallax, asked.handheld)

    def require(self, asked: ClipRequest, what: str) -> None:
        """Raise `InputError` where a source that is asked for is empty; ``what`` is ``"training"`` or ``"validation"``."""
        if asked.sources.get("photographs") and not self.photographs:
            raise InputError(f"No {what} photographs were found: install the Debian packages that the model card names.")
        if asked.sources.get("videos") and not self.videos:
            raise InputError(f"No {what} videos were found: name (more) folders of them with --videos.")


@dataclass(frozen=True)
class TrainingData:
    """What a run trains on, and the held-out material to validate with."""

    training: Material
    held_out: Material

    def batches(self, recipe: Recipe, context: int) -> "Batches":
        """Return the recipe's batches by iteration."""
        return Batches(self.training, recipe, context)

    def held_out_pairs(self, asked: Validation, context: int) -> tuple[Tensor, Tensor]:
        """Draw the same clips every time: a batch of `training_pair`."""
        rng = random.Random(0)
        pairs = [training_pair(rng, self.held_out, asked, context) for _ in range(asked.clips)]
        clips, low = (torch.stack(side) for side in zip(*pairs, strict=True))
        return clips, low

    @classmethod
    def load(
        cls, recipe: Recipe | PriorRecipe, photo_roots: list[Path], video_roots: list[Path], context: int = 0
    ) -> "TrainingData":
        """Find and load what ``recipe`` asks for; raises `InputError` when something is missing or too small.

        Args:
            recipe: of the run.
            photo_roots, video_roots: where to look.
            context: see `training_pair`.
        """
        phases, validation = parts_of(recipe)
        parts: tuple[ClipRequest, ...] = (*phases, validation)
        photos: tuple[list[Tensor], list[Tensor]] = ([], [])
        videos: tuple[list[Recording], list[Recording]] = ([], [])
        if any(part.sources.get("photographs") for part in parts):
            photos = load_photographs(photo_roots)
        filmed = [part for part in parts if part.sources.get("videos")]
        if filmed:
            longest = max(part.frames for part in filmed) + 2 * context
            videos = open_videos(video_roots, longest, max(part.size for part in filmed))
        data = cls(Material(photos[0], videos[0]), Material(photos[1], videos[1]))
        for phase in phases:
            data.training.require(phase, "training")
        data.held_out.require(validation, "validation")
        return data


def parts_of(recipe: Recipe | PriorRecipe) -> tuple[Sequence[ClipRequest], ClipRequest]:
    """Return the parts that describe clips to train on, and to validate with."""
    if isinstance(recipe, PriorRecipe):
        return (recipe.pool,), recipe.pool
    if recipe.clips is not None:
        return (recipe.clips,), recipe.clips
    return recipe.phases, recipe.validation


SMALLEST_PHOTOGRAPH = 320
"""Shortest side in pixels of the reductions of photographs."""


def load_photographs(roots: list[Path], smallest: int = SMALLEST_PHOTOGRAPH) -> tuple[list[Tensor], list[Tensor]]:
    """Load the photographs below ``roots`` with their reductions down to ``smallest`` pixels.

    Returns:
        Those to train on, and those held out; uint8 ``(3, height, width)``.
    """
    sets: tuple[list[Tensor], list[Tensor]] = ([], [])
    for photo in photographs.find_photographs(roots):
        sets[photo.held_out].extend(all_sizes(photographs.sharpened(photo.load(), smallest), smallest))
    return sets


def all_sizes(picture: Image.Image, smallest: int = SMALLEST_PHOTOGRAPH) -> list[Tensor]:
    """Return a sharp picture and its reductions, uint8 ``(3, height, width)``."""
    return [torch.tensor(level).permute(2, 0, 1) for level in photographs.reductions(picture, smallest)]


def open_videos(roots: list[Path], frames: int, size: int) -> tuple[list[Recording], list[Recording]]:
    """Open the recordings below ``roots``; raises `InputError` when one is too short or too small.

    Returns:
        Those to train on, and those held out.
    """
    sets: tuple[list[Recording], list[Recording]] = ([], [])
    for path in recordings.find_recordings(roots):
        sets[recordings.is_held_out_recording(path)].append(Recording.open(path, frames, size))
    return sets


def drawn(rng: random.Random, shares: dict[str, float]) -> str:
    """Draw one of the names, each as often as its share."""
    names = list(shares)
    # no random number where there is no choice: batches of recipes without shares stay what they were
    return names[0] if len(names) == 1 else rng.choices(names, list(shares.values()))[0]


def training_pair(rng: random.Random, material: Material, asked: ClipRequest, context: int = 0) -> tuple[Tensor, Tensor]:
    """Draw a clip and its small, degraded counterpart.

    Args:
        rng: source of random numbers.
        material: what to draw from.
        asked: which clips.
        context: frames before and after the clip that only the second has, for an upsampler to look at.

    Returns:
        RGB 0..1 ``(frames, 3, size, size)``, and ``(frames + 2 · context, 3, size / 4, size / 4)``.
    """
    clip = material.clip(rng, asked.replace(frames=asked.frames + 2 * context))
    low = degrade_clip(clip, drawn(rng, asked.degradations), rng, TRAINING_SCALE)
    return clip[context : context + asked.frames], low


class Batches(Dataset[tuple[Tensor, Tensor]]):
    """Batches by iteration: item ``i`` is a batch of `training_pair`."""

    def __init__(self, material: Material, recipe: Recipe, context: int = 0) -> None:
        self.material, self.recipe, self.context = material, recipe, context

    def __len__(self) -> int:
        return self.recipe.iterations

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        torch.set_num_threads(1)  # there are worker processes beside this one
        phase, _ = self.recipe.phase_at(index)
        rng = random.Random(f"{self.recipe.seed}/{index}")
        pairs = [training_pair(rng, self.material, phase, self.context) for _ in range(phase.batch)]
        clips, low = zip(*pairs, strict=True)
        return torch.stack(clips), torch.stack(low)


if hasattr(os, "register_at_fork"):
    # a worker that collects a decoder of its parent waits for ever for threads that do not exist in it; in `begin_worker` it is
    # too late, as PyTorch may collect before
    os.register_at_fork(after_in_child=gc.freeze)


def begin_worker(worker: int) -> None:
    """Keep a worker from ending early: the terminal sends Ctrl-C to all processes, and the current batch still needs it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
