"""Dropped clips, and the names of their results. Without Qt, and without opening the files."""

import re
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from dcvsr_engine.jobs.naming import names_for
from dcvsr_engine.resources import resource
from dcvsr_engine.settings import Codec

CLIP_SUFFIXES = {
    ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".flv", ".gif", ".m2ts", ".m2v", ".m4v", ".mjpeg", ".mkv", ".mov", ".mp4",
    ".mpeg", ".mpg", ".mts", ".mxf", ".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".ts", ".vob", ".webm", ".wmv", ".y4m",
}  # fmt: skip
"""Suffixes that tell videos in a dropped folder from other files. A file that is dropped by itself may have any."""


RESULT_NAME = re.compile(r"(?P<clip>.+)_x\d+(_\d+)?")


def expand_clips(paths: Iterable[Path]) -> list[Path]:
    """Dropped files and folders as clips: a folder gives its videos or, without any, is a sequence of pictures."""
    return [clip for path in paths for clip in (clips_of_folder(path) if path.is_dir() else [path])]


def clips_of_folder(folder: Path) -> list[Path]:
    """The videos right inside a folder but results of others there, or the folder itself if there are only pictures."""
    from dcvsr_engine.video.suffixes import PICTURE_SUFFIXES, natural_order

    files = sorted((path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")), key=natural_order)
    videos = [path for path in files if path.suffix.lower() in CLIP_SUFFIXES]
    if videos:
        stems = {path.stem for path in videos}
        return [path for path in videos if not is_result(path, stems)]
    return [folder] if any(path.suffix.lower() in PICTURE_SUFFIXES for path in files) else []


def is_result(path: Path, stems: Collection[str]) -> bool:
    """Whether a file is named as the result of one of the clips with these stems; see `names_for`."""
    match = RESULT_NAME.fullmatch(path.stem)
    return match is not None and match["clip"] in stems


def own_sample(folder: Path) -> Path:
    """The bundled sample clip as a file in ``folder``, where its result can lie beside it."""
    path = folder / "sample" / "sample.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(resource("clips", "sample.mp4"), path)
    return path


def suggest_target(source: Path, scale: int, codec: Codec, taken: Iterable[Path] = ()) -> Path:
    """The first name beside the source that neither exists nor is ``taken`` by another job."""
    taken = set(taken)
    return next(name for name in names_for(source, scale, codec) if name not in taken and not name.exists())
