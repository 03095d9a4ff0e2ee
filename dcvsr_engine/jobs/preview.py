"""A job that writes nothing: frames are restored and sent."""

from typing import Any

from dcvsr_engine.jobs.report import SegmentFacts
from dcvsr_engine.jobs.run import JobRun, Joint, join
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.restore.frames import Footage


def preview(run: JobRun) -> dict[str, Any]:
    """Restore what is wanted and send every frame; returns the report."""
    with run.opened():
        run.load()
        run.make_plan(run.survey(), run.request.settings)
        joint = None
        with run.footage_reader() as reading:
            for segment, footage in reading.segments(run.plan.segments):
                with run.segment(segment) as facts:
                    joint = preview_segment(run, segment, footage, facts, joint if segment.shared else None)
        run.waited += reading.waited
        return run.report()


def preview_segment(run: JobRun, segment: Segment, footage: Footage, facts: SegmentFacts, joint: Joint | None) -> Joint | None:
    """Restore and send one segment; returns what the next one shares with it."""
    footage, fixed = join(footage, joint)
    skip = 0 if fixed is None else len(fixed)
    if len(footage) == skip:
        return None
    pipeline = run.pipeline(segment, footage, lambda: run.keep_thrift(pipeline))
    latents = run.sample(pipeline, fixed)
    with run.phase("decode", segment.index, len(footage)):
        for restored in pipeline.decode(latents, skip):
            run.show(footage.indices[restored.place], run.plan.settings.steps or 0, restored.pixels, final=True)
            facts.frames += 1
    facts.suspicious = pipeline.suspicious
    run.keep_thrift(pipeline)
    return run.joint_of(segment, footage, latents)
