"""Where restored frames go: to whoever watches, or into the files of a job folder."""

import dataclasses
import time
from collections import deque
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from types import TracebackType

from dcvsr_engine.diffusion.sampler import SegmentState
from dcvsr_engine.events import SegmentFinished
from dcvsr_engine.jobs.background import Background
from dcvsr_engine.jobs.overlap import Overlap, near
from dcvsr_engine.jobs.report import ErrorMeter, SegmentFacts
from dcvsr_engine.jobs.session import Session
from dcvsr_engine.jobs.store import JobStore
from dcvsr_engine.jobs.telemetry import Telemetry, WorkRecord
from dcvsr_engine.planning.grids import grid_for
from dcvsr_engine.planning.plan import Plan, Segment
from dcvsr_engine.planning.planner import reshaped
from dcvsr_engine.restore.frames import SegmentFrames
from dcvsr_engine.restore.pipeline import Restored
from dcvsr_engine.storage import partial_path
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.video.encoders import resolved_output
from dcvsr_engine.video.passage import Passage
from dcvsr_engine.video.scaling import scaled_matte
from dcvsr_engine.video.writer import VideoWriter


class SegmentSink:
    """Takes one segment: first states, then frames in order, then the end. This base class keeps nothing.

    Attributes:
        shows_input: whether it wants the enlarged input beside each frame.
        takes_alpha: whether it wants the enlarged alpha channel.
    """

    shows_input = False
    takes_alpha = False

    def saved_state(self, grid: TileGrid, rate: int) -> SegmentState | None:
        """The state where an earlier run stopped; ``grid`` and ``rate`` as for `SpatialBank`."""
        return None

    def save_state(self, state: SegmentState) -> None:
        """Keep the state after a step."""

    def add(self, restored: Restored) -> None:
        """Take the next frame."""

    def finish(self, overlap: Overlap | None, work: WorkRecord) -> None:
        """All frames have come.

        Args:
            overlap: what the next segment needs of this one, if anything.
            work: what the segment took; complete but for the time of writing.
        """


class Sink(AbstractContextManager["Sink"]):
    """Takes segments in order. This base class keeps nothing."""

    @property
    def waited(self) -> float:
        """Seconds for which the network was held up."""
        return 0.0

    def claim(self, index: int, passage: Passage | None) -> bool:
        """Whether segment ``index``, for which ``passage`` was read, is to be restored here, or is to be passed over."""
        return True

    def begin(self, session: Session, segment: Segment, frames: SegmentFrames, own: range) -> SegmentSink:
        """The sink of a segment that is claimed, which puts out those of its ``frames`` whose positions are ``own``."""
        return SegmentSink()

    def saved_overlap(self, index: int) -> Overlap | None:
        """What segment ``index`` handed on in an earlier run."""
        return None

    def adopt(self, plan: Plan) -> None:
        """Settings were reduced: remember those of ``plan``."""

    def announce(self) -> None:
        """Report the segments that have become final."""

    def drain(self) -> None:
        """Wait until everything is where it should be; raises what went wrong on the way."""

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        """Leave nothing half done behind."""


# -- previews ---------------------------------------------------------------------------------------------------


class PreviewSink(Sink):
    """Sends every frame as an event, and counts.

    Attributes:
        facts: of the segments so far.
    """

    def __init__(self) -> None:
        self.facts: list[SegmentFacts] = []

    def begin(self, session: Session, segment: Segment, frames: SegmentFrames, own: range) -> SegmentSink:
        """See `Sink.begin`."""
        return SentSegment(self.facts, session, frames)


class SentSegment(SegmentSink):
    """A segment whose frames are sent.

    Attributes:
        facts: receives those of this segment.
        session, frames: what the frames belong to.
    """

    shows_input = True

    def __init__(self, facts: list[SegmentFacts], session: Session, frames: SegmentFrames) -> None:
        self.facts, self.session, self.frames = facts, session, frames
        self._sent = 0

    def add(self, restored: Restored) -> None:
        """Send a frame."""
        send_restored(self.session, self.frames, restored, always=True)
        self._sent += 1

    def finish(self, overlap: Overlap | None, work: WorkRecord) -> None:
        """See `SegmentSink.finish`."""
        self.facts.append(SegmentFacts.of(work, frames=self._sent))


