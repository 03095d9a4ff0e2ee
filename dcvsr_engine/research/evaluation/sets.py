"""Sets of evaluation clips: where they lie, what they are called, and how they are made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dcvsr_engine.errors import InputError, SettingsError
from dcvsr_engine.research.evaluation.clips import DEGRADATIONS, Preparation
from dcvsr_engine.video.suffixes import PICTURE_SUFFIXES, VIDEO_SUFFIXES

DEBIAN = "opencv-doc"
DEBIAN_CLIPS = ("examples/data/vtest.avi", "opencv4/html/box.mp4.gz", "opencv4/html/cup.mp4.gz")
DEBIAN_FOLDER = Path("/usr/share/doc/opencv-doc")

INNER = ("gt", "hr", "truth", "input")
"""Folders inside a data set that hold its clips (``REDS4/GT/000``, ``VideoLQ/Input/000``) or a clip's pictures
(``udm10/archpeople/truth``), in lower case, in order of preference."""


@dataclass(frozen=True)
class ClipSet:
    """Clips that are averaged together.

    Attributes:
        name: heading of its means.
        clips: where each clip comes from, by its name.
        preparation: how they are made.
    """

    name: str
    clips: dict[str, Path]
    preparation: Preparation


def clip_sets(data: Sequence[str], degradations: Sequence[str], preparation: Preparation) -> list[ClipSet]:
    """A set per folder and degradation; a folder given as ``DIR:DEGRADATION`` has only its own.

    Raises `InputError` where there are no clips and `SettingsError` for an unknown or repeated degradation.
    """
    found = []
    for text in data:
        folder, colon, own = text.rpartition(":")
        given = bool(colon) and own in DEGRADATIONS
        place = folder if given else text
        sources = names_of(find_sources(place))
        for degradation in [own] if given else degradations:
            name = DEBIAN if place == DEBIAN else Path(place).resolve().name.partition(".")[0]
            found.append(ClipSet(f"{name} · {degradation}", sources, replace(preparation, degradation=degradation)))
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise SettingsError(f"Two of the data sets have the same name and degradation: {', '.join(names)}.")
    return found


def find_sources(data: str) -> list[Path]:
    """The clips that ``data`` names: `DEBIAN`, a video, a folder of pictures, or a folder of such. Raises `InputError`."""
    if data == DEBIAN:
        found = [DEBIAN_FOLDER / name for name in DEBIAN_CLIPS]
        if not all(path.is_file() for path in found):
            raise InputError(
                f"The clips of the Debian package {DEBIAN} are missing: install it, or name your own clips with --data."
            )
        return found
    folder = Path(data)
    if not folder.exists():
        raise InputError(f"“{data}” does not exist; check the name.")
    if folder.is_file() or holds_pictures(folder):
        return [folder]
    found = clips_in(folder) or next((clips for inner in inner_folders(folder) if (clips := clips_in(inner))), [])
    if not found:
        raise InputError(f"“{data}” holds no clips: neither videos nor folders of pictures.")
    return found


def clips_in(folder: Path) -> list[Path]:
    """Videos and folders of pictures directly in ``folder``, and pictures in an inner folder of its folders."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in VIDEO_SUFFIXES or holds_pictures(path):
            found.append(path)
        elif path.is_dir() and path.name.lower() not in INNER:
            found += [inner for inner in inner_folders(path) if holds_pictures(inner)][:1]
    return found


def inner_folders(folder: Path) -> list[Path]:
    """The folders of `INNER` that ``folder`` has."""
    found = [path for path in folder.iterdir() if path.is_dir() and path.name.lower() in INNER]
    return sorted(found, key=lambda path: INNER.index(path.name.lower()))


def holds_pictures(folder: Path) -> bool:
    """Whether this is a folder with pictures in it."""
    return folder.is_dir() and any(path.suffix.lower() in PICTURE_SUFFIXES for path in folder.iterdir())


def names_of(sources: Sequence[Path]) -> dict[str, Path]:
    """A name per clip: the file's without its suffixes where that is enough to tell them apart."""
    clips = [path.parent if path.name.lower() in INNER else path for path in sources]
    short = [path.name.partition(".")[0] for path in clips]
    names = short if len(set(short)) == len(short) else ["_".join(path.parts[-2:]) for path in clips]
    return dict(zip(names, sources, strict=True))
