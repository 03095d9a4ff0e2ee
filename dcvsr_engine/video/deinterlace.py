"""FFmpeg's bwdif, one frame per frame."""

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TypeVar

import av
from av.filter import Graph

from dcvsr_engine.video.hdr import buffer_arguments

Item = TypeVar("Item")

SMALLEST = (3, 4)
"""bwdif takes no frame narrower or lower than this."""


def deinterlaced(frames: Iterable[tuple[Item, av.VideoFrame]]) -> Iterator[tuple[Item, av.VideoFrame]]:
    """Frames marked as interlaced made progressive, the others as they are; what comes with a frame stays with it."""
    graph: Graph | None = None
    waiting: deque[Item] = deque()
    for item, frame in frames:
        graph = graph or bwdif_graph(frame)
        waiting.append(item)
        frame.pts, frame.time_base = None, Fraction(1, 1000)
        graph.push(frame)
        yield from pulled(graph, waiting)
    if graph is not None:
        graph.push(None)
        yield from pulled(graph, waiting)


def bwdif_graph(frame: av.VideoFrame) -> Graph:
    """Source → bwdif → sink for frames like ``frame``."""
    graph = Graph()
    source = graph.add("buffer", buffer_arguments(frame))
    graph.link_nodes(source, graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced"), graph.add("buffersink"))
    graph.configure()
    return graph


def pulled(graph: Graph, waiting: "deque[Item]") -> Iterator[tuple[Item, av.VideoFrame]]:
    """Frames that are ready."""
    while True:
        try:
            frame = graph.vpull()
        except (av.BlockingIOError, av.EOFError):
            return
        yield waiting.popleft(), frame
