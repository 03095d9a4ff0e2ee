"""One call of training on a bare machine: as long as it may take, and its results as transfers."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch import Tensor

from dcvsr_engine.errors import Cancelled, InputError, SettingsError
from dcvsr_engine.network.upsampler_config import UPSAMPLER_FOLDER
from dcvsr_engine.research.evaluation.st_lpips import STLPIPS
from dcvsr_engine.research.offline.busy import measured_busy
from dcvsr_engine.research.offline.package import PRIOR_RECIPE
from dcvsr_engine.research.offline.transfers import MIB, ArchivePart, find_transfers, read_transfers, write_transfers
from dcvsr_engine.research.training.command import make_trainer, print_now
from dcvsr_engine.research.training.data import Material, TrainingData, all_sizes
from dcvsr_engine.research.training.log import append_row
from dcvsr_engine.research.training.prior_recipe import PriorRecipe, read_recipe
from dcvsr_engine.research.training.recipe import STATE, Recipe
from dcvsr_engine.settings import Device
from dcvsr_engine.storage import discard, partial_path, put_in_place

if TYPE_CHECKING:
    from dcvsr_engine.research.training.prior import PriorTrainer
    from dcvsr_engine.research.training.trainer import Trainer

RUN_FILE_BYTES = 60 * MIB
"""Largest size of a transfer of results."""

CALLS = "calls.csv"
"""Table of the run's calls: iterations, how much of the recipe is done, seconds and how busy the GPU was."""


@dataclass(frozen=True)
class RunCall:
    """One call.

    Attributes:
        package: folder of the open package; the run is kept in it from call to call.
        prior: train the package's prior, not the network over it.
        batch: of every phase; ``None`` for the recipe's own.
        out: receives a transfer of the results, and nothing else is written there.
        trains: train; else only send what earlier calls have made.
        deadline: when to stop, by `time.monotonic`.
        until: share of the recipe that is done at the deadline, however many iterations there are; ``None`` to count these.
        iterations: largest number to do; ``None`` for no limit.
        send: number of the transfer to put into ``out``.
        device: to train on.
    """

    package: Path
    prior: bool
    batch: int | None
    out: Path
    trains: bool
    deadline: float
    until: float | None
    iterations: int | None
    send: int
    device: Device

    @property
    def run_folder(self) -> Path:
        """Folder of the run."""
        return self.package / ("prior" if self.prior else "run")

    @property
    def results(self) -> Path:
        """Folder of the results."""
        return self.package / ("prior-results" if self.prior else "results")

    def work(self) -> None:
        """Train until the deadline, then write the results; raises `UserError`."""
        if self.trains:
            try:
                self.train()
            except Cancelled:
                print_now("The call's time is over; the next call resumes here.")
            if not (self.run_folder / STATE).is_file():
                print_now("No iteration was done: there are no results yet.")
                return
            write_results(self.run_folder, self.results)
        send(self.results, self.send, self.out)

    def train(self) -> None:
        """Train to the end of the recipe, or of the call's share of it; raises `Cancelled` where the deadline comes before."""
        recipe: Any = packed_recipe(self.package, self.prior)
        if self.batch is not None:
            recipe = recipe.replace(phases=tuple(phase.replace(batch=self.batch) for phase in recipe.phases))
        if (self.package / PRIOR_RECIPE).is_file():
            share_clips(self.package)
        if not self.prior:
            take_prior(self.package)
        # every batch of a phase has the same shape
        torch.backends.cudnn.benchmark = True
        trainer = make_packed_trainer(self.package, recipe, self.run_folder, self.device, self.tell)
        if not (self.run_folder / "validation.csv").exists():
            # what the run starts from, to compare with
            trainer.validate(print_now)
        first, began = trainer.state.iteration, time.monotonic()
        if began >= self.deadline:
            raise Cancelled
        if self.until is None and trainer.course.waits(first):
            raise SettingsError("Earlier calls have spread the recipe over time: go on with --until.")
        if self.until is not None:
            trainer.course = trainer.course.spread(first, self.until, self.deadline - began)
        last = None if self.iterations is None else first + self.iterations
        with nullcontext() if self.until else stopped_at(self.deadline, trainer), measured_busy() as busy:
            try:
                trainer.run(print_now, last)
            finally:
                log_call(self.run_folder, first, trainer, time.monotonic() - began, busy())

    def tell(self, sentence: str) -> None:
        """Print a line; raises `Cancelled` after the deadline, so that preparing clips can be interrupted too."""
        print_now(sentence)
        if time.monotonic() >= self.deadline:
            raise Cancelled


