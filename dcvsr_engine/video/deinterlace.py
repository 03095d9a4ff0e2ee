"""FFmpeg's bwdif, one frame per frame."""

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TypeVar

import av
from av.filter import Graph

from dcvsr_engine.video.filters import filter_graph

Item = TypeVar("Item")

SMALLEST = (3, 4)
"""bwdif takes no frame narrower or lower than this."""


def deinterlaced(frames: Iterable[tuple[Item, av.VideoFrame]]) -> Iterator[tuple[Item, av.VideoFrame]]:
    """Frames marked as interlaced made progressive, the others as they are; what comes with a frame stays with it."""
    graph: Graph | None = None
    waiting: deque[Item] = deque()
    for item, frame in frames:
        graph = graph or filter_graph(frame, "bwdif", "mode=send_frame:parity=auto:deint=interlaced")
        waiting.append(item)
        frame.pts, frame.time_base = None, Fraction(1, 1000)
        graph.push(frame)
        yield from pulled(graph, waiting)
    if graph is not None:
        graph.push(None)
        yield from pulled(graph, waiting)


def pulled(graph: Graph, waiting: "deque[Item]") -> Iterator[tuple[Item, av.VideoFrame]]:
    """Frames that are ready."""
    while True:
        try:
            frame = graph.vpull()
        except (av.BlockingIOError, av.EOFError):
            return
        yield waiting.popleft(), frame
