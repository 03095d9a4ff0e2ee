"""FFmpeg's bwdif, one frame per frame."""

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TypeVar

import av
from av.filter import Graph

from dcvsr_engine.video.filters import filter_graph

Tag = TypeVar("Tag")

SMALLEST_FRAME = (3, 4)
"""Smallest width and height that bwdif takes."""


def deinterlaced(frames: Iterable[tuple[Tag, av.VideoFrame]]) -> Iterator[tuple[Tag, av.VideoFrame]]:
    """Deinterlace the frames that are marked as interlaced, and pass the others on.

    Args:
        frames: pairs of a tag, which stays with its frame, and the frame.
    """
    graph, made_for = None, None
    waiting: deque[Tag] = deque()
    for tag, frame in frames:
        kind = (frame.format.name, int(frame.colorspace), int(frame.color_range))
        # a filter graph takes one pixel format and colour only
        if kind != made_for:
            yield from pulled(graph, None, waiting)
            graph, made_for = filter_graph(frame, "bwdif", "mode=send_frame:parity=auto:deint=interlaced"), kind
        waiting.append(tag)
        # the filter must not touch times: the tag that waits here carries them
        frame.pts, frame.time_base = None, Fraction(1, 1000)
        yield from pulled(graph, frame, waiting)
    yield from pulled(graph, None, waiting)


def pulled(graph: Graph | None, frame: av.VideoFrame | None, waiting: "deque[Tag]") -> Iterator[tuple[Tag, av.VideoFrame]]:
    """Push ``frame`` into a filter and yield the frames that are ready, each with its tag.

    Args:
        graph: the filter; ``None`` before the first frame.
        frame: the next one; ``None`` at the end.
        waiting: items of the frames that are still in the filter, in order; those of ready ones are taken out.
    """
    if graph is None:
        return
    graph.push(frame)
    while True:
        try:
            ready = graph.vpull()
        except (av.BlockingIOError, av.EOFError):
            return
        yield waiting.popleft(), ready
