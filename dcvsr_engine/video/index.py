"""Presentation times of all frames and key frames, from the packets alone."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median

import av
from av.container import InputContainer
from av.stream import Discard
from av.video.stream import VideoStream

from dcvsr_engine.video.clock import Clock, ClockReader, ClockWatch, Run, is_watched, may_jump
from dcvsr_engine.video.decode import frames, raw_packets
from dcvsr_engine.video.source import opened, video_stream

PAIRED = Fraction(3, 4)
"""Packets closer than this share of a frame's duration may be two fields of one frame."""

SAMPLES = 3
"""Places at which decoding tells whether packets are frames or fields."""

SHORTFALL = Fraction(1, 4)
"""Seconds that may be missing from the duration that a header promises: it may round, or count the audio."""


@dataclass(frozen=True)
class FrameIndex:
    """Frames of a video in display order.

    Attributes:
        frames: their number.
        pts: presentation time per frame, in ticks of the stream, on the time line of `clock`; empty where some have none.
        durations: ticks per frame; the last may be 0, where the file does not say.
        keys: presentation times of key frames, ascending.
        regular: whether every frame has a time of its own, so that it can be found by it after a seek.
        broken: what ended the file early, or ``None``.
        clock: parts of the file whose clock begins again.
        positions: byte of every key frame, where it takes bytes to find one: where the file's own times are not unique.
        late_tracks: whether tracks begin so late in the file that opening it does not find them.
        paired_fields: whether frames come as two packets, one per field.
    """

    frames: int
    pts: tuple[int, ...]
    durations: tuple[int, ...]
    keys: tuple[int, ...]
    regular: bool
    broken: str | None = None
    clock: Clock = ()
    positions: tuple[int, ...] = ()
    late_tracks: bool = False
    paired_fields: bool = False

    @classmethod
    def plain(cls, durations: tuple[int, ...]) -> "FrameIndex":
        """The index of pictures that all stand alone, shown for ``durations`` ticks."""
        times = tuple(sum(durations[:place]) for place in range(len(durations)))
        return cls(len(times), times, durations, times, regular=True)

    def key_before(self, pts: int) -> int:
        """Position in `keys` of the last key frame shown at or before ``pts``; −1 when there is none."""
        return bisect_right(self.keys, pts) - 1


@dataclass(frozen=True)
class PacketEntry:
    """A packet of the main video track: times in ticks of the file's clock, which ``run`` moves; its block's first byte."""

    pts: int | None
    duration: int
    key: bool
    run: Run
    position: int


@dataclass(frozen=True)
class Shown:
    """A frame of the index: its time and duration in ticks on the time line, and where its packet is."""

    pts: int
    duration: int
    key: bool
    position: int


class PacketScan:
    """Reads a file's packets once.

    Attributes:
        broken: what ended the file early, or ``None``; known, like the others, once all entries were taken.
        late_tracks: whether further tracks began on the way.
        clock: of the file.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        """Prepare to read ``container``, whose main video track is ``stream``."""
        self.broken: str | None = None
        self.late_tracks = False
        self.clock: Clock = ()
        self._container, self._stream = container, stream

    def entries(self) -> Iterator[PacketEntry]:
        """The packets of the main video track that give a frame."""
        container, stream = self._container, self._stream
        main, jumpy, watched = stream.index, may_jump(container.format), is_watched(container.format)
        # where clocks may jump, other tracks tell a jump from a pause, and may be the first that come after it
        others = [other for other in container.streams if watched and other.type in ("audio", "video") and other.index != main]
        for other in container.streams:
            # FFmpeg then skips what nobody looks at
            other.discard = Discard.default if other is stream or other in others else Discard.all
        watch, reader, through = ClockWatch(main, jumpy), ClockReader(()), Run(0, Fraction(0), settled=True)
        end = Fraction(0)
        for packet in raw_packets(container, [stream, *others], self._break_off, self._find_late):
            run = watch.add(packet) if watched else through
            if packet.stream_index != main:
                continue
            latest = packet.dts if packet.pts is None else packet.pts
            end = max(end, ((latest or 0) + (packet.duration or 0)) * packet.time_base + run.offset)
            if packet.size and not packet.is_discard:
                yield PacketEntry(packet.pts, packet.duration or 0, packet.is_keyframe, run, reader.position(packet))
        self.clock = watch.clock()
        # where the clock jumps, the header's duration describes one part of the file at best
        if not self.clock and end < promised(container, stream) - SHORTFALL:
            self._break_off("it is shorter than its header says")

    def _break_off(self, words: str) -> None:
        self.broken = self.broken or words

    def _find_late(self) -> None:
        self.late_tracks = True


def build_index(path: Path, first_pts: int, interlaced: bool, rate: Fraction | None) -> FrameIndex:
    """Read all packets of the main video track, without decoding.

    Args:
        path: of the file.
        first_pts: time of the first frame that decodes; packets before it (cut recordings, edit lists) give no frame.
        interlaced: whether the two fields of a frame may come as two packets.
        rate: frames per second, for a first guess.

    Raises:
        InputError: the file cannot be opened.
    """
    with opened(path) as container:
        stream = video_stream(container, path)
        scan = PacketScan(container, stream)
        entries = list(scan.entries())
        tick = stream.time_base or Fraction(1, 1000)
    if any(entry.pts is None for entry in entries):
        times = times_before_zero(entries) if container.format.name.startswith("matroska") else ()
        lengths = tuple(after - before for before, after in pairwise(times))
        return FrameIndex(
            len(entries), times, (*lengths, entries[-1].duration) if times else (), (), False, scan.broken,
            late_tracks=scan.late_tracks,
        )  # fmt: skip
    # packets come in decoding order
    shown = sorted(shown_frames(entries, first_pts, tick), key=lambda frame: (frame.pts, frame.duration))
    packets = len(shown)
    if interlaced:
        usual = 1 / (rate * tick) if rate else Fraction(0)
        shown = without_second_fields(shown, usual, lambda times: decoded_times(path, times, scan.clock))
    gaps = [after.pts - before.pts for before, after in pairwise(shown)]
    keys = [frame for frame in shown if frame.key]
    return FrameIndex(
        frames=len(shown),
        pts=tuple(frame.pts for frame in shown),
        durations=(*gaps, shown[-1].duration) if shown else (),
        keys=tuple(frame.pts for frame in keys),
        regular=min(gaps, default=1) > 0,
        broken=scan.broken,
        clock=scan.clock,
        positions=tuple(frame.position for frame in keys) if scan.clock else (),
        late_tracks=scan.late_tracks,
        paired_fields=len(shown) < packets,
    )


def times_before_zero(entries: list[PacketEntry]) -> tuple[int, ...]:
    """Times of frames in display order where FFmpeg gives none to those before zero, as in Matroska: a frame's time apart."""
    known = sorted(entry.pts for entry in entries if entry.pts is not None)
    gaps = [after - before for before, after in pairwise(known)]
    usual = round(median(gaps)) if gaps else 0
    missing = len(entries) - len(known)
    if not usual:
        return ()
    return (*(known[0] - usual * number for number in range(missing, 0, -1)), *known)


