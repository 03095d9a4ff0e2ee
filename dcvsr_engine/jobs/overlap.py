"""The frames that two neighbouring segments have in common, and what the second takes over from the first (method.md §6)."""

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
        latents: ``x_0`` ``(frames, channels, height, width)`` of its last frames.
        indices: of these frames in the clip.
        error: luma of its very last frame minus that of the enlarged input ``(height, width)``, where it is known.
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
        ``None`` when the two have no frame in common.
    """
    places = [place for place, index in enumerate(frames.indices) if following is not None and index >= following.first]
    return Overlap(latents[places], tuple(frames.indices[place] for place in places)) if places else None


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
