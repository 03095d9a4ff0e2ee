"""Finished segments to the output file: packets copied, times kept, together with the source's other tracks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import av

from dcvsr_engine.errors import OutputError
from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.storage import discard, partial_path, picture_name, put_in_place, refuse_unsafe, write_error
from dcvsr_engine.video.encoders import CONTAINER_FORMATS, Encoding, encoding_for, names_of_pictures
from dcvsr_engine.video.film import with_colors
from dcvsr_engine.video.join import packet_times, segment_packets
from dcvsr_engine.video.losses import losses
from dcvsr_engine.video.mux import Muxer, OnPacket
from dcvsr_engine.video.probe import VideoInfo
from dcvsr_engine.video.source import opened
from dcvsr_engine.video.suffixes import first_number
from dcvsr_engine.video.tracks import TrackPlan
from dcvsr_engine.video.writer import check_target


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
    kind = None if pictures else CONTAINER_FORMATS[target.suffix.lower()]
    plans: tuple[TrackPlan, ...] = ()
    broken: list[str] = []
    try:
        if pictures:
            count = write_pictures(segments, partial, info, output, frames[0] if frames else 0, check)
        else:
            times = packet_times(segments, info)
            count = len(times.pts)
            plans, broken = Muxer(segments, times, partial, info, output, frames is None, check).run()
        # again: `check_target` looked before the work, which may be hours ago
        refuse_unsafe(target, overwrite=output.overwrite, pictures=names_of_pictures(output))
        before_rename(partial)
        put_in_place(partial, target, replace=output.overwrite)
    except (av.FFmpegError, OSError) as error:
        raise write_error(target, error) from None
    finally:
        discard(partial)
    notes = losses(info, encoding, output, kind, plans, frames is None)
    return Published(target, count, (*notes, *broken))


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


def write_pictures(
    segments: Sequence[Path], partial: Path, info: VideoInfo, output: OutputSettings, first: int, check: OnPacket
) -> int:
    """Write every frame as a file into a folder, numbered as in the clip; returns how many there are.

    Args:
        segments: files of encoded pictures, in order.
        partial: the folder to make.
        info: of the source.
        output: says how pictures are called.
        first: frame of the clip that comes first.
        check: called before every picture; may raise to stop.
    """
    partial.mkdir()
    number = first_number(info.pictures) + first
    count = 0
    for packet in segment_packets(segments):
        check()
        picture = bytes(packet)
        if output.codec == "dpx":
            picture = with_colors(picture, info.pictures[0] if info.codec == "dpx" and info.pictures else None)
        (partial / picture_name(output.picture_name, number + count, output.codec)).write_bytes(picture)
        count += 1
    return count
