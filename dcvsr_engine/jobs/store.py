"""A job directory: manifest, latent states, joints, finished segments. Temp-then-rename, and hashes in the names."""

import errno
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from dcvsr_engine import __version__
from dcvsr_engine.diffusion.attention import Branch, KeyBank
from dcvsr_engine.diffusion.sampler import SegmentState
from dcvsr_engine.errors import JobError
from dcvsr_engine.jobs.folders import LOCK, MANIFEST, discard_job, locked
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.storage import discard, partial_path, put_in_place, sha256, write_error
from dcvsr_engine.tiling.grid import TileGrid

FORMAT = 2
KEPT_STATES = 2
"""Latest states kept per segment: should the newest be damaged, the one before it serves."""


class JobStore:
    """Files of one job.

    Attributes:
        folder: the job directory.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the job for this process; raises `JobError` when another one has it. A job that is none leaves nothing behind."""
        with self.writing():
            self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder):
            self.tidy()
            try:
                yield
            finally:
                if not self.begun:
                    shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def begun(self) -> bool:
        """Whether there is a job to continue."""
        return (self.folder / MANIFEST).exists()

    def end(self) -> None:
        """The job is done: without its manifest the directory is no job any more, and goes when the lock is released."""
        (self.folder / MANIFEST).unlink()

    def tidy(self) -> None:
        """Remove what is half written, and everything where there is no manifest."""
        begun = self.begun
        for path in self.folder.iterdir():
            if path.name != LOCK and (not begun or ".partial-" in path.name):
                discard(path)

    @contextmanager
    def writing(self, size: int = 0) -> Iterator[None]:
        """Around writing ``size`` bytes; raises `OutputError` in words when that fails, before it begins where room is short."""
        try:
            if size and size > shutil.disk_usage(self.folder).free:
                raise OSError(errno.ENOSPC, "no room")
            yield
        except SafetensorError as error:
            number = errno.ENOSPC if f"os error {errno.ENOSPC}" in str(error) else errno.EIO
            raise write_error(self.folder / MANIFEST, OSError(number, str(error))) from None
        except (OSError, av.FFmpegError) as error:
            raise write_error(self.folder / MANIFEST, error) from None

    # -- JSON ---------------------------------------------------------------------------------------------------

    def read_manifest(self) -> dict[str, Any] | None:
        """The manifest, ``None`` for a new job; raises `JobError` when it is damaged."""
        path = self.folder / MANIFEST
        if not path.exists():
            return None
        try:
            values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise JobError(f"{path} is damaged ({error}); remove the job with “dcvsr jobs clean”.") from None
        if values.get("format") != FORMAT:
            begun = values.get("engine", "another")
            raise JobError(
                f"This job cannot be continued because it was begun with version {begun} of the program, which keeps jobs in "
                f"another way than this one, {__version__}; restore it anew with “dcvsr restore --fresh”."
            )
        return values

    def write_manifest(self, values: dict[str, Any]) -> None:
        """Replace the manifest."""
        self.write_json(self.folder / MANIFEST, {"format": FORMAT} | values)

    def save_facts(self, segment: Segment, facts: dict[str, Any]) -> None:
        """Keep what the report will say about a segment."""
        self.write_json(self.facts_file(segment), facts)

    def load_facts(self, path: Path) -> dict[str, Any] | None:
        """What `save_facts` kept in a `facts_file`; ``None`` when it is missing or damaged."""
        try:
            facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return facts

    def facts_file(self, segment: Segment) -> Path:
        """Where the facts about a segment are."""
        return self.folder / f"facts-{segment.index:05d}.json"

    def all_facts(self) -> list[Path]:
        """Where the facts about all segments are."""
        return sorted(self.folder.glob("facts-*.json"))

    def write_json(self, path: Path, values: dict[str, Any]) -> None:
        """Replace a JSON file."""
        partial = partial_path(path)
        with self.writing():
            partial.write_text(json.dumps(values, indent=2, ensure_ascii=False), encoding="utf-8")
            put_in_place(partial, path)

    # -- states -------------------------------------------------------------------------------------------------

    def states(self, segment: Segment) -> list[Path]:
        """Saved states of a segment, the newest first."""
        return sorted(self.folder.glob(f"state-{segment.index:05d}-*"), reverse=True)

    def save_state(self, segment: Segment, state: SegmentState) -> None:
        """Save what the sampler needs to go on after ``state.step`` steps."""
        tensors = {"x": state.x}
        if state.bank is not None:
            for (layer, branch), pair in state.bank.layers.items():
                for name, tensor in zip(("key", "value"), pair, strict=True):
                    tensors[f"{name}/{layer}/{int(branch.conditional)}{int(branch.identity)}{int(branch.degraded)}"] = tensor
        self.save(f"state-{segment.index:05d}-{state.step:04d}", tensors)
        for old in self.states(segment)[KEPT_STATES:]:
            discard(old)

    def load_state(self, segment: Segment, grid: TileGrid, rate: int) -> SegmentState | None:
        """The newest undamaged state, ``None`` to begin the segment; damaged ones are removed."""
        for path in self.states(segment):
            tensors = self.load(path)
            if tensors is None:
                continue
            state = SegmentState(tensors.pop("x"), int(path.name.split("-")[2].split(".")[0]))
            if tensors:
                state.bank = KeyBank(grid, rate)
                for name in {key.split("/", 1)[1] for key in tensors}:
                    layer, flags = name.split("/")
                    conditional, identity, degraded = (flag == "1" for flag in flags)
                    branch = Branch(conditional, 0.0, identity, degraded)
                    state.bank.layers[int(layer), branch] = tensors[f"key/{name}"], tensors[f"value/{name}"]
            return state
        return None

    # -- finished segments --------------------------------------------------------------------------------------

    def unfinished_file(self, segment: Segment) -> Path:
        """Where the encoded frames of a segment go until `finish`."""
        return self.folder / f"segment-{segment.index:05d}.video"

    def finish(self, segment: Segment) -> Path:
        """Give the encoded frames their name with a hash in it: from here on the segment is final."""
        with self.writing():
            path = self.unfinished_file(segment)
            file = path.replace(path.with_suffix(f".{sha256(path)[:16]}.video"))
        for path in self.states(segment):
            discard(path)
        for path in self.folder.glob("joint-*"):
            if path.name < f"joint-{segment.index:05d}":
                discard(path)
        return file

    def finished_file(self, segment: Segment) -> Path | None:
        """The encoded frames of a finished segment, ``None`` when it is not finished or its file is damaged."""
        for path in self.folder.glob(f"segment-{segment.index:05d}.*.video"):
            if self.is_whole(path):
                return path
            discard(path)
        return None

    def save_joint(self, segment: Segment, tensors: dict[str, Tensor]) -> None:
        """Keep what the next segment needs of ``segment``, until that one is finished too."""
        self.save(f"joint-{segment.index:05d}", {name: tensor.contiguous() for name, tensor in tensors.items()})

    def load_joint(self, segment: Segment) -> dict[str, Tensor] | None:
        """What `save_joint` kept for ``segment``; ``None`` when it is missing or damaged."""
        found = (self.load(path) for path in self.folder.glob(f"joint-{segment.index:05d}.*"))
        return next((tensors for tensors in found if tensors is not None), None)

    # -- files --------------------------------------------------------------------------------------------------

    def save(self, name: str, tensors: dict[str, Tensor]) -> None:
        """Write tensors to ``name.<hash>.safetensors``: the name tells whether the file is whole."""
        partial = partial_path(self.folder / f"{name}.safetensors")
        try:
            with self.writing(sum(tensor.nbytes for tensor in tensors.values())):
                save_file(tensors, partial)
                put_in_place(partial, self.folder / f"{name}.{sha256(partial)[:16]}.safetensors")
        finally:
            discard(partial)

    def load(self, path: Path) -> dict[str, Tensor] | None:
        """Tensors of a file that `save` wrote; a damaged one is removed and gives ``None``."""
        if self.is_whole(path):
            tensors: dict[str, Tensor] = load_file(path)
            return tensors
        discard(path)
        return None

    def is_whole(self, path: Path) -> bool:
        """Whether a file still has the hash in its name."""
        return sha256(path)[:16] == path.name.split(".")[1]

    def remove(self) -> None:
        """Remove the whole directory; raises `JobError` when the job is being run."""
        discard_job(self.folder)
