"""Stream copy of the source's other tracks: audio, subtitles, covers, attachments, chapters and tags."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition, Stream

from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.video.decode import codec_name, packets
from dcvsr_engine.video.encoders import CONTAINER_FORMATS, listed
from dcvsr_engine.video.source import opened

STALE = ("BPS", "DURATION", "NUMBER_OF_", "_STATISTICS_", "SOURCE_ID", "ENCODER")
"""Beginnings of Matroska tags that describe the old track's bytes."""

DROPPED = {"encoder", "major_brand", "minor_version", "compatible_brands", "rotate", "vendor_id"}
"""Tags that describe the old file."""

TRACK_NAMES = {
    "audio": "audio track",
    "subtitle": "subtitle track",
    "video": "picture track",
    "attachment": "attachment",
    "data": "data track",
}


COVERS = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}
"""Codec of a cover picture → its name and type as an attachment, which is what Matroska makes of it."""


@dataclass(frozen=True)
class TimeRange:
    """The part of the source that is kept, in seconds, and what is added to its times."""

    begin: Fraction
    end: Fraction
    shift: Fraction


EVER = Fraction(10**9)
"""Seconds; longer than any file."""


def add_copied_streams(
    path: Path, source: InputContainer, out: OutputContainer, kind: str, main: int, output: OutputSettings
) -> dict[int, Stream]:
    """Add a stream to the output for every track but the main video that its container can hold.

    Args:
        path, source: the source file, and its open container.
        out: the output.
        kind: FFmpeg's name of the output's container.
        main: index of the main video track.
        output: settings that say which tracks are wanted.

    Returns:
        The new streams by their track's index in the source.
    """
    copied: dict[int, Stream] = {}
    for stream in selected_streams(source, main, output):
        if becomes_attachment(kind, stream):
            name, mime = COVERS[codec_name(stream)]
            out.add_attachment(name, mime, first_packet(path, stream.index))
        elif is_copied(kind, stream):
            copied[stream.index] = add_copied_stream(out, stream)
    return copied


def track_losses(source: InputContainer, kind: str, main: int, output: OutputSettings) -> list[str]:
    """A sentence for every track that `add_copied_streams` leaves out though it is wanted."""
    tracks = selected_streams(source, main, output)
    return [loss_of(kind, stream) for stream in tracks if not (becomes_attachment(kind, stream) or is_copied(kind, stream))]


def selected_streams(source: InputContainer, main: int, output: OutputSettings) -> Iterator[Stream]:
    """All tracks but the ``main`` video that the settings ask for."""
    for stream in source.streams:
        wanted = output.audio if stream.type == "audio" else output.subtitles
        if stream.index != main and wanted and not is_chapter_text(stream, source):
            yield stream


def becomes_attachment(kind: str, stream: Stream) -> bool:
    """Whether a track is a cover picture that a container of ``kind`` keeps as an attachment."""
    return is_cover(stream) and kind == "matroska" and codec_name(stream) in COVERS


def is_copied(kind: str, stream: Stream) -> bool:
    """Whether a track is of a type that is copied and a container of ``kind`` takes it."""
    return stream.type in TRACK_NAMES and (stream.type != "video" or is_cover(stream)) and accepts(kind, stream)


def is_chapter_text(stream: Stream, source: InputContainer) -> bool:
    """Whether a track is QuickTime's chapter text; chapters are copied as chapters."""
    return stream.type == "data" and codec_name(stream) == "bin_data" and bool(source.chapters())


def is_cover(stream: Stream) -> bool:
    """Whether a video track is a cover picture."""
    return bool(stream.disposition & Disposition.attached_pic)


def first_packet(path: Path, index: int) -> bytes:
    """The bytes of a track's first packet."""
    with opened(path) as container:
        return next(map(bytes, packets(container, [container.streams[index]], lambda words: None)), b"")


def add_copied_stream(out: OutputContainer, stream: Stream) -> Stream:
    """A stream like ``stream``, with its tags and dispositions."""
    added = out.add_stream_from_template(stream, opaque=True)
    added.metadata.update(tags(stream.metadata))
    added.disposition = stream.disposition
    return added


def accepts(kind: str, stream: Stream) -> bool:
    """Whether a container of ``kind`` takes a track, found out by writing its header to memory."""
    try:
        with av.open(io.BytesIO(), "w", format=kind) as trial:
            add_copied_stream(trial, stream)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def loss_of(kind: str, stream: Stream) -> str:
    """A sentence for a track that is left out, naming containers that could hold it."""
    name = f"{TRACK_NAMES.get(stream.type, 'data track')} {stream.index} ({codec_name(stream)})"
    if stream.type not in TRACK_NAMES or (stream.type == "video" and not is_cover(stream)):
        return f"The {name} is left out: only sound, subtitles, covers and attachments are copied."
    able = [
        suffix for suffix, other in CONTAINER_FORMATS.items() if suffix != ".m4v" and other != kind and accepts(other, stream)
    ]
    hint = f"; {listed(able)} can" if able else ""
    return f"The {name} is left out: this container cannot hold it{hint}."


def tags(metadata: dict[str, str]) -> dict[str, str]:
    """Tags that stay true. MP4 calls a track's title its name."""
    kept = {key: value for key, value in metadata.items() if key.lower() not in DROPPED and not key.upper().startswith(STALE)}
    if "name" in kept:
        kept.setdefault("title", kept.pop("name"))
    return kept


def copy_chapters(source: InputContainer, out: OutputContainer, span: TimeRange) -> None:
    """Copy chapters, cut to ``span``."""
    kept = []
    for chapter in source.chapters():
        tick = chapter["time_base"] or Fraction(1)
        begin, end = max(chapter["start"] * tick, span.begin), min(chapter["end"] * tick, span.end)
        if end > begin:
            times = {"start": round((begin + span.shift) / tick), "end": round((end + span.shift) / tick), "time_base": tick}
            kept.append({**chapter, **times})
    out.set_chapters(kept)  # type: ignore[arg-type]


def copied_packets(
    source: InputContainer, copied: dict[int, Stream], span: TimeRange, notes: list[str]
) -> Iterator[tuple[Fraction, Packet[Any]]]:
    """The packets of the copied tracks, in the order of the file.

    Args:
        source: its container.
        copied: output streams by the track's index in the source.
        span: part of the source to take.
        notes: receives a sentence when the file breaks off.

    Yields:
        Decoding time in seconds, and the packet with its times in the output.
    """
    wanted = [stream for stream in source.streams if stream.index in copied and stream.type != "attachment"]
    latest: dict[int, int] = {}

    def broken(words: str) -> None:
        notes.append(f"The other tracks end early, where the input breaks off ({words}).")

    for packet in packets(source, wanted, broken) if wanted else ():
        index, tick = packet.stream_index, packet.time_base
        if is_cover(source.streams[index]):
            packet.pts = packet.dts = 0
        elif packet.pts is None or not starts_within(packet, span):
            continue
        else:
            moved = round(span.shift / tick)
            packet.dts = (packet.pts if packet.dts is None else packet.dts) + moved
            packet.pts += moved
        if packet.dts <= latest.get(index, packet.dts - 1):
            continue  # containers refuse packets that go back in time
        latest[index] = packet.dts
        packet.stream = copied[index]
        yield packet.dts * tick, packet


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
