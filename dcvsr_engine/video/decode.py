"""Packets and frames of an open file, past damage up to its end or break."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from dcvsr_engine.storage import describe_os_error
from dcvsr_engine.video.clock import ClockReader
from dcvsr_engine.video.passage import PassageLog

Report = Callable[[str], None]
"""Receives FFmpeg's words on a problem."""


def packets(
    container: InputContainer, streams: list[Any], broken: Report, clock: ClockReader | None = None
) -> Iterator[Packet[Any]]:
    """The packets of some streams that hold data, in the order of the file and with times on its one time line.

    Args:
        container: the open file.
        streams: of it.
        broken: called with FFmpeg's words when the file ends early.
        clock: of the file, where it does not run through.
    """
    for packet in raw_packets(container, streams, broken):
        if packet.size:
            if clock is not None:
                clock.move(packet)
            yield packet


def raw_packets(
    container: InputContainer, streams: list[Any], broken: Report, late: Callable[[], None] = lambda: None
) -> Iterator[Packet[Any]]:
    """The packets of some streams, empty ones too, with the times that the file gives them.

    Args:
        container: the open file.
        streams: of it.
        broken: called with FFmpeg's words when the file ends early.
        late: called at the end of a file in which tracks turned up that were not there when it was opened.
    """
    try:
        for packet in container.demux(*streams):
            if packet.dts is not None or packet.size:
                yield packet
    except av.FFmpegError as error:
        broken(describe_os_error(error))
    except IndexError:
        late()  # PyAV looks for these tracks in vain when it flushes them


def frames(
    container: InputContainer,
    stream: VideoStream,
    broken: Report,
    damaged: Report,
    clock: ClockReader | None = None,
    log: PassageLog | None = None,
) -> Iterator[av.VideoFrame]:
    """The frames of a video track, in display order.

    Args:
        container: the open file.
        stream: its video track.
        broken: called with FFmpeg's words when the file ends early.
        damaged: called with FFmpeg's words for every packet that cannot be decoded.
        clock: as for `packets`.
        log: takes every packet, also of the tracks that are copied beside the video.
    """
    streams = [stream] if log is None else logged_streams(container, stream)
    decoder = decoder_of(stream)
    for packet in chain(packets(container, streams, broken, clock), (None,)):
        if log is not None and packet is not None:
            log.add(*part_of(packet))
        if packet is not None and packet.stream_index != stream.index:
            continue
        try:
            yield from decoder.decode(packet)
        except av.FFmpegError as error:
            if error.errno == errno.ENOMEM:
                raise MemoryError("the decoder needs more memory") from None  # the file is not damaged
            damaged(describe_os_error(error))


ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Codec → the decoder that reads the alpha channel which WebM keeps beside the picture; FFmpeg's own passes it over."""


def decoder_of(stream: VideoStream) -> VideoCodecContext:
    """What decodes a track: FFmpeg's usual decoder, or the one that finds the alpha channel."""
    own = stream.codec_context
    name = ALPHA_DECODERS.get(own.name) if stream.metadata.get("alpha_mode") == "1" else None
    if name is None:
        return own
    try:
        other = av.CodecContext.create(name, "r")
    except ValueError:  # FFmpeg without it: that the channel is lost is told
        return own
    assert isinstance(other, VideoCodecContext)
    other.extradata = own.extradata
    return other


def logged_streams(container: InputContainer, video: VideoStream) -> list[Stream]:
    """The tracks of which a result is made: the main video, sound and subtitles."""
    return [stream for stream in container.streams if stream.index == video.index or stream.type in ("audio", "subtitle")]


def part_of(packet: Packet[Any]) -> tuple[bytes, str]:
    """A packet's content and its times, as a part of a `Passage`."""
    return bytes(packet), f"{packet.pts} {packet.dts} {packet.size};"


def codec_name(stream: Stream) -> str:
    """The codec of any kind of track."""
    context = stream.codec_context
    return str(context.codec.canonical_name if context is not None else getattr(stream, "name", None) or "unknown")
