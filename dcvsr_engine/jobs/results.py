"""Whether what has a result's name is the whole result of its clip: it may be half a copy, or something else. Torch-free."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av

from dcvsr_engine.errors import InputError
from dcvsr_engine.video.decode import packets
from dcvsr_engine.video.probe import VideoInfo, probe
from dcvsr_engine.video.source import opened, video_stream

SHARE = 50
"""A result may lack, or have in addition, one in so many frames: damaged clips are counted differently."""
SHAPE = 0.03
"""How far the shape of the picture may differ, as a share: sizes are rounded."""
TAIL_SECONDS = 2
"""Where a file is looked at for its end, from the end that its header claims."""


def flaw_of(result: Path, source: Path, frames: tuple[int, int] | None = None, part: bool = False) -> str | None:
    """Why a file, or a folder of pictures, is not the whole result of a clip; ``None`` where it is.

    Args:
        result: of whatever size.
        source: the clip.
        frames: first and last frame (inclusive) that were to be restored, ``None`` for all.
        part: whether only a part of the picture was to be restored.

    Raises:
        InputError: the clip cannot be read.
    """
    whole = probe(source)
    try:
        made = probe(result)
        found = frames_there(made)
    except InputError:
        return f"“{result.name}” is there, but it cannot be read as a video."
    # counted alike: headers tell of frames that are not there, or count fields
    last = frames_there(whole) - 1
    first, last = (0, last) if frames is None else (frames[0], min(frames[1], last))
    wanted = last - first + 1
    if not part and abs(shown_shape(made) / shown_shape(whole) - 1) > SHAPE:
        return f"“{result.name}” is there, but its picture ({made.width}×{made.height}) has another shape than the clip's."
    if abs(found - wanted) > wanted // SHARE:
        return f"“{result.name}” is there, but it has {found} frames, and {wanted} are wanted."
    return None


def shown_shape(info: VideoInfo) -> Fraction:
    """Width over height, as it is shown."""
    return Fraction(info.width, info.height) * info.sample_aspect_ratio


def frames_there(info: VideoInfo) -> int:
    """How many frames a clip has, counted where its header only guesses."""
    return info.frames if info.frames_exact else frames_to_the_end(info)


def frames_to_the_end(info: VideoInfo) -> int:
    """How many frames of a file are there, which may be cut off: its header tells of all."""
    ticks = round(info.duration / info.time_base)
    if ticks <= 0:
        return info.frames
    with opened(info.path) as container:
        stream = video_stream(container, info.path)
        # where the index at the end is cut off, too, everything is read
        with suppress(av.FFmpegError):
            container.seek(info.start_pts + max(0, ticks - round(TAIL_SECONDS / info.time_base)), stream=stream)
        times = [packet.pts for packet in packets(container, [stream], lambda words: None) if packet.pts is not None]
    end = max(times, default=info.start_pts) + info.usual_duration
    return min(info.frames, round(info.frames * Fraction(end - info.start_pts, ticks)))
