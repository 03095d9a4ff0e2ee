"""Whether joins of segments are visible: frame-to-frame differences there, elsewhere, and without segments."""

import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np

from dcvsr_engine.errors import InputError
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.session import load_for
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import OutputSettings, RestoreSettings, SegmentOrder
from dcvsr_engine.video.reader import VideoReader

SHORT_SEGMENT, WHOLE_SEGMENT = 14, 1000
"""Frames per segment: as many joins as possible, and no join in a shot of this length."""
JOIN_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Join:
    """A join of two segments.

    Attributes:
        frame: the first frame after it.
        difference: mean absolute difference of luma from the previous frame, of 255 levels.
        whole: the same where the shot is restored in one piece.
        rank: share of the differences elsewhere that are at least as large; 0 for a join that stands out from all of them.
    """

    frame: int
    difference: float
    whole: float
    rank: float


@dataclass(frozen=True)
class Joins:
    """A clip restored in short segments and in one piece.

    Attributes:
        order: in which segments wait for one another.
        frames, segments: of the clip and its restoration.
        score, score_rank: ``join_score`` and ``join_rank`` of the run's report; ``None`` for a clip that never changes.
        elsewhere: mean difference between neighbouring frames without a join.
        joins: in order.
    """

    order: SegmentOrder
    frames: int
    segments: int
    score: float | None
    score_rank: float | None
    elsewhere: float
    joins: tuple[Join, ...]

    @property
    def to_whole(self) -> float:
        """Mean difference at the joins over that of the same frames in one piece; 1 for a clip that never changes."""
        difference, whole = (sum(values) for values in zip(*((join.difference, join.whole) for join in self.joins), strict=True))
        return difference / whole if whole else 1.0


def measure_joins(settings: RestoreSettings, clip: Path) -> list[Joins]:
    """Restore ``clip`` in short segments, in both orders, and in one piece, and compare; raises `UserError`."""
    model = load_for(settings)
    _, _, whole = restore_in_segments(clip, model, settings.replace(segment_frames=WHOLE_SEGMENT))
    return [measure_order(order, settings, clip, model, whole) for order in get_args(SegmentOrder)]


def measure_order(order: SegmentOrder, settings: RestoreSettings, clip: Path, model: Model, whole: dict[int, float]) -> Joins:
    """Restore ``clip`` in short segments and compare with the differences in one piece; raises `UserError`."""
    plan, report, cut = restore_in_segments(clip, model, settings.replace(segment_frames=SHORT_SEGMENT, order=order))
    # a join lies where a segment begins to put out frames
    joins = [segment.begins for segment in plan.segments if segment.shared]
    if not joins:
        raise InputError(f"“{clip.name}” makes a single segment; name a longer clip, or choose a smaller window.")
    # the first frame after a cut differs a lot, which says nothing about joins
    begins = {segment.begins for segment in plan.segments}
    rest = np.array([value for frame, value in cut.items() if frame not in begins])
    return Joins(
        order,
        len(cut) + 1,
        len(plan.segments),
        report["join_score"],
        report["join_rank"],
        float(rest.mean()),
        tuple(Join(frame, cut[frame], whole[frame], float((rest >= cut[frame]).mean())) for frame in joins),
    )


def restore_in_segments(clip: Path, model: Model, settings: RestoreSettings) -> tuple[Plan, dict[str, Any], dict[int, float]]:
    """Restore a clip; returns plan, report and `frame_differences` of the result."""
    plans: list[Plan] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        request = JobRequest(
            source=clip,
            target=folder / "out.mkv",
            settings=settings,
            output=OutputSettings(codec="ffv1", audio=False, subtitles=False),
        )
        report = run_job(request, None, folder / "job", lambda settings: model, plans.append)
        return plans[-1], report, frame_differences(folder / "out.mkv")


def frame_differences(path: Path) -> dict[int, float]:
    """Compute each frame's mean absolute difference of luma from the previous one, of 255 levels, by index from 1."""
    with VideoReader(path) as reader:
        lumas = ((frame.index, frame.pixels @ JOIN_LUMA) for frame in reader)
        return {index: 255 * float(np.abs(luma - before).mean()) for (_, before), (index, luma) in pairwise(lumas)}
