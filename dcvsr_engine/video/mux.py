"""Writes the container of a result: restored video from the segments, everything else from the source."""

from __future__ import annotations

import contextlib
import errno
import heapq
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from dcvsr_engine.errors import OutputError
from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.storage import describe_os_error
from dcvsr_engine.video.clock import TimeRange
from dcvsr_engine.video.encoders import CONTAINER_FORMATS, VIDEO_CODECS, encoding_for
from dcvsr_engine.video.join import PacketTimes, joined_packets
from dcvsr_engine.video.probe import VideoInfo
from dcvsr_engine.video.remux import OtherTracks, Timed, copy_chapters
from dcvsr_engine.video.source import opened, video_stream
from dcvsr_engine.video.tracks import PRIMING, Fate, TrackPlan, is_timecode, plan_tracks, tags, without_copying
from dcvsr_engine.video.writer import describe_video, mov_clock

OnPacket = Callable[[], None]
"""Called before every packet; may raise to stop."""


class TrackError(Exception):
    """The container refused a packet: of the track with this index in the source, or of one that is not known."""

    def __init__(self, index: int | None, words: str) -> None:
        super().__init__(words)
        self.index, self.words = index, words


class Muxer:
    """Writes the container: video from the segments, everything else from the source."""

    def __init__(
        self,
        segments: Sequence[Path],
        times: PacketTimes,
        partial: Path,
        info: VideoInfo,
        output: OutputSettings,
        whole: bool,
        check: OnPacket,
    ) -> None:
        """Prepare writing.

        Args:
            segments: files of encoded video, in order.
            times: of their packets.
            partial: file to write; its suffix names the container.
            info: of the source.
            output: as `check_target` gives it.
            whole: whether the whole clip was restored, not a range of it.
            check: called before every packet.
        """
        self._segments, self._times, self._partial, self._info, self._output = segments, times, partial, info, output
        self._whole, self._check = whole, check
        self._kind = CONTAINER_FORMATS[partial.suffix.lower()]

    def run(self) -> tuple[tuple[TrackPlan, ...], list[str]]:
        """Write the file; returns the tracks as they turned out, and sentences on how the source ends.

        Raises:
            OutputError: the container refuses the video itself.
            av.FFmpegError, OSError: the disk is full or not writable.
        """
        plans = plan_tracks(self._info, self._kind, self._output)
        while True:
            try:
                return plans, self._write(plans)
            except TrackError as error:
                plans = self._without(plans, error)

    def _without(self, plans: tuple[TrackPlan, ...], error: TrackError) -> tuple[TrackPlan, ...]:
        """Plans that spare the container the track that it refused; one by one where that is not known.

        Restored frames are never lost because a track beside them is odd.
        """
        kept = [plan for plan in plans if plan.fate in (Fate.COPY, Fate.CONVERT)]
        with opened(self._info.path, self._info.late_tracks) as source:
            # audio is the last that is given up
            kept.sort(key=lambda plan: (plan.index != error.index, source.streams[plan.index].type == "audio"))
            if not kept:
                raise OutputError(f"“{self._partial.name}” cannot be written ({error.words}); choose another container.")
            changed = without_copying(kept[0], self._kind, source.streams[kept[0].index], error.words)
        return tuple(changed if plan is kept[0] else plan for plan in plans)

    def _write(self, plans: tuple[TrackPlan, ...]) -> list[str]:
        """Write the file with some tracks; returns sentences on how the source ends. Raises `TrackError`."""
        info, broken = self._info, list[str]()
        span = time_range(self._times, info, plans, self._whole)
        try:
            with contextlib.ExitStack() as stack:
                template = stack.enter_context(opened(self._segments[0])).streams.video[0]
                out = stack.enter_context(opened_output(self._partial, self._kind, info, max(self._times.durations)))
                video = add_video(out, template, self._kind, info, self._output)
                shift = round(span.shift / info.time_base)
                feeds: list[Iterator[Timed]] = [joined_packets(self._segments, self._times, video, info.time_base, shift)]
                tracks: dict[int, Stream] = {}
                if not info.is_sequence:
                    source = stack.enter_context(opened(info.path, info.late_tracks))
                    copy_tags(source, out, video, info, self._whole)
                    video.disposition = video_stream(source, info.path).disposition
                    others = OtherTracks(info, source, out, plans)
                    tracks = others.streams
                    feeds.append(others.packets(span, broken))
                    if self._output.subtitles:
                        copy_chapters(source, out, span)
                out.start_encoding()
                indices = {stream.index: index for index, stream in tracks.items()}
                # players read a file from front to back: packets of all tracks are interleaved by their decoding time
                for _, packet in heapq.merge(*feeds, key=lambda item: item[0]):
                    self._check()
                    self._mux(out, packet, indices)
        except av.FFmpegError as error:
            if is_system_error(error):
                raise
            raise TrackError(None, describe_os_error(error)) from None
        return broken

    def _mux(self, out: OutputContainer, packet: Packet[Any], indices: dict[int, int]) -> None:
        index = indices.get(packet.stream_index)
        try:
            out.mux_one(packet)
        except av.FFmpegError as error:
            if is_system_error(error):
                raise
            raise TrackError(index, describe_os_error(error)) from None


