"""Which frames and which part of the picture a job restores, and the segments that its shots are cut into. Torch-free."""

import math
from collections.abc import Iterator, Sequence

from dcvsr_engine.errors import InputError
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import SegmentOrder
from dcvsr_engine.video.probe import VideoInfo


def frame_range(request: JobRequest, info: VideoInfo) -> tuple[int, int]:
    """First and last frame to restore (inclusive); raises `InputError` when the clip does not have them."""
    if request.frames is None:
        return 0, info.frames - 1
    first, last = request.frames
    if not 0 <= first <= last:
        raise InputError(f"Frames {first} to {last} are no range: the first must not be negative or after the last.")
    if first >= info.frames and info.frames_exact:
        raise InputError(f"“{info.path.name}” has {info.frames} frames, so frame {first} is not in it.")
    # an estimated count may be too low: then the reader finds the end
    return first, min(last, info.frames - 1) if info.frames_exact else last


def picture_size(request: JobRequest, info: VideoInfo) -> tuple[int, int]:
    """Width and height in pixels of what is restored; raises `InputError` when the region leaves the picture."""
    region = request.region
    if region is None:
        return info.width, info.height
    inside = region.x >= 0 and region.y >= 0 and region.width > 0 and region.height > 0
    if not inside or region.x + region.width > info.width or region.y + region.height > info.height:
        raise InputError(f"The region does not lie inside the picture of {info.width} × {info.height} pixels.")
    return region.width, region.height


def segments_of(
    shots: Sequence[tuple[int, int]],
    length: int,
    window: int,
    stride: int,
    context: int = 0,
    order: SegmentOrder = "chain",
    windows: int = 0,
) -> tuple[Segment, ...]:
    """Cut shots into segments; neighbours of the same shot share one ``window`` of frames.

    Args:
        shots: first and last frame (inclusive) of every shot, in order.
        length: frames of a segment, at most; never less than two windows.
        window: frames of a tile.
        stride: frames from one window to the next.
        context: frames that the upsampler sees on either side of a frame. None is taken from another shot or from outside the
            range that is restored, so that where a shot is cut into segments does not matter.
        order: ``chain``: each segment is pinned to the one before; ``bricks``: every other one of a shot is pinned to those
            before and after it, which need no other (method.md §6).
        windows: windows of a segment, at most, where memory is short: neighbours then share what windows share. 0 for segments of
            ``length`` frames that share a whole window.
    """

    def cut(first: int, last: int) -> Iterator[tuple[int, int, int]]:
        if windows:
            return short_pieces_of(first, last, windows, window, stride)
        return pieces_of(first, last, max(length, 2 * window), window, stride)

    pieces = (
        Segment(
            index=0,
            first=start,
            last=end,
            shared=shared,
            pinned=pinned_before,
            pinned_after=pinned_after,
            before=min(context, start - first),
            after=min(context, last - end),
        )
        for first, last in shots
        for start, end, shared, pinned_before, pinned_after in pinned_pieces(list(cut(first, last)), order)
    )
    return tuple(piece.replace(index=index) for index, piece in enumerate(pieces))


def pinned_pieces(pieces: Sequence[tuple[int, int, int]], order: SegmentOrder) -> Iterator[tuple[int, int, int, int, int]]:
    """The pieces of a shot as `pieces_of` gives them, each with how many first and how many last frames are pinned."""
    for place, (start, end, shared) in enumerate(pieces):
        waits = order == "chain" or place % 2 == 1
        following = pieces[place + 1][2] if order == "bricks" and waits and place + 1 < len(pieces) else 0
        yield start, end, shared, pinned_of(shared) if waits else 0, pinned_of(following)


def pinned_of(shared: int) -> int:
    """How many of the ``shared`` frames are pinned: the half farther from the other segment's end (method.md §6)."""
    return (shared + 1) // 2


def ordered(segments: Sequence[Segment]) -> list[Segment]:
    """Segments in the order of the frames, but each after those that it needs."""
    return sorted(segments, key=lambda segment: segment.index + 1.5 * bool(segment.pinned_after))


def pieces_of(first: int, last: int, length: int, window: int, stride: int) -> Iterator[tuple[int, int, int]]:
    """Cut a shot into segments that have about equally many windows.

    A segment ends where a window of the whole shot would, so that only the last one has a window that is moved back.

    Args:
        first, last: frames of the shot, inclusive.
        length: frames of a segment, at most.
        window: frames that neighbours share.
        stride: frames from one window to the next.

    Yields:
        First frame, last frame (inclusive), and how many of the first ones the segment before has, too.
    """
    hops = max(0, math.ceil((last - first + 1 - window) / stride))
    count = max(1, math.ceil(hops / ((length - window) // stride)))
    ends = [first + window - 1 + stride * (hops * number // count) for number in range(1, count)] + [last]
    starts = [first] + [end + 1 - window for end in ends[:-1]]
    for start, end in zip(starts, ends, strict=True):
        yield start, end, window if start > first else 0


def short_pieces_of(first: int, last: int, windows: int, window: int, stride: int) -> Iterator[tuple[int, int, int]]:
    """Cut a shot into segments of a few windows; every window of the shot is in one of them. See `pieces_of`.

    Args:
        first, last: frames of the shot, inclusive.
        windows: of a segment, at most.
        window: frames of one.
        stride: frames from one to the next.

    Yields:
        First frame, last frame (inclusive), and how many of the first ones the segment before has, too.
    """
    total = 1 + max(0, math.ceil((last - first + 1 - window) / stride))
    count = math.ceil(total / windows)
    begins = [first + stride * (total * number // count) for number in range(count)]
    ends = [start - stride + window - 1 for start in begins[1:]] + [last]
    # as everywhere, the last window is moved back to the border
    begins[-1] = max(first, min(begins[-1], last + 1 - window))
    for number, (start, end) in enumerate(zip(begins, ends, strict=True)):
        yield start, end, ends[number - 1] + 1 - start if number else 0