def send_restored(session: Session, frames: SegmentFrames, restored: Restored, always: bool) -> None:
    """Show a restored frame: ``always``, or unless another one was shown just before."""
    index = frames.indices[restored.position]
    show = partial(session.preview, index, session.steps, restored.pixels, final=True, enlarged=restored.enlarged)
    session.telemetry.preview(show, always)


# -- files ------------------------------------------------------------------------------------------------------


class FileSink(Sink):
    """Encodes frames into the job folder on a thread of its own, the writer's.

    Attributes:
        store: the job folder.
        telemetry: reports which segments are final.
        background: the writer's thread.
    """

    def __init__(self, store: JobStore, telemetry: Telemetry, room: int) -> None:
        """Make a sink into ``store`` in which ``room`` frames may wait to be encoded."""
        self.store, self.telemetry = store, telemetry
        self.background = Background(room)
        self._written: deque[WrittenSegment] = deque()
        self._meters: dict[int, ErrorMeter] = {}
        """What has measured, or will have, the ends of the segments that were begun or looked up last, by their numbers."""

    @property
    def waited(self) -> float:
        """See `Sink.waited`."""
        return self.background.waited

    def __enter__(self) -> "FileSink":
        self.background.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        # the thread first: it may still be writing to a file that is removed below
        self.background.__exit__(kind, value, trace)
        for segment in self._written:
            segment.abort()

    def claim(self, index: int, passage: Passage | None) -> bool:
        """See `Sink.claim`; another process may have taken it meanwhile."""
        # before any state of it: whoever resumes from that must know what it was made from
        return self.store.begin_unit(index, passage)

    def begin(self, session: Session, segment: Segment, frames: SegmentFrames, own: range) -> SegmentSink:
        """See `Sink.begin`."""
        written = WrittenSegment(self.store, self.background, session, segment, frames, own)
        self._written.append(written)
        before, after = (self._meters.get(index) if index in segment.needs else None for index in segment.beside)
        # meters are read on the writer's thread, once the segments beside are measured completely
        self.background(partial(written.open, before, after))
        self._meters = near(segment, self._meters) | {segment.index: written.meter}
        return written

    def saved_overlap(self, index: int) -> Overlap | None:
        """See `Sink.saved_overlap`."""
        overlap = self.store.load_overlap(index)
        if overlap is not None:
            self._meters[index] = ErrorMeter(None, 1, overlap.first_error, overlap.last_error)
        return overlap

    def adopt(self, plan: Plan) -> None:
        """Write reduced settings down, for the job to be resumed with them."""
        self.store.update(
            settings=plan.settings, decode_frames=plan.decode_frames, branches_in_one_batch=plan.branches_in_one_batch
        )

    def announce(self) -> None:
        """See `Sink.announce`."""
        # the writer's thread sets the mark; events leave from the job's thread and in order
        while self._written and self._written[0].is_final:
            index = self._written.popleft().segment.index
            self.telemetry.emit(SegmentFinished(index, len(self.store.manifest.units)))

    def drain(self) -> None:
        """Wait until all frames are encoded."""
        with self.telemetry.phase("write"):
            self.background.drain()
        self.announce()


