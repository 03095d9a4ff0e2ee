"""A clip and its restored version in one picture or video: side by side, or parted by a line that moves."""

import bisect
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dcvsr_engine.control import Monitor
from dcvsr_engine.errors import InputError, OutputError
from dcvsr_engine.events import FrameDone, PhaseStarted
from dcvsr_engine.settings import BOXES, OutputSettings, rate_of
from dcvsr_engine.storage import (
    describe_os_error,
    discard,
    partial_path,
    put_in_place,
    refuse_replacing,
    refuse_unsafe,
    work_folder,
    write_error,
)
from dcvsr_engine.video.arrays import FloatArray, to_uint8
from dcvsr_engine.video.probe import at_rate, probe
from dcvsr_engine.video.publish import publish
from dcvsr_engine.video.reader import VideoReader
from dcvsr_engine.video.scaling import scaled
from dcvsr_engine.video.writer import VideoWriter, check_target

ComparisonMode = Literal["side", "wipe"]
PICTURE_SUFFIX = (".png", ".jpg", ".jpeg")
WIPE_SECONDS = 4.0
"""Seconds in which the line goes there and back."""
LINE_SHARE = 1 / 400
"""Width of the line, as a share of the picture's."""
LABELS = "Original", "Restored"
LABEL_SHARE = 1 / 24
"""Height of a label, as a share of the picture's."""


class Comparison:
    """Puts frames of a clip and of its result into one.

    Attributes:
        original, result: the open videos; the result's shape is that of the picture.
        mode: ``side`` by side, or ``wipe``, where a line parts them.
        begins: the clip's frame that is the first of the result.
        size: (width, height) in pixels of what comes out.
    """

    def __init__(self, original: VideoReader, result: VideoReader, mode: ComparisonMode, begins: int = 0) -> None:
        self.original, self.result, self.mode, self.begins = original, result, mode, begins
        info, columns = result.info, 2 if mode == "side" else 1
        # side by side no wider than 4K
        shrink = min(1.0, BOXES["4k"][0] / (columns * info.width)) if mode == "side" else 1.0
        self._part = even(info.width * shrink), even(info.height * shrink)
        self.size = columns * self._part[0], self._part[1]
        self._labels = [label(text, self._part) for text in LABELS]

    def picture(self, original: FloatArray, result: FloatArray, line: float = 0.5) -> FloatArray:
        """One frame.

        Args:
            original, result: RGB 0..1 ``(height, width, 3)``, each of its own size.
            line: where a wipe parts the picture, as a share of its width.

        Returns:
            RGB 0..1 of `size`.
        """
        transfer = self.result.info.color.transfer
        parts = [scaled(frame, self._part, transfer) for frame in (original, result)]
        if self.mode == "side":
            return np.concatenate([over(part, mark) for part, mark in zip(parts, self._labels, strict=True)], 1)
        width = self._part[0]
        column, half = round(line * width), max(1, round(width * LINE_SHARE / 2))
        wiped = np.concatenate([parts[0][:, :column], parts[1][:, column:]], 1)
        wiped[:, max(0, column - half) : column + half] = 1
        return wiped

    def frames(self, first: int, last: int) -> Iterator[tuple[int, int, FloatArray]]:
        """Time and duration in ticks of the result, and the picture, of the result's frames ``first … last`` that both have."""
        originals = self.original.frames(first + self.begins, last + self.begins)
        original = next(originals, None)
        for frame in self.result.frames(first, last):
            while original is not None and original.index < frame.index + self.begins:
                original = next(originals, None)
            if original is None:
                return
            seconds = float((frame.pts - self.result.info.start_pts) * frame.time_base)
            yield frame.pts, frame.duration, self.picture(original.pixels, frame.pixels, line_at(seconds))


def line_at(seconds: float) -> float:
    """Where the line of a wipe is, as a share of the width."""
    return 0.5 - 0.45 * math.cos(2 * math.pi * seconds / WIPE_SECONDS)


def even(length: float) -> int:
    """Pixels of a side, so that any codec takes it."""
    return max(2, 2 * round(length / 2))


