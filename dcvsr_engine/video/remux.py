"""Carries out what `tracks` has planned: the source's other tracks in the output, copied or converted, and its chapters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.subtitles.stream import SubtitleStream

from dcvsr_engine.video.clock import ClockReader, TimeRange
from dcvsr_engine.video.convert import AudioConverter, SubtitleConverter
from dcvsr_engine.video.decode import codec_name, packets
from dcvsr_engine.video.probe import VideoInfo
from dcvsr_engine.video.tracks import COVERS, Fate, TrackPlan, add_copied_stream, first_packets, is_cover, tags

Timed = tuple[Fraction, "Packet[Any]"]
"""Decoding time in seconds, and a packet of the output."""


@dataclass(frozen=True)
class Latest:
    """The latest packet of a track: its ``time`` in the source, and where it was ``put`` and has its ``end``; in ticks."""

    time: int
    put: int
    end: int

    def next(self, time: int, sound: bool, step: int) -> int:
        """Where to put the following packet: containers refuse those that go back, or do not advance by ``step``.

        Packets of sound that share a time, as RealMedia's and, in milliseconds, TrueHD's, are heard one after the other.
        """
        due = self.end if sound and time == self.time else time
        return max(due, self.put + step)


class OtherTracks:
    """The other tracks of a source on their way into an output.

    Attributes:
        streams: of the output, by the track's index in the source.
    """

    def __init__(self, info: VideoInfo, source: InputContainer, out: OutputContainer, plans: Sequence[TrackPlan]) -> None:
        """Add a stream to ``out`` for every track that is planned to be in it."""
        self._info, self._source = info, source
        self.streams: dict[int, Stream] = {}
        self._converters: dict[int, AudioConverter | SubtitleConverter] = {}
        self._latest: dict[int, Latest] = {}
        # Matroska's packets may have equal times
        self._step = 0 if out.format.name.startswith("matroska") else 1
        for plan in plans:
            self._add(plan, source.streams[plan.index], out)

    def _add(self, plan: TrackPlan, stream: Stream, out: OutputContainer) -> None:
        if plan.fate is Fate.COPY:
            self.streams[plan.index] = add_copied_stream(out, stream)
        elif plan.fate is Fate.CONVERT and isinstance(stream, AudioStream | SubtitleStream):
            kind = AudioConverter if isinstance(stream, AudioStream) else SubtitleConverter
            self._converters[plan.index] = converter = kind(out, stream, plan.codec)  # type: ignore[arg-type]
            self.streams[plan.index] = added = converter.stream
            added.metadata.update(tags(stream.metadata))
            added.disposition = stream.disposition
        elif plan.fate is Fate.ATTACH:
            name, mime = COVERS[codec_name(stream)]
            samples = first_packets(self._info, [plan.index])[plan.index]
            out.add_attachment(name, mime, samples[0].data if samples else b"")

    def packets(self, span: TimeRange, notes: list[str]) -> Iterator[Timed]:
        """The packets of all tracks, in the order of the file.

        Args:
            span: part of the source to take.
            notes: receives a sentence when the file breaks off.
        """
        wanted = [s for s in self._source.streams if s.index in self.streams and s.type != "attachment"]

        def broken(words: str) -> None:
            notes.append(f"The other tracks end early, where the input breaks off ({words}).")

        for packet in with_leading_times(packets(self._source, wanted, broken, ClockReader(self._info.clock))) if wanted else ():
            converter = self._converters.get(packet.stream_index)
            if converter is None:
                yield from self._copied(packet, span)
            else:
                yield from map(timed, converter.packets(packet, span))
        for converter in self._converters.values():
            yield from map(timed, converter.end(span))

    def _copied(self, packet: Packet[Any], span: TimeRange) -> Iterator[Timed]:
        """A packet with its times in the output, if it is in the range and goes on after the packets before it."""
        index, tick, moved = packet.stream_index, packet.time_base, 0
        if is_cover(self._source.streams[index]):
            packet.pts = packet.dts = 0
        elif packet.pts is None or not starts_within(packet, span):
            return
        else:
            moved = round(span.shift / tick)
        pts, dts = packet.pts + moved, (packet.pts if packet.dts is None else packet.dts) + moved
        latest = self._latest.get(index)
        sound = packet.stream.type == "audio"
        if latest is not None and sound and dts < latest.time:
            return  # it was heard before
        put = dts if latest is None else latest.next(dts, sound, self._step)
        self._latest[index] = Latest(dts, put, put + (packet.duration or 0))
        packet.pts, packet.dts = max(pts + (put - dts if sound else 0), put), put
        packet.stream = self.streams[index]
        yield put * tick, packet


def timed(packet: Packet[Any]) -> Timed:
    """A packet that an encoder has made, with its time."""
    time = packet.dts if packet.dts is not None else packet.pts
    return (time or 0) * (packet.time_base or Fraction(1)), packet


def with_leading_times(found: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
    """Give packets a time that have none because it is before zero, which Matroska's reader does not say.

    They are held back until one of their track has a time; those before it follow each other without a gap.
    """
    waiting: dict[int, list[Packet[Any]]] = {}
    begun: set[int] = set()
    for packet in found:
        index = packet.stream_index
        if index in begun or (packet.pts is None and packet.duration == 0):
            yield packet
            continue
        waiting.setdefault(index, []).append(packet)
        if packet.pts is not None:
            begun.add(index)
            yield from back_dated(waiting.pop(index))
    for rest in waiting.values():
        yield from rest


def back_dated(held: list[Packet[Any]]) -> list[Packet[Any]]:
    """Packets with times that lead up to that of the last."""
    time = held[-1].pts or 0
    for packet in reversed(held[:-1]):
        time -= packet.duration or 0
        packet.pts = packet.dts = time
    return held


def copy_chapters(source: InputContainer, out: OutputContainer, span: TimeRange) -> None:
    """Copy chapters, cut to ``span``.

    Args:
        source: the open input.
        out: the open output.
        span: part of the source that is kept, and what is added to its times.
    """
    kept = []
    for chapter in source.chapters():
        tick = chapter["time_base"] or Fraction(1)
        begin, end = max(chapter["start"] * tick, span.begin), min(chapter["end"] * tick, span.end)
        if end > begin:
            times = {"start": round((begin + span.shift) / tick), "end": round((end + span.shift) / tick), "time_base": tick}
            kept.append({**chapter, **times})
    out.set_chapters(kept)  # type: ignore[arg-type]


def starts_within(packet: Packet[Any], span: TimeRange) -> bool:
    """Whether a packet begins in ``span``; a subtitle that reaches into it is shortened to it."""
    assert packet.pts is not None
    tick = packet.time_base
    begin, end = packet.pts * tick, (packet.pts + (packet.duration or 0)) * tick
    if packet.stream.type == "subtitle" and begin < end:
        begin, end = max(begin, span.begin), min(end, span.end)
        packet.pts = packet.dts = round(begin / tick)
        packet.duration = max(0, round((end - begin) / tick))
    return span.begin <= begin < span.end and begin <= end
