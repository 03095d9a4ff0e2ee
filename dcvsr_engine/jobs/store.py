"""The files of a job: manifest, latent states, overlaps, encoded units. Temp-then-rename, and hashed."""

import errno
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from dcvsr_engine.diffusion.sampler import SegmentState
from dcvsr_engine.errors import JobError, OutputError, UserError
from dcvsr_engine.jobs.claims import TakingOrder, has_needs, place_of
from dcvsr_engine.jobs.folders import has_job, kept_names, own_files, remove_files
from dcvsr_engine.jobs.manifest import MANIFEST, RECORD, Manifest, Unit, read_manifest, write_manifest
from dcvsr_engine.jobs.overlap import Overlap
from dcvsr_engine.jobs.presence import LOCK, Presence
from dcvsr_engine.jobs.report import SegmentFacts
from dcvsr_engine.jobs.telemetry import Telemetry
from dcvsr_engine.storage import discard, partial_path, put_in_place, read_json, sha256, write_error, write_json
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.video.passage import Passage

KEPT_STATES = 2
"""Latest states kept per segment: should the newest be damaged, the one before it serves."""


@contextmanager
def at_work(folder: Path, telemetry: Telemetry, watched: bool = False) -> Iterator[Presence]:
    """Be at work in a job folder, in which nothing is half written; where no job remains in it, at most its record stays.

    Args:
        folder: the job folder.
        telemetry: tells that the run gets on, and may stop it while it waits.
        watched: whether the record stays in any case, as somebody waits for it and removes it.

    Raises:
        OutputError: the folder cannot be written.
    """
    presence = Presence(folder, lambda: telemetry.idle)
    with writing(folder), presence.lock(telemetry.check):
        presence.__enter__()
        if not presence.others():
            tidy(folder, presence)
    try:
        yield presence
    finally:
        presence.__exit__(None, None, None)
        # the job is done, or ended before its manifest was written: the last one cleans up
        if not has_job(folder):
            with presence.lock():
                if not has_job(folder) and not presence.others():
                    remove_files(folder, *((RECORD, LOCK) if watched else kept_names(folder)))


def tidy(folder: Path, presence: Presence) -> None:
    """Remove half-written files, and every file of a job that has no manifest."""
    begun = has_job(folder)
    for path in own_files(folder, LOCK, RECORD, presence.file):
        if not begun or ".partial-" in path.name:
            discard(path)


@contextmanager
def writing(folder: Path, size: int = 0) -> Iterator[None]:
    """Around writing ``size`` bytes into a job folder.

    Raises:
        OutputError: that fails; where room is short, before it begins.
    """
    try:
        if size and size > shutil.disk_usage(folder).free:
            raise OSError(errno.ENOSPC, "no room")
        yield
    except SafetensorError as error:
        # safetensors gives the system's number only inside its text
        number = errno.ENOSPC if f"os error {errno.ENOSPC}" in str(error) else errno.EIO
        raise write_error(folder / MANIFEST, OSError(number, str(error))) from None
    except (OSError, av.FFmpegError) as error:
        raise write_error(folder / MANIFEST, error) from None


