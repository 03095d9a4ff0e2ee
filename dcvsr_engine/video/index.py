"""Which frame is where: presentation times of all frames and key frames, from the packets alone."""

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.stream import Discard

from dcvsr_engine.video.source import opened, reason, video_stream


@dataclass(frozen=True)
class FrameIndex:
    """Frames of a video in display order.

    Attributes:
        pts: presentation time per frame, in ticks of the stream.
        durations: ticks per frame, 0 where the file does not say.
        keys: presentation times of key frames, ascending.
        regular: whether every packet is one frame with its own time, so that a frame can be found by its time after a seek.
        broken: what ended the file early, or ``None``.
    """

    pts: tuple[int, ...]
    durations: tuple[int, ...]
    keys: tuple[int, ...]
    regular: bool
    broken: str | None = None

    def key_before(self, pts: int) -> int:
        """Position in `keys` of the last key frame shown at or before ``pts``; −1 when there is none."""
        return bisect_right(self.keys, pts) - 1


def build_index(path: Path, first_pts: int, interlaced: bool, rate: Fraction | None) -> FrameIndex:
    """Read all packets of the main video track, without decoding.

    ``first_pts`` is the time of the first frame that decodes: packets before it (cut recordings, edit lists) give no frame.
    Two fields of an ``interlaced`` frame may come as two packets; then the index is not regular.
    """
    times: list[tuple[int, int]] = []
    keys: list[int] = []
    untimed = 0
    broken = None
    with opened(path) as container:
        stream = video_stream(container, path)
        for other in container.streams:
            other.discard = Discard.default if other.index == stream.index else Discard.all
        try:
            for packet in container.demux(stream):
                if packet.size == 0 or packet.is_discard:
                    continue
                if packet.pts is None:
                    untimed += 1
                elif packet.pts >= first_pts:
                    times.append((packet.pts, packet.duration or 0))
                    if packet.is_keyframe:
                        keys.append(packet.pts)
        except av.FFmpegError as error:
            broken = reason(error)
        tick = stream.time_base
    times.sort()
    pts = [t for t, _ in times]
    gaps = [b - a for a, b in pairwise(pts)]
    regular = bool(times) and not untimed and all(gap > 0 for gap in gaps)
    if interlaced and regular and rate and tick and gaps:
        regular = min(gaps) * tick * rate > Fraction(3, 4)
    if untimed:
        pts, times = [], [(0, 0)] * (len(times) + untimed)
    return FrameIndex(tuple(pts), tuple(d for _, d in times), tuple(sorted(keys)), regular, broken)
