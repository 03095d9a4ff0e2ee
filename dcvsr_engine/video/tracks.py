"""Decides, before any work, what becomes of a source's other tracks in an output: copied, attached, converted or left out.

FFmpeg has no list of what a container takes, so every track is tried: its first packets and a trailer are written to memory.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.subtitles.stream import SubtitleStream

from dcvsr_engine.errors import InputError
from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.video.clock import ClockReader, TimeRange
from dcvsr_engine.video.convert import AudioConverter, SubtitleConverter, can_convert, conversion_codec, is_text
from dcvsr_engine.video.decode import codec_name, packets
from dcvsr_engine.video.encoders import CONTAINER_FORMATS, VIDEO_CODECS, listed
from dcvsr_engine.video.probe import VideoInfo
from dcvsr_engine.video.source import is_still_item, opened, video_stream

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

UNREADABLE = {"mp4": ("pcm_",), "matroska": ("tta",)}
"""Beginnings of codecs that FFmpeg writes to a container, but that cannot be read there: FFmpeg 5 takes PCM for others, and a
copy of TTA that is shorter than one of its frames does not decode."""

COVERS = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}
"""Codec of a cover picture → its name and type as an attachment, which is what Matroska makes of it."""

TRIED = 8
"""Packets of every track that are written on trial."""

SEARCHED_BYTES = 64 * 2**20
"""The first packets of all tracks are looked for in this many bytes of packets."""

PRIMING = Fraction(1, 5)
"""Seconds of audio before time zero that only start a decoder up."""


class Fate(StrEnum):
    """What becomes of a track."""

    COPY = "copy"
    ATTACH = "attach"
    CONVERT = "convert"
    LEAVE = "leave"
    REMAKE = "remake"


@dataclass(frozen=True)
class TrackPlan:
    """What becomes of one track of the source.

    Attributes:
        index: in the source.
        fate: see `Fate`; a track to remake is written anew by the container from the video's tags.
        codec: encoder of a track to convert.
        start: seconds at which its first packet is shown, ``None`` where that is unknown or of no matter.
        note: sentence for users, where it does not stay as it is.
    """

    index: int
    fate: Fate
    codec: str = ""
    start: Fraction | None = None
    note: str | None = None


@dataclass(frozen=True)
class PacketCopy:
    """A packet kept for trials: its data, and its times in seconds."""

    data: bytes
    pts: int | None
    dts: int | None
    duration: int
    key: bool
    tick: Fraction

    def packet(self, stream: Stream) -> Packet[Any]:
        """A new packet for a stream."""
        packet = Packet(self.data)
        packet.pts, packet.dts, packet.duration, packet.time_base = self.pts, self.dts, self.duration, self.tick
        packet.is_keyframe = self.key
        packet.stream = stream
        return packet


Samples = dict[int, list[PacketCopy]]
"""The first packets of every track, by its index."""


def plan_tracks(info: VideoInfo, kind: str, output: OutputSettings) -> tuple[TrackPlan, ...]:
    """Plan all other tracks of a source.

    Args:
        info: of the source.
        kind: FFmpeg's name of the output's container.
        output: settings that say which tracks are wanted.

    Raises:
        InputError: the source cannot be opened.
    """
    if info.is_sequence:
        return ()
    with opened(info.path, info.late_tracks) as source:
        main = video_stream(source, info.path).index
        tracks = list(selected_streams(source, main, output))
        samples = first_packets(info, [stream.index for stream in tracks if stream.type != "attachment"])
        return tuple(plan_track(kind, stream, samples, output.unfit_tracks != "drop") for stream in tracks)


def plan_track(kind: str, stream: Stream, samples: Samples, convert: bool) -> TrackPlan:
    """Plan one track.

    Args:
        kind: FFmpeg's name of the output's container.
        stream: the track.
        samples: first packets of all tracks.
        convert: whether one that does not fit is converted, not left out.
    """
    found = samples.get(stream.index, [])
    plan = TrackPlan(stream.index, Fate.COPY)
    if is_timecode(stream):
        return replace(plan, fate=Fate.REMAKE)
    if becomes_attachment(kind, stream):
        return replace(plan, fate=Fate.ATTACH)
    if stream.type == "audio" and found and found[0].pts is not None:
        plan = replace(plan, start=found[0].pts * found[0].tick)
    if is_copied(kind, stream, found):
        return plan
    if convert and is_text(stream) and converts_text(kind, stream, found):
        codec = conversion_codec(stream, kind)
        return replace(plan, fate=Fate.CONVERT, codec=codec, note=f"The {title(stream)} is converted to {codec}.")
    start = converted_start(kind, stream, found) if convert else None
    if start is None:
        return replace(plan, fate=Fate.LEAVE, note=loss_note(kind, stream, found))
    codec = conversion_codec(stream, kind)
    return replace(plan, fate=Fate.CONVERT, codec=codec, start=start, note=conversion_note(stream, codec))


def without_copying(plan: TrackPlan, kind: str, stream: Stream, words: str) -> TrackPlan:
    """Convert a track that turned out, after all, not to be copied, or leave it out.

    Args:
        plan: its former plan.
        kind: FFmpeg's name of the container.
        stream: the track.
        words: FFmpeg's, which say why.
    """
    codec = conversion_codec(stream, kind) if plan.fate is Fate.COPY and can_convert(stream) else None
    if codec:
        return replace(plan, fate=Fate.CONVERT, codec=codec, note=conversion_note(stream, codec))
    return replace(plan, fate=Fate.LEAVE, note=f"The {title(stream)} is left out: it cannot be copied ({words}).")


def selected_streams(source: InputContainer, main: int, output: OutputSettings) -> Iterator[Stream]:
    """Yield the tracks that the settings ask for.

    Args:
        source: the open file.
        main: index of the video that is restored, which is left out.
        output: which tracks are wanted.
    """
    for stream in source.streams:
        wanted = output.audio if stream.type == "audio" else output.subtitles
        if stream.index != main and wanted and not (is_chapter_text(stream, source) or is_still_item(stream)):
            yield stream


def first_packets(info: VideoInfo, tracks: list[int]) -> Samples:
    """The first packets of some tracks."""
    samples: Samples = {index: [] for index in tracks}
    size = 0
    if not tracks:
        return samples
    with opened(info.path, info.late_tracks) as container:
        streams = [container.streams[index] for index in tracks]
        for packet in packets(container, streams, lambda words: None, ClockReader(info.clock)):
            size += packet.size
            found = samples[packet.stream_index]
            if len(found) < TRIED:
                found.append(copied_packet(packet))
            if size > SEARCHED_BYTES or all(len(found) == TRIED for found in samples.values()):
                break
    return samples


def copied_packet(packet: Packet[Any]) -> PacketCopy:
    """A copy of a packet."""
    return PacketCopy(
        bytes(packet), packet.pts, packet.dts, packet.duration or 0, packet.is_keyframe, packet.time_base or Fraction(1, 1000)
    )


# -- kinds of tracks --------------------------------------------------------------------------------------------


def is_timecode(stream: Stream) -> bool:
    """Whether a track is QuickTime's timecode, which containers make anew from the video's tag."""
    return stream.type == "data" and "timecode" in stream.metadata


def is_chapter_text(stream: Stream, source: InputContainer) -> bool:
    """Whether a track is QuickTime's chapter text; chapters are copied as chapters."""
    return stream.type == "data" and codec_name(stream) == "bin_data" and bool(source.chapters())


