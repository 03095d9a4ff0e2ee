"""Decoded frames to float RGB and back, in numpy: swscale's own conversion is off by up to one 8-bit code (measured), this is exact."""

import re
from typing import Any

import av
import numpy as np
from av.video.format import VideoFormat
from numpy.typing import NDArray

from dcvsr_engine.video.color import Array, ColorInfo, code_range, rgb_to_ycc

PLANAR = re.compile(r"(yuv[aj]?(410|411|420|422|440|444)p|gray|gbra?p)((9|10|12|14|16|f32)le)?")
"""Pixel formats whose planes are read directly; alpha is left out."""

Siting = tuple[float, float]
"""Where a chroma sample lies among its luma samples, (x, y): 0 on the first one, ½ between the first and the last."""


def is_rgb(layout: VideoFormat) -> bool:
    """Whether a pixel format holds RGB (or a palette of it)."""
    return bool(layout.is_rgb or layout.has_palette or layout.name.startswith("xyz"))


def bit_depth(layout: VideoFormat) -> int:
    """Bits of the first channel, at least 8."""
    return max(8, layout.components[0].bits)


def planar_name(layout: VideoFormat) -> str:
    """The planar pixel format that holds ``layout`` without loss."""
    if PLANAR.fullmatch(layout.name):
        return layout.name
    bits = bit_depth(layout)
    if is_rgb(layout):
        return "gbrpf32le" if "f" in layout.name.removeprefix("bgr").removeprefix("gbr") else "gbrp" if bits == 8 else "gbrp16le"
    depth = "" if bits == 8 else f"{bits}le"
    chroma = [c for c in layout.components if c.is_chroma]
    if not chroma:
        return f"gray{depth}"
    ratio = (round(layout.width / chroma[0].width), round(layout.height / chroma[0].height))
    return f"yuv{SUBSAMPLINGS.get(ratio, '444')}p{depth}"


SUBSAMPLINGS = {(1, 1): "444", (2, 1): "422", (2, 2): "420", (1, 2): "440", (4, 1): "411", (4, 4): "410"}


def planes_of(frame: av.VideoFrame) -> list[NDArray[Any]]:
    """The planes of a frame without padding: views for planar formats, repacked by swscale (no colour conversion) for others."""
    name = planar_name(frame.format)
    if name != frame.format.name:
        frame = frame.reformat(format=name)
    kind = "<f4" if "f32" in name else "u1" if frame.format.components[0].bits == 8 else "<u2"
    planes = []
    for plane in frame.planes[: 1 if name.startswith("gray") else 3]:
        rows = np.frombuffer(plane, kind).reshape(plane.height, -1)[:, : plane.width]
        planes.append(rows[::-1] if plane.line_size < 0 else rows)
    return planes


def to_rgb(frame: av.VideoFrame, color: ColorInfo, siting: Siting) -> Array:
    """RGB ``(height, width, 3)``, 0 … 1, of a decoded frame; chroma is interpolated linearly from where it was sampled."""
    planes = planes_of(frame)
    height, width = planes[0].shape
    pixels = np.empty((height, width, 3), np.float32)
    bits = None if planes[0].dtype.kind == "f" else bit_depth(frame.format) if planes[0].dtype.itemsize > 1 else 8
    if is_rgb(frame.format):
        bits = 16 if bits is not None and planar_name(frame.format) == "gbrp16le" else bits
        for channel, plane in zip((1, 2, 0), planes, strict=True):
            pixels[..., channel] = plane if bits is None else normalised(plane, bits, color, chroma=False)
    elif len(planes) == 1:
        pixels[...] = normalised(planes[0], bits or 8, color, chroma=False)[..., None]
    else:
        pixels[..., 0] = normalised(planes[0], bits or 8, color, chroma=False)
        for channel, plane in zip((1, 2), planes[1:], strict=True):
            pixels[..., channel] = enlarged(normalised(plane, bits or 8, color, chroma=True), height, width, siting)
        inverse = np.linalg.inv(rgb_to_ycc(color.matrix)).astype(np.float32)
        pixels = (pixels.reshape(-1, 3) @ inverse.T).reshape(height, width, 3)
    return np.clip(pixels, 0, 1, out=pixels)


