"""Names of results that the user did not give one by one. Torch-free, shared with the window."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from types import MappingProxyType

from dcvsr_engine.errors import SettingsError
from dcvsr_engine.settings import Codec

CONTAINERS: dict[Codec, tuple[str, ...]] = {"ffv1": (".mkv",), "prores": (".mov", ".mkv"), "av1": (".mp4", ".mkv")}
"""Suffixes of the containers that hold a codec, the usual one first, where not all do."""
FOLDER_CODECS: tuple[Codec, ...] = ("png", "tiff", "exr", "dpx")
CODEC_OF_PICTURES: dict[str, Codec] = {".png": "png", ".tiff": "tiff", ".exr": "exr", ".dpx": "dpx"}
"""Suffix → codec of pictures."""
ALL_CONTAINERS = (".mp4", ".mkv", ".mov")
DEFAULT_PATTERN = "{name}_{size}"
BEFORE_AFTER = "{name}_before_after"
"""Of a picture or video that shows a clip before and after."""
NAME_FIELDS = ("name", "size", "model")
"""What a pattern of names may hold in braces: the clip's own name, the result's size as in “x4” or “1080p”, the model."""
FORBIDDEN = re.compile(r'[/\\:*?"<>|\x00-\x1f]')
"""Characters that some system does not take in a name."""
SIZE_LABEL = r"(?:x[1-9]|1080p|1440p|4k|\d+x\d+)"


def checked_pattern(pattern: str) -> str:
    """A pattern of names as it is; raises `SettingsError` where it makes no good names.

    Args:
        pattern: text with fields of `NAME_FIELDS` in braces.
    """
    known = ", ".join(f"{{{name}}}" for name in NAME_FIELDS)
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError:
        raise SettingsError(f"The name “{pattern}” has a brace without its other half; fields are {known}.") from None
    fields = [name for _, name, _, _ in parts if name is not None]
    odd = next((name for name in fields if name not in NAME_FIELDS), None)
    if odd is not None or any(form or conversion for _, _, form, conversion in parts):
        raise SettingsError(f"The name “{pattern}” holds a field that there is not{f', {{{odd}}}' if odd else ''}; use {known}.")
    if "name" not in fields:
        raise SettingsError(f"The name “{pattern}” needs {{name}} in it, or all results would be called alike.")
    if FORBIDDEN.search(pattern) or pattern.startswith(".") or pattern != pattern.strip() or pattern.endswith("."):
        raise SettingsError(f'The name “{pattern}” is no file name: leave out / \\ : * ? " < > | and dots or spaces at its ends.')
    return pattern


def result_names(pattern: str) -> re.Pattern[str]:
    """What matches the stem of a result of a pattern, also with a number behind; its group ``stem`` is the clip's."""
    forms = {"name": "(?P<stem>.+)", "size": SIZE_LABEL, "model": ".+"}
    parts, seen = "", set[str]()
    for text, name, _, _ in Formatter().parse(pattern):
        parts += re.escape(text) + ("" if name is None else ".+" if name in seen and name == "name" else forms[name])
        seen.add(name or "")
    return re.compile(parts + r"(?:_\d+)?")


def names_for(
    source: Path,
    label: str,
    codec: Codec,
    losses: Mapping[str, int] = MappingProxyType({}),
    pattern: str = DEFAULT_PATTERN,
    folder: Path | None = None,
    model: str = "",
) -> Iterator[Path]:
    """Suggest names for a result, without end.

    Args:
        source: input file, or folder of pictures.
        label: what the name says of the result, see `planning.sizes.decided_size`.
        codec: as in `OutputSettings`; pictures go into a folder, which has no suffix.
        losses: how badly the container of each suffix keeps the source's tracks, where that is known; see
            `video.tracks.container_fit`.
        pattern: see `checked_pattern`.
        folder: where results go; beside the source where none is given.
        model: what the pattern's ``{model}`` stands for.

    Yields:
        ``clip.avi`` → ``clip_x4.mp4``, then ``clip_x4_2.mp4`` and so on.
    """
    if codec in FOLDER_CODECS:
        suffix = ""
    else:
        able = CONTAINERS.get(codec, ALL_CONTAINERS)
        # the source's own container or else the codec's usual one, unless another keeps more
        candidates = [suffix for suffix in (source.suffix.lower(), *able) if suffix in able]
        suffix = min(candidates, key=lambda suffix: losses.get(suffix, 0))
    name = source.name if source.is_dir() else source.stem
    stem, folder = pattern.format(name=name, size=label, model=FORBIDDEN.sub("-", model)), folder or source.parent
    yield folder / (stem + suffix)
    number = 2
    while True:
        yield folder / f"{stem}_{number}{suffix}"
        number += 1
