"""Presentation times of all frames and key frames, from the packets alone."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from av.container import InputContainer
from av.stream import Discard
from av.video.stream import VideoStream

from dcvsr_engine.video.decode import packets
from dcvsr_engine.video.source import opened, video_stream


@dataclass(frozen=True)
class FrameIndex:
    """Frames of a video in display order.

    Attributes:
        frames: how many there are.
        pts: presentation time per frame, in ticks of the stream; empty where some have none.
        durations: ticks per frame; the last may be 0, where the file does not say.
        keys: presentation times of key frames, ascending.
        regular: whether every frame has a time of its own, so that it can be found by it after a seek.
        broken: what ended the file early, or ``None``.
    """

    frames: int
    pts: tuple[int, ...]
    durations: tuple[int, ...]
    keys: tuple[int, ...]
    regular: bool
    broken: str | None = None

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
    """A packet of the index."""

    pts: int | None
    duration: int
    key: bool


def build_index(path: Path, first_pts: int, interlaced: bool, rate: Fraction | None) -> FrameIndex:
    """Read all packets of the main video track, without decoding.

    Args:
        path: of the file.
        first_pts: time of the first frame that decodes; packets before it (cut recordings, edit lists) give no frame.
        interlaced: whether the two fields of a frame may come as two packets.
        rate: average frames per second.

    Raises:
        InputError: the file cannot be opened.
    """
    broken: list[str] = []
    with opened(path) as container:
        stream = video_stream(container, path)
        entries = list(entries_of(container, stream, broken))
        tick = stream.time_base or Fraction(1, 1000)
    if any(entry.pts is None for entry in entries):
        return FrameIndex(len(entries), (), (), (), False, next(iter(broken), None))
    timed = sorted((e.pts, e.duration, e.key) for e in entries if e.pts is not None and e.pts >= first_pts)
    if interlaced and rate:
        timed = without_second_fields(timed, Fraction(3, 4) / (rate * tick))
    pts = [time for time, _, _ in timed]
    gaps = [after - before for before, after in pairwise(pts)]
    return FrameIndex(
        frames=len(pts),
        pts=tuple(pts),
        durations=(*gaps, timed[-1][1]) if timed else (),
        keys=tuple(time for time, _, key in timed if key),
        regular=min(gaps, default=1) > 0,
        broken=next(iter(broken), None),
    )


def without_second_fields(timed: list[tuple[int, int, bool]], least: Fraction) -> list[tuple[int, int, bool]]:
    """(pts, duration, key) of packets that come at least ``least`` ticks after the one kept before."""
    kept = timed[:1]
    for entry in timed[1:]:
        if entry[0] - kept[-1][0] >= least:
            kept.append(entry)
    return kept


def entries_of(container: InputContainer, stream: VideoStream, broken: list[str]) -> Iterator[PacketEntry]:
    """The packets that give a frame; what ends the file early goes to ``broken``."""
    for other in container.streams:
        other.discard = Discard.default if other.index == stream.index else Discard.all
    count = 0
    end = Fraction(0)
    tick = stream.time_base or Fraction(1, 1000)
    for packet in packets(container, [stream], broken.append):
        count += 1
        end = max(end, ((packet.pts or 0) + (packet.duration or 0)) * tick)
        if not packet.is_discard:
            yield PacketEntry(packet.pts, packet.duration or 0, packet.is_keyframe)
    if count < stream.frames or end < promised(stream) - Fraction(1, 2):
        broken.append("it is shorter than its header says")


def promised(stream: VideoStream) -> Fraction:
    """Seconds at which the track ends by its Matroska tag; 0 without one."""
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")
    minutes, _, seconds = rest.partition(":")
    try:
        return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    except ValueError:
        return Fraction(0)
