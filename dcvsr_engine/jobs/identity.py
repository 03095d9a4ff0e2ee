"""What must not change while a job is unfinished, and how a change is put into words."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from dcvsr_engine import __version__
from dcvsr_engine.errors import InputError
from dcvsr_engine.jobs.manifest import FileFacts, JobIdentity, Unit
from dcvsr_engine.models.registry import base_folder
from dcvsr_engine.network.declaration import UNET_FOLDERS, Declaration
from dcvsr_engine.network.upsampler_config import UPSAMPLER_FOLDER
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.storage import describe_os_error, sha256
from dcvsr_engine.video.passage import first_changed
from dcvsr_engine.video.probe import VideoInfo
from dcvsr_engine.video.reader import VideoReader

END_BYTES = 2**20
"""Bytes at either end of the input that are compared."""
WHERE = ("target", "overwrite", "device")
"""Parts of a request that say where the result goes, and how many devices of a kind compute it: the frames are the same."""


class ModelInUse(Protocol):
    """A model where it computes: what its folder here declares, on which device, in which number format."""

    @property
    def folder(self) -> Path:
        """Its folder here."""

    @property
    def declaration(self) -> Declaration:
        """Its conventions."""

    @property
    def device(self) -> str:
        """The kind of device that it computes on."""

    @property
    def precision(self) -> str:
        """The number format that it computes in."""


def identity_of(request: JobRequest, files: tuple[FileFacts, ...], model: ModelInUse) -> JobIdentity:
    """What a job is made of, here and now; ``files`` are facts about its input, see `input_facts`."""
    return JobIdentity(
        engine=__version__,
        input=files,
        model=model_hashes(model.folder, model.declaration),
        device=(model.device, model.precision),
        request=request,
    )


def file_facts(path: Path) -> FileFacts:
    """Name, size, time of change, and a hash of the first and last bytes of a file."""
    # not the whole clip: that would be read at every start; containers keep headers and indices at their ends
    status = path.stat()
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(END_BYTES))
        file.seek(max(0, status.st_size - END_BYTES))
        digest.update(file.read(END_BYTES))
    return FileFacts(name=path.name, size=status.st_size, changed=status.st_mtime_ns, ends=digest.hexdigest())


def model_hashes(folder: Path, declaration: Declaration) -> dict[str, str]:
    """Hash of every file that decides what a model computes, by its name; raises `ModelError` when its base is missing."""
    files = model_files(folder, base_folder(folder, declaration))
    return {name: hashed(path, path.stat().st_size, path.stat().st_mtime_ns) for name, path in files}


def model_files(model: Path, base: Path) -> Iterator[tuple[str, Path]]:
    """Name and path of every file that decides what a model computes."""
    for root, folders in ((model, (*UNET_FOLDERS, UPSAMPLER_FOLDER)), (base, ("vae", "image_encoder", "feature_extractor"))):
        # weights beside the folders are whole checkpoints for other programs and never loaded
        for folder in (root, *(root / name for name in folders)):
            for path in sorted(folder.glob("*.json")) + (sorted(folder.glob("*.safetensors")) if folder != root else []):
                yield f"{root.name}/{path.relative_to(root)}", path


@lru_cache(maxsize=256)
def hashed(path: Path, size: int, changed: int) -> str:
    """A file's hash, computed once while its size and time of change stay the same."""
    # size and time are only the cache's key: a file that was replaced is hashed again
    return sha256(path)


def change_since(known: JobIdentity, now: JobIdentity) -> str | None:
    """The first difference between what a job was started with and what there is now, in words; ``None`` without any."""
    if known.engine != now.engine:
        return f"version {known.engine} of the program started it and this is version {now.engine}"
    if known.input != now.input:
        return f"the input has changed: {input_change(known.input, now.input)}"
    for name in sorted(known.model.keys() | now.model.keys()):
        if known.model.get(name) != now.model.get(name):
            return f"the model's file {name} has changed"
    if known.device != now.device:
        before, here = (" with ".join(pair) for pair in (known.device, now.device))
        return f"it was started on {before} and would continue on {here}"
    return request_change(known.request.to_dict(), now.request.to_dict())


def reread(known: JobIdentity, units: Sequence[Unit], reader: VideoReader, check: Callable[[], None]) -> str | None:
    """How the input differs from what was read of it for ``units``, in words; ``None`` where it does not.

    The end of a file and its time of change tell most changes at once, but not all: a copy may keep both.

    Args:
        known: what the job was started with.
        units: of the job.
        reader: the input as it is now.
        check: called for every part that is read; may raise to stop.

    Raises:
        InputError: it is not there any more.
    """
    info = reader.info
    try:
        now = input_facts(info)
        if known.input != now:
            return f"the input has changed: {input_change(known.input, now)}"
        begun = [unit for unit in units if unit.passage is not None]
        place = first_changed(reader.parts, [unit.passage for unit in begun if unit.passage is not None], check)
    except OSError as error:
        raise InputError(
            f"“{info.path}” cannot be read any more ({describe_os_error(error)}); bring it back and resume."
        ) from None
    if place is None:
        return None
    unit = begun[place]
    return f"the input has changed: frames {unit.first} to {unit.last} of “{info.path.name}” are not those that were read before"


def input_facts(info: VideoInfo) -> tuple[FileFacts, ...]:
    """The facts about an input: of the clip, or of each of its pictures."""
    return tuple(file_facts(path) for path in info.pictures or (info.path,))


def input_change(known: tuple[FileFacts, ...], now: tuple[FileFacts, ...]) -> str:
    """Which input file is different, and how."""
    if len(known) != len(now):
        return f"there were {len(known)} pictures and now there are {len(now)}"
    before, after = next(pair for pair in zip(known, now, strict=True) if pair[0] != pair[1])
    if before.name != after.name:
        return f"“{before.name}” is now “{after.name}”"
    if before.size != after.size:
        return f"“{after.name}” had {before.size} bytes and has {after.size} now"
    return f"“{after.name}” was written again since"


def request_change(known: dict[str, Any], now: dict[str, Any]) -> str | None:
    """Which part of the request, or which of its settings, is different."""
    # flattened, so that the sentence names the setting itself
    flat, present = (request | request.get("settings", {}) | request.get("output", {}) for request in (known, now))
    for name in present:
        if name not in ("settings", "output", *WHERE) and flat.get(name) != present[name]:
            return f"{name} was {flat.get(name)} and is {present[name]} now"
    return None
