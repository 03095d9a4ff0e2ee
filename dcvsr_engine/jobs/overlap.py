"""The frames that two neighbouring segments have in common: what the second takes over from the first, and who puts out which
(method.md §6).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.restore.frames import SegmentFrames


@dataclass(frozen=True)
class Overlap:
    """What a segment hands on to the next one of its shot.

    Attributes:
        latents: ``x_0`` ``(frames, channels, height, width)`` of the frames that the next one pins.
        indices: of these frames in the clip.
        error: luma of the last frame that it put out minus that of the enlarged input ``(height, width)``, where it is known.
    """

    latents: Tensor
    indices: tuple[int, ...]
    error: NDArray[np.float32] | None = None


def overlap_of(following: Segment | None, frames: SegmentFrames, latents: Tensor) -> Overlap | None:
    """What a segment hands on.

    Args:
        following: the next segment of the clip.
        frames: of the segment.
        latents: their ``x_0`` ``(frames, channels, height, width)``.

    Returns:
        ``None`` when there is no frame that both have and the next one pins.
    """
    if following is None:
        return None
    places = [place for place, index in enumerate(frames.indices) if following.first <= index < following.begins]
    return Overlap(latents[places], tuple(frames.indices[place] for place in places)) if places else None


def put_out(frames: SegmentFrames, pinned_frames: int, following: Segment | None) -> range:
    """The positions of the frames that a segment puts out.

    Args:
        frames: of the segment.
        pinned_frames: how many of its first frames the segment before puts out.
        following: the next segment of the clip, which puts out the frames from `Segment.begins` on.
    """
    end = sum(following is None or index < following.begins for index in frames.indices)
    return range(pinned_frames, max(pinned_frames, end))


def pinned(frames: SegmentFrames, overlap: Overlap | None) -> tuple[SegmentFrames, Tensor | None]:
    """A segment's frames, and the ``x_0`` that its first ones are pinned to.

    Frames among those of the overlap that could not be decoded with the segment before, and now can, are left out: their place in
    the output has passed.

    Args:
        frames: as they were decoded.
        overlap: what the segment before hands on; ``None`` at the beginning of a shot.

    Returns:
        The frames to restore, beginning with those of the overlap, and the ``x_0`` ``(pinned, channels, height, width)`` of
        these; ``None`` when none is pinned.
    """
    if overlap is None:
        return frames, None
    known = {index: place for place, index in enumerate(overlap.indices)}
    common = [place for place, index in enumerate(frames.indices) if index in known]
    new = [place for place, index in enumerate(frames.indices) if index > overlap.indices[-1]]
    latents = overlap.latents[[known[frames.indices[place]] for place in common]]
    chosen = frames.select(common + new) if len(common) + len(new) < len(frames) else frames
    return chosen, latents if common else None