def packed_recipe(package: Path, prior: bool) -> Recipe | PriorRecipe:
    """Read the package's recipe, or that of its prior, with the place of its start folder here; raises `InputError`."""
    path = package / (PRIOR_RECIPE if prior else "recipe.json")
    if not path.is_file():
        raise InputError("The package holds no prior to train first: leave out --prior, or pack again with one.")
    recipe = read_recipe(path)
    return recipe.replace(start=str(package / recipe.start)) if recipe.start else recipe


def make_packed_trainer(
    package: Path, recipe: Recipe | PriorRecipe, folder: Path, device: Device, report: Callable[[str], None]
) -> "Trainer | PriorTrainer":
    """Make the trainer of a recipe in a folder, with a package's photographs and perceptual networks."""
    photographs = package / "photographs"
    return make_trainer(
        recipe, folder, lambda: packed_photographs(photographs), lambda: packed_distances(package), device, report
    )  # fmt: skip


def share_clips(package: Path) -> None:
    """Have the prior's run and the one over it cut their batches from the same clips."""
    (package / "run/pool").mkdir(parents=True, exist_ok=True)
    link = package / "prior/pool"
    link.parent.mkdir(exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(package / "run/pool")


def take_prior(package: Path) -> None:
    """Put the prior that calls have trained into the start folder, until the run over it has begun."""
    trained, place = package / "prior" / UPSAMPLER_FOLDER, package / "start" / UPSAMPLER_FOLDER
    if not trained.is_dir() or (package / "run" / STATE).is_file():
        return
    partial = partial_path(place)
    try:
        shutil.copytree(trained, partial)
        put_in_place(partial, place)
    finally:
        discard(partial)
    print_now("The network trains over the prior that this package has trained.")


def packed_photographs(folder: Path) -> TrainingData:
    """Load the packed photographs and their reductions."""

    def load(name: str) -> Material:
        with ThreadPoolExecutor() as threads:
            return Material(list(chain.from_iterable(threads.map(opened_sizes, sorted((folder / name).glob("*.webp"))))))

    return TrainingData(load("training"), load("held-out"))


def opened_sizes(path: Path) -> list[Tensor]:
    """Load a picture file and its reductions, uint8 ``(3, height, width)``."""
    with Image.open(path) as picture:
        return all_sizes(picture.convert("RGB"))


def packed_distances(package: Path) -> tuple[STLPIPS, STLPIPS]:
    """Load the distance to train on and the one to validate with; the prior trains on none, and has the latter twice."""
    judge = STLPIPS.from_file("alex", package / "distances" / "alex.safetensors")
    trained_on = package / "distances" / "vgg.safetensors"
    return STLPIPS.from_file("vgg", trained_on) if trained_on.is_file() else judge, judge


@contextmanager
def stopped_at(deadline: float, trainer: "Trainer | PriorTrainer") -> Iterator[None]:
    """Stop a trainer after the batch in which the deadline falls."""
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), trainer.stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def log_call(folder: Path, first: int, trainer: "Trainer | PriorTrainer", seconds: float, busy: float | None) -> None:
    """Append a row to the table of calls and print it."""
    last = trainer.state.iteration
    done, share = f"{trainer.course.done(last):.1%}", "not measured" if busy is None else f"{busy:.0f} %"
    header: list[str] = ["first", "last", "recipe_done", "seconds", "gpu_busy"]
    append_row(folder / CALLS, header, [first + 1, last, done, f"{seconds:.1f}", share])
    print_now(f"Iterations {first + 1} to {last} in {seconds:.0f} s; {done} of the recipe done; GPU busy: {share}.")


def write_results(run: Path, target: Path) -> list[ArchivePart]:
    """Cut a run into transfers: the models, tables and pictures first, then the state to resume from."""
    files = {
        path.relative_to(run).as_posix(): path
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.relative_to(run).parts[0] != "pool"
    }
    state = {name: path for name, path in files.items() if name == STATE.as_posix()}
    model = {name: path for name, path in files.items() if name not in state}
    return write_transfers({"model": model, "state": state}, target, RUN_FILE_BYTES)


def send(results: Path, number: int, out: Path) -> None:
    """Copy a transfer of the results into ``out``; raises `InputError` where there is none of that number."""
    if not results.is_dir():
        raise InputError("There are no results yet: name a number of --minutes above 0.")
    parts = read_transfers(find_transfers([results]))
    count = parts[-1].transfer
    if not 1 <= number <= count:
        raise InputError(f"The results are {count} transfers: --send takes 1 to {count}, not {number}.")
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted((results / str(number)).iterdir()):
        shutil.copy(path, out)
    print_now(f"Transfer {number} of {count} is in “{out}”.")
