"""Decoded frames to float RGB and back, in numpy: swscale's conversion is off by up to one 8-bit code (measured)."""

import re
from typing import Any

import av
import numpy as np
from av.video.format import VideoFormat
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from dcvsr_engine.video.arrays import FloatArray
from dcvsr_engine.video.color import ColorInfo, code_range, rgb_to_ycc

PLANAR = re.compile(r"(yuv[aj]?(410|411|420|422|440|444)p|gray|gbra?p)((9|10|12|14|16)le)?|(gray|gbra?p)f(16|32)le")
"""Pixel formats whose planes are read directly; alpha is left out."""

SAMPLINGS = {(1, 1): "444", (2, 1): "422", (2, 2): "420", (1, 2): "440", (4, 1): "411", (4, 4): "410"}
"""Luma samples (across, down) per chroma sample, and what that is called."""

PLANES_OF_RGB = (1, 2, 0)
"""Which of red, green and blue each plane of a GBR format holds."""

BAND_ROWS = 256
"""Rows that are converted to code values together; even."""

Siting = tuple[float, float]
"""Where a chroma sample lies among its luma samples, (x, y): 0 on the first one, ½ between the first and the last."""


def is_rgb(layout: VideoFormat) -> bool:
    """Whether a pixel format holds RGB (or a palette of it)."""
    return bool(layout.is_rgb or layout.has_palette or layout.name.startswith("xyz"))


def is_gray(layout: VideoFormat) -> bool:
    """Whether a pixel format holds no colour."""
    return len(layout.components) < 3 and not is_rgb(layout)


def has_alpha(layout: VideoFormat) -> bool:
    """Whether a pixel format can hold transparency."""
    return bool(layout.has_palette or any(component.is_alpha for component in layout.components))


def is_float(layout: VideoFormat) -> bool:
    """Whether a pixel format holds floating-point numbers, which may lie outside of 0 … 1."""
    return re.search(r"f(16|32)[lb]e$", layout.name) is not None


def sample_type(layout: VideoFormat) -> str:
    """NumPy's type of a sample."""
    bits, order = layout.components[0].bits, ">" if layout.name.endswith("be") else "<"
    return f"{order}f{bits // 8}" if is_float(layout) else "u1" if bits == 8 else f"{order}u2"


def most_of(layout: VideoFormat) -> int:
    """The value of a sample that stands for 1, in full range."""
    return 1 if is_float(layout) else int(2 ** layout.components[0].bits - 1)


def plane_rows(plane: VideoPlane, kind: str) -> NDArray[Any]:
    """The samples of a plane ``(height, width)``, without padding."""
    rows = np.frombuffer(memoryview(plane), kind).reshape(plane.height, -1)[:, : plane.width]
    # a negative line size means stored bottom-up
    return rows[::-1] if plane.line_size < 0 else rows


def alpha_codes(frame: av.VideoFrame) -> tuple[NDArray[Any], int]:
    """Codes ``(height, width)`` of a frame's alpha channel, always in full range, and the one that is opaque."""
    name = frame.format.name
    # packed formats and palettes have no plane of alpha
    if not (name.startswith(("yuva", "gbra")) and PLANAR.fullmatch(name)):
        frame = frame.reformat(format="gbrap" if bit_depth(frame.format) == 8 else "gbrap16le")
    return plane_rows(frame.planes[3], sample_type(frame.format)), most_of(frame.format)


def is_transparent(frame: av.VideoFrame) -> bool:
    """Whether a decoded frame has pixels that are not opaque."""
    if not has_alpha(frame.format):
        return False
    codes, opaque = alpha_codes(frame)
    return bool(codes.min() < opaque)


def alpha_of(frame: av.VideoFrame) -> FloatArray:
    """A frame's alpha channel ``(height, width)``, 0 … 1; opaque where it has none."""
    if not has_alpha(frame.format):
        return np.ones((frame.height, frame.width), np.float32)
    codes, opaque = alpha_codes(frame)
    alpha: FloatArray = codes.astype(np.float32) / np.float32(opaque)
    return np.clip(alpha, 0, 1)


def bit_depth(layout: VideoFormat) -> int:
    """Bits of the first channel, 8 to 16."""
    return min(16, max(8, layout.components[0].bits))


def planar_name(layout: VideoFormat) -> str:
    """The planar pixel format that holds ``layout`` without loss."""
    if PLANAR.fullmatch(layout.name):
        return layout.name
    bits = bit_depth(layout)
    if is_rgb(layout):
        return "gbrp" if bits == 8 else "gbrp16le"
    depth = "" if bits == 8 else f"{bits}le"
    if is_gray(layout):
        return f"gray{depth}"
    return f"yuv{SAMPLINGS[sampling(layout)]}p{depth}"


