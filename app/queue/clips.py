"""Dropped clips, and the names of their results. Without Qt, and without opening the files."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from dcvsr_engine.jobs.clips import found_clips
from dcvsr_engine.jobs.naming import names_for
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.sizes import decided_size
from dcvsr_engine.resources import resource


def expand_clips(paths: Iterable[Path]) -> list[Path]:
    """Dropped files and folders as clips: a folder gives its videos or, without any, is a sequence of pictures."""
    return [clip.path for clip in found_clips(paths)]


def own_sample(folder: Path) -> Path:
    """The bundled sample clip as a file in ``folder``, where its result can lie beside it."""
    path = folder / "sample" / "sample.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(resource("clips", "sample.mp4"), path)
    return path


def suggest_target(request: JobRequest, model: Declaration, size: tuple[int, int] = (1, 1), taken: Iterable[Path] = ()) -> Path:
    """The first name beside the source that neither exists nor is ``taken`` by another job.

    Args:
        request: names source, size and codec.
        model: what restores.
        size: (width, height) in pixels of the clip, where it is known.
        taken: names that others will need.
    """
    taken, label = set(taken), decided_size(request.settings.size, model.scale, size)
    names = names_for(request.source, label, request.output.codec)
    return next(name for name in names if name not in taken and not name.exists())
