"""Facts about a run: gathered per segment, kept with it, put together at the end."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from dcvsr_engine import __version__
from dcvsr_engine.errors import InputError, JobError
from dcvsr_engine.jobs.overlap import ErrorPicture
from dcvsr_engine.jobs.telemetry import WorkRecord
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.segments import frame_range
from dcvsr_engine.schema import FromJson, Schema
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.tiling.seams import seam_jumps
from dcvsr_engine.video.probe import VideoInfo
from dcvsr_engine.video.source import opened, video_stream

COMPARED_ROWS = 256
"""Rows that are compared together."""


class SegmentFacts(Schema):
    """Facts about one segment.

    Attributes:
        frames: that were put out.
        seconds: per phase; ``network_seconds`` in the U-Net; ``writing_seconds`` on the writer's thread, beside them.
        peak_memory: bytes.
        suspicious: frames that half precision spoilt and that were decoded again.
        repeated: frames that show what another one shows, and were not restored.
        warnings: sentences reported on the way.
        at_borders, inside: sums over the frames of the mean jump across tile borders and inside tiles.
        changes: mean change of the error's luma from each frame to the next.
        joins: the same from the segments beside to which it is pinned.
    """

    error_type = JobError
    noun = "fact"

    frames: int
    seconds: dict[str, float]
    network_seconds: float
    writing_seconds: float = 0.0
    peak_memory: int
    suspicious: FromJson[tuple[int, ...]]
    warnings: FromJson[tuple[str, ...]]
    repeated: int = 0
    at_borders: float = 0.0
    inside: float = 0.0
    changes: FromJson[tuple[float, ...]] = ()
    joins: FromJson[tuple[float, ...]] = ()

    @property
    def work_seconds(self) -> float:
        """Seconds of all phases."""
        return sum(self.seconds.values())

    @classmethod
    def of(cls, work: WorkRecord, **measured: Any) -> Self:
        """What the work on a segment took, and what was ``measured`` of its frames."""
        return cls(
            seconds=dict(work.seconds),
            network_seconds=work.network_seconds,
            peak_memory=work.peak_memory,
            suspicious=work.suspicious,
            repeated=work.repeated,
            warnings=tuple(work.warnings),
            **measured,
        )


class ErrorMeter:
    """Measures seams and joins in a segment's frames, one after the other.

    What it looks at is the error: luma of the result minus that of the enlarged input ``(height, width)``.

    Attributes:
        frames: how many there were.
        first, last: errors of the first and the last frame; ``None`` where there is none.
    """

    def __init__(
        self, grid: TileGrid | None, factor: int, first: ErrorPicture | None = None, last: ErrorPicture | None = None
    ) -> None:
        """Measure frames of the tiles in ``grid``, ``factor`` pixels per latent; ``first`` and ``last`` are known already."""
        self.first, self.last = first, last
        self._grid, self._factor = grid, factor
        self.frames, self._at_borders, self._inside = 0, 0.0, 0.0
        self._changes: list[float] = []
        self._beside: tuple[ErrorMeter | None, ErrorMeter | None] = (None, None)

    def join(self, before: Self | None, after: Self | None) -> None:
        """Measure the joins with the segments that other meters have measured."""
        self._beside = before, after

    def add(self, error: ErrorPicture) -> None:
        """Take the next frame's error ``(height, width)``."""
        error = error.copy()  # it is part of a frame, which is not to be held with it
        jumps = None if self._grid is None else seam_jumps(error, self._grid, self._factor)
        if jumps is not None:
            self._at_borders += float(jumps[0])
            self._inside += float(jumps[1])
        if self.last is None:
            self.first = error
        else:
            self._changes.append(mean_change(self.last, error))
        self.frames += 1
        self.last = error

    def facts(self) -> dict[str, Any]:
        """What was measured, by the names in `SegmentFacts`."""
        before, after = self._beside
        ends = [(before.last if before else None, self.first), (self.last, after.first if after else None)]
        return {
            "frames": self.frames,
            "at_borders": self._at_borders,
            "inside": self._inside,
            "changes": tuple(self._changes),
            "joins": tuple(mean_change(a, b) for a, b in ends if a is not None and b is not None),
        }


