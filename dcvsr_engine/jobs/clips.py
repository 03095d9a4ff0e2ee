"""Which clips a folder holds: videos, or a sequence of pictures; never results of earlier runs. Torch-free."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dcvsr_engine.errors import InputError
from dcvsr_engine.jobs.naming import BEFORE_AFTER, DEFAULT_PATTERN, result_names
from dcvsr_engine.storage import describe_os_error
from dcvsr_engine.video.suffixes import PICTURE_SUFFIXES, is_video_file, natural_order

ClipFacts = tuple[int, int, int]
"""How many files, of how many bytes, changed when: what tells that a clip does not grow any more."""


@dataclass(frozen=True)
class FoundClip:
    """A clip to restore.

    Attributes:
        path: the video, or the folder of pictures.
        below: the folders between the one that was named and the clip, which results keep.
    """

    path: Path
    below: Path = Path()


def found_clips(
    paths: Iterable[Path], recursive: bool = False, pattern: str = DEFAULT_PATTERN, results: Sequence[Path] = ()
) -> list[FoundClip]:
    """All clips that files and folders stand for, each once, in order.

    Args:
        paths: a file is taken as it is; a folder gives its videos or, without any, is a sequence of pictures.
        recursive: whether to look into folders inside folders.
        pattern: how results are named, which are left out beside their clips.
        results: folders in which only results are, and which are left out.

    Raises:
        InputError: a folder cannot be read.
    """
    found: dict[Path, FoundClip] = {}
    for path in paths:
        for clip in clips_below(path, recursive, pattern, results) if path.is_dir() else [FoundClip(path)]:
            found.setdefault(clip.path.absolute(), clip)
    return list(found.values())


def clips_below(folder: Path, recursive: bool, pattern: str, results: Sequence[Path]) -> list[FoundClip]:
    """The clips of a folder, see `found_clips`."""
    clips = [
        FoundClip(path, path.parent.relative_to(folder) if path != folder else Path())
        for path in clips_of_folder(folder, pattern)
    ]
    if not recursive:
        return clips
    for inner in searched_subfolders(folder, results):
        clips += [
            FoundClip(clip.path, Path(inner.name, clip.below) if clip.path != inner else Path())
            for clip in clips_below(inner, True, pattern, results)
        ]
    return without_results(clips, pattern)


def has_clips_inside(folder: Path, results: Path | None = None, most: int = 30) -> bool:
    """Whether folders inside a folder hold clips, also further down; of very many folders only the first ones are looked into.

    Args:
        folder: what is looked into.
        results: a folder in which only results are, and which is left out.
        most: into so many folders, and so many inside of each.
    """
    waiting = deque([folder])
    for _ in range(most):
        if not waiting:
            return False
        try:
            inner = searched_subfolders(waiting.popleft(), [results] if results else [])[:most]
            if any(map(clips_of_folder, inner)):
                return True
        except InputError:
            continue
        waiting += inner
    return False


def clips_of_folder(folder: Path, pattern: str = DEFAULT_PATTERN) -> list[Path]:
    """The videos right inside a folder, but no earlier results; or the folder itself if there are only pictures."""
    try:
        files = sorted((path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")), key=natural_order)
    except OSError as error:
        raise InputError(f"“{folder}” cannot be read ({describe_os_error(error)}).") from None
    videos = without_results([FoundClip(path) for path in files if is_video_file(path)], pattern)
    if videos:
        return [clip.path for clip in videos]
    return [folder] if any(path.suffix.lower() in PICTURE_SUFFIXES for path in files) else []


def searched_subfolders(folder: Path, results: Sequence[Path]) -> list[Path]:
    """The folders right inside a folder that are searched for clips: none of ``results``, no link, which may lead back up."""
    left_out = {path.absolute() for path in results}
    return [path for path in subfolders(folder) if path.absolute() not in left_out and not path.is_symlink()]


def subfolders(folder: Path) -> list[Path]:
    """The folders right inside a folder, but hidden ones; raises `InputError`."""
    try:
        return sorted((path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")), key=natural_order)
    except OSError as error:
        raise InputError(f"“{folder}” cannot be read ({describe_os_error(error)}).") from None


def without_results(clips: Sequence[FoundClip], pattern: str) -> list[FoundClip]:
    """Leave out what was made beside its clip: ``clip_x4.mp4`` or ``clip_before_after.mp4`` where there is a ``clip.avi``, too.

    Pictures in a folder ``clip`` are a clip as well.
    """
    stems = {(clip.path.parent, name_of_clip(clip.path)) for clip in clips}
    forms = [result_names(form) for form in dict.fromkeys((pattern, DEFAULT_PATTERN, BEFORE_AFTER))]

    def is_result(path: Path) -> bool:
        name = name_of_clip(path)
        found = {match["stem"] for form in forms if (match := form.fullmatch(name))} - {name}
        return any((path.parent, stem) in stems or is_sequence(path.parent / stem) for stem in found)

    return [clip for clip in clips if not is_result(clip.path)]


def is_sequence(path: Path) -> bool:
    """Whether this is a folder of pictures, a clip as a whole."""
    try:
        return path.is_dir() and clips_of_folder(path) == [path]
    except InputError:  # it cannot be read
        return False


def name_of_clip(path: Path) -> str:
    """A clip's own name: without the suffix of a file, but all of a folder's."""
    return path.name if path.is_dir() else path.stem


def facts_of_clip(path: Path) -> ClipFacts | None:
    """Facts about a clip; ``None`` while it is empty, or gone."""
    try:
        files = [file.stat() for file in (path.iterdir() if path.is_dir() else [path])]
    except OSError:
        return None
    size = sum(facts.st_size for facts in files)
    return (len(files), size, max(facts.st_mtime_ns for facts in files)) if size else None
