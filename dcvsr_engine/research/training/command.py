"""``dcvsr train``: run or resume a recipe. Imports no torch before it runs."""

import argparse
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcvsr_engine.errors import Cancelled, SettingsError
from dcvsr_engine.research.training.prior_recipe import PriorRecipe, read_recipe
from dcvsr_engine.research.training.recipe import STATE, Recipe
from dcvsr_engine.settings import Device

if TYPE_CHECKING:
    from dcvsr_engine.research.training.data import TrainingData
    from dcvsr_engine.research.training.objective import Distance
    from dcvsr_engine.research.training.pool import PooledData
    from dcvsr_engine.research.training.prior import PriorTrainer
    from dcvsr_engine.research.training.trainer import Trainer

Distances = Callable[[], tuple["Distance", "Distance"]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("recipe", type=Path, help="a recipe, for example resources/recipes/prior.json")
    parser.add_argument(
        "-o", "--out", "--output", type=Path, required=True, metavar="DIR", help="checkpoints, tables and samples"
    )
    parser.add_argument("--resume", action="store_true", help="resume the run in DIR from its last checkpoint, exactly")
    parser.add_argument("--start", type=Path, metavar="DIR", help="the model to start from, instead of the recipe's")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="where to train (default: auto)")
    photos = "where the packages with photographs are installed or unpacked (default: /)"
    parser.add_argument("--photos", type=Path, nargs="+", default=[Path("/")], metavar="ROOT", help=photos)
    videos = "video files, or folders of videos or of frame folders, for example REDS"
    parser.add_argument("--videos", type=Path, nargs="+", default=[], metavar="PATH", help=videos)
    scales = "instead of training, write scales.json: what gives the latents unit variance, measured on N clips of the recipe"
    parser.add_argument("--measure-scales", type=int, metavar="N", help=scales)
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: all)")


def print_now(sentence: str) -> None:
    """Print without buffering, into a file as well."""
    print(sentence, flush=True)


