"""FFmpeg filters for single frames."""

import av
from av.filter import Graph


def filter_graph(frame: av.VideoFrame, name: str, arguments: str) -> Graph:
    """Source → filter → sink for frames like ``frame``; times do not pass through it."""
    graph = Graph()
    source = graph.add(
        "buffer",
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base=1/1000"
        f":colorspace={int(frame.colorspace)}:range={int(frame.color_range)}",
    )
    graph.link_nodes(source, graph.add(name, arguments), graph.add("buffersink"))
    graph.configure()
    return graph
