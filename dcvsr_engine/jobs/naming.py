"""Default names of results. Torch-free, shared with the window."""

from collections.abc import Iterator
from pathlib import Path

from dcvsr_engine.settings import Codec

CONTAINERS: dict[Codec, str] = {"ffv1": ".mkv", "prores": ".mov"}
FOLDER_CODECS: tuple[Codec, ...] = ("png", "tiff")
KEPT_CONTAINERS = {".mkv", ".mov", ".mp4"}


def names_for(source: Path, label: str, codec: Codec, fitting: str | None = None) -> Iterator[Path]:
    """Suggest names for a result beside its source, without end.

    Args:
        source: input file, or folder of pictures.
        label: what the name says of the result, see `planning.sizes.decided_size`.
        codec: as in `OutputSettings`; pictures go into a folder, which has no suffix.
        fitting: suffix of the container that keeps the source's tracks, where it is known; see `video.tracks.default_suffix`.

    Yields:
        ``clip.avi`` → ``clip_x4.mp4``, then ``clip_x4_2.mp4`` and so on.
    """
    if codec in FOLDER_CODECS:
        suffix = ""
    else:
        suffix = fitting or CONTAINERS.get(codec, source.suffix.lower() if source.suffix.lower() in KEPT_CONTAINERS else ".mp4")
    stem = f"{source.name if source.is_dir() else source.stem}_{label}"
    yield source.with_name(stem + suffix)
    number = 2
    while True:
        yield source.with_name(f"{stem}_{number}{suffix}")
        number += 1