def is_system_error(error: av.FFmpegError) -> bool:
    """Whether an error comes from the disk, not from what was to be written."""
    # FFmpeg's own errors have numbers beyond the system's; these three come from muxers that refuse a packet
    return error.errno in errno.errorcode and error.errno not in (errno.EINVAL, errno.ERANGE, errno.ENOSYS)


def time_range(times: PacketTimes, info: VideoInfo, plans: Sequence[TrackPlan], whole: bool) -> TimeRange:
    """Find the part of the source that is kept, and the shift that makes the result begin at zero.

    All tracks are shifted alike, so that one that begins earlier keeps its lead. Audio from before time zero is priming, which
    only starts a decoder up and is not played.

    Args:
        times: of the restored video.
        info: of the source.
        plans: for its other tracks.
        whole: whether all frames are restored, not a range.
    """
    tick = info.time_base
    begin, end = times.begin * tick, times.end * tick
    if not whole:
        return TimeRange(begin, end, -begin)
    starts = [plan.start for plan in plans if plan.start is not None and plan.fate in (Fate.COPY, Fate.CONVERT)]
    earliest = min((begin, *(max(start, Fraction(0)) if -PRIMING <= start <= 0 <= begin else start for start in starts)))
    # in whole ticks of the video, rounded so that nothing comes to lie before zero
    return TimeRange(shift=-(earliest // tick) * tick)


def copy_tags(source: InputContainer, out: OutputContainer, video: VideoStream, info: VideoInfo, whole: bool) -> None:
    """Copy the tags of the file and of the main video track.

    Args:
        source: the open input.
        out, video: the output and its main track.
        info: of the source.
        whole: whether all frames are restored, not a range.
    """
    main = video_stream(source, info.path)
    out.metadata.update(tags(source.metadata))
    video.metadata.update(tags(main.metadata))
    timecode = next((s.metadata["timecode"] for s in source.streams if is_timecode(s)), None)
    if not whole:
        # the first frame's timecode is not that of the range's first frame
        out.metadata.pop("timecode", None)
        video.metadata.pop("timecode", None)
    elif timecode:
        video.metadata.setdefault("timecode", timecode)


def opened_output(partial: Path, kind: str, info: VideoInfo, longest: int) -> OutputContainer:
    """Open an empty container whose clock is as fine as the input's, where it has a choice.

    Args:
        partial: file to write.
        kind: FFmpeg's name of the container.
        info: of the source.
        longest: ticks for which a frame is shown at most.
    """
    scale = str(mov_clock(info, max(longest, info.longest)))
    options = {} if kind == "matroska" else {"video_track_timescale": scale, "movie_timescale": scale}
    return av.open(f"file:{partial}", "w", format=kind, container_options=options)


def add_video(out: OutputContainer, template: VideoStream, kind: str, info: VideoInfo, output: OutputSettings) -> VideoStream:
    """Add the video stream, with the tags that some codecs do not carry themselves.

    Args:
        out: the open output.
        template: the track of a segment file.
        kind: FFmpeg's name of the container.
        info: of the source.
        output: as `check_target` gives it.
    """
    video = out.add_stream_from_template(template, opaque=True)
    color = encoding_for(info, template.width, template.height, output).color
    describe_video(video, color, info.sample_aspect_ratio, info.frame_rate)
    video.time_base = info.time_base
    if kind != "matroska" and VIDEO_CODECS[output.codec].name == "hevc":
        video.codec_context.codec_tag = "hvc1"  # Apple's players know H.265 by this name only
    if kind == "mov" and output.codec == "prores":
        video.codec_context.codec_tag = template.codec_context.codec_tag  # each of ProRes' profiles has a name of its own
    return video
