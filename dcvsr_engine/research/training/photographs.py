"""Photographs from Debian packages, prepared once as an array file (see shared/data.md and the model card).

The packages are installed at training time; no picture is ever committed.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FOLDERS = (
    "usr/share/games/endless-sky/images/land/*.jpg",
    "usr/share/lxqt/wallpapers/*.jpg",
    "usr/share/backgrounds/mate/nature/*.jpg",
    *(
        f"usr/share/wallpapers/{name}/contents/images/2560x1600.*"
        for name in (
            "Autumn", "BytheWater", "ColdRipple", "ColorfulCups", "DarkestHour", "EveningGlow",
            "FallenLeaf", "Grey", "Kite", "OneStandsOut", "Path", "summer_1am",
        )
    ),
    "usr/share/kphotoalbum/demo/*.jpg",
)  # fmt: skip
SHORT_SIDE = 1000
HELD_OUT = 12
"""One photograph in this many is held out for validation, chosen by the hash of its name."""


def title(path: Path) -> str:
    """A photograph's name; wallpapers are files of the same name in folders that tell them apart."""
    return path.parents[2].name if path.parent.name == "images" and path.parents[1].name == "contents" else path.name


def find(roots: list[Path]) -> list[Path]:
    """All photographs below ``roots`` (``/`` or folders that packages were unpacked into), sorted by title."""
    found = {title(path): path for root in roots for pattern in FOLDERS for path in root.glob(pattern)}
    return [found[name] for name in sorted(found)]


def is_held_out(path: Path) -> bool:
    """Whether a photograph is for validation only."""
    return hashlib.sha256(title(path).encode()).digest()[0] % HELD_OUT == 0


def load(path: Path) -> NDArray[np.uint8]:
    """A photograph ``(height, width, 3)``, shrunk to at most `SHORT_SIDE` pixels on its short side."""
    with Image.open(path) as picture:
        rgb = picture.convert("RGB")
        ratio = SHORT_SIDE / min(rgb.size)
        if ratio < 1:
            rgb = rgb.resize((round(rgb.width * ratio), round(rgb.height * ratio)), Image.Resampling.LANCZOS)
        return np.asarray(rgb)


def pyramid(photo: NDArray[np.uint8], smallest: int) -> Iterator[NDArray[np.uint8]]:
    """The photograph and its reductions by 0.7 while the short side stays above ``smallest`` pixels."""
    picture = Image.fromarray(photo)
    while min(picture.size) >= smallest:
        yield np.asarray(picture)
        picture = picture.resize((round(picture.width * 0.7), round(picture.height * 0.7)), Image.Resampling.LANCZOS)
