"""``dcvsr train``: run or continue a recipe. Nothing heavy is imported before it runs."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dcvsr_engine.errors import SettingsError
from dcvsr_engine.training.recipe import Recipe

if TYPE_CHECKING:
    from dcvsr_engine.training.trainer import Distance


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("recipe", type=Path, help="a recipe, for example resources/recipes/compact.json")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="checkpoints and logs; continues there")
    photos = "where the packages with photographs are installed or unpacked (default: /)"
    parser.add_argument("--photos", type=Path, nargs="+", default=[Path("/")], metavar="ROOT", help=photos)
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: all)")


def run(options: argparse.Namespace, distances: Callable[[], tuple["Distance", "Distance"]]) -> int:
    """Train to the end of the recipe; ``distances`` gives one to train on and another to validate with. Raises `UserError`."""
    recipe = read_recipe(options.recipe)
    import torch

    from dcvsr_engine.training.data import Photographs
    from dcvsr_engine.training.trainer import Trainer

    photos = Photographs.load(options.photos)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    perceptual = any(phase.perceptual > 0 for phase in recipe.phases)
    trainer = Trainer(recipe, options.output, photos, *distances()) if perceptual else Trainer(recipe, options.output, photos)
    trainer.run()
    return 0


def read_recipe(path: Path) -> Recipe:
    """The recipe in a file; raises `SettingsError`."""
    try:
        return Recipe.from_file(path)
    except OSError as error:
        raise SettingsError(f"The recipe “{path}” cannot be read ({error.strerror}).") from None
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError, KeyError) as error:
        raise SettingsError(f"“{path}” is no recipe: {error}.") from None
