"""Finished segments to the output file: packets copied, times kept, together with the source's other tracks."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from dcvsr_engine.errors import OutputError
from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.storage import PICTURE_NAME, discard, partial_path, put_in_place, refuse_unsafe, write_error
from dcvsr_engine.video.encoders import CONTAINER_FORMATS, Encoding, encoding_for
from dcvsr_engine.video.join import PacketTimes, joined_packets, packet_times, segment_packets
from dcvsr_engine.video.probe import VideoInfo
from dcvsr_engine.video.remux import EVER, TimeRange, add_copied_streams, copied_packets, copy_chapters, tags, track_losses
from dcvsr_engine.video.source import opened, video_stream
from dcvsr_engine.video.writer import COARSE_CLOCK, check_target, describe_video, mov_clock

OnPacket = Callable[[], None]
"""Called before every packet; may raise to stop."""


@dataclass(frozen=True)
class Published:
    """A published result: ``frames`` of video, and ``notes``: sentences on what could not be copied."""

    target: Path
    frames: int
    notes: tuple[str, ...]


def publish(
    segments: Sequence[Path],
    target: Path,
    info: VideoInfo,
    output: OutputSettings,
    frames: tuple[int, int] | None = None,
    check: OnPacket = lambda: None,
    before_rename: Callable[[Path], None] = lambda partial: None,
) -> Published:
    """Join the segment files of one clip to the output, with the source's other tracks.

    Args:
        segments: files that `VideoWriter` wrote, in order.
        target: output file, or folder for pictures; it appears complete or not at all.
        info: of the source.
        output: settings that the segments were encoded with.
        frames: first and last frame (inclusive) that were restored, ``None`` for the whole clip: other tracks are cut to this
            range, which then starts at time zero.
        check: called before every packet; may raise to stop.
        before_rename: receives the complete result under its temporary name; may raise to stop.

    Raises:
        OutputError: the disk is full, the target cannot be written, or the segments do not fit together.
    """
    output = check_target(target, info, output)
    encoding = encoding_of(segments, info, output)
    target = target.absolute()
    partial = partial_path(target)
    pictures = not encoding.codec.containers
    notes = [*encoding.notes, *(picture_notes(info) if pictures else ())]
    try:
        if pictures:
            count = write_pictures(segments, partial, output.codec, frames[0] if frames else 0, check)
        else:
            times = packet_times(segments, info)
            count = len(times.pts)
            notes += mux(segments, times, partial, info, output, frames is None, check)
        refuse_unsafe(target, pictures=pictures, overwrite=output.overwrite)
        before_rename(partial)
        put_in_place(partial, target)
    except (av.FFmpegError, OSError) as error:
        raise write_error(target, error) from None
    finally:
        discard(partial)
    return Published(target, count, tuple(notes))


def encoding_of(segments: Sequence[Path], info: VideoInfo, output: OutputSettings) -> Encoding:
    """The encoding of the segments; raises `OutputError` when it is not the one ``output`` asks for."""
    if not segments:
        raise OutputError("There are no frames to write.")
    with opened(segments[0]) as container:
        stream = container.streams.video[0]
        encoding = encoding_for(info, stream.width, stream.height, output)
        if stream.codec.canonical_name != encoding.codec.name:
            raise OutputError(f"The segments hold {stream.codec.canonical_name}, not {encoding.codec.title}; restore them again.")
    return encoding


def write_pictures(segments: Sequence[Path], partial: Path, codec: str, first: int, check: OnPacket) -> int:
    """Write every frame as a file into a folder, numbered as in the clip; returns their number."""
    partial.mkdir()
    count = 0
    for packet in segment_packets(segments):
        check()
        (partial / PICTURE_NAME.format(first + count, codec)).write_bytes(bytes(packet))
        count += 1
    return count


def mux(
    segments: Sequence[Path],
    times: PacketTimes,
    partial: Path,
    info: VideoInfo,
    output: OutputSettings,
    whole: bool,
    check: OnPacket,
) -> list[str]:
    """Write the container: video from the segments, everything else from the source.

    Args:
        segments: files of encoded video, in order.
        times: of their packets.
        partial: file to write; its suffix names the container.
        info: of the source.
        output: as `check_target` gives it.
        whole: whether the whole clip was restored, not a range of it.
        check: called before every packet.

    Returns:
        Sentences on what the container lacks.
    """
    kind = CONTAINER_FORMATS[partial.suffix.lower()]
    # a range starts at zero; a whole clip keeps its times unless they begin before zero, which not every container can store
    shift = 0 if whole and times.begin >= 0 else -times.begin
    first, last = (-EVER, EVER) if whole else (times.begin * info.time_base, times.end * info.time_base)
    span = TimeRange(first, last, shift * info.time_base)
    notes = container_notes(kind, info, output)
    with contextlib.ExitStack() as stack:
        template = stack.enter_context(opened(segments[0])).streams.video[0]
        out = stack.enter_context(opened_output(partial, kind, info, max(times.durations)))
        video = add_video(out, template, kind, info, output)
        feeds: list[Iterator[tuple[Fraction, Packet[Any]]]] = [joined_packets(segments, times, video, info.time_base, shift)]
        if not info.is_sequence:
            source = stack.enter_context(opened(info.path))
            main = video_stream(source, info.path)
            out.metadata.update(tags(source.metadata))
            video.metadata.update(tags(main.metadata))
            video.disposition = main.disposition
            notes += track_losses(source, kind, main.index, output)
            feeds.append(
                copied_packets(source, add_copied_streams(info.path, source, out, kind, main.index, output), span, notes)
            )
            if output.subtitles:
                copy_chapters(source, out, span)
        out.start_encoding()
        for _, packet in heapq.merge(*feeds, key=lambda item: item[0]):
            check()
            out.mux_one(packet)
    return notes


def opened_output(partial: Path, kind: str, info: VideoInfo, longest: int) -> OutputContainer:
    """An empty container whose clock is as fine as the input's, where it has a choice."""
    scale = str(mov_clock(info, max(longest, info.longest)))
    options = {} if kind == "matroska" else {"video_track_timescale": scale, "movie_timescale": scale}
    return av.open(f"file:{partial}", "w", format=kind, container_options=options)


