"""HDR10 side data: mastering display (SMPTE ST 2086) and content light level (CTA-861.3), from frames and for encoders."""

import struct
from dataclasses import dataclass
from fractions import Fraction

import av
from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType

from dcvsr_engine.video.filters import filter_graph

Chromaticity = tuple[Fraction, Fraction]

EXIF = 31
"""libavutil's ``AV_FRAME_DATA_EXIF``."""


@dataclass(frozen=True)
class MasteringDisplay:
    """The display a video was graded on: CIE xy of its primaries and white, luminance in cd/m²."""

    red: Chromaticity
    green: Chromaticity
    blue: Chromaticity
    white: Chromaticity
    darkest: Fraction
    brightest: Fraction

    def x265(self) -> str:
        """As x265 and x264 want it: G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min) in units of 0.00002 and 0.0001 cd/m²."""
        points = (("G", self.green), ("B", self.blue), ("R", self.red), ("WP", self.white))
        text = "".join(f"{name}({round(x * 50000)},{round(y * 50000)})" for name, (x, y) in points)
        return f"{text}L({round(self.brightest * 10000)},{round(self.darkest * 10000)})"

    def svt(self) -> str:
        """As SVT-AV1 wants it: plain numbers."""
        points = (("G", self.green), ("B", self.blue), ("R", self.red), ("WP", self.white))
        text = "".join(f"{name}({float(x):.5f},{float(y):.5f})" for name, (x, y) in points)
        return f"{text}L({float(self.brightest):.4f},{float(self.darkest):.4f})"


@dataclass(frozen=True)
class ContentLight:
    """Brightest pixel and brightest frame average of a video, in cd/m²."""

    max_cll: int
    max_fall: int


def mastering_of(frame: av.VideoFrame) -> MasteringDisplay | None:
    """A decoded frame's mastering display (libavutil's ``AVMasteringDisplayMetadata``)."""
    data = side_data(frame, SideDataType.MASTERING_DISPLAY_METADATA)
    if data is None:
        return None
    *numbers, has_primaries, has_luminance = struct.unpack_from("=22i", data)
    if not has_primaries or not has_luminance or not all(numbers[1::2]):
        return None
    values = [Fraction(num, den) for num, den in zip(numbers[::2], numbers[1::2], strict=True)]
    red, green, blue, white = ((values[i], values[i + 1]) for i in (0, 2, 4, 6))
    return MasteringDisplay(red, green, blue, white, values[8], values[9])


DYNAMIC = {
    SideDataType.DYNAMIC_HDR_PLUS: "hdr10+",
    SideDataType.DOVI_RPU_BUFFER: "dolby-vision",
    SideDataType.DOVI_METADATA: "dolby-vision",
    SideDataType.DYNAMIC_HDR_VIVID: "hdr-vivid",
}
"""Kinds of side data that describe every scene's brightness, or how to display it."""


def dynamic_of(frame: av.VideoFrame) -> tuple[str, ...]:
    """What a decoded frame brings along of `DYNAMIC`."""
    return tuple(sorted({name for kind, name in DYNAMIC.items() if side_data(frame, kind) is not None}))


def light_of(frame: av.VideoFrame) -> ContentLight | None:
    """A decoded frame's content light level (libavutil's ``AVContentLightMetadata``)."""
    data = side_data(frame, SideDataType.CONTENT_LIGHT_LEVEL)
    return None if data is None else ContentLight(*struct.unpack_from("=2I", data))


def side_data(frame: av.VideoFrame, kind: SideDataType) -> bytes | None:
    """The bytes of one kind of side data."""
    try:
        items: list[SideData] = list(frame.side_data)  # type: ignore[arg-type]
    except ValueError:  # PyAV gives up on all side data of a frame when it does not know one kind: Exif
        items = list(without_exif(frame).side_data)  # type: ignore[arg-type]
    return next((bytes(item) for item in items if item.type == kind), None)


def without_exif(frame: av.VideoFrame) -> av.VideoFrame:
    """The frame without its Exif block."""
    graph = filter_graph(frame, "sidedata", f"mode=delete:type={EXIF}")
    graph.push(frame)
    return graph.vpull()