def mean_change(before: ErrorPicture, after: ErrorPicture) -> float:
    """How much the error changes from one frame to the next."""
    # in bands of rows: the copies on the way would be whole frames
    bands = [slice(first, first + COMPARED_ROWS) for first in range(0, len(after), COMPARED_ROWS)]
    return sum(float(np.abs(after[rows] - before[rows]).sum(dtype=np.float64)) for rows in bands) / after.size


def seam_score(facts: Sequence[SegmentFacts]) -> float | None:
    """Mean jump across tile borders over that inside tiles: 1 where nothing shows; ``None`` for single tiles."""
    inside = sum(segment.inside for segment in facts)
    return sum(segment.at_borders for segment in facts) / inside if inside > 0 else None


def join_scores(facts: Sequence[SegmentFacts]) -> dict[str, Any]:
    """How much the error changes at joins of segments, compared with its change from frame to frame elsewhere.

    Returns:
        ``joins``: how many there are; ``join_score``: mean change there over the mean elsewhere, 1 where nothing shows;
        ``join_rank``: share of the changes elsewhere that are at least as large as the largest at a join.
    """
    joins = np.array([join for segment in facts for join in segment.joins])
    elsewhere = np.array([change for segment in facts for change in segment.changes])
    if not joins.size or not elsewhere.size or not elsewhere.mean():
        return {"joins": int(joins.size), "join_score": None, "join_rank": None}
    score, rank = joins.mean() / elsewhere.mean(), (elsewhere >= joins.max()).mean()
    return {"joins": int(joins.size), "join_score": round(float(score), 4), "join_rank": round(float(rank), 4)}


def audio_offset(path: Path) -> float | None:
    """Seconds by which the first audio track begins after the video; ``None`` without audio."""
    with opened(path) as container:
        video = video_stream(container, path)
        audio = next(iter(container.streams.audio), None)
        if audio is None or audio.start_time is None or video.start_time is None:
            return None
        assert audio.time_base is not None and video.time_base is not None
        return float(audio.start_time * audio.time_base - video.start_time * video.time_base)


def audio_offsets(request: JobRequest) -> dict[str, float | None]:
    """Offset of the audio in input and output, in milliseconds; of whole clips only, as parts begin with whole audio packets."""
    found: list[float | None] = []
    for path in (request.source, request.target):
        try:
            found.append(None if path is None or path.is_dir() or request.frames else audio_offset(path))
        except InputError:
            found.append(None)
    return {name: None if value is None else round(1000 * value, 3) for name, value in zip(("in", "out"), found, strict=True)}


class JobReport(Schema):
    """The facts of a run, those of segments that an earlier one finished included; as ``--report`` writes them.

    Attributes:
        frames_in, frames_out: frames planned, and frames put out.
        input_size, reduced_size, output_size: (width, height) in pixels: of the input, of what was restored, of the result.
        result_bytes: size of the output file or of all pictures; ``None`` where nothing is written.
        duration: of the input in seconds.
        audio_offset_ms: by which the audio begins after the video, ``in`` the input and ``out``.
        evaluations: U-Net evaluations of one tile, as planned.
        seconds: per phase; ``network_seconds`` of them in the U-Net, ``writing_seconds`` beside them on the writer's thread.
        waiting_share: of the time for which the network waited for video input or output.
        repeated_frames: frames that show what another one shows, and were not restored.
        seam_score, joins, join_score, join_rank: see `seam_score` and `join_scores`.
        settings, output: all that is needed to run the job again.
        model: hash of every file of the model.
        notes: sentences for the user.
    """

    source: str
    target: str | None
    frames_in: int
    frames_out: int
    input_size: tuple[int, int]
    reduced_size: tuple[int, int]
    output_size: tuple[int, int]
    result_bytes: int | None
    duration: float
    audio_offset_ms: dict[str, float | None]
    shots: int | None
    segments: int
    evaluations: int
    seconds: dict[str, float]
    network_seconds: float
    writing_seconds: float
    waiting_share: float
    peak_memory: int
    suspicious_frames: tuple[int, ...]
    repeated_frames: int
    seam_score: float | None
    joins: int
    join_score: float | None
    join_rank: float | None
    settings: dict[str, Any]
    output: dict[str, Any]
    device: str
    engine: str
    resumed: bool
    model: dict[str, str]
    notes: tuple[str, ...]