def sampling(layout: VideoFormat) -> tuple[int, int]:
    """Luma samples (across, down) per chroma sample."""
    chroma = VideoFormat(layout.name, 16, 16).components[1]
    return 16 // chroma.width, 16 // chroma.height


def planes_of(frame: av.VideoFrame) -> tuple[list[NDArray[Any]], int]:
    """(planes without padding and alpha, bits): views of planar formats; others are repacked by swscale, values unchanged."""
    name = planar_name(frame.format)
    if name != frame.format.name:
        frame = frame.reformat(format=name)
    planes = [plane_rows(plane, sample_type(frame.format)) for plane in frame.planes[: 1 if name.startswith("gray") else 3]]
    return planes, frame.format.components[0].bits


def to_rgb(frame: av.VideoFrame, color: ColorInfo, siting: Siting) -> FloatArray:
    """Convert a decoded frame to RGB; chroma is interpolated linearly from where it was sampled.

    Args:
        frame: in any pixel format.
        color: matrix and range of its code values.
        siting: where its chroma lies.

    Returns:
        ``(height, width, 3)``, 0 … 1.
    """
    pixels = unclipped_rgb(frame, color, siting)
    return np.clip(pixels, 0, 1, out=pixels)


def unclipped_rgb(frame: av.VideoFrame, color: ColorInfo, siting: Siting) -> FloatArray:
    """The same, with what lies outside of 0 … 1: rounded codes, light in floating-point numbers."""
    planes, bits = planes_of(frame)
    height, width = planes[0].shape
    channels = np.empty((3, height, width), np.float32)
    if len(planes) == 1:
        channels[:] = normalised(planes[0], bits, color, chroma=False)
    elif is_rgb(frame.format):
        for place, plane in zip(PLANES_OF_RGB, planes, strict=True):
            channels[place] = normalised(plane, bits, color, chroma=False)
    else:
        channels[0] = normalised(planes[0], bits, color, chroma=False)
        for place in (1, 2):
            chroma = normalised(planes[place], bits, color, chroma=True)
            channels[place] = upsampled(chroma, height, width, sampling(frame.format), siting)
        channels = np.tensordot(np.linalg.inv(rgb_to_ycc(color.matrix)).astype(np.float32), channels, 1)
    return np.ascontiguousarray(channels.transpose(1, 2, 0))


def normalised(plane: NDArray[Any], bits: int, color: ColorInfo, *, chroma: bool) -> FloatArray:
    """Scale code values to 0 … 1 (luma, RGB) or −½ … ½ (chroma).

    Args:
        plane: code values ``(height, width)``.
        bits: per code.
        color: says the range of the codes.
        chroma: whether the values lie around zero.

    Returns:
        float32, shaped like ``plane``.
    """
    if plane.dtype.kind == "f":
        return plane.astype(np.float32)
    span, offset = code_range(bits, color.range == "pc", chroma)
    values = plane.astype(np.float32)
    values -= np.float32(offset)
    values *= np.float32(1 / span)
    return values


def upsampled(plane: FloatArray, height: int, width: int, ratio: tuple[int, int], siting: Siting) -> FloatArray:
    """Interpolate a chroma plane linearly to the luma's size.

    Args:
        plane: ``(height / down, width / across)``.
        height, width: of the luma.
        ratio: luma samples (across, down) per chroma sample.
        siting: where chroma lies.

    Returns:
        ``(height, width)``.
    """
    across, down = ratio
    if down > 1:
        plane = interpolated(plane, 0, down, height, siting[1])
    return interpolated(plane, 1, across, width, siting[0]) if across > 1 else plane


def interpolated(plane: FloatArray, axis: int, factor: int, size: int, offset: float) -> FloatArray:
    """Enlarge ``plane`` along an axis; its sample k lies at ``factor·k + offset·(factor − 1)``.

    Args:
        plane: ``(height, width)``.
        axis: along which it is enlarged.
        factor: how many times.
        size: samples of the result.
        offset: where a sample lies among those it stands for, 0 on the first, ½ in the middle.
    """
    position = np.clip((np.arange(size) - offset * (factor - 1)) / factor, 0, plane.shape[axis] - 1)
    low = np.floor(position).astype(np.intp)
    high = np.minimum(low + 1, plane.shape[axis] - 1)
    shape = [1, 1]
    shape[axis] = size
    weight = (position - low).astype(np.float32).reshape(shape)
    first = plane.take(low, axis)
    result: FloatArray = first + (plane.take(high, axis) - first) * weight
    return result


