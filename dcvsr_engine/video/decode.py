"""Packets and frames of an open file, past damage up to its end or break."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from dcvsr_engine.storage import describe_os_error

Report = Callable[[str], None]
"""Receives FFmpeg's words on a problem."""


def packets(container: InputContainer, streams: list[Any], broken: Report) -> Iterator[Packet[Any]]:
    """The packets of some streams, in the order of the file.

    Args:
        container: the open file.
        streams: of it.
        broken: called with FFmpeg's words when the file ends early.
    """
    try:
        for packet in container.demux(*streams):
            if packet.size:
                yield packet
    except av.FFmpegError as error:
        broken(describe_os_error(error))
    except IndexError:
        return  # PyAV, at the end of a file in which further tracks turned up on the way


def frames(container: InputContainer, stream: VideoStream, broken: Report, damaged: Report) -> Iterator[av.VideoFrame]:
    """The frames of a video track, in display order.

    Args:
        container: the open file.
        stream: its video track.
        broken: called with FFmpeg's words when the file ends early.
        damaged: called with FFmpeg's words for every packet that cannot be decoded.
    """
    for packet in chain(packets(container, [stream], broken), (None,)):
        try:
            yield from stream.decode(packet)
        except av.FFmpegError as error:
            damaged(describe_os_error(error))


def codec_name(stream: Stream) -> str:
    """The codec of any kind of track."""
    context = stream.codec_context
    return str(context.codec.canonical_name if context is not None else getattr(stream, "name", None) or "unknown")
