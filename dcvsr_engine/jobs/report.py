"""Facts about a run: gathered per segment, kept with it, put together at the end."""

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from dcvsr_engine import __version__
from dcvsr_engine.errors import InputError
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.tiling.seams import seam_jumps
from dcvsr_engine.video.probe import VideoInfo
from dcvsr_engine.video.source import opened, video_stream


@dataclass
class SegmentFacts:
    """Facts about one segment.

    Attributes:
        frames: written.
        seconds: per phase; ``network_seconds`` in the U-Net; ``writing_seconds`` on the writer's thread, beside them.
        peak_memory: bytes.
        suspicious: frames that half precision spoilt and that were decoded again.
        warnings: sentences told on the way.
        at_borders, inside: sums over the frames of the mean jump across tile borders and inside tiles.
        changes: mean change of the error's luma from each frame to the next.
        join: the same from the segment before, where it belongs to the same shot.
    """

    frames: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    network_seconds: float = 0.0
    writing_seconds: float = 0.0
    peak_memory: int = 0
    suspicious: list[int] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    at_borders: float = 0.0
    inside: float = 0.0
    changes: list[float] = field(default_factory=list)
    join: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(**values)

    def look_at(self, error: Any, before: Any, grid: TileGrid, factor: int) -> None:
        """Take a frame's error ``(height, width)``, luma of the result minus that of the enlarged input.

        Args:
            error: of the frame.
            before: of the frame before it in the same shot, or ``None``.
            grid: the tiles of the last step.
            factor: pixels per latent.
        """
        jumps = seam_jumps(error, grid, factor)
        if jumps is not None:
            self.at_borders += jumps[0]
            self.inside += jumps[1]
        if before is not None:
            change = float(np.abs(error - before).mean())
            if self.frames:
                self.changes.append(change)
            else:
                self.join = change
        self.frames += 1


def seam_score(facts: Sequence[SegmentFacts]) -> float | None:
    """Mean jump across tile borders over that inside tiles: 1 where nothing is to be seen; ``None`` for single tiles."""
    inside = sum(one.inside for one in facts)
    return sum(one.at_borders for one in facts) / inside if inside > 0 else None


def join_scores(facts: Sequence[SegmentFacts]) -> dict[str, float | int | None]:
    """How much the error changes at joins of segments, compared with its change from frame to frame elsewhere.

    Returns:
        ``joins``: how many there are; ``join_score``: mean change there over the mean elsewhere, 1 where nothing is to be seen;
        ``join_rank``: share of the changes elsewhere that are at least as large as the largest at a join.
    """
    joins = np.array([one.join for one in facts if one.join is not None])
    elsewhere = np.array([change for one in facts for change in one.changes])
    if not joins.size or not elsewhere.size or not elsewhere.mean():
        return {"joins": int(joins.size), "join_score": None, "join_rank": None}
    score, rank = joins.mean() / elsewhere.mean(), (elsewhere >= joins.max()).mean()
    return {"joins": int(joins.size), "join_score": round(float(score), 4), "join_rank": round(float(rank), 4)}


def audio_offset(path: Path) -> float | None:
    """Seconds by which the first audio track begins after the video; ``None`` without audio."""
    with opened(path) as container:
        video = video_stream(container, path)
        sound = next(iter(container.streams.audio), None)
        if sound is None or sound.start_time is None or video.start_time is None:
            return None
        assert sound.time_base is not None and video.time_base is not None
        return float(sound.start_time * sound.time_base - video.start_time * video.time_base)


def audio_offsets(request: JobRequest) -> dict[str, float | None]:
    """Offset of the audio in input and output, in milliseconds; of whole clips only, as parts begin with whole audio packets."""
    found: list[float | None] = []
    for path in (request.source, request.target):
        try:
            found.append(None if path is None or path.is_dir() or request.frames else audio_offset(path))
        except InputError:
            found.append(None)
    return {name: None if value is None else round(1000 * value, 3) for name, value in zip(("in", "out"), found, strict=True)}


def make_report(
    request: JobRequest,
    info: VideoInfo,
    plan: Plan,
    facts: Sequence[SegmentFacts],
    seconds: dict[str, float],
    notes: Sequence[str],
    **more: Any,
) -> dict[str, Any]:
    """The facts of a run, those of segments that were finished earlier included.

    ``seconds`` and ``notes`` are of what belongs to no segment.
    """
    total = defaultdict(float, seconds)
    for one in facts:
        for name, value in one.seconds.items():
            total[name] += value
    score = seam_score(facts)
    return {
        "source": str(request.source),
        "target": None if request.target is None else str(request.target),
        "frames_in": plan.frames,
        "frames_out": sum(one.frames for one in facts),
        "input_size": plan.input_size,
        "output_size": plan.output_size,
        "duration": info.duration,
        "audio_offset_ms": audio_offsets(request),
        "shots": plan.shots,
        "segments": len(plan.segments),
        "evaluations": plan.evaluations,
        "seconds": {name: round(value, 3) for name, value in total.items()},
        "network_seconds": round(sum(one.network_seconds for one in facts), 3),
        "writing_seconds": round(sum(one.writing_seconds for one in facts), 3),
        "peak_memory": max((one.peak_memory for one in facts), default=0),
        "suspicious_frames": sorted({frame for one in facts for frame in one.suspicious}),
        "seam_score": None if score is None else round(score, 4),
        **join_scores(facts),
        "settings": plan.settings.to_dict(),
        "output": request.output.to_dict(),
        "device": plan.device,
        "engine": __version__,
        **more,
        "notes": list(dict.fromkeys([*plan.notes, *notes, *(warning for one in facts for warning in one.warnings)])),
    }