def from_rgb(pixels: FloatArray, name: str, color: ColorInfo, siting: Siting, alpha: FloatArray | None = None) -> av.VideoFrame:
    """Convert RGB to a frame, rounding to the nearest code values.

    Args:
        pixels: ``(height, width, 3)``, 0 … 1; values outside are clipped, unless the format holds floating-point numbers.
        name: pixel format: planar YCbCr or RGB, with alpha or without.
        color: matrix and range of the code values.
        siting: where chroma lies.
        alpha: ``(height, width)``, 0 … 1, for formats with alpha; opaque when not given.
    """
    height, width, _ = pixels.shape
    frame = av.VideoFrame(width, height, name)
    matte = np.ones((height, width), np.float32) if alpha is None and has_alpha(frame.format) else alpha
    # whole frames of 8K would take gigabytes on the way
    for first in range(0, height, BAND_ROWS):
        fill_rows(frame, pixels, matte, slice(first, min(first + BAND_ROWS, height)), color, siting)
    return frame


def fill_rows(
    frame: av.VideoFrame, pixels: FloatArray, alpha: FloatArray | None, rows: slice, color: ColorInfo, siting: Siting
) -> None:
    """Convert some rows into a frame, see `from_rgb`.

    Args:
        frame: freshly made.
        pixels: RGB ``(height, width, 3)``.
        alpha: opacity ``(height, width)``, given where the pixel format has it.
        rows: which ones, from an even one on.
        color, siting: as for `from_rgb`.
    """
    bits, most, first = frame.format.components[0].bits, np.float32(most_of(frame.format)), rows.start
    above = min(first, 2)  # chroma that lies on a row is made from the one above, too
    part = pixels[first - above : rows.stop]
    clipped = part if is_float(frame.format) else np.clip(part, 0, 1)
    matte = None if alpha is None or not has_alpha(frame.format) else np.clip(alpha[rows], 0, 1)
    planar = len(frame.planes) > 1
    if is_rgb(frame.format) and not planar:
        samples = clipped[above:] if matte is None else np.dstack((clipped[above:], matte))
        fill(frame, 0, first, samples.reshape(len(samples), -1) * most)
        return
    if matte is not None:
        fill(frame, 3, first, matte * most)
    if is_rgb(frame.format):
        for place, channel in enumerate(PLANES_OF_RGB):
            fill(frame, place, first, clipped[above:, :, channel] * most)
        return
    channels: FloatArray = rgb_to_ycc(color.matrix).astype(np.float32) @ clipped.reshape(-1, 3).T
    for place in range(3):
        plane, down = channels[place].reshape(clipped.shape[:2]), 1
        if place:
            plane, down = downsampled(plane, sampling(frame.format), siting), sampling(frame.format)[1]
        span, offset = code_range(bits, color.range == "pc", chroma=place > 0)
        fill(frame, place, first // down, plane[above // down :] * np.float32(span) + np.float32(offset))


def downsampled(plane: FloatArray, ratio: tuple[int, int], siting: Siting) -> FloatArray:
    """Reduce a full-size chroma plane to one sample per ``ratio``, weighted around where it lies.

    Args:
        plane: ``(height, width)``.
        ratio: luma samples (across, down) per chroma sample, 1 or 2 each.
        siting: where chroma lies.
    """
    across, down = ratio
    if down == 2:
        plane = halved(plane, siting[1])
    return halved(plane.T, siting[0]).T if across == 2 else plane


def halved(plane: FloatArray, offset: float) -> FloatArray:
    """Half as many rows: the mean of two where they lie between (offset ½), [1 2 1]/4 where they lie on one (0)."""
    even, odd = plane[::2], plane[1::2]
    if len(plane) % 2:
        # an odd last row is its own neighbour
        odd = np.concatenate((odd, plane[-1:]))
    if offset:
        return (even + odd) * np.float32(0.5)
    before = np.concatenate((plane[:1], odd[:-1]))
    return even * np.float32(0.5) + (before + odd) * np.float32(0.25)


def fill(frame: av.VideoFrame, index: int, first: int, values: FloatArray) -> None:
    """Round code values into rows of a plane of a frame; floating-point numbers are stored as they are.

    Args:
        frame: freshly made; the plane is written in place.
        index: of the plane.
        first: row to begin with.
        values: code values ``(rows, samples)``; rounded in place.
    """
    plane = frame.planes[index]
    target = np.frombuffer(memoryview(plane), sample_type(frame.format))
    if not is_float(frame.format):
        np.rint(values, out=values)
        np.minimum(values, most_of(frame.format), out=values)  # the top of full-range chroma lies half a step above the last code
    target.reshape(plane.height, -1)[first : first + len(values), : values.shape[1]] = values