class JobStore:
    """The files of a job that has been begun. Its methods may be called on any thread.

    Attributes:
        folder: the job folder.
        manifest: as it was on disk when it was last looked at; other processes may change it.
        presence: of this process in the folder.
    """

    def __init__(self, folder: Path, manifest: Manifest, presence: Presence | None = None) -> None:
        self.folder, self.manifest = folder, manifest
        self.presence = presence or Presence(folder)
        self._order = TakingOrder(manifest.units)

    @classmethod
    def begin(cls, folder: Path, manifest: Manifest, presence: Presence | None = None) -> "JobStore":
        """Begin a job; raises `OutputError` when its manifest cannot be written."""
        store = cls(folder, manifest, presence)
        discard(folder / RECORD)
        store.write(manifest)
        return store

    def end(self, report: dict[str, Any]) -> None:
        """The job is done: its manifest becomes its record, and all else goes when the folder is released."""
        # the result is in place: a record that finds no room is no reason to call the job failed
        with suppress(OutputError, OSError):
            self.update(report=report)
            (self.folder / MANIFEST).replace(self.folder / RECORD)
        (self.folder / MANIFEST).unlink(missing_ok=True)

    def writing(self, size: int = 0) -> AbstractContextManager[None]:
        """Around writing ``size`` bytes, see `writing`."""
        return writing(self.folder, size)

    # -- manifest and units -------------------------------------------------------------------------------------

    def write(self, manifest: Manifest) -> None:
        """Replace the manifest on disk."""
        with self.writing():
            write_manifest(self.folder, manifest)

    def update(self, **changes: Any) -> None:
        """Change values of the manifest, here and on disk."""
        self._change(lambda manifest: manifest.replace(**changes))

    def update_unit(self, index: int, **changes: Any) -> None:
        """Change a unit, here and on disk."""
        self._change(lambda manifest: manifest.with_unit(index, **changes))

    def _change(self, change: Callable[[Manifest], Manifest]) -> None:
        # other processes do, too, and the writer's thread finishes units while the job's thread adopts reduced settings
        with self.presence.lock():
            manifest = change(self.read())
            self.write(manifest)
            self.manifest = manifest

    def read(self) -> Manifest:
        """The manifest as it is on disk now; raises `JobError` when the job is over."""
        manifest = read_manifest(self.folder)
        if manifest is None:
            raise JobError(f"The job in {self.folder} was finished or removed by another process.")
        self.manifest = manifest
        return manifest

    def unit_file(self, index: int) -> Path:
        """Where the encoded frames of a unit are once it is finished; empty where none can be decoded."""
        return self.folder / f"unit-{index:05d}.video"

    # -- taking units -------------------------------------------------------------------------------------------

    def take(self, but: Collection[int] = ()) -> int | None:
        """Take the next unit for this process, none of ``but``; ``None`` when there is none now, or the job is over.

        See `TakingOrder`.
        """
        with self.presence.lock():
            if not has_job(self.folder):
                return None
            index = self._order.next_unit(self.read().units, self.presence.name, self.presence.others(), but)
            if index is not None:
                self.update_unit(index, state="open", owner=self.presence.name)
        return index

    def begin_unit(self, index: int, passage: Passage | None) -> bool:
        """Begin a unit that was taken, from what was read for it; ``False`` when it, or one that it needs, is another's now."""
        with self.presence.lock():
            if not has_job(self.folder):
                return False  # another process has done the unit, and the rest
            units, name = self.read().units, self.presence.name
            if units[index].owner == name and has_needs(units[index], units, name):
                self.update_unit(index, state="begun", passage=passage)
            elif units[index].owner == name:
                self.update_unit(index, owner=None)
        return self.manifest.units[index].state == "begun" and self.manifest.units[index].owner == name

    def finish(self, index: int, path: Path, frames: int) -> None:
        """Make a unit of so many ``frames`` final: all of it is in ``path``. Its states go, and overlaps that nothing needs."""
        with self.writing():
            digest = sha256(path)
        with self.presence.lock():
            unit = self.read().units[index] if has_job(self.folder) else None
            if unit is None or unit.state == "finished" or unit.owner not in (None, self.presence.name):
                discard(path)  # this process hung for so long that another one took over
                return
            with self.writing():
                path.replace(self.unit_file(index))
            name = self.unit_file(index).name
            self.update_unit(index, state="finished", owner=None, file=name, sha256=digest, frames=frames)
            self.forget(index)

    def forget(self, index: int) -> None:
        """Remove the states of a finished unit, and overlaps that no unit needs any more."""
        # only now: killed before, the unit is sampled from its last state and nothing but the decoding is done twice
        for old in self.states(index):
            discard(old)
        needed = {need for unit in self.manifest.units if unit.state != "finished" for need in unit.needs}
        for old in self.folder.glob("overlap-*"):
            if int(old.name[len("overlap-") :][:5]) not in needed:
                discard(old)

    def reopen(self, index: int) -> None:
        """Have a unit done again."""
        self.update_unit(index, state="open", owner=None, file=None, sha256=None, frames=None)
        discard(self.unit_file(index))

    def files(self) -> list[Path]:
        """The encoded frames of all finished units, in order."""
        files = (self.folder / unit.file for unit in self.manifest.finished if unit.file is not None)
        return [file for file in files if file.stat().st_size]

    def reopen_damaged(self) -> None:
        """Have damaged units done again, and finished ones whose overlap another one needs and that is lost."""
        for unit in self.manifest.finished:
            if not self.is_sound(unit):
                self.reopen(unit.id)
        # from the end: a unit that is reopened may need what those before it hand on
        for unit in sorted(self.manifest.units, key=place_of, reverse=True):
            for need in unit.needs if self.is_open(unit.id) else ():
                if not self.is_open(need) and self.load_overlap(need) is None:
                    self.reopen(need)

    def is_open(self, index: int) -> bool:
        """Whether a unit still has to be restored."""
        return self.manifest.units[index].state != "finished"

    def is_sound(self, unit: Unit) -> bool:
        """Whether the files of a finished unit are there and what they were."""
        path = self.unit_file(unit.id)
        facts = self.load_facts(unit.id)
        return path.is_file() and sha256(path) == unit.sha256 and facts is not None and facts.frames == unit.frames

    # -- facts --------------------------------------------------------------------------------------------------

    def facts_file(self, index: int) -> Path:
        """Where the facts about a unit are."""
        return self.folder / f"facts-{index:05d}.json"

    def save_facts(self, index: int, facts: SegmentFacts) -> None:
        """Keep what the report will say about a unit."""
        with self.writing():
            write_json(self.facts_file(index), facts.to_dict())

    def load_facts(self, index: int) -> SegmentFacts | None:
        """What `save_facts` kept; ``None`` when it is missing or damaged."""
        try:
            return SegmentFacts.from_dict(read_json(self.facts_file(index)))
        except (OSError, ValueError, UserError):
            return None

    def facts(self) -> list[SegmentFacts]:
        """Facts about all finished units, in order."""
        found = (self.load_facts(unit.id) for unit in self.manifest.finished)
        return [facts for facts in found if facts is not None]

    # -- states -------------------------------------------------------------------------------------------------

    def states(self, index: int) -> list[Path]:
        """Saved states of a segment, the newest first."""
        return sorted(self.folder.glob(f"state-{index:05d}-*"), reverse=True)

    def save_state(self, index: int, state: SegmentState) -> None:
        """Save what the sampler needs to continue after ``state.step`` steps."""
        self.save(f"state-{index:05d}-{state.step:04d}", state.to_tensors())
        for old in self.states(index)[KEPT_STATES:]:
            discard(old)

    def load_state(self, index: int, grid: TileGrid, rate: int) -> SegmentState | None:
        """The newest undamaged state of a segment, ``None`` to begin it; damaged ones are removed.

        Args:
            index: of the segment.
            grid: of its first step; of keys and values that are kept.
            rate: as the setting ``sap_rate``.
        """
        for path in self.states(index):
            tensors = self.load(path)
            if tensors is None:
                continue
            # the name is state-SEGMENT-STEP.HASH.safetensors
            return SegmentState.from_tensors(tensors, int(path.name.split("-")[2].split(".")[0]), grid, rate)
        return None

    # -- overlaps -----------------------------------------------------------------------------------------------

    def save_overlap(self, index: int, overlap: Overlap) -> None:
        """Keep what the segments beside need of segment ``index``, until they are finished too."""
        tensors = {"latents": overlap.latents.contiguous(), "indices": torch.tensor(overlap.indices)}
        for name in ("first_error", "last_error"):
            if (error := getattr(overlap, name)) is not None:
                tensors[name] = torch.from_numpy(np.ascontiguousarray(error))
        self.save(f"overlap-{index:05d}", tensors)

    def load_overlap(self, index: int) -> Overlap | None:
        """What `save_overlap` kept for segment ``index``; ``None`` when it is missing or damaged."""
        found = (self.load(path) for path in self.folder.glob(f"overlap-{index:05d}.*"))
        tensors = next((tensors for tensors in found if tensors is not None), None)
        if tensors is None:
            return None
        errors = {name: tensor.numpy() for name, tensor in tensors.items() if name.endswith("_error")}
        return Overlap(tensors["latents"], tuple(tensors["indices"].tolist()), **errors)

    # -- tensors ------------------------------------------------------------------------------------------------

    def save(self, name: str, tensors: dict[str, Tensor]) -> None:
        """Write tensors of any shape to ``name.<hash>.safetensors``: the name tells whether the file is whole."""
        partial = partial_path(self.folder / f"{name}.safetensors")
        try:
            with self.writing(sum(tensor.nbytes for tensor in tensors.values())):
                save_file(tensors, partial)
                put_in_place(partial, self.folder / f"{name}.{sha256(partial)[:16]}.safetensors")
        finally:
            discard(partial)

    def load(self, path: Path) -> dict[str, Tensor] | None:
        """Tensors of a file that `save` wrote; a damaged one is removed and gives ``None``."""
        if sha256(path)[:16] == path.name.split(".")[1]:
            tensors: dict[str, Tensor] = load_file(path)
            return tensors
        discard(path)
        return None