def label(text: str, size: tuple[int, int]) -> FloatArray:
    """How much of each pixel a text in the corner covers, and its shade: ``(height, width, 2)``."""
    height = size[1]
    letters, shade = Image.new("L", size), Image.new("L", size)
    font, margin = ImageFont.load_default(max(8, height * LABEL_SHARE)), height * LABEL_SHARE / 2
    ImageDraw.Draw(shade).text((margin, margin), text, 255, font, stroke_width=max(1, height // 300))
    ImageDraw.Draw(letters).text((margin, margin), text, 255, font)
    return np.stack([np.asarray(shade, np.float32), np.asarray(letters, np.float32)], -1) / np.float32(255)


def over(frame: FloatArray, mark: FloatArray) -> FloatArray:
    """A frame ``(height, width, 3)`` under a `label`."""
    covered, white = mark[..., :1], mark[..., 1:]
    return frame * (1 - covered) + covered * white


@dataclass(frozen=True)
class ComparedPart:
    """What of a clip and its result is compared.

    Attributes:
        seconds: begin and end in the result; the end may be open.
        frames: first and last frame of the clip, instead of seconds; what the result has of them is shown.
        begins: the clip's frame that is the first of the result.
    """

    seconds: tuple[float, float | None] = (0.0, None)
    frames: tuple[int, int] | None = None
    begins: int = 0

    def of(self, before: VideoReader, after: VideoReader) -> tuple[int, int]:
        """First and last frame in the result; raises `InputError` where the two do not match, or have no such frames."""
        if self.frames is None:
            return matching_range(before, after, self.seconds)
        first, last = max(self.frames[0] - self.begins, 0), min(self.frames[1] - self.begins, after.frames_total - 1)
        if first > last or self.begins + after.frames_total > before.frames_total:
            raise InputError(
                f"“{after.info.path.name}” has none of these frames of the clip; choose others, or restore it again."
            )
        return first, last


def compare(
    original: Path,
    result: Path,
    target: Path,
    mode: ComparisonMode,
    part: ComparedPart,
    output: OutputSettings,
    monitor: Monitor,
) -> Path:
    """Write a comparison: a video, or one picture where the target is one.

    Args:
        original: the clip.
        result: its restored version.
        target: the file to write.
        mode: see `Comparison`.
        part: what of it is shown.
        output: how it is encoded.
        monitor: hears of every frame; may stop the work.

    Raises:
        InputError: the two do not belong together, or the part is not in them.
        OutputError: the target cannot be written.
    """
    # pictures are shown as fast as they are asked to be, and those of a result as fast as its clip
    shown = at_rate(probe(original), rate_of(output.frame_rate))
    with VideoReader(shown) as before, VideoReader(at_rate(probe(result), shown.frame_rate)) as after:
        refuse_replacing([original, *before.info.pictures, result, *after.info.pictures], [target])
        first, last = part.of(before, after)
        comparison = Comparison(before, after, mode, part.begins)
        if target.suffix.lower() in PICTURE_SUFFIX:
            write_picture(comparison, first, target, output.overwrite)
        else:
            write_comparison(comparison, first, last, target, output, monitor)
    return target


def matching_range(before: VideoReader, after: VideoReader, seconds: tuple[float, float | None]) -> tuple[int, int]:
    """First and last frame of a part of two videos; raises `InputError` where they do not match, or it is not in them."""
    count, other = before.frames_total, after.frames_total
    if count != other:
        raise InputError(
            f"“{before.info.path.name}” has {count} frames and “{after.info.path.name}” {other}; compare a clip with the result "
            "of all of it."
        )
    info, begin, end = after.info, seconds[0], seconds[1]
    times = [float((pts - info.start_pts) * info.time_base) for pts in after.index.pts]
    times = times or [float(index / (info.frame_rate or 25)) for index in range(other)]
    first = bisect.bisect_left(times, begin - 1e-6)
    last = other - 1 if end is None else bisect.bisect_right(times, end + 1e-6) - 1
    if first > last or begin < 0:
        upper = "its end" if end is None else f"{end:g} s"
        raise InputError(f"“{info.path.name}” has no frames from {begin:g} s to {upper}; it lasts {times[-1]:.2f} s.")
    return first, last


def write_picture(comparison: Comparison, frame: int, target: Path, overwrite: bool) -> None:
    """Write a frame of the result and the clip's as one picture; raises `OutputError`."""
    original = comparison.original.frame(frame + comparison.begins).pixels
    save_picture(to_uint8(comparison.picture(original, comparison.result.frame(frame).pixels)), target, overwrite)


def save_picture(pixels: NDArray[np.uint8], target: Path, overwrite: bool) -> None:
    """Write RGB ``(height, width, 3)`` as PNG or JPEG, as the name says; raises `OutputError`."""
    refuse_unsafe(target, overwrite=overwrite)
    partial = partial_path(target.absolute())
    try:
        Image.fromarray(pixels).save(partial, {".png": "PNG"}.get(target.suffix.lower(), "JPEG"), quality=95)
        put_in_place(partial, target.absolute(), replace=overwrite)
    except OSError as error:
        raise OutputError(f"“{target}” cannot be written ({describe_os_error(error)}); choose another place.") from None
    finally:
        discard(partial)


def write_comparison(
    comparison: Comparison, first: int, last: int, target: Path, output: OutputSettings, monitor: Monitor
) -> None:
    """Write frames ``first … last`` of the result as a video with its sound. See `compare`."""
    info, count = comparison.result.counted_info(), last - first + 1
    output = check_target(target, info, output)
    monitor.emit(PhaseStarted("write", 0, 1, count))
    with work_folder(target, "compare") as folder:
        segment, complete = folder / "segment.video", folder / target.name
        with VideoWriter(segment, info, *comparison.size, output) as writer:
            for done, (pts, duration, picture) in enumerate(comparison.frames(first, last), 1):
                monitor.check()
                writer.write(picture, pts, duration)
                monitor.emit(FrameDone(done, count))
        monitor.emit(PhaseStarted("publish", 0, 1, 0))
        whole = count == comparison.result.frames_total
        publish([segment], complete, info, output, None if whole else (first, last), monitor.check)
        try:
            put_in_place(complete, target.absolute(), replace=output.overwrite)
        except OSError as error:
            raise write_error(target, error) from None