def is_cover(stream: Stream) -> bool:
    """Whether a video track is a cover picture."""
    return bool(stream.disposition & Disposition.attached_pic)


def becomes_attachment(kind: str, stream: Stream) -> bool:
    """Whether a track is a cover picture that a container of ``kind`` keeps as an attachment."""
    return is_cover(stream) and kind == "matroska" and codec_name(stream) in COVERS


def title(stream: Stream) -> str:
    """A track for users: “audio track 1 (mp2)”."""
    return f"{TRACK_NAMES.get(stream.type, 'data track')} {stream.index} ({codec_name(stream)})"


# -- trials -----------------------------------------------------------------------------------------------------


def is_copied(kind: str, stream: Stream, samples: list[PacketCopy]) -> bool:
    """Whether a track is of a type that is copied and a container of ``kind`` takes it."""
    if stream.type not in TRACK_NAMES or (stream.type == "video" and not is_cover(stream)):
        return False
    return not codec_name(stream).startswith(UNREADABLE.get(kind, ())) and accepts(kind, stream, samples)


def accepts(kind: str, stream: Stream, samples: list[PacketCopy]) -> bool:
    """Try whether a container takes a track: header, first packets and trailer are written to memory.

    Args:
        kind: FFmpeg's name of the container.
        stream: the track.
        samples: its first packets.
    """
    try:
        with av.open(io.BytesIO(), "w", format=kind) as trial:
            added = add_copied_stream(trial, stream)
            trial.start_encoding()
            for sample in samples:
                trial.mux_one(sample.packet(added))
    except (av.FFmpegError, ValueError, TypeError):
        return False
    return True


def converted_start(kind: str, stream: Stream, samples: list[PacketCopy]) -> Fraction | None:
    """Try to decode a track's first packets and to encode them anew for a container.

    Args:
        kind: FFmpeg's name of the container.
        stream: the track.
        samples: its first packets.

    Returns:
        Seconds at which the audio begins, ``None`` when it cannot be converted.
    """
    if not isinstance(stream, AudioStream) or not can_convert(stream) or not samples:
        return None
    try:
        with av.open(io.BytesIO(), "w", format=kind) as trial:
            converter = AudioConverter(trial, stream, conversion_codec(stream, kind))
            trial.start_encoding()
            encoded = [packet for sample in samples for packet in converter.packets(sample.packet(stream), TimeRange())]
            for packet in (*encoded, *converter.end(TimeRange())):
                trial.mux_one(packet)
            return converter.start
    except (av.FFmpegError, ValueError, TypeError):
        return None