def normalised(plane: NDArray[Any], bits: int, color: ColorInfo, *, chroma: bool) -> Array:
    """Code values as 0 … 1 (luma, RGB) or −½ … ½ (chroma)."""
    span, offset = code_range(bits, color.range == "pc", chroma)
    values = plane.astype(np.float32)
    values -= np.float32(offset)
    values *= np.float32(1 / span)
    return values


def enlarged(plane: Array, height: int, width: int, siting: Siting) -> Array:
    """A chroma plane at the luma's size, interpolated linearly."""
    for axis, (size, offset) in enumerate(((height, siting[1]), (width, siting[0]))):
        factor = round(size / plane.shape[axis])
        if factor > 1:
            plane = interpolated(plane, axis, factor, size, offset)
    return plane


def interpolated(plane: Array, axis: int, factor: int, size: int, offset: float) -> Array:
    """``plane`` with ``size`` samples along ``axis``; sample k of the plane lies at ``factor·k + offset·(factor − 1)``."""
    position = np.clip((np.arange(size) - offset * (factor - 1)) / factor, 0, plane.shape[axis] - 1)
    low = np.floor(position).astype(np.intp)
    high = np.minimum(low + 1, plane.shape[axis] - 1)
    shape = [1, 1]
    shape[axis] = size
    weight = (position - low).astype(np.float32).reshape(shape)
    first = plane.take(low, axis)
    return first + (plane.take(high, axis) - first) * weight


def from_rgb(pixels: Array, name: str, color: ColorInfo, siting: Siting) -> av.VideoFrame:
    """A frame in the pixel format ``name`` (planar YCbCr, rgb24, rgb48) from RGB ``(height, width, 3)``, 0 … 1; values are rounded."""
    height, width, _ = pixels.shape
    frame = av.VideoFrame(width, height, name)
    bits = frame.format.components[0].bits
    clipped = np.clip(pixels, 0, 1)
    if is_rgb(frame.format):
        fill(frame, 0, np.rint(clipped * np.float32(2**bits - 1)).reshape(height, -1))
        return frame
    ycc = (clipped.reshape(-1, 3) @ rgb_to_ycc(color.matrix).astype(np.float32).T).reshape(height, width, 3)
    full = color.range == "pc"
    for channel, part in enumerate(frame.format.components[:3]):
        span, offset = code_range(bits, full, chroma=channel > 0)
        plane = ycc[..., channel]
        if channel:
            plane = shrunk(plane, round(height / part.height), round(width / part.width), siting)
        fill(frame, channel, np.clip(np.rint(plane * np.float32(span) + np.float32(offset)), 0, 2**bits - 1))
    return frame


def shrunk(plane: Array, rows: int, columns: int, siting: Siting) -> Array:
    """A chroma plane with one sample for ``rows × columns`` (1 or 2 each), weighted around where it lies."""
    for axis, (factor, offset) in enumerate(((rows, siting[1]), (columns, siting[0]))):
        if factor == 2:
            plane = halved(plane, axis, offset)
    return plane


def halved(plane: Array, axis: int, offset: float) -> Array:
    """Half as many samples along ``axis``: the mean of two where they lie between (offset ½), [1 2 1]/4 where they lie on one (0)."""
    even = np.arange(0, plane.shape[axis], 2)
    middle, after = plane.take(even, axis), plane.take(np.minimum(even + 1, plane.shape[axis] - 1), axis)
    if offset:
        return (middle + after) * np.float32(0.5)
    before = plane.take(np.maximum(even - 1, 0), axis)
    return middle * np.float32(0.5) + (before + after) * np.float32(0.25)


def fill(frame: av.VideoFrame, index: int, values: Array) -> None:
    """Write a plane of a freshly made frame; ``values`` ``(height, samples)`` are whole numbers."""
    plane = frame.planes[index]
    bits = frame.format.components[0].bits
    kind = "u1" if bits == 8 else ">u2" if frame.format.name.endswith("be") else "<u2"
    target = np.frombuffer(plane, kind).reshape(plane.height, -1)
    target[:, : values.shape[1]] = values
