"""Finished segments to the output file: packets copied, times kept, together with the source's other tracks."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from dcvsr_engine.errors import OutputError
from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.video.carry import EVER, Span, add_tracks, carry_chapters, tags, track_packets
from dcvsr_engine.video.encoders import CODECS, CONTAINERS, encoding_for
from dcvsr_engine.video.files import PICTURE_NAME, discard, partial_path, put_in_place, refuse_unsafe
from dcvsr_engine.video.probe import VideoInfo
from dcvsr_engine.video.source import opened, video_stream
from dcvsr_engine.video.writer import check_target, describe_video, segment_origin, write_error


@dataclass(frozen=True)
class Published:
    """What was put out: ``frames`` of video, and ``notes``: sentences on what could not be carried over."""

    target: Path
    frames: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Stamps:
    """Times of an output's video packets in decoding order, in ticks of the input's time base."""

    pts: tuple[int, ...]
    dts: tuple[int, ...]
    durations: tuple[int, ...]


def publish(
    segments: Sequence[Path], target: Path, info: VideoInfo, output: OutputSettings, frames: tuple[int, int] | None = None
) -> Published:
    """Join the segment files of one clip, in order, to ``target``, with the source's other tracks.

    ``frames`` is the range (inclusive) that was restored, ``None`` for the whole clip: other tracks are cut to its time, which
    then starts at zero. Raises `OutputError`; the target appears complete or not at all.
    """
    output = check_target(target, info, output)
    target = target.absolute()
    partial = partial_path(target)
    pictures = not CODECS[output.codec].containers
    try:
        if pictures:
            published = write_pictures(segments, partial, target, output.codec, frames[0] if frames else 0)
        else:
            published = mux(segments, partial, target, info, output, whole=frames is None)
        refuse_unsafe(target, pictures=pictures, overwrite=output.overwrite)
        put_in_place(partial, target)
    except (av.FFmpegError, OSError) as error:
        raise write_error(target, error) from None
    finally:
        discard(partial)
    return published


def write_pictures(segments: Sequence[Path], partial: Path, target: Path, codec: str, first: int) -> Published:
    """Every frame as a file of its own in a folder, numbered as in the clip."""
    partial.mkdir()
    count = 0
    for packet in packets_of(segments):
        (partial / PICTURE_NAME.format(first + count, codec)).write_bytes(bytes(packet))
        count += 1
    return Published(target, count, ())


def packets_of(segments: Sequence[Path]) -> Iterator[Packet[VideoStream]]:
    """The video packets of all segments, one after the other."""
    for segment in segments:
        with opened(segment) as container:
            for packet in container.demux(container.streams.video[0]):
                if packet.size:
                    yield packet


def stamps_of(segments: Sequence[Path], info: VideoInfo) -> Stamps:
    """Times for the joined stream; raises `OutputError` when segments overlap or are out of order.

    With d the most packets that come before one shown earlier, packet i is decoded when frame i − d is shown.
    """
    pts: list[int] = []
    for segment in segments:
        own = [segment_origin(info) + ticks(packet, info) for packet in packets_of([segment])]
        if pts and own and min(own) <= max(pts):
            raise OutputError(f"Segment “{segment.name}” begins before the one before it ends; restore it again.")
        pts += own
    if not pts:
        raise OutputError("There are no frames to put out.")
    shown = sorted(pts)
    place = {time: number for number, time in enumerate(shown)}
    delay = max(number - place[time] for number, time in enumerate(pts))
    last = duration_at(info, shown[-1])
    step = shown[1] - shown[0] if len(shown) > 1 else last
    early = [shown[0] - (delay - number) * step for number in range(delay)]
    lengths = {a: b - a for a, b in pairwise(shown)}
    return Stamps(tuple(pts), tuple(early + shown[: len(pts) - delay]), tuple(lengths.get(time, last) for time in pts))


def ticks(packet: Packet[VideoStream], info: VideoInfo) -> int:
    """A segment packet's pts on the input's clock; NUT takes a finer one, of which this is a multiple."""
    return round((packet.pts or 0) * packet.time_base / info.time_base)


def duration_at(info: VideoInfo, pts: int) -> int:
    """Ticks for which the source shows the frame at ``pts``; those of an average frame where the file does not say."""
    if not info.is_sequence:
        with opened(info.path) as container, contextlib.suppress(av.FFmpegError):
            stream = video_stream(container, info.path)
            container.seek(pts, stream=stream)
            for packet in container.demux(stream):
                if packet.pts == pts and packet.duration:
                    return packet.duration
                if packet.dts is not None and packet.dts > pts:
                    break
    return info.usual_duration


def mux(
    segments: Sequence[Path], partial: Path, target: Path, info: VideoInfo, output: OutputSettings, *, whole: bool
) -> Published:
    """Write the container: video from the segments, all else from the source."""
    stamps = stamps_of(segments, info)
    kind = CONTAINERS[target.suffix.lower()]
    begin, end = min(stamps.pts), max(map(sum, zip(stamps.pts, stamps.durations, strict=True)))
    # a range starts at zero; a whole clip keeps its times unless they begin before zero, which not every container shows
    shift = 0 if whole and begin >= 0 else -begin
    first, last = (-EVER, EVER) if whole else (begin * info.time_base, end * info.time_base)
    span = Span(first, last, shift * info.time_base)
    notes: tuple[str, ...] = ()
    with contextlib.ExitStack() as stack:
        template = stack.enter_context(opened(segments[0])).streams.video[0]
        out = stack.enter_context(opened_output(partial, kind, info))
        video = add_video(out, template, kind, info, output)
        feeds: list[Iterator[tuple[Fraction, Packet[Any]]]] = [video_packets(segments, stamps, video, info.time_base, shift)]
        carried = None
        if not info.is_sequence:
            source = stack.enter_context(opened(info.path))
            main = video_stream(source, info.path)
            out.metadata.update(tags(source.metadata))
            video.metadata.update(tags(main.metadata))
            video.disposition = main.disposition
            carried = add_tracks(info.path, source, out, kind, main.index, output)
            if output.subtitles:
                carry_chapters(source, out, span)
            feeds.append(track_packets(source, carried, span))
        out.start_encoding()
        for _, packet in heapq.merge(*feeds, key=lambda item: item[0]):
            out.mux_one(packet)
        notes = tuple(carried.notes) if carried else ()
    return Published(target, len(stamps.pts), notes)


def opened_output(partial: Path, kind: str, info: VideoInfo) -> OutputContainer:
    """An empty container whose clock is as fine as the input's, where it has a choice."""
    scale = str(info.time_base.denominator)
    options = {} if kind == "matroska" else {"video_track_timescale": scale, "movie_timescale": scale}
    return av.open(f"file:{partial}", "w", format=kind, container_options=options)


def add_video(out: OutputContainer, template: VideoStream, kind: str, info: VideoInfo, output: OutputSettings) -> VideoStream:
    """The video stream, with the tags that some codecs do not carry themselves."""
    video = out.add_stream_from_template(template, opaque=True)
    describe_video(
        video, encoding_for(info, template.width, template.height, output).color, info.sample_aspect_ratio, info.frame_rate
    )
    video.time_base = info.time_base
    if kind != "matroska" and output.codec in ("h265", "hevc_nvenc"):
        video.codec_context.codec_tag = "hvc1"  # Apple's players know H.265 by this name only
    return video


def video_packets(
    segments: Sequence[Path], stamps: Stamps, video: VideoStream, tick: Fraction, shift: int
) -> Iterator[tuple[Fraction, Packet[Any]]]:
    """(decoding time in seconds, packet) of the joined video."""
    for packet, pts, dts, duration in zip(packets_of(segments), stamps.pts, stamps.dts, stamps.durations, strict=True):
        packet.time_base = tick
        packet.pts, packet.dts, packet.duration = pts + shift, dts + shift, duration
        packet.stream = video
        yield (dts + shift) * tick, packet