def converts_text(kind: str, stream: Stream, samples: list[PacketCopy]) -> bool:
    """Whether text subtitles can be decoded, and a container of ``kind`` takes what they become."""
    assert isinstance(stream, SubtitleStream)
    try:
        with av.open(io.BytesIO(), "w", format=kind) as trial:
            converter = SubtitleConverter(trial, stream, conversion_codec(stream, kind))
            trial.start_encoding()
            for sample in samples:
                for packet in converter.packets(sample.packet(stream), TimeRange()):
                    trial.mux_one(packet)
    except (av.FFmpegError, ValueError, TypeError):
        return False
    return True


def add_copied_stream(out: OutputContainer, stream: Stream) -> Stream:
    """A stream like ``stream``, with its tags and dispositions."""
    added = out.add_stream_from_template(stream, opaque=True)
    added.metadata.update(tags(stream.metadata))
    added.disposition = stream.disposition
    return added


def tags(metadata: dict[str, str]) -> dict[str, str]:
    """Tags that stay true. MP4 calls a track's title its name."""
    kept = {key: value for key, value in metadata.items() if key.lower() not in DROPPED and not key.upper().startswith(STALE)}
    if "name" in kept:
        kept.setdefault("title", kept.pop("name"))
    return kept


# -- notes ------------------------------------------------------------------------------------------------------


def conversion_note(stream: Stream, codec: str) -> str:
    """A sentence for a track that is converted."""
    return f"The {title(stream)} is converted to {codec.upper()}{', without loss' if codec != 'aac' else ''}."


def loss_note(kind: str, stream: Stream, samples: list[PacketCopy]) -> str:
    """Explain why a track is left out, and name containers that could hold it; arguments as for `accepts`."""
    if stream.type not in TRACK_NAMES or (stream.type == "video" and not is_cover(stream)):
        return f"The {title(stream)} is left out: only audio, subtitles, covers and attachments are copied."
    if stream.type == "audio" and not samples:
        return f"The {title(stream)} is left out: it holds no audio."
    others = {suffix: other for suffix, other in CONTAINER_FORMATS.items() if suffix != ".m4v" and other != kind}
    able = [suffix for suffix, other in others.items() if is_copied(other, stream, samples)]
    hint = f"; {listed(able)} can" if able else ""
    return f"The {title(stream)} is left out: this container cannot hold it{hint}."


# -- the default container --------------------------------------------------------------------------------------

COSTS = {Fate.LEAVE: 10, Fate.CONVERT: 2}
"""How bad it is for a default container not to keep a track as it is."""
DEFAULT_SUFFIXES = ".mp4", ".mkv", ".mov"
"""Containers that a result may get by default."""


@dataclass(frozen=True)
class ContainerFit:
    """What containers do to a source's tracks, by the suffix of each.

    Attributes:
        losses: how badly it keeps them.
        unfit: sentences on those that it does not take as they are though another could, or that it takes converted.
    """

    losses: dict[str, int]
    unfit: dict[str, list[str]]


def container_fit(info: VideoInfo, output: OutputSettings) -> ContainerFit:
    """Tell how the containers that a result may get by default keep the source's tracks.

    Args:
        info: of the source.
        output: settings that say which tracks are wanted, and what becomes of those that do not fit.
    """
    converting = output.replace(unfit_tracks="convert")
    plans = {suffix: plan_tracks(info, CONTAINER_FORMATS[suffix], converting) for suffix in DEFAULT_SUFFIXES}
    losses = {suffix: severity(found, output.unfit_tracks == "drop") for suffix, found in plans.items()}
    if output.unfit_tracks == "mkv" and min(losses.values()):
        losses[".mkv"] = 0
    homeless = {plan.index for plan in plans[".mkv"] if all(is_left(found, plan.index) for found in plans.values())}
    unfit = {
        suffix: [plan.note or "" for plan in found if plan.fate in COSTS and plan.index not in homeless]
        for suffix, found in plans.items()
    }
    return ContainerFit(losses, unfit)


def is_left(plans: tuple[TrackPlan, ...], index: int) -> bool:
    """Whether a track is left out."""
    return any(plan.index == index and plan.fate is Fate.LEAVE for plan in plans)


def losses_of_clip(source: Path, output: OutputSettings) -> dict[str, int]:
    """How badly containers keep the tracks of a clip; empty where there is no choice, or where it cannot be read."""
    from dcvsr_engine.video.probe import probe

    # no choice to make, or no track to keep: the clip need not be opened
    if source.is_dir() or (output.codec != "auto" and len(VIDEO_CODECS[output.codec].containers) == 1):
        return {}
    try:
        return container_fit(probe(source), output).losses
    except InputError:  # the job will say what is wrong with it
        return {}


def severity(plans: tuple[TrackPlan, ...], drop: bool) -> int:
    """What a container does to the tracks, the less the better; ``drop``: whether those to convert are left out instead."""
    return sum(COSTS[Fate.LEAVE] if drop and plan.fate in COSTS else COSTS.get(plan.fate, 0) for plan in plans)
