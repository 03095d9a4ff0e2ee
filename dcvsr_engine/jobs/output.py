"""One segment's way to disk: encoded, measured, and final when its file has its name."""

import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcvsr_engine.jobs.report import SegmentFacts
from dcvsr_engine.jobs.run import Joint
from dcvsr_engine.jobs.store import JobStore
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.restore.frames import Footage
from dcvsr_engine.restore.pipeline import Restored
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.video.writer import VideoWriter


class SegmentOutput:
    """Its methods are called on the writer's thread: `begin`, `add` per frame, `finish`; `abort` when it comes to nothing.

    Attributes:
        segment, footage, facts: what it is about.
        writer: encodes it; ``None`` for a segment of which no frame can be decoded.
        last_error: error of the last frame, for the join with the next segment.
        file: the finished file, ``None`` until the segment is final.
    """

    def __init__(
        self,
        store: JobStore,
        segment: Segment,
        footage: Footage,
        writer: VideoWriter | None,
        facts: SegmentFacts,
        grid: TileGrid | None,
        factor: int,
    ) -> None:
        self.store, self.segment, self.footage, self.writer, self.facts = store, segment, footage, writer, facts
        self.grid, self.factor = grid, factor
        self.last_error: NDArray[np.float32] | None = None
        self.file: Path | None = None

    def begin(self, before: "SegmentOutput | NDArray[np.float32] | None") -> None:
        """Open the file; ``before`` gives the error of the frame before, where it belongs to the same shot."""
        self.last_error = before.last_error if isinstance(before, SegmentOutput) else before
        if self.writer is not None:
            with self.store.writing():
                self.writer.__enter__()

    def add(self, restored: Restored) -> None:
        """Encode and look at a frame."""
        assert self.writer is not None and self.grid is not None
        began = time.monotonic()
        self.writer.write(restored.pixels, self.footage.pts[restored.place], self.footage.durations[restored.place])
        self.facts.look_at(restored.error, self.last_error, self.grid, self.factor)
        self.last_error = restored.error
        self.facts.writing_seconds += time.monotonic() - began

    def finish(self, joint: Joint | None) -> None:
        """Make the segment final."""
        # the segment counts as finished once its file has its name, so what follows from it comes first
        if joint is not None:
            tensors = {"latents": joint.latents, "indices": torch.tensor(joint.indices)}
            self.store.save_joint(self.segment, tensors | error_tensor(self.last_error))
        if self.writer is None:
            self.store.unfinished_file(self.segment).touch()
        else:
            self.writer.close()
        self.store.save_facts(self.segment, self.facts.to_dict())
        self.file = self.store.finish(self.segment)

    def abort(self) -> None:
        """Drop an unfinished file."""
        if self.writer is not None:
            self.writer.abort()


def error_tensor(error: NDArray[np.float32] | None) -> dict[str, Tensor]:
    """The error as it is kept with a joint."""
    return {} if error is None else {"error": torch.from_numpy(error)}
