"""Sets of evaluation clips: their files, their names, and how they are made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dcvsr_engine.errors import InputError, SettingsError
from dcvsr_engine.research.evaluation.clips import EVALUATION_DEGRADATIONS, Preparation
from dcvsr_engine.research.evaluation.packages import EVALUATION_PACKAGES, default_roots
from dcvsr_engine.video.suffixes import PICTURE_SUFFIXES, VIDEO_SUFFIXES

INNER = ("gt", "hr", "truth", "input")
"""Folders inside a data set that hold its clips (``REDS4/GT/000``, ``VideoLQ/Input/000``) or a clip's pictures
(``udm10/archpeople/truth``), in lower case, in order of preference."""


@dataclass(frozen=True)
class ClipSet:
    """Clips whose scores are averaged together.

    Attributes:
        name: heading of its means.
        clips: source of each clip by its name.
        preparation: how they are made.
    """

    name: str
    clips: dict[str, Path]
    preparation: Preparation


def clip_sets(
    data: Sequence[str], degradations: Sequence[str], preparation: Preparation, roots: Sequence[Path] = ()
) -> list[ClipSet]:
    """Make a set per folder and degradation.

    Args:
        data: as `find_sources` reads it; ``DIR:DEGRADATION`` overrides ``degradations`` for that folder.
        degradations: of `EVALUATION_DEGRADATIONS`.
        preparation: how clips are made, apart from the degradation; smaller and shorter where a package needs it.
        roots: see `find_sources`.

    Raises:
        InputError: there are no clips.
        SettingsError: a degradation is unknown, or a set repeated.
    """
    sets = []
    for text in data:
        folder, colon, own = text.rpartition(":")
        given = bool(colon) and own in EVALUATION_DEGRADATIONS
        location = folder if given else text
        sources = name_clips(find_sources(location, roots))
        package = EVALUATION_PACKAGES.get(location)
        fitting = preparation if package is None else package.limited(preparation)
        name = location if package is not None else Path(location).resolve().name.partition(".")[0]
        for degradation in [own] if given else degradations:
            sets.append(ClipSet(f"{name} · {degradation}", sources, replace(fitting, degradation=degradation)))
    names = [clip_set.name for clip_set in sets]
    if len(set(names)) < len(names):
        raise SettingsError(f"Two of the data sets have the same name and degradation: {', '.join(names)}.")
    return sets


def find_sources(data: str, roots: Sequence[Path] = ()) -> list[Path]:
    """Find the clips that ``data`` names: one of `EVALUATION_PACKAGES`, a video, a picture, or a folder with either.

    Args:
        data: name or path.
        roots: where packages are looked for before `default_roots`.

    Raises:
        InputError: there are none.
    """
    if data in EVALUATION_PACKAGES:
        return EVALUATION_PACKAGES[data].find(data, [*roots, *default_roots()])
    folder = Path(data)
    if not folder.exists():
        raise InputError(f"“{data}” does not exist; check the name.")
    if folder.is_file() or holds_pictures(folder):
        return [folder]
    clips = clip_paths(folder) or next((inside for inner in inner_folders(folder) if (inside := clip_paths(inner))), [])
    if not clips:
        raise InputError(f"“{data}” holds no clips: neither videos nor folders of pictures.")
    return clips


def clip_paths(folder: Path) -> list[Path]:
    """List videos and folders of pictures directly in ``folder``, and pictures in an inner folder of its folders."""
    clips = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in VIDEO_SUFFIXES or holds_pictures(path):
            clips.append(path)
        elif path.is_dir() and path.name.lower() not in INNER:
            # one clip per folder: the preferred inner folder only (``truth`` before ``input``)
            clips += [inner for inner in inner_folders(path) if holds_pictures(inner)][:1]
    return clips


def inner_folders(folder: Path) -> list[Path]:
    """List the folders of `INNER` that ``folder`` has, in order of preference."""
    folders = [path for path in folder.iterdir() if path.is_dir() and path.name.lower() in INNER]
    return sorted(folders, key=lambda path: INNER.index(path.name.lower()))


def holds_pictures(folder: Path) -> bool:
    """Return whether ``folder`` is a folder with pictures in it."""
    return folder.is_dir() and any(path.suffix.lower() in PICTURE_SUFFIXES for path in folder.iterdir())


def name_clips(sources: Sequence[Path]) -> dict[str, Path]:
    """Name each clip after its file without suffixes; where names repeat, the folder's name goes before it."""
    clips = [path.parent if path.name.lower() in INNER else path for path in sources]
    # clips of benchmarks repeat names in folders (``000``), files rarely do
    short = [path.name.partition(".")[0] for path in clips]
    names = short if len(set(short)) == len(short) else ["_".join(path.parts[-2:]) for path in clips]
    return dict(zip(names, sources, strict=True))
