"""FFmpeg filters for single frames."""

import av
from av.filter import Graph


def filter_graph(frame: av.VideoFrame, name: str, arguments: str) -> Graph:
    """Build source → filter → sink for frames like ``frame``; times do not pass through it.

    Args:
        frame: its size, pixel format, matrix and range are those of all frames to come.
        name: FFmpeg's, of the filter.
        arguments: the filter's, in FFmpeg's syntax.
    """
    graph = Graph()
    source = graph.add(
        "buffer",
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base=1/1000"
        f":colorspace={int(frame.colorspace)}:range={int(frame.color_range)}",
    )
    graph.link_nodes(source, graph.add(name, arguments), graph.add("buffersink"))
    graph.configure()
    return graph
