"""A job that writes a file: every finished step and segment is kept, so that it can be gone on with after anything."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dcvsr_engine.errors import InputError, JobError
from dcvsr_engine.events import SegmentFinished
from dcvsr_engine.jobs.background import Background
from dcvsr_engine.jobs.identity import difference, identity_of
from dcvsr_engine.jobs.output import SegmentOutput
from dcvsr_engine.jobs.report import SegmentFacts
from dcvsr_engine.jobs.run import JobRun, Joint, join
from dcvsr_engine.jobs.store import JobStore
from dcvsr_engine.planning.memory import queue_room
from dcvsr_engine.planning.plan import Segment, grid_for
from dcvsr_engine.planning.shots import Survey
from dcvsr_engine.restore.frames import Footage
from dcvsr_engine.restore.pipeline import SegmentPipeline
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.storage import discard, partials_of
from dcvsr_engine.video.encoders import resolved_output
from dcvsr_engine.video.publish import publish
from dcvsr_engine.video.reader import VideoReader
from dcvsr_engine.video.writer import VideoWriter, check_target


class StoredJob:
    """Restores into a job directory and publishes from there.

    Attributes:
        run, store: the run, and the directory, which is locked.
        target: where the result goes.
        manifest: what is written down about the job.
        files: finished segments by their index.
        outputs: segments that are on their way to disk.
        before: the segment before, if this run has restored it, and what the next shares with it.
    """

    def __init__(self, run: JobRun, store: JobStore, target: Path) -> None:
        self.run, self.store, self.target = run, store, target
        self.manifest: dict[str, Any] = {}
        self.files: dict[int, Path] = {}
        self.outputs: list[SegmentOutput] = []
        self.before: tuple[SegmentOutput, Joint | None] | None = None

    def restore(self) -> dict[str, Any]:
        """Restore what is not finished yet, and publish; returns the report."""
        run, known = self.run, self.store.read_manifest()
        with run.opened():
            published = known is not None and known["publishing"] and self.is_published()
            if not published:
                check_target(self.target, run.info, run.request.output)
            run.load()
            self.agree(known)
            todo = self.unfinished()
            if not published:
                self.restore_segments(todo)
                self.publish()
            report = run.report(resumed=known is not None, model=self.manifest["model"])
        self.store.end()
        return report

    # -- before -------------------------------------------------------------------------------------------------

    def agree(self, known: dict[str, Any] | None) -> None:
        """Write down a new job, or make sure that nothing has changed since it was begun; either way there is a plan then."""
        run, folder = self.run, self.store.folder
        identity = identity_of(run.request, run.info, run.model)
        if known is None:
            found = run.survey()
            run.make_plan(found, run.request.settings, folder)
            more = {"survey": dataclasses.asdict(found), "threads": torch.get_num_threads(), "publishing": False}
            self.manifest = identity | more
            self.write_down()
            return
        change = difference(known, identity)
        if change is not None:
            raise JobError(f"This job cannot be continued because {change}; restore it anew with “dcvsr restore --fresh”.")
        self.manifest = known
        torch.set_num_threads(known["threads"])  # sums come out differently, in their last bits, on another number of threads
        found = Survey(**(known["survey"] | {"cuts": tuple(known["survey"]["cuts"])}))
        run.make_plan(found, RestoreSettings.from_dict(known["plan"]), folder, known["decode_frames"])

    def write_down(self) -> None:
        """Bring the manifest up to date with the plan."""
        self.manifest |= {"plan": self.run.plan.settings.to_dict(), "decode_frames": self.run.plan.decode_frames}
        self.store.write_manifest(self.manifest)

    def is_published(self) -> bool:
        """Whether an earlier run put the result in place before it was ended."""
        if not self.target.exists():
            return False
        finished = [self.store.load_facts(path) for path in self.store.all_facts()]
        try:
            with VideoReader(self.target) as reader:
                return reader.frames_total == sum(int(facts["frames"]) for facts in finished if facts is not None)
        except InputError:
            return False

    def unfinished(self) -> list[Segment]:
        """Segments to restore; a finished one too, where the next needs what it shared and that is lost."""
        segments, store = self.run.plan.segments, self.store
        for segment in segments:
            file, facts = store.finished_file(segment), store.load_facts(store.facts_file(segment))
            if file is not None and facts is not None:
                self.files[segment.index], self.run.facts[segment.index] = file, SegmentFacts.from_dict(facts)
        for segment in reversed(segments):
            lacking = segment.shared and segment.index not in self.files and segment.index - 1 in self.files
            if lacking and store.load_joint(segments[segment.index - 1]) is None:
                discard(self.files.pop(segment.index - 1))
        return [segment for segment in segments if segment.index not in self.files]

    # -- segments -----------------------------------------------------------------------------------------------

    def restore_segments(self, todo: list[Segment]) -> None:
        """Restore segments: their frames are read ahead, and encoded while the next segment is under way."""
        run = self.run
        for index in self.files:
            run.emit(SegmentFinished(index, len(run.plan.segments)))
        width, height = run.plan.output_size
        with run.footage_reader() as reading, self.cleaned_up(), Background(queue_room(width * height)) as background:
            for segment, footage in reading.segments(todo):
                with run.segment(segment) as facts:
                    self.restore_segment(segment, footage, facts, background)
                self.announce()
            with run.phase("write"):
                background.drain()
        self.announce()
        run.waited += reading.waited + background.waited

    def restore_segment(self, segment: Segment, footage: Footage, facts: SegmentFacts, background: Background) -> None:
        """One segment on its way to its file."""
        run, store = self.run, self.store
        joint, before = self.shared_with(segment) if segment.shared else (None, None)
        footage, fixed = join(footage, joint)
        skip = 0 if fixed is None else len(fixed)
        output = self.output(segment, footage, facts, skip)
        self.outputs.append(output)
        background(partial(output.begin, before))
        if output.writer is None:
            self.finish(output, None, background)
            return
        pipeline = run.pipeline(segment, footage, lambda: self.keep_thrift(pipeline))
        state = store.load_state(segment, pipeline.sampler.grid_at(0), pipeline.settings.sap_rate)
        latents = run.sample(pipeline, fixed, state, lambda new: background(partial(store.save_state, segment, new), keep=True))
        with run.phase("decode", segment.index, len(footage)):
            for restored in pipeline.decode(latents, skip):
                background(partial(output.add, restored))
                run.show(footage.indices[restored.place], pipeline.settings.steps or 0, restored.pixels, final=True)
        facts.suspicious = pipeline.suspicious
        self.finish(output, run.joint_of(segment, footage, latents), background)
        self.keep_thrift(pipeline)

    def shared_with(self, segment: Segment) -> tuple[Joint | None, SegmentOutput | NDArray[np.float32] | None]:
        """What the segment before shares with this one, and where to find the error of its last frame."""
        if self.before is not None and self.before[0].segment.index == segment.index - 1:
            output, joint = self.before
            return joint, output
        kept = self.store.load_joint(self.run.plan.segments[segment.index - 1])
        if kept is None:
            return None, None
        error = kept.get("error")
        return Joint(kept["latents"], tuple(kept["indices"].tolist())), None if error is None else error.numpy()

    def output(self, segment: Segment, footage: Footage, facts: SegmentFacts, skip: int) -> SegmentOutput:
        """The way to disk of a segment; the first ``skip`` of its frames have gone before."""
        run, declaration = self.run, self.run.model.declaration
        settings, (width, height) = run.plan.settings, run.plan.output_size
        file = self.store.unfinished_file(segment)
        encoding = resolved_output(self.target, run.info, run.request.output)
        writer = VideoWriter(file, run.info, width, height, encoding) if len(footage) > skip else None
        rows, columns = footage.pixels.shape[-2:]
        last = (settings.steps or 1) - 1
        grid = grid_for(len(footage), columns, rows, declaration, settings, last) if writer is not None else None
        return SegmentOutput(self.store, segment, footage, writer, facts, grid, declaration.factor)

    def finish(self, output: SegmentOutput, joint: Joint | None, background: Background) -> None:
        """Have a segment made final once all its frames are written."""
        background(partial(output.finish, joint))
        self.before = output, joint

    def keep_thrift(self, pipeline: SegmentPipeline) -> None:
        """What had to be saved holds for the rest of the job, after an interruption too."""
        plan = self.run.plan
        self.run.keep_thrift(pipeline)
        if self.run.plan != plan:
            self.write_down()

    def announce(self) -> None:
        """Say which segments have become final."""
        while self.outputs and (file := self.outputs[0].file) is not None:
            index = self.outputs.pop(0).segment.index
            self.files[index] = file
            self.run.emit(SegmentFinished(index, len(self.run.plan.segments)))

    @contextmanager
    def cleaned_up(self) -> Iterator[None]:
        """Leave no half written file behind, whatever happens."""
        try:
            yield
        finally:
            for output in self.outputs:
                if output.file is None:
                    output.abort()

    # -- after --------------------------------------------------------------------------------------------------

    def publish(self) -> None:
        """Put the result in place, and make it known that it may be there."""
        run = self.run
        files = [file for _, file in sorted(self.files.items()) if file.stat().st_size]
        if not files:
            raise InputError(f"None of the frames of “{run.request.source.name}” can be decoded.")
        for partial_file in partials_of(self.target):
            discard(partial_file)
        self.store.write_manifest(self.manifest | {"publishing": True})
        with run.phase("publish"):
            published = publish(files, self.target, run.info, run.request.output, run.request.frames, run.control.check)
        run.notes += published.notes