def add_video(out: OutputContainer, template: VideoStream, kind: str, info: VideoInfo, output: OutputSettings) -> VideoStream:
    """The video stream, with the tags that some codecs do not carry themselves."""
    video = out.add_stream_from_template(template, opaque=True)
    color = encoding_for(info, template.width, template.height, output).color
    describe_video(video, color, info.sample_aspect_ratio, info.frame_rate)
    video.time_base = info.time_base
    if kind != "matroska" and output.codec in ("h265", "hevc_nvenc"):
        video.codec_context.codec_tag = "hvc1"  # Apple's players know H.265 by this name only
    return video


def losses_ahead(target: Path, info: VideoInfo, width: int, height: int, output: OutputSettings) -> tuple[str, ...]:
    """Predict, before any work, what the output will not keep of its source.

    Args:
        target: output file, or folder for pictures.
        info: of the source.
        width, height: of a restored frame, in pixels.
        output: as `check_target` gives it.

    Returns:
        Sentences for users.
    """
    encoding = encoding_for(info, width, height, output)
    if not encoding.codec.containers:
        return (*encoding.notes, *picture_notes(info))
    kind = CONTAINER_FORMATS[target.suffix.lower()]
    notes = [*encoding.notes, *container_notes(kind, info, output)]
    if not info.is_sequence:
        with opened(info.path) as source:
            notes += track_losses(source, kind, video_stream(source, info.path).index, output)
    return tuple(notes)


def picture_notes(info: VideoInfo) -> list[str]:
    """What pictures cannot say about the video."""
    tracks = bool(info.audio or info.subtitles)
    return ["Sound and subtitles are left out: pictures have none; .mp4, .mov or .mkv do."] if tracks else []


def container_notes(kind: str, info: VideoInfo, output: OutputSettings) -> list[str]:
    """What the container cannot say about the video."""
    notes = []
    if kind == "matroska" and info.variable_frame_rate and (1000 * info.time_base).denominator > 1:
        notes.append("Frame times are rounded to milliseconds: .mkv knows no finer ones, .mp4 and .mov do.")
    if kind != "matroska" and mov_clock(info, info.longest) != info.time_base.denominator:
        notes.append(
            f"Frame times are rounded to 1/{COARSE_CLOCK} s: in ticks of {info.time_base} s a frame is shown for longer than "
            ".mp4 and .mov can say."
        )
    if kind == "matroska" and output.codec == "prores" and info.sample_aspect_ratio != 1:
        notes.append(f"The pixel shape {info.sample_aspect_ratio} is lost: ProRes in .mkv does not say it, in .mov it does.")
    return notes