class WrittenSegment(SegmentSink):
    """A segment on its way to its file. `open` and the methods that begin with an underscore run on the writer's thread.

    Attributes:
        store, background, session: the job folder, the writer's thread, the job.
        segment, frames: what is written.
        path: of its file until that is complete.
        writer: encodes it; ``None`` when none of its own frames can be decoded.
        meter: measures its frames, on the writer's thread.
        is_final: whether its file is complete and in the manifest.
    """

    def __init__(
        self, store: JobStore, background: Background, session: Session, segment: Segment, frames: SegmentFrames, own: range
    ) -> None:
        self.store, self.background, self.session, self.segment, self.frames = store, background, session, segment, frames
        self.path = partial_path(store.unit_file(segment.index))
        self.writer = writer_of(session, self.path) if own else None
        self.meter = ErrorMeter(last_grid(session, frames), session.model.declaration.factor)
        self.is_final = False
        self.takes_alpha = frames.alpha is not None and self.writer is not None and self.writer.encoding.alpha
        self._seconds = 0.0

    def saved_state(self, grid: TileGrid, rate: int) -> SegmentState | None:
        """See `SegmentSink.saved_state`."""
        return self.store.load_state(self.segment.index, grid, rate)

    def save_state(self, state: SegmentState) -> None:
        """See `SegmentSink.save_state`; it is saved even when the job is cancelled meanwhile."""
        self.background(partial(self.store.save_state, self.segment.index, state), keep=True)

    def add(self, restored: Restored) -> None:
        """Have a frame encoded and measured, and show it now and then."""
        self.background(partial(self._encode, restored))
        send_restored(self.session, self.frames, restored, always=False)

    def finish(self, overlap: Overlap | None, work: WorkRecord) -> None:
        """Have the segment made final once all its frames are encoded."""
        self.background(partial(self._finish, overlap, work))

    def open(self, before: ErrorMeter | None, after: ErrorMeter | None) -> None:
        """Open the file; ``before`` and ``after`` have measured the segments beside, where this one is pinned to them."""
        self.meter.join(before, after)
        if self.writer is not None:
            with self.store.writing():
                self.writer.__enter__()

    def abort(self) -> None:
        """Drop a file that is not final."""
        if self.writer is not None and not self.is_final:
            self.writer.abort()

    def _encode(self, restored: Restored) -> None:
        assert self.writer is not None
        began = time.monotonic()
        place, pixels = restored.position, self.session.finished(restored.pixels)
        height, width = pixels.shape[:2]
        alpha = None if restored.alpha is None else scaled_matte(restored.alpha, (width, height))
        excess = self.frames.excess_of(place, width, height) if self.writer.encoding.is_light else None
        self.writer.write(pixels, self.frames.pts[place], self.frames.durations[place], alpha, excess)
        self.meter.add(restored.error)
        self._seconds += time.monotonic() - began

    def _finish(self, overlap: Overlap | None, work: WorkRecord) -> None:
        index, meter = self.segment.index, self.meter
        # the segment counts as finished once the manifest says so: what the next run needs of it comes first
        if overlap is not None:
            # the first frame is compared only where the segment before is pinned to this one
            first = meter.first if self.segment.shared and not self.segment.pinned else None
            self.store.save_overlap(index, dataclasses.replace(overlap, first_error=first, last_error=meter.last))
        if self.writer is None:
            # an empty file stands for a unit without frames: `JobStore.files` leaves it out of the result
            self.path.touch()
        else:
            self.writer.close()
        self.store.save_facts(index, SegmentFacts.of(work, writing_seconds=self._seconds, **meter.facts()))
        self.store.finish(index, self.path, meter.frames)
        self.is_final = True


def writer_of(session: Session, path: Path) -> VideoWriter:
    """Encodes frames of a job's output to a segment file."""
    target, (width, height) = session.request.target, session.plan.output_size
    assert target is not None
    info = reshaped(session.info, session.plan)
    return VideoWriter(path, info, width, height, resolved_output(target, info, session.request.output))


def last_grid(session: Session, frames: SegmentFrames) -> TileGrid | None:
    """The tiles of the last sampling step of a segment; ``None`` without frames."""
    if not len(frames):
        return None
    height, width = frames.pixels.shape[-2:]
    return grid_for(len(frames), width, height, session.model.declaration, session.plan.settings, session.steps - 1)
