"""The frames that two neighbouring segments have in common: what one takes over from the other, and who puts out which
(method.md §6).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.restore.frames import SegmentFrames

ErrorPicture = NDArray[np.float32]
"""Luma of a restored frame minus that of the enlarged input ``(height, width)``."""


@dataclass(frozen=True)
class Overlap:
    """What a segment hands on to its neighbours in its shot.

    Attributes:
        latents: ``x_0`` ``(frames, channels, height, width)`` of the frames that they pin.
        indices: of these frames in the clip, ascending.
        first_error, last_error: of the first and the last frame that it put out, where they are known and needed.
    """

    latents: Tensor
    indices: tuple[int, ...]
    first_error: ErrorPicture | None = None
    last_error: ErrorPicture | None = None


Kept = TypeVar("Kept")
Neighbours = tuple[Segment | None, Segment | None]
"""The segments before and after one."""


def overlap_of(neighbours: Neighbours, frames: SegmentFrames, latents: Tensor) -> Overlap | None:
    """What a segment hands on.

    Args:
        neighbours: the segments before and after it.
        frames: of the segment.
        latents: their ``x_0`` ``(frames, channels, height, width)``.

    Returns:
        ``None`` when a neighbour pins none of them.
    """
    pinning = [neighbour for neighbour in neighbours if neighbour is not None]
    places = [place for place, index in enumerate(frames.indices) if any(segment.pins(index) for segment in pinning)]
    return Overlap(latents[places], tuple(frames.indices[place] for place in places)) if places else None


def near(segment: Segment, kept: Mapping[int, Kept]) -> dict[int, Kept]:
    """What is ``kept`` of segments, by their numbers, that may still be needed after one: in any order neighbours come soon."""
    return {index: value for index, value in kept.items() if abs(index - segment.index) <= 2}


def put_out(segment: Segment, following: Segment | None, frames: SegmentFrames, fixed: Mapping[int, Tensor]) -> range:
    """The positions of the frames that a segment puts out.

    Args:
        segment: which one.
        following: the next segment of the clip, which puts out the frames from `Segment.begins` on.
        frames: of the segment.
        fixed: by position, ``x_0`` ``(channels, height, width)`` of frames that are pinned: the neighbours put those out.
    """
    # what was to be pinned at the beginning, and could not be decoded with the segment before, is put out here
    begin = segment.first if segment.pinned else segment.begins
    end = segment.last + 1 if following is None else following.begins
    own = [place for place, index in enumerate(frames.indices) if place not in fixed and begin <= index < end]
    return range(own[0], own[-1] + 1) if own else range(0)


def pinned(frames: SegmentFrames, before: Overlap | None, after: Overlap | None) -> tuple[SegmentFrames, dict[int, Tensor]]:
    """A segment's frames, and the ``x_0`` that some of them are pinned to.

    Frames among those of an overlap that could not be decoded with the neighbour, and now can, are left out: their place in
    the output has passed.

    Args:
        frames: of the segment, as they were decoded.
        before, after: what its neighbours hand on; ``None`` where there is nothing to pin.

    Returns:
        The frames to restore, and by position among them the ``x_0`` ``(channels, height, width)`` of those that are pinned.
    """
    handed_on = [overlap for overlap in (before, after) if overlap is not None]
    known = {index: x for overlap in handed_on for index, x in zip(overlap.indices, overlap.latents, strict=True)}
    passed, begun = before.indices[-1] if before else -1, after.indices[0] if after else math.inf
    chosen = [place for place, index in enumerate(frames.indices) if index in known or passed < index < begun]
    frames = frames.select(chosen) if len(chosen) < len(frames) else frames
    return frames, {place: known[index] for place, index in enumerate(frames.indices) if index in known}