def run(options: argparse.Namespace, distances: Distances) -> int:
    """Train to the end of the recipe.

    Args:
        options: of the command line.
        distances: loads one perceptual distance to train on and another to validate with; called only if a phase needs them.

    Returns:
        0.

    Raises:
        UserError: the recipe, start folder, data, device or a package is missing or wrong.
        Cancelled: Ctrl-C; the checkpoint is of the last batch.
    """
    recipe = read_recipe(options.recipe)
    if options.measure_scales is not None:
        write_measured_scales(recipe, options)
        return 0
    check_folder(options.out, options.resume)
    import torch

    from dcvsr_engine.network.device import resolve_device

    if options.threads is not None:
        torch.set_num_threads(options.threads)
    device = resolve_device(options.device if options.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu")
    if options.start is not None:
        recipe = recipe.replace(start=str(options.start))

    def find() -> "TrainingData":
        from dcvsr_engine.research.training.data import TrainingData
        from dcvsr_engine.research.training.start import declared_context

        context = 0 if isinstance(recipe, PriorRecipe) else declared_context(recipe)
        return TrainingData.load(recipe, options.photos, options.videos, context)

    trainer = make_trainer(recipe, options.out, find, distances, device)
    if trainer.course.waits(trainer.state.iteration):
        raise SettingsError(f"The run in “{options.out}” goes by the clock: go on with “train offline run … --until”.")
    if trainer.course.is_over(trainer.state.iteration):
        print(f"The run in “{options.out}” is complete: {trainer.state.iteration} iterations.")
        return 0
    with stopped_by_interrupt(trainer):
        try:
            trainer.run(print_now)
        except Cancelled:
            print(f"Stopped in iteration {trainer.state.iteration + 1}; the same command with --resume resumes there.")
            raise
    return 0


def make_trainer(
    recipe: Recipe | PriorRecipe,
    folder: Path,
    find: Callable[[], "TrainingData"],
    distances: Distances,
    device: Device,
    report: Callable[[str], None] = print_now,
) -> "Trainer | PriorTrainer":
    """Make the trainer of a recipe in its folder.

    Args:
        recipe: of the run.
        folder: of the run, new or to resume.
        find: loads the data; the trainer of the prior calls it only if its pool lacks clips, which are made first.
        distances: see `run`.
        device: to train on.
        report: receives a line per shard of the pool.
    """
    if isinstance(recipe, PriorRecipe):
        from dcvsr_engine.research.training.pool import make_pools
        from dcvsr_engine.research.training.prior import PriorTrainer, new_network

        # a start that cannot be used is named before clips are made
        new_network(recipe)
        make_pools(recipe.pool, recipe.seed, folder / "pool", find, report)
        return PriorTrainer(recipe, folder, distances()[1], device)
    from dcvsr_engine.research.training.trainer import Trainer

    train_on, judge = distances() if recipe.is_perceptual else (None, None)
    return Trainer(recipe, folder, training_data(recipe, folder / "pool", find, report), train_on, judge, device)


def training_data(
    recipe: Recipe, pool: Path, find: Callable[[], "TrainingData"], report: Callable[[str], None]
) -> "TrainingData | PooledData":
    """Load what clips are made from, or make those that are made once, in the folder ``pool``."""
    if recipe.clips is None:
        return find()
    from dcvsr_engine.research.training.pool import PooledData, check_clip_length, make_pools
    from dcvsr_engine.research.training.start import check_start, declared_context

    # what cannot be used is named before clips are made
    check_start(Path(recipe.start))
    check_clip_length(recipe.clips, recipe, declared_context(recipe))
    make_pools(recipe.clips, recipe.seed, pool, find, report)
    return PooledData(pool)


def write_measured_scales(recipe: Recipe | PriorRecipe, options: argparse.Namespace) -> None:
    """Measure the scales of a fixed residual transform over the start folder's upsampler; raises `UserError`."""
    path, count = options.out / "scales.json", options.measure_scales
    if isinstance(recipe, PriorRecipe) or count < 1:
        raise SettingsError("--measure-scales takes a number of clips, at least 1, and the recipe of a diffusion network.")
    if path.exists():
        raise SettingsError(f"“{path}” is there already; name another folder, or remove it to measure anew.")
    from dcvsr_engine.network.upsampling import load_upsampler
    from dcvsr_engine.research.training.data import TrainingData
    from dcvsr_engine.research.training.export import write_scales
    from dcvsr_engine.research.training.scales import measure_scales
    from dcvsr_engine.research.training.start import declared_context, declared_upsampler

    if options.start is not None:
        recipe = recipe.replace(start=str(options.start))
    data = TrainingData.load(recipe, options.photos, options.videos, declared_context(recipe))
    upsampler = load_upsampler(declared_upsampler(recipe), Path(recipe.start), "cpu")
    write_scales(measure_scales(recipe, data.training, upsampler, count), path)
    print(f"“{path}” holds what {count} clips were measured to need.")


def check_folder(folder: Path, resume: bool) -> None:
    """Raise `SettingsError` where a run would be overwritten, or where there is none to resume."""
    has_run = (folder / STATE).is_file()
    if has_run and not resume:
        raise SettingsError(f"“{folder}” holds a run already: add --resume to resume it, or choose another folder.")
    if resume and not has_run:
        raise SettingsError(f"There is no checkpoint to resume in “{folder}”: leave out --resume to begin a run there.")
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"“{folder}” is a file; give the run a folder of its own.")


@contextmanager
def stopped_by_interrupt(trainer: "Trainer | PriorTrainer") -> Iterator[None]:
    """End training after the current batch, with a checkpoint, at the first Ctrl-C, and immediately at the second.

    One of several processes cannot stop alone, because the others wait for its gradients: there Ctrl-C ends them all, and the
    last regular checkpoint counts.
    """
    previous = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: Any) -> None:
        trainer.stop()
        # the second Ctrl-C acts as usual
        signal.signal(signal.SIGINT, previous)
        print_now("Stopping after this batch …")

    if trainer.processes == 1:
        signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