def shown_frames(entries: list[PacketEntry], first_pts: int, tick: Fraction) -> Iterator[Shown]:
    """Select the packets that give a frame, with their times on one time line.

    Args:
        entries: packets in the order of the file.
        first_pts: time of the first frame that decodes, in ticks.
        tick: seconds per tick.
    """
    for entry in entries:
        if entry.pts is not None:
            pts = entry.pts + round(entry.run.offset / tick)
            if pts >= first_pts:
                yield Shown(pts, entry.duration, entry.key, entry.position)


def promised(container: InputContainer, stream: VideoStream) -> Fraction:
    """Seconds at which the track ends by its header or its Matroska tag; 0 where they do not say."""
    if container.format.name == "avi" and stream.average_rate:
        return stream.frames / stream.average_rate  # counts frames that were dropped, too; FFmpeg shortens the duration
    if stream.duration and stream.time_base and stream.frames:
        return ((stream.start_time or 0) + stream.duration) * stream.time_base
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")
    minutes, _, seconds = rest.partition(":")
    try:
        return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    except ValueError:
        return Fraction(0)


# -- fields -----------------------------------------------------------------------------------------------------

Decode = Callable[[list[int]], tuple[set[int], int]]
"""Decodes around some times, or all; returns the times of the frames, and the usual time between two of them (0: unknown)."""


def without_second_fields(shown: list[Shown], duration: Fraction, decode: Decode) -> list[Shown]:
    """Leave out packets that hold the second field of a frame: decoders make no frame of their own of them.

    Times alone do not tell such fields from frames: rates are those of the fields in some files, and uneven in others. So a few
    packets are decoded, those first that follow the one before closely.

    Args:
        shown: packets in display order.
        duration: ticks of a frame at the rate that the file says.
        decode: gives the frames around some times.
    """
    pairs = list(pairwise(shown))
    close = [pair for pair in pairs if pair[1].pts - pair[0].pts < PAIRED * duration] or pairs
    if not close:
        return shown
    asked = [frame.pts for number in range(SAMPLES) for frame in close[len(close) * number // SAMPLES]]
    decoded, usual = decode(asked)
    if decoded.issuperset(asked):
        return shown
    kept = shown[:1]
    for frame in shown[1:]:
        if frame.pts - kept[-1].pts >= PAIRED * usual:
            kept.append(frame)
    if usual and decoded.issuperset(frame.pts for frame in kept if frame.pts in asked):
        return kept
    decoded, _ = decode([])  # frames and fields in turn: only decoding all of it tells
    kept = [frame for frame in shown if frame.pts in decoded]
    return kept if 2 * len(kept) >= len(shown) else shown  # decoders that give frames other times than packets tell nothing


def decoded_times(path: Path, times: list[int], clock: Clock) -> tuple[set[int], int]:
    """Decode around ``times`` and collect the times of frames.

    Args:
        path: of the file.
        times: in ticks on the time line; empty for all frames.
        clock: of the file.

    Returns:
        Times of the frames found, and the median of the gaps between successive ones, 0 when unknown; in ticks.
    """
    found: set[int] = set()
    gaps: list[int] = []
    # where the clock jumps, times do not tell where to look
    places: Sequence[int | None] = [None] if clock or not times else times
    for time in places:
        before = sorted(frame_times(path, time, clock))
        found.update(before)
        gaps += [b - a for a, b in pairwise(before)]
    return found, round(median(gaps)) if gaps else 0


def frame_times(path: Path, time: int | None, clock: Clock) -> Iterator[int]:
    """Yield the times of frames, in ticks, from the key frame before ``time`` to a little beyond it.

    Args:
        path: of the file.
        time: in ticks; ``None`` for all frames.
        clock: of the file.
    """
    with opened(path) as container:
        stream = video_stream(container, path)
        stream.thread_type = "AUTO"
        if time is not None:
            with suppress(av.FFmpegError):  # some files can only be read from their start
                container.seek(time, stream=stream)
        for picture in frames(container, stream, lambda words: None, lambda words: None, ClockReader(clock)):
            if picture.pts is not None:
                yield picture.pts
                if time is not None and picture.pts > time:
                    return
