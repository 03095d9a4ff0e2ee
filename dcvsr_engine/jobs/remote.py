"""One unit of a job on a computer that does not see the job's folder: what is sent there, what comes back, and both ends.

There the unit is restored in a folder like the job's, by what restores units everywhere, from its part of the clip and the
overlaps that it is pinned to. Here its files get into the job's folder like those of any other process.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from dcvsr_engine.control import Control
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.errors import JobError
from dcvsr_engine.jobs.job import planned_as_before, room_for
from dcvsr_engine.jobs.manifest import Manifest, read_manifest
from dcvsr_engine.jobs.presence import Presence
from dcvsr_engine.jobs.runner import Runner
from dcvsr_engine.jobs.session import Loader, Session, feasible_plan, loaded_model
from dcvsr_engine.jobs.sinks import FileSink
from dcvsr_engine.jobs.store import JobStore, at_work
from dcvsr_engine.jobs.telemetry import Telemetry
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.oom import shortage_in_words
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.storage import discard, partial_path, put_in_place, sha256
from dcvsr_engine.video.part import ClipPart, cut_part
from dcvsr_engine.video.probe import VideoInfo
from dcvsr_engine.video.reader import VideoReader

REDUCED = ("settings", "decode_frames", "branches_in_one_batch")
"""What of a manifest is reduced where memory runs out."""


@dataclass(frozen=True)
class RemoteUnit:
    """A unit as it is sent.

    Attributes:
        manifest: of the job, as it is when the unit is begun.
        index: of the unit.
        info: facts about the clip, with its frames counted.
        part: of it, with the frames that the unit needs.
        overlaps: files of what it is pinned to.
    """

    manifest: Manifest
    index: int
    info: VideoInfo
    part: ClipPart
    overlaps: tuple[Path, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that are sent."""
        return (*self.part.files, *self.overlaps)

    def in_folder(self, folder: Path) -> "RemoteUnit":
        """The same unit where its files have been copied to."""
        return replace(self, part=self.part.in_folder(folder), overlaps=tuple(folder / path.name for path in self.overlaps))


@dataclass(frozen=True)
class MadeUnit:
    """A unit as it comes back.

    Attributes:
        files: hash of each of its files, by name.
        frames: how many are in it.
        warnings: sentences about damage to the clip.
        reduced: what had to be reduced, of the manifest, as memory ran out.
    """

    files: dict[str, str]
    frames: int
    warnings: tuple[str, ...]
    reduced: dict[str, Any]


# -- where the job's folder is ----------------------------------------------------------------------------------


@contextmanager
def sent_unit(store: JobStore, segment: Segment, reader: VideoReader, info: VideoInfo) -> Iterator[RemoteUnit | None]:
    """Begin a unit that was taken, for somebody who does not see the folder; what is made to be sent goes afterwards.

    Yields:
        ``None`` where the unit, or one that it needs, is another's by now.
    """
    index = segment.index
    part = cut_part(reader, segment.first - segment.before, segment.last + segment.after, store.unit_file(index))
    try:
        begun = store.begin_unit(index, part.passage)
        overlaps = [path for need in segment.needs for path in store.folder.glob(f"overlap-{need:05d}.*")]
        yield RemoteUnit(store.manifest, index, info, part, tuple(overlaps)) if begun else None
    finally:
        for path in part.files if part.stamps is not None else ():
            discard(path)


def places_for(store: JobStore, index: int, made: MadeUnit) -> dict[str, Path]:
    """Choose where in the job folder the files of a unit that was made elsewhere come to, under temporary names, by their own.

    Raises:
        JobError: a name is none that this unit's files have.
    """
    own = (store.unit_file(index).name, store.facts_file(index).name)
    for name in made.files:
        if name not in own and not re.fullmatch(rf"overlap-{index:05d}\.[0-9a-f]+\.safetensors", name):
            raise JobError(
                f"“{name}” is no name of a file of a unit; a computer of the farm has another version, or is not yours."
            )
    return {name: partial_path(store.folder / name) for name in made.files}


def take_unit(store: JobStore, index: int, made: MadeUnit, received: dict[str, Path]) -> None:
    """Make a unit that has come back final.

    Args:
        store: the job folder.
        index: of the unit.
        made: what it came back as.
        received: where its files are in the job folder, under temporary names, by their own.

    Raises:
        JobError: a file is not what was sent.
    """
    for name, path in received.items():
        if sha256(path) != made.files[name]:
            raise JobError(f"“{name}” was damaged on its way from another computer; the unit is done again.")
    for name in sorted(received.keys() - {store.unit_file(index).name}):
        with store.writing():
            put_in_place(received[name], store.folder / name)
    if made.reduced:
        store.update(**made.reduced)
    store.finish(index, received[store.unit_file(index).name], made.frames)


# -- where the unit is restored ---------------------------------------------------------------------------------


def restore_unit(unit: RemoteUnit, folder: Path, loader: Loader, control: Control) -> MadeUnit:
    """Restore a unit, or go on with it, in a folder of its own.

    Args:
        unit: its files have come.
        folder: the folder; not the one where those files are.
        loader: gives the model.
        control: progress, cancel and pause.

    Raises:
        UserError: too little memory, a full disk, or it would become another one than was asked for.
        Cancelled: what there is of it is kept.
    """
    telemetry = Telemetry(control)
    request = unit.manifest.request
    with shortage_in_words(), at_work(folder, telemetry, watched=True) as presence:
        model = loaded_model(request.settings, loader, telemetry)
        store = unit_store(unit, folder, presence)
        reader = unit.part.reader(request.output.deinterlace)
        if store.is_open(unit.index):
            run_alone(unit, store, reader, model, telemetry)
        return made_unit(unit, store, tuple(reader.warnings))


def unit_store(unit: RemoteUnit, folder: Path, presence: Presence) -> JobStore:
    """The folder as a job's, in which the unit is this process's."""
    known = read_manifest(folder)
    store = JobStore(folder, known, presence) if known is not None else JobStore.begin(folder, unit.manifest, presence)
    if known is None or store.is_open(unit.index):
        store.update_unit(unit.index, state="open", owner=presence.name)
    for path in unit.overlaps:
        if path.exists():
            put_in_place(path, folder / path.name)
    return store


def run_alone(unit: RemoteUnit, store: JobStore, reader: VideoReader, model: Model, telemetry: Telemetry) -> None:
    """Restore the unit."""
    manifest = store.manifest
    asked, info = manifest.request, unit.info
    make = partial(feasible_plan, folder=None, on_plan=lambda plan: None)
    plan = planned_as_before(manifest, asked, manifest.identity.input, info, model, make)
    assert asked.target is not None
    request = asked.replace(target=store.folder / asked.target.name, output=manifest.output)
    session = Session(request, reader, info, plan, telemetry, Denoiser(model, settings=plan.settings))
    Runner(session, FileSink(store, telemetry, room_for(plan))).run([plan.segments[unit.index]])


def made_unit(unit: RemoteUnit, store: JobStore, warnings: tuple[str, ...]) -> MadeUnit:
    """What comes back of the unit, from its folder."""
    index, known = unit.index, store.manifest
    files = [store.unit_file(index), store.facts_file(index), *store.folder.glob(f"overlap-{index:05d}.*")]
    reduced = {name: getattr(known, name) for name in REDUCED if getattr(known, name) != getattr(unit.manifest, name)}
    return MadeUnit({path.name: sha256(path) for path in files}, known.units[index].frames or 0, warnings, reduced)
