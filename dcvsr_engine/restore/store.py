"""A job directory: manifest, latent states of the running segment, finished segments, lock. Everything temp-then-rename."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from dcvsr_engine.diffusion.attention import Branch, KeyBank
from dcvsr_engine.diffusion.sampler import SegmentState
from dcvsr_engine.errors import JobError
from dcvsr_engine.network.checkpoint import sha256
from dcvsr_engine.restore.folders import MANIFEST
from dcvsr_engine.restore.plan import Segment
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.video.files import discard, partial_path, put_in_place

FORMAT = 1
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
        """Hold the job for this process; raises `JobError` when another one has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise JobError(f"The job in {self.folder} is being run by another process; wait for it or cancel it there.") from None
        try:
            yield
        finally:
            lock.release()

    # -- manifest -----------------------------------------------------------------------------------------------

    def read_manifest(self) -> dict[str, Any] | None:
        """The manifest, ``None`` for a new job; raises `JobError` when it is damaged."""
        path = self.folder / MANIFEST
        if not path.exists():
            return None
        try:
            values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise JobError(f"{path} is damaged ({error}); remove the job with “dcvsr jobs clean”.") from None
        if values.get("format") != FORMAT:
            raise JobError(f"{path} was written by another version of the program; start the job anew.")
        return values

    def write_manifest(self, values: dict[str, Any]) -> None:
        """Replace the manifest."""
        path = self.folder / MANIFEST
        partial = partial_path(path)
        partial.write_text(json.dumps({"format": FORMAT} | values, indent=2, ensure_ascii=False), encoding="utf-8")
        put_in_place(partial, path)

    # -- states -------------------------------------------------------------------------------------------------

    def states(self, segment: Segment) -> list[Path]:
        """Saved states of a segment, the newest first."""
        return sorted(self.folder.glob(f"segment-{segment.index:05d}-step-*.safetensors"), reverse=True)

    def save_state(self, segment: Segment, state: SegmentState) -> None:
        """Save what the sampler needs to go on after ``state.step`` steps."""
        tensors = {"x": state.x}
        if state.bank is not None:
            for (layer, branch), pair in state.bank.layers.items():
                for name, tensor in zip(("key", "value"), pair, strict=True):
                    tensors[f"{name}/{layer}/{int(branch.conditional)}{int(branch.identity)}{int(branch.degraded)}"] = tensor
        self.save(f"segment-{segment.index:05d}-step-{state.step:04d}", tensors)
        for old in self.states(segment)[KEPT_STATES:]:
            discard(old)

    def load_state(self, segment: Segment, grid: TileGrid, rate: int) -> SegmentState | None:
        """The newest undamaged state, ``None`` to begin the segment; damaged ones are removed."""
        for path in self.states(segment):
            tensors = self.load(path)
            if tensors is None:
                continue
            state = SegmentState(tensors.pop("x"), int(path.name.split("-")[3].split(".")[0]))
            if tensors:
                state.bank = KeyBank(grid, rate)
                for name in {key.split("/", 1)[1] for key in tensors}:
                    layer, flags = name.split("/")
                    conditional, identity, degraded = (flag == "1" for flag in flags)
                    branch = Branch(conditional, 0.0, identity, degraded)
                    state.bank.layers[int(layer), branch] = tensors[f"key/{name}"], tensors[f"value/{name}"]
            return state
        return None

    def drop_states(self, segment: Segment) -> None:
        """Remove the states of a finished segment."""
        for path in self.states(segment):
            discard(path)

    # -- finished segments --------------------------------------------------------------------------------------

    def segment_file(self, segment: Segment) -> Path:
        """Where the encoded frames of a finished segment are."""
        return self.folder / f"segment-{segment.index:05d}.video"

    def save_joint(self, segment: Segment, latents: Tensor) -> None:
        """Keep the ``x_0`` of the frames that the next segment shares with ``segment``."""
        for old in self.folder.glob("joint-*"):
            discard(old)
        self.save(f"joint-{segment.index:05d}", {"latents": latents.contiguous()})

    def load_joint(self, segment: Segment) -> Tensor | None:
        """What `save_joint` kept for ``segment``; ``None`` when it is missing or damaged."""
        for path in self.folder.glob(f"joint-{segment.index:05d}.*"):
            tensors = self.load(path)
            if tensors is not None:
                return tensors["latents"]
        return None

    # -- files --------------------------------------------------------------------------------------------------

    def save(self, name: str, tensors: dict[str, Tensor]) -> None:
        """Write tensors to ``name.<hash>.safetensors``: the name tells whether the file is whole."""
        partial = partial_path(self.folder / f"{name}.safetensors")
        save_file(tensors, partial)
        put_in_place(partial, self.folder / f"{name}.{sha256(partial)[:16]}.safetensors")

    def load(self, path: Path) -> dict[str, Tensor] | None:
        """Tensors of a file that `save` wrote; a damaged one is removed and gives ``None``."""
        if sha256(path)[:16] == path.name.split(".")[1]:
            try:
                return load_file(path)
            except SafetensorError:
                pass
        discard(path)
        return None

    def remove(self) -> None:
        """Remove the whole directory."""
        shutil.rmtree(self.folder, ignore_errors=True)


def fingerprint(path: Path, share: int = 2**20) -> str:
    """Hash of the first and last ``share`` bytes of a file (of all names and sizes in a folder)."""
    digest = hashlib.sha256()
    if path.is_dir():
        for file in sorted(path.iterdir()):
            digest.update(f"{file.name}/{file.stat().st_size}".encode())
        return digest.hexdigest()
    with path.open("rb") as file:
        digest.update(file.read(share))
        file.seek(max(0, path.stat().st_size - share))
        digest.update(file.read(share))
    return digest.hexdigest()
