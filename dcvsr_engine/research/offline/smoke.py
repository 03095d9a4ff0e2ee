"""How long an iteration takes on this machine, how much memory it needs, and where the time goes."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from dcvsr_engine.research.offline.runner import make_packed_trainer
from dcvsr_engine.research.training.command import print_now
from dcvsr_engine.research.training.prior import CropBatches, PriorTrainer
from dcvsr_engine.research.training.prior_recipe import PriorRecipe
from dcvsr_engine.research.training.recipe import Recipe
from dcvsr_engine.research.training.schedule import ENDLESS
from dcvsr_engine.research.training.trainer import Trainer
from dcvsr_engine.settings import Device

CLIPS = 64
"""Largest number of clips that are made to measure with."""

BATCHES = 2
"""Fixed batches, in turns: no time goes into preparing them."""

TOP = 8
"""Kernels to list."""


@dataclass(frozen=True)
class Smoke:
    """Iterations of a recipe's phases, measured with fixed batches.

    Attributes:
        package: folder of the open package.
        recipe: whose phases to measure.
        iterations: to time, of each.
        compare: measure the plain layers, too.
        device: to measure.
    """

    package: Path
    recipe: Recipe | PriorRecipe
    iterations: int
    compare: bool
    device: Device

    def run(self, batches: list[int]) -> None:
        """Measure every phase with each of ``batches``, or with its own where that is empty."""
        torch.backends.cudnn.benchmark = True
        phases: tuple[Any, ...] = self.recipe.phases
        for number, phase in enumerate(phases, 1):
            for batch in batches or [phase.batch]:
                for way, recipe in self.ways(phase.replace(batch=batch, iterations=ENDLESS)):
                    self.measure(f"phase {number}, batch {batch}{way}", recipe)

    def ways(self, phase: Any) -> Iterator[tuple[str, Any]]:
        """Yield ways to train a phase: what to call them, and a recipe of the phase alone."""
        recipe: Any = few_clips(self.recipe).replace(phases=(phase,))
        yield "", recipe
        if self.compare and isinstance(recipe, Recipe):
            yield ", plain layers", recipe.replace(quick=())

    def measure(self, name: str, recipe: Recipe | PriorRecipe) -> None:
        """Print what an iteration takes."""
        steps = fixed_steps(make_packed_trainer(self.package, recipe, self.package / "smoke", self.device, print_now))
        try:
            first = self.seconds(steps, 1)
            self.seconds(steps, BATCHES)
            if self.device == "cuda":
                torch.cuda.reset_peak_memory_stats()
            each = self.seconds(steps, self.iterations) / self.iterations
        except torch.cuda.OutOfMemoryError:
            print_now(f"{name}: does not fit into the memory")
            return
        print_now(f"{name}: {each:.4f} s per iteration, the first {first:.1f} s{self.peak()}")
        self.list_kernels(steps)

    def seconds(self, steps: list[Callable[[], object]], count: int) -> float:
        """Time ``count`` steps."""
        began = time.monotonic()
        for number in range(count):
            steps[number % len(steps)]()
        if self.device == "cuda":
            torch.cuda.synchronize()
        return time.monotonic() - began

    def peak(self) -> str:
        """Say how much of a GPU's memory was used."""
        return f", peak {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB" if self.device == "cuda" else ""

    def list_kernels(self, steps: list[Callable[[], object]]) -> None:
        """Print how long kernels take, on a processor operators, and which take longest."""
        on_gpu = self.device == "cuda"
        column = "self_device_time_total" if on_gpu else "self_cpu_time_total"
        with profile(activities=[ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU]) as profiler:
            self.seconds(steps, BATCHES)
        # without events that are no kernels: they took no time there
        events = [event for event in profiler.key_averages() if getattr(event, column) > 0]
        found = [(getattr(event, column) / BATCHES / 1e3, event.count / BATCHES, event.key) for event in events]
        print_now(f"  kernels: {sum(ms for ms, _, _ in found):.1f} ms in {sum(count for _, count, _ in found):.0f} launches")
        for ms, count, key in sorted(found, reverse=True)[:TOP]:
            print_now(f"  {ms:8.2f} ms {count:6.0f} × {key[:100]}")


def few_clips(recipe: Recipe | PriorRecipe) -> Recipe | PriorRecipe:
    """Return the recipe with few clips to make, where they are made once."""
    made = recipe.pool if isinstance(recipe, PriorRecipe) else recipe.clips
    if made is None:
        return recipe
    few = made.replace(clips=min(made.clips, CLIPS), held_out=min(made.held_out, CLIPS), shard=min(made.shard, 4))
    return recipe.replace(pool=few) if isinstance(recipe, PriorRecipe) else recipe.replace(clips=few)


def fixed_steps(trainer: Trainer | PriorTrainer) -> list[Callable[[], object]]:
    """Return training steps with batches that are there already."""
    if isinstance(trainer, PriorTrainer):
        crops = CropBatches(trainer.training, trainer.recipe)
        return [partial(trainer.step, crops[number]) for number in range(BATCHES)]
    batches = trainer.data.batches(trainer.recipe, trainer.start.context)
    return [partial(trainer.step, *batches[number]) for number in range(BATCHES)]
