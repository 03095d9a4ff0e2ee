"""The files of a job: manifest, latent states, overlaps, encoded units. Temp-then-rename, and hashed."""

import errno
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
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
from dcvsr_engine.errors import OutputError, UserError
from dcvsr_engine.jobs.folders import LOCK, has_job, job_lock, own_files, remove_files
from dcvsr_engine.jobs.manifest import MANIFEST, RECORD, Manifest, Unit, write_manifest
from dcvsr_engine.jobs.overlap import Overlap
from dcvsr_engine.jobs.report import SegmentFacts
from dcvsr_engine.paths import jobs_folder
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.planning.segments import ordered
from dcvsr_engine.storage import discard, partial_path, put_in_place, read_json, sha256, write_error, write_json
from dcvsr_engine.tiling.grid import TileGrid

KEPT_STATES = 2
"""Latest states kept per segment: should the newest be damaged, the one before it serves."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a job folder for this process, with nothing half written in it; where no job remains in it, at most its record stays.

    Raises:
        JobError: another process runs the job.
        OutputError: the folder cannot be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with job_lock(folder):
        tidy(folder)
        try:
            yield
        finally:
            # the job is done, or ended before its manifest was written
            if not has_job(folder):
                remove_files(folder, *kept_names(folder))


def tidy(folder: Path) -> None:
    """Remove half-written files, and every file of a job that has no manifest."""
    begun = has_job(folder)
    for path in own_files(folder, LOCK, RECORD):
        if not begun or ".partial-" in path.name:
            discard(path)


def kept_names(folder: Path) -> tuple[str, ...]:
    """What stays in the folder of a job that is over: its record, where it has one, and the lock of that."""
    return (RECORD, LOCK) if (folder / RECORD).exists() else ()


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
    """The files of a job that has been begun and is `held`. Its methods may be called on any thread.

    Attributes:
        folder: the job folder.
        manifest: as it is on disk.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest
        self._updating = threading.Lock()

    @classmethod
    def begin(cls, folder: Path, manifest: Manifest) -> "JobStore":
        """Begin a job; raises `OutputError` when its manifest cannot be written."""
        store = cls(folder, manifest)
        discard(folder / RECORD)
        store.write(manifest)
        return store

    def end(self, report: dict[str, Any]) -> None:
        """The job is done: its manifest becomes its record, and all else goes when the folder is released."""
        # `folders.sweep` removes records after a while; it does not look into folders elsewhere
        if self.folder.parent == jobs_folder():
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
        # the writer's thread finishes units while the job's thread adopts reduced settings
        with self._updating:
            manifest = change(self.manifest)
            self.write(manifest)
            self.manifest = manifest

    def unit_file(self, index: int) -> Path:
        """Where the encoded frames of a unit go, complete only when the manifest says so; empty where none can be decoded."""
        return self.folder / f"unit-{index:05d}.video"

    def finish(self, index: int, frames: int) -> None:
        """Make a unit of so many ``frames`` final: all of it is written. Its states go, and overlaps that nothing needs now."""
        path = self.unit_file(index)
        with self.writing():
            digest = sha256(path)
        self.update_unit(index, state="finished", file=path.name, sha256=digest, frames=frames)
        # only now: killed before, the unit is sampled from its last state and nothing but the decoding is done twice
        for old in self.states(index):
            discard(old)
        needed = {need for unit in self.manifest.units if unit.state == "open" for need in unit.needs}
        for old in self.folder.glob("overlap-*"):
            if int(old.name[len("overlap-") :][:5]) not in needed:
                discard(old)

    def reopen(self, index: int) -> None:
        """Have a unit done again."""
        self.update_unit(index, state="open", file=None, sha256=None, frames=None)
        discard(self.unit_file(index))

    def files(self) -> list[Path]:
        """The encoded frames of all finished units, in order."""
        files = (self.folder / unit.file for unit in self.manifest.finished if unit.file is not None)
        return [file for file in files if file.stat().st_size]

    def unfinished(self, segments: Sequence[Segment]) -> list[Segment]:
        """Segments to restore, in order; damaged ones too, and finished ones whose overlap an open one needs and that is lost."""
        for unit in self.manifest.finished:
            if not self.is_sound(unit):
                self.reopen(unit.id)
        # from the end: a unit that is reopened may need what those before it hand on
        for segment in reversed(ordered(segments)):
            for need in segment.needs if self.is_open(segment.index) else ():
                if not self.is_open(need) and self.load_overlap(need) is None:
                    self.reopen(need)
        return [segment for segment in ordered(segments) if self.is_open(segment.index)]

    def is_open(self, index: int) -> bool:
        """Whether a unit still has to be restored."""
        return self.manifest.units[index].state == "open"

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
