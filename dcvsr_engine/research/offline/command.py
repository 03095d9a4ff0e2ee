"""``dcvsr train offline pack | smoke | run | unpack``. Imports the standard library only before it runs."""

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dcvsr_engine.errors import SettingsError
from dcvsr_engine.research.offline.package import open_package
from dcvsr_engine.research.offline.transfers import MIB
from dcvsr_engine.research.offline.unpack import unpack

if TYPE_CHECKING:
    from dcvsr_engine.settings import Device

TRANSFER_MIB = 36
"""A checkout of this repository, 26 MiB, travels beside a transfer within 64 MiB."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the four actions and their options."""
    actions = parser.add_subparsers(required=True, metavar="action", parser_class=argparse.ArgumentParser)
    sub = actions.add_parser("pack", help="pack what a bare machine lacks")
    sub.set_defaults(act=pack_action)
    sub.add_argument("recipe", type=Path, help="for example resources/recipes/prior-gpu.json")
    sub.add_argument("-o", "--out", type=Path, required=True, metavar="FOLDER", help="of the transfers")
    prior = "recipe of the prior to train first, on the recipe's clips; for example resources/recipes/prior-gpu.json"
    sub.add_argument("--prior", type=Path, metavar="RECIPE", help=prior)
    sub.add_argument("--start", type=Path, metavar="DIR", help="the model to start from, instead of the recipe's")
    sub.add_argument("--resume", type=Path, metavar="RUN", help="the run to resume")
    sub.add_argument("--photos", type=Path, nargs="+", default=[Path("/")], metavar="ROOT", help="as for training")
    sub.add_argument("--wheels", type=Path, metavar="DIR", help="wheels to pack instead of downloading them")
    sub.add_argument("--python", default="3.12", metavar="VERSION", help="that machine's Python (default: 3.12)")
    size = f"largest size of a transfer (default: {TRANSFER_MIB})"
    sub.add_argument("--transfer", type=int, default=TRANSFER_MIB, metavar="MIB", help=size)
    add_smoke_action(actions.add_parser("smoke", help="measure iterations on that machine"))
    add_run_action(actions.add_parser("run", help="train for some minutes on that machine"))
    sub = actions.add_parser("unpack", help="put together what came back")
    sub.set_defaults(act=unpack_action)
    sub.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="the transfers of one call, or a folder of them")
    sub.add_argument("-o", "--out", type=Path, required=True, metavar="RUN", help="new folder of the run")


def add_run_action(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``run``."""
    parser.set_defaults(act=run_action)
    add_package_options(parser)
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="for one transfer of the results")
    parser.add_argument("--minutes", type=float, default=9.0, help="of this call (default: 9); 0 only sends results")
    until = "spread the recipe over time, of which this call's has come to SHARE at its end (0 to 1)"
    parser.add_argument("--until", type=float, metavar="SHARE", help=until)
    parser.add_argument("--batch", type=int, metavar="N", help="clips per batch, instead of the recipe's")
    parser.add_argument("--iterations", type=int, metavar="N", help="stop after so many iterations of this call")
    parser.add_argument("--send", type=int, default=1, metavar="N", help="which transfer of the results to send (default: 1)")


def add_package_options(parser: argparse.ArgumentParser) -> None:
    """Add what every action on the other machine takes."""
    parser.add_argument("package", type=Path, metavar="FOLDER", help="holds the transfers of a package")
    parser.add_argument("--prior", action="store_true", help="the package's prior, instead of the network over it")
    work = Path(tempfile.gettempdir()) / "dcvsr-offline"
    parser.add_argument("--work", type=Path, default=work, metavar="DIR", help=f"is kept between calls (default: {work})")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="where to train (default: auto)")


def add_smoke_action(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``smoke``."""
    parser.set_defaults(act=smoke_action)
    add_package_options(parser)
    parser.add_argument("--batch", type=int, nargs="+", default=[], metavar="N", help="batches to try (default: the recipe's)")
    parser.add_argument("--compare", action="store_true", help="measure the plain layers, too")
    parser.add_argument("--iterations", type=int, default=12, metavar="N", help="to time, of each (default: 12)")


def run(options: argparse.Namespace) -> int:
    """Run an action; returns 0. Raises `UserError`."""
    code: int = options.act(options)
    return code


def pack_action(options: argparse.Namespace) -> int:
    """Make a package and print its sizes."""
    from dcvsr_engine.research.offline.pack import Packing, pack
    from dcvsr_engine.research.training.command import print_now
    from dcvsr_engine.research.training.prior_recipe import PriorRecipe, read_recipe

    if options.transfer < 1:
        raise SettingsError(f"The size of a transfer must be at least 1 MiB, not {options.transfer}.")
    if options.out.exists():
        raise SettingsError(f"“{options.out}” exists already: choose another folder, or remove that one.")

    recipe = read_recipe(options.recipe)
    if options.start is not None:
        recipe = recipe.replace(start=str(options.start))
    prior = None if options.prior is None else PriorRecipe.from_file(options.prior)
    packing = Packing(recipe, prior, options.photos, options.resume, options.wheels, options.python, print_now)
    parts = pack(packing, options.out, options.transfer * MIB)
    for number in sorted({part.transfer for part in parts}):
        size = sum(path.stat().st_size for path in (options.out / str(number)).iterdir())
        print(f"{options.out / str(number)}: {size / MIB:.1f} MiB")
    return 0


def run_action(options: argparse.Namespace) -> int:
    """Train for a call."""
    began = time.monotonic()
    if not options.minutes >= 0:
        raise SettingsError(f"--minutes must be 0 or more, not {options.minutes}.")
    if options.iterations is not None and options.iterations < 1:
        raise SettingsError(f"--iterations must be 1 or more, not {options.iterations}.")
    if options.until is not None and not 0 < options.until <= 1:
        raise SettingsError(f"--until must be above 0 and at most 1, not {options.until}.")
    if options.batch is not None and options.batch < 1:
        raise SettingsError(f"--batch must be 1 or more, not {options.batch}.")
    package = open_package(options.package, options.work)
    # what follows needs the package's wheels
    from dcvsr_engine.research.offline.runner import RunCall

    deadline = began + 60 * options.minutes
    RunCall(
        package, options.prior, options.batch, options.out, options.minutes > 0, deadline, options.until, options.iterations,
        options.send, chosen_device(options.device),
    ).work()  # fmt: skip
    return 0


def smoke_action(options: argparse.Namespace) -> int:
    """Measure iterations of the recipe's phases."""
    if min([*options.batch, options.iterations]) < 1:
        raise SettingsError("--batch and --iterations take numbers above 0.")
    package = open_package(options.package, options.work)
    from dcvsr_engine.research.offline.runner import packed_recipe
    from dcvsr_engine.research.offline.smoke import Smoke

    recipe = packed_recipe(package, options.prior)
    Smoke(package, recipe, options.iterations, options.compare, chosen_device(options.device)).run(options.batch)
    return 0


def chosen_device(word: str) -> "Device":
    """Resolve ``--device``; raises `ModelError` where it is not available."""
    import torch

    from dcvsr_engine.network.device import resolve_device

    return resolve_device(word if word != "auto" else "cuda" if torch.cuda.is_available() else "cpu")


def unpack_action(options: argparse.Namespace) -> int:
    """Put transfers together and say what can be done with the result."""
    missing = unpack(options.folders, options.out)
    if missing:
        numbers = ", ".join(map(str, missing))
        print(f"Without transfer {numbers} the run in “{options.out}” cannot be resumed; its model is complete.")
    else:
        print(f"The run is in “{options.out}”: --resume resumes it.")
    return 0
