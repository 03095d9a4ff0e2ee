"""Segment files read as one stream: their packets in order, and the times they get in the output."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from av.packet import Packet
from av.video.stream import VideoStream

from dcvsr_engine.errors import OutputError
from dcvsr_engine.video.animation import BY_PILLOW, TILED_AVIF, animation_durations
from dcvsr_engine.video.index import FrameIndex
from dcvsr_engine.video.probe import VideoInfo
from dcvsr_engine.video.source import opened, video_stream


@dataclass(frozen=True)
class PacketTimes:
    """Times of the joined stream's packets in decoding order, in ticks of the input's time base."""

    pts: tuple[int, ...]
    dts: tuple[int, ...]
    durations: tuple[int, ...]

    @property
    def begin(self) -> int:
        """When the first frame is shown."""
        return min(self.pts)

    @property
    def end(self) -> int:
        """When the last frame has been shown."""
        return max(time + length for time, length in zip(self.pts, self.durations, strict=True))


LEAD = 1000
"""Ticks by which the first frame comes after time 0 in a segment file: more than any encoder reorders frames."""


def segment_origin(info: VideoInfo) -> int:
    """Pts that is 0 in segment files: they hold no negative times, and their i-th packet is decoded at tick i."""
    return min(0, info.start_pts) - LEAD


def segment_packets(segments: Sequence[Path]) -> Iterator[Packet[VideoStream]]:
    """The packets of all segments; raises `OutputError` when they do not fit together."""
    first: tuple[Any, ...] | None = None
    for segment in segments:
        with opened(segment) as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            # extradata holds the parameter sets: the output has one header for all segments
            kind = (context.name, context.width, context.height, context.pix_fmt, context.extradata)
            first = first or kind
            if kind != first:
                raise OutputError(f"Segment “{segment.name}” was encoded with other settings than the first; restore it again.")
            yield from (packet for packet in container.demux(stream) if packet.size)


def packet_times(segments: Sequence[Path], info: VideoInfo) -> PacketTimes:
    """Times of the joined stream.

    Packet i is decoded when frame i − d is shown, with d the largest number of packets that precede one shown earlier.

    Raises:
        OutputError: segments overlap or are out of order.
    """
    pts: list[int] = []
    for segment in segments:
        own = [segment_origin(info) + ticks(packet, info) for packet in segment_packets([segment])]
        if pts and own and min(own) <= max(pts):
            raise OutputError(f"Segment “{segment.name}” begins before the one before it ends; restore it again.")
        pts += own
    if not pts:
        raise OutputError("There are no frames to write.")
    shown = sorted(pts)
    place = {time: number for number, time in enumerate(shown)}
    delay = max(number - place[time] for number, time in enumerate(pts))
    last = duration_at(info, shown[-1])
    step = shown[1] - shown[0] if len(shown) > 1 else last
    # the first packets are decoded before anything is shown, at the pace of the first frames
    early = [shown[0] - (delay - number) * step for number in range(delay)]
    lengths = {time: after - time for time, after in pairwise(shown)}
    return PacketTimes(tuple(pts), tuple(early + shown[: len(pts) - delay]), tuple(lengths.get(time, last) for time in pts))


def ticks(packet: Packet[VideoStream], info: VideoInfo) -> int:
    """A segment packet's pts on the input's clock; NUT takes a finer one, of which this is a multiple."""
    return round((packet.pts or 0) * packet.time_base / info.time_base)


def duration_at(info: VideoInfo, pts: int) -> int:
    """Ticks for which the source shows the frame at ``pts``; those of an average frame where the file does not say."""
    if info.codec in BY_PILLOW and not info.is_sequence:
        index = FrameIndex.plain(animation_durations(info.path, info.codec == TILED_AVIF))
        return dict(zip(index.pts, index.durations, strict=True)).get(pts, info.usual_duration)
    if not info.is_sequence and not info.clock:
        with opened(info.path) as container, contextlib.suppress(av.FFmpegError):
            stream = video_stream(container, info.path)
            container.seek(pts, stream=stream)
            for packet in container.demux(stream):
                if packet.pts == pts and packet.duration:
                    return packet.duration
                if packet.dts is not None and packet.dts > pts:
                    break
    return info.usual_duration


def joined_packets(
    segments: Sequence[Path], times: PacketTimes, stream: VideoStream, tick: Fraction, shift: int
) -> Iterator[tuple[Fraction, Packet[Any]]]:
    """Read the joined video's packets and time them for the output.

    Args:
        segments: files of encoded video, in order.
        times: of their packets.
        stream: of the output, that the packets are given to.
        tick: seconds per tick of the input's time base.
        shift: ticks to add to all times.

    Yields:
        Decoding time in seconds, and the packet.
    """
    for packet, pts, dts, duration in zip(segment_packets(segments), times.pts, times.dts, times.durations, strict=True):
        packet.time_base = tick
        packet.pts, packet.dts, packet.duration = pts + shift, dts + shift, duration
        packet.stream = stream
        yield (dts + shift) * tick, packet
