"""A part of a clip that is sent to a computer which does not see the clip: packets from a key frame on, or whole pictures.

Decoded there, it gives the frames that the clip itself gives: the packets are copied into a container that holds what their
decoder must know, their times are written down beside it, and the first frame that is wanted is compared before anything is sent.
A clip that cannot be cut so, as its frames are not found by their time, is sent whole, where it is small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from dcvsr_engine.errors import InputError
from dcvsr_engine.storage import discard, partial_path
from dcvsr_engine.video import decode
from dcvsr_engine.video.animation import BY_PILLOW
from dcvsr_engine.video.clock import ClockReader
from dcvsr_engine.video.index import FrameIndex
from dcvsr_engine.video.passage import Passage, PassageLog
from dcvsr_engine.video.pixels import alpha_of
from dcvsr_engine.video.probe import VideoInfo, tags_of
from dcvsr_engine.video.reader import TimedPicture, VideoReader
from dcvsr_engine.video.source import opened, video_stream

PART_CONTAINERS = ("matroska", "nut")
"""What packets are copied into: the first of them that gives the same frame."""
FURTHER = 2
"""Frames after the last one that is wanted: what deinterlaces it looks at the next."""
MOST_WHOLE = 2**28
"""Bytes of a clip that is sent whole, at most."""
NUMBER_TICK = Fraction(1, 1000)
"""Of the container, where packets have their numbers for times: it may not be able to hold theirs."""

Stamp = tuple[int | None, int | None]
"""Presentation and decoding time of a packet."""


@dataclass(frozen=True)
class ClipPart:
    """A part of a clip.

    Attributes:
        info, index: facts about the whole clip, and the times of all its frames.
        files: where its files are here.
        passage: what was read of the clip.
        stamps: of its packets, in order; ``None`` where the files are the clip's own.
        key: number of the key frame that the packets begin at; ``None`` for the beginning of the clip.
        first: number of the first picture, of a picture sequence.
    """

    info: VideoInfo
    index: FrameIndex
    files: tuple[Path, ...]
    passage: Passage
    stamps: tuple[Stamp, ...] | None = None
    key: int | None = None
    first: int = 0

    def in_folder(self, folder: Path) -> ClipPart:
        """The same part where its files have been copied to."""
        return replace(self, files=tuple(folder / f"{number:05d}{path.suffix}" for number, path in enumerate(self.files)))

    def reader(self, deinterlace: bool) -> VideoReader:
        """Reads its frames, and no others; they have the numbers and times that they have in the clip."""
        if self.stamps is not None:
            return PartReader(self, deinterlace)
        if self.info.is_sequence:
            # what is before is not read, but counts
            pictures = (*self.info.pictures[: self.first], *self.files)
            return VideoReader(replace(self.info, pictures=pictures), deinterlace, self.index)
        return VideoReader(replace(self.info, path=self.files[0]), deinterlace, self.index)


class PartReader(VideoReader):
    """Reads a `ClipPart` of packets."""

    def __init__(self, part: ClipPart, deinterlace: bool) -> None:
        super().__init__(part.info, deinterlace, part.index)
        self._part = part

    def entry_points(self, first: int) -> Iterator[int | None]:
        """See `VideoReader.entry_points`."""
        yield self._part.key

    @contextmanager
    def entered(self, key: int | None, index: FrameIndex) -> Iterator[tuple[InputContainer, VideoStream, ClockReader]]:
        """See `VideoReader.entered`."""
        (path,) = self._part.files
        with opened(path) as container:
            yield container, video_stream(container, path), StampReader(self._part.stamps or (), self.info.time_base)


class StampReader(ClockReader):
    """Gives packets the times that they had, by their numbers."""

    def __init__(self, stamps: Sequence[Stamp], tick: Fraction) -> None:
        super().__init__(())
        self._stamps, self._tick = stamps, tick

    def move(self, packet: Packet[Any]) -> None:
        """See `ClockReader.move`."""
        packet.pts, packet.dts = self._stamps[number_of(packet)]
        packet.time_base = self._tick


# -- cutting ----------------------------------------------------------------------------------------------------


def cut_part(reader: VideoReader, first: int, last: int, place: Path) -> ClipPart:
    """The part of a clip that holds frames ``first … last``; packets are copied to files beside ``place``.

    Raises:
        InputError: it cannot be cut, and is too large to be sent whole.
    """
    first, last = max(0, first - int(reader.deinterlaces)), min(last + FURTHER, reader.index.frames - 1)
    if reader.info.is_sequence:
        return picture_part(reader, first, last)
    if reader.info.codec not in BY_PILLOW and reader.index.regular and (begun := reader.begun(first)):
        key, begin, _ = begun
        for kind in PART_CONTAINERS:
            path = partial_path(place)
            part = packet_part(reader, key, first, last, kind, path)
            if part is not None and is_faithful(part, reader, begin):
                return part
            discard(path)
    return whole_part(reader)


def picture_part(reader: VideoReader, first: int, last: int) -> ClipPart:
    """Some pictures of a sequence."""
    files = reader.info.pictures[first : last + 1]
    log = PassageLog(first)
    for path in files:
        log.add(path.read_bytes())
    return ClipPart(reader.info, reader.index, files, log.take(), first=first)


def whole_part(reader: VideoReader) -> ClipPart:
    """All of a clip; raises `InputError` where it is large."""
    info = reader.info
    if info.path.stat().st_size > MOST_WHOLE:
        raise InputError(
            f"“{info.path.name}” cannot be sent in parts, as its frames are not found by their time, and is too large to be sent "
            "whole; put it on storage that all computers share."
        )
    log = PassageLog()
    for part, stamp in reader.parts(None):
        log.add(part, stamp)
    return ClipPart(info, reader.index, (info.path,), log.take())


def packet_part(reader: VideoReader, key: int | None, first: int, last: int, kind: str, path: Path) -> ClipPart | None:
    """The packets from a key frame to those of frames ``first … last``, in a file of a ``kind`` of container.

    Returns:
        ``None`` where the container does not take them.
    """
    log, stamps = PassageLog(key), list[Stamp]()
    try:
        with reader.entered(key, reader.index) as (container, stream, clock), av.open(str(path), "w", format=kind) as out:
            added = out.add_stream_from_template(stream, opaque=True)
            added.metadata.update(stream.metadata)
            for packet in packets_for(range(first, last + 1), container, stream, clock, reader.index):
                log.add(*decode.part_of(packet))
                if packet.stream_index == stream.index:
                    stamps.append((packet.pts, packet.dts))
                    packet.pts = packet.dts = len(stamps) - 1
                    packet.time_base, packet.duration, packet.stream = NUMBER_TICK, 1, added
                    out.mux_one(packet)
    except (av.FFmpegError, ValueError, TypeError):
        return None
    return ClipPart(reader.info, reader.index, (path,), log.take(), tuple(stamps), key)


def packets_for(
    wanted: range, container: InputContainer, stream: VideoStream, clock: ClockReader, index: FrameIndex
) -> Iterator[Packet[Any]]:
    """The packets from where a file stands, also of the tracks beside the video, up to the last that ``wanted`` frames need."""
    frames, left = set(index.pts), {index.pts[number] for number in wanted}
    end = max(left)
    for packet in decode.packets(container, decode.logged_streams(container, stream), lambda words: None, clock):
        if packet.stream_index == stream.index:
            # what belongs to no frame of its own, as second fields, goes with the one before
            if packet.pts in frames and (not left or (packet.dts or end) > end):
                return
            left.discard(packet.pts)
        yield packet


def is_faithful(part: ClipPart, reader: VideoReader, begin: TimedPicture) -> bool:
    """Whether the first frame that is wanted is in a part what a clip's ``reader`` has given for it."""
    copy = part.reader(reader.deinterlaces)
    try:
        if numbers_in(part.files[0]) != list(range(len(part.stamps or ()))):
            return False
        found = copy.begun(begin[0].index)
    except (InputError, av.FFmpegError):
        return False
    return found is not None and found[1][0] == begin[0] and same_picture(reader, begin, found[1])


def number_of(packet: Packet[Any]) -> int:
    """The number that a packet has for a time; the container may count in other ticks."""
    return -1 if packet.pts is None else round(packet.pts * packet.time_base / NUMBER_TICK)


def numbers_in(path: Path) -> list[int]:
    """The numbers of the packets in a file, in order."""
    with opened(path) as container:
        stream = video_stream(container, path)
        return [number_of(packet) for packet in decode.packets(container, [stream], lambda words: None)]


def same_picture(reader: VideoReader, one: TimedPicture, other: TimedPicture) -> bool:
    """Whether two decoded frames show the same."""
    if tags_of(one[1]) != tags_of(other[1]) or one[1].format.name != other[1].format.name:
        return False
    shown, copied = ([*reader.pixels_of(*item), alpha_of(item[1]) if reader.info.alpha else None] for item in (one, other))
    return all(a is b or (a is not None and b is not None and np.array_equal(a, b)) for a, b in zip(shown, copied, strict=True))