def phase_seconds(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Seconds per phase, summed over parts of a job."""
    total: dict[str, float] = defaultdict(float)
    for part in parts:
        for name, value in part.items():
            total[name] += value
    return {name: round(value, 3) for name, value in total.items()}


def make_report(
    request: JobRequest,
    info: VideoInfo,
    plan: Plan,
    facts: Sequence[SegmentFacts],
    job: WorkRecord,
    waiting_share: float,
    notes: Sequence[str] = (),
    model: Mapping[str, str] | None = None,
    resumed: bool = False,
) -> JobReport:
    """Put the facts of a run together.

    Args:
        request, info, plan: the job, its clip, and how it was done in the end.
        facts: of all segments, in order.
        job: work that belongs to no segment.
        waiting_share: see `JobReport`.
        notes: sentences that belong to no segment.
        model: hash of every file of the model, where it is known.
        resumed: whether an earlier run began the job.
    """
    warnings = (warning for segment in facts for warning in segment.warnings)
    return JobReport(
        source=str(request.source),
        target=None if request.target is None else str(request.target),
        frames_in=plan.frames,
        input_size=plan.input_size,
        reduced_size=plan.reduced_size,
        output_size=plan.output_size,
        result_bytes=bytes_of(request.target),
        duration=info.duration,
        audio_offset_ms=audio_offsets(request),
        shots=plan.shots,
        segments=len(plan.segments),
        evaluations=plan.evaluations,
        seconds=phase_seconds([job.seconds, *(segment.seconds for segment in facts)]),
        waiting_share=round(waiting_share, 4),
        **summed(facts),
        settings={name: value for name, value in plan.settings.to_dict().items() if name in RestoreSettings.specs()},
        output=request.output.to_dict(),
        device=plan.device,
        engine=__version__,
        resumed=resumed,
        model=dict(model or {}),
        # planner, reader and several segments may say the same: once is enough
        notes=tuple(dict.fromkeys([*plan.notes, *job.warnings, *notes, *warnings, *frame_notes(request, info, facts)])),
    )


def bytes_of(target: Path | None) -> int | None:
    """Bytes of a result; ``None`` where it is not there."""
    if target is None or not target.exists():
        return None
    return sum(path.stat().st_size for path in (target.iterdir() if target.is_dir() else [target]))


def frame_notes(request: JobRequest, info: VideoInfo, facts: Sequence[SegmentFacts]) -> list[str]:
    """What the result lacks of the frames that were asked for, in words: an earlier run's warnings may be gone."""
    first, last = frame_range(request, info)
    asked, put_out = last + 1 - first, sum(segment.frames for segment in facts)
    notes = []
    if put_out != asked:
        notes.append(f"{put_out} of {asked} frames are in the result; the others cannot be decoded.")
    if request.frames is not None and request.frames[1] > last:
        notes.append(f"Frames up to {request.frames[1]} were asked for, but frame {last} is the last one.")
    return notes


def summed(facts: Sequence[SegmentFacts]) -> dict[str, Any]:
    """What segments add up to, by the names in `JobReport`."""
    score = seam_score(facts)
    return {
        "frames_out": sum(segment.frames for segment in facts),
        "network_seconds": round(sum(segment.network_seconds for segment in facts), 3),
        "writing_seconds": round(sum(segment.writing_seconds for segment in facts), 3),
        "peak_memory": max((segment.peak_memory for segment in facts), default=0),
        "suspicious_frames": tuple(sorted({frame for segment in facts for frame in segment.suspicious})),
        "repeated_frames": sum(segment.repeated for segment in facts),
        "seam_score": None if score is None else round(score, 4),
        **join_scores(facts),
    }
