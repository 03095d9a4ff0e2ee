"""Clocks that begin again, jump or wrap inside a file, brought onto one time line that all tracks share.

Recordings that were put together byte by byte (VOB, transport streams) carry each part's own times. FFmpeg's program bridges such
jumps while it converts (``ts_discont_process`` in ffmpeg_demux.c); here they are found once, as byte positions, so that every
later pass, from wherever in the file, moves the times alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.format import ContainerFormat
from av.packet import Packet

DISCONTINUOUS = 0x0200
"""libavformat's ``AVFMT_TS_DISCONT``: the format's times may jump."""

MONOTONIC = ("mov", "avi", "gif", "image2")
"""Beginnings of the names of formats whose decoding times cannot go back: they count them."""

FORWARD = 10.0
"""Seconds by which a clock that jumps leaves all tracks behind; FFmpeg's ``dts_delta_threshold``."""

BACKWARD = {"video": 0.01, "audio": 0.1}
"""Seconds by which decoding times go back only if the clock does; those of audio are less exact."""


RESTART = 0.1
"""Seconds by which times may go back to where the track began without beginning again."""

EVER = Fraction(10**9)
"""Seconds; longer than any file."""


@dataclass(frozen=True)
class TimeRange:
    """The part of a source that is kept, in seconds, and what is added to its times."""

    begin: Fraction = -EVER
    end: Fraction = EVER
    shift: Fraction = Fraction(0)


@dataclass(frozen=True)
class Epoch:
    """A part of a file on one run of its clock: from byte ``begin`` on, ``offset`` seconds are added to all times."""

    begin: int
    offset: Fraction


Clock = tuple[Epoch, ...]
"""All parts of a file, in order; empty for a clock that runs through."""


def may_jump(container_format: ContainerFormat) -> bool:
    """Whether times in files of a format may jump ahead without anything missing."""
    return bool(container_format.flags & DISCONTINUOUS)


def is_watched(container_format: ContainerFormat) -> bool:
    """Whether decoding times in files of a format may go back."""
    return not container_format.name.startswith(MONOTONIC)


class ClockReader:
    """Moves the times of packets, taken in the order of the file, onto one time line.

    Attributes:
        clock: of the file.
    """

    def __init__(self, clock: Clock, position: int = 0) -> None:
        """Start reading at byte ``position``."""
        self.clock = clock
        self._start = position
        self._positions: dict[int, int] = {}

    def offset(self, packet: Packet[Any]) -> Fraction:
        """Seconds to add to a packet's times."""
        begin = self.position(packet)
        return next((epoch.offset for epoch in reversed(self.clock) if epoch.begin <= begin), Fraction(0))

    def position(self, packet: Packet[Any]) -> int:
        """Byte at which a packet, or the block it came in, begins; FFmpeg does not say it for every packet of a block."""
        if packet.pos is not None and packet.pos >= 0:
            self._positions[packet.stream_index] = packet.pos
        return self._positions.get(packet.stream_index, self._start)

    def move(self, packet: Packet[Any]) -> None:
        """Give a packet its times on the time line."""
        if not self.clock:
            return
        ticks = round(self.offset(packet) / packet.time_base)
        if ticks and packet.pts is not None:
            packet.pts += ticks
        if ticks and packet.dts is not None:
            packet.dts += ticks


@dataclass
class Run:
    """An epoch while it is being found: ``begin`` in bytes, ``offset`` in seconds, and whether the main video has set it."""

    begin: int
    offset: Fraction
    settled: bool = False


@dataclass(frozen=True)
class TrackEnd:
    """Where a track has got to on the time line, in seconds.

    Attributes:
        latest: its latest decoding time.
        due: when the next packet is due.
        begin: time of its first packet on the file's own clock.
    """

    latest: Fraction
    due: Fraction
    begin: Fraction


class ClockWatch:
    """Finds where a file's clock jumps, from the decoding times of its tracks in the order of the file."""

    def __init__(self, main: int, ahead: bool) -> None:
        """Watch tracks of which ``main`` is the main video; ``ahead`` says whether jumps ahead count too."""
        self._main, self._ahead = main, ahead
        self._runs = [Run(0, Fraction(0), settled=True)]
        self._ends: dict[int, TrackEnd] = {}
        self._reader = ClockReader(())

    def add(self, packet: Packet[Any]) -> Run:
        """Take the next packet; returns the run that it belongs to, whose offset may still change."""
        position = self._reader.position(packet)
        number = max(n for n, run in enumerate(self._runs) if run.begin <= position)
        if packet.dts is None:
            return self._runs[number]  # presentation times go back and forth even where the clock runs through
        seconds = packet.dts * packet.time_base
        end = self._ends.get(packet.stream_index)
        run = self._runs[number] if end is None else self._run_of(packet, number, seconds, position, end)
        now = seconds + run.offset
        due = now + (packet.duration or 0) * packet.time_base
        self._ends[packet.stream_index] = TrackEnd(now, due, seconds if end is None else end.begin)
        return run

    def _run_of(self, packet: Packet[Any], number: int, seconds: Fraction, position: int, end: TrackEnd) -> Run:
        """The run of a packet at byte ``position``, inside of the ``number``-th by that; a new one where it fits none."""
        main = packet.stream_index == self._main
        # a parser holds a frame back until the next begins, so that tracks reach a jump one after the other:
        # the next run may have been found already, by another track and at a later byte
        for run in self._runs[number : number + 2]:
            if self._fits(run, seconds, end, packet.stream.type, main):
                run.begin = min(run.begin, position)
                if main and not run.settled:
                    run.offset, run.settled = end.due - seconds, True
                return run
        self._runs.insert(number + 1, Run(position, end.due - seconds, settled=main))
        return self._runs[number + 1]

    def _fits(self, run: Run, seconds: Fraction, end: TrackEnd, kind: str, main: bool) -> bool:
        """Whether ``seconds`` of a run's clock can follow a track's ``end``."""
        now = seconds + run.offset
        if main and not run.settled:
            return abs(now - end.due) < FORWARD
        backward = BACKWARD.get(kind, FORWARD) if self._ahead else RESTART if seconds <= end.begin else FORWARD / 20
        if now < end.latest - Fraction(backward):
            return False
        # what one track leaves out, others may still have: then it is a pause, not a jump
        return not self._ahead or now - max(end.due, *(other.latest for other in self._ends.values())) <= FORWARD

    def clock(self) -> Clock:
        """The epochs found, none where the clock runs through."""
        return tuple(Epoch(run.begin, run.offset) for run in self._runs) if len(self._runs) > 1 else ()
