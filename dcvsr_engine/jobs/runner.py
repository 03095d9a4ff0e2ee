"""The one loop over segments that serves previews and jobs that write a file."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from torch import Tensor

from dcvsr_engine.diffusion.sampler import SegmentState
from dcvsr_engine.diffusion.schedule import Step
from dcvsr_engine.events import PreviewFrame, Warned
from dcvsr_engine.jobs.overlap import Overlap, near, overlap_of, pinned, put_out
from dcvsr_engine.jobs.session import Session
from dcvsr_engine.jobs.sinks import SegmentSink, Sink
from dcvsr_engine.jobs.telemetry import WorkRecord
from dcvsr_engine.network.oom import attempt, trim_heap
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.restore.frames import SegmentFrames
from dcvsr_engine.restore.pipeline import SegmentPipeline
from dcvsr_engine.restore.repeats import Repeats, find_repeats
from dcvsr_engine.tiling.blend import Merge


class Runner:
    """Restores segments one after the other.

    Attributes:
        session: what it works with; replaced when settings have to be reduced because memory ran out.
        sink: takes the frames.
    """

    def __init__(self, session: Session, sink: Sink) -> None:
        self.session, self.sink = session, sink
        self._handed: dict[int, Overlap | None] = {}
        """What the segments that were restored last hand on, by their numbers."""
        self._enlarged: Mapping[int, Tensor] = {}
        """Frames that the segment restored last has enlarged, by their index."""

    def run(self, segments: Iterable[Segment]) -> Session:
        """Restore ``segments``: their frames are decoded one segment ahead, and encoded while the next one is under way.

        Returns:
            The session with the settings that were arrived at.

        Raises:
            UserError: bad input, a full disk, or too little memory whatever is reduced.
            Cancelled: what the sink keeps, it has kept.
        """
        telemetry, count = self.session.telemetry, len(self.session.plan.segments)
        compiling = self.session.denoiser.network.compiling_beside(lambda sentence: telemetry.emit(Warned(sentence)))
        with self.session.frame_reader() as frame_reader, compiling, self.sink:
            for segment, frames in frame_reader.segments(segments):
                try:
                    with telemetry.segment(segment.index, count) as work:
                        self.restore(segment, frames, work)
                finally:
                    trim_heap()  # after every segment, or the heap grows over a very long clip
                self.sink.announce()
            self.sink.drain()
        telemetry.add_waiting(frame_reader.waited + self.sink.waited)
        return self.session

    def restore(self, segment: Segment, frames: SegmentFrames, work: WorkRecord) -> None:
        """Restore one segment into the sink."""
        # before what it needs is asked for: another process, that has that, may finish it just then
        if not self.sink.claim(segment.index, frames.passage):
            return
        before, after = (self.handed_on(index) if index in segment.needs else None for index in segment.beside)
        frames, fixed = pinned(frames, before, after)
        neighbours = self.session.neighbours(segment)
        own = put_out(segment, neighbours[1], frames, fixed)
        output = self.sink.begin(self.session, segment, frames, own)
        overlap = None
        if own:  # else none of its own frames can be decoded
            repeats = find_repeats(frames.seen, self.still_level, fixed)
            shown = frames.select(repeats.kept) if repeats.any else frames
            pipeline = self.session.pipeline(segment, shown, self._enlarged)
            self._enlarged = pipeline.enlarged_frames
            latents = self.sample(pipeline, repeats.fixed(fixed), output)
            self.decode(pipeline, latents, own, repeats, output)
            work.see_network(pipeline.network_seconds, pipeline.suspicious, len(own) - len(repeats.places(own)))
            overlap = overlap_of(neighbours, frames, repeats.of_all(latents))
        output.finish(overlap, work)
        self._handed = near(segment, self._handed) | {segment.index: overlap}

    @property
    def still_level(self) -> float:
        """Difference in levels of 255 up to which frames are restored once."""
        settings = self.session.plan.settings
        return settings.still if settings.grain == 0 else 0.0  # grain is another in every frame

    def handed_on(self, index: int) -> Overlap | None:
        """What segment ``index`` hands on, from this run or from another one."""
        # finished segments are skipped on resuming: it need not be from this run
        return self._handed[index] if index in self._handed else self.sink.saved_overlap(index)

    def sample(self, pipeline: SegmentPipeline, fixed: Mapping[int, Tensor], output: SegmentSink) -> Tensor:
        """Encode and sample a segment; a frame of it is shown after each step but the last, and while the first estimate grows.

        Args:
            pipeline: of the segment.
            fixed: by position, ``x_0`` ``(channels, height, width)`` of frames that are pinned.
            output: keeps the state after each step, and gives the one where an earlier run stopped.

        Returns:
            ``x_0`` ``(frames, channels, height, width)``.
        """
        telemetry = self.session.telemetry
        with telemetry.phase("encode", len(pipeline.frames)):
            condition = pipeline.encode()
        state = output.saved_state(pipeline.grid_at(0), pipeline.settings.sap_rate)

        def on_estimate(step: Step, denoised: Tensor) -> None:
            # a preview takes memory, too: it is the first thing to go without; after the last step all frames are decoded anyway
            if step.index + 1 < self.session.steps:
                telemetry.preview(partial(self.preview_step, pipeline, step.index, denoised))

        def on_merged(step: Step, merge: Merge) -> None:
            # 0 stands for the enlarged input there: the first estimate can be looked at while it grows
            if step.index == 0 and pipeline.first_stage.local:
                telemetry.preview(partial(self.preview_step, pipeline, step.index, merge))

        def after_step(new: SegmentState) -> None:
            # before the state: whoever resumes from it needs the settings that led there
            self.adopt_reduced_settings(pipeline)
            if new.is_storable:
                output.save_state(new)
            telemetry.measure_memory(self.session.model.device)

        with telemetry.phase("sample", pipeline.tiles_to_denoise):
            return pipeline.sample(condition, state, fixed, after_step, on_estimate, on_merged)

    def decode(self, pipeline: SegmentPipeline, latents: Tensor, own: range, repeats: Repeats, output: SegmentSink) -> None:
        """Decode what the frames at the positions ``own`` show into ``output``.

        Args:
            pipeline, latents: of the frames that ``repeats`` keeps; ``x_0`` ``(frames, channels, height, width)``.
            own: positions among all frames of the segment.
            repeats: which frame shows which.
            output: takes them.
        """
        places = repeats.places(own)
        with self.session.telemetry.phase("decode", len(places)):
            for restored in pipeline.decode(latents, places, output.shows_input, output.takes_alpha):
                for position in repeats.positions(restored.position, own):
                    output.add(replace(restored, position=position))
        self.adopt_reduced_settings(pipeline)

    def preview_step(self, pipeline: SegmentPipeline, step: int, denoised: Tensor | Merge) -> PreviewFrame | None:
        """A frame of a segment as an estimate has it; ``None`` without memory.

        It is the frame that the user looks at, or the middle one when that is in another segment.

        Args:
            pipeline: of the segment.
            step: that the estimate is of.
            denoised: the estimate ``(frames, channels, height, width)``, or as much of it as is merged.
        """
        indices, seen = pipeline.frames.indices, self.session.telemetry.seen_frame
        position = indices.index(seen) if seen in indices else len(indices) // 2
        if isinstance(denoised, Merge):
            denoised = denoised.so_far(position).expand(len(indices), -1, -1, -1)
        picture = attempt(partial(pipeline.picture, denoised, position))
        if picture is None:
            return None
        return self.session.preview(indices[position], step, picture[0].permute(1, 2, 0).numpy(), final=False)

    def adopt_reduced_settings(self, pipeline: SegmentPipeline) -> None:
        """Keep for the rest of the job what had to be reduced; after an interruption, too."""
        session = self.session.adopt_reduced_settings(pipeline)
        if session is not self.session:
            self.session = session
            self.sink.adopt(session.plan)
