"""Colour as video files describe it (ITU-T H.273) and the exact conversion between YCbCr code values and RGB in numpy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcvsr_engine.video.hdr import ContentLight, MasteringDisplay

MATRICES = {
    "gbr": 0,
    "bt709": 1,
    "fcc": 4,
    "bt470bg": 5,
    "smpte170m": 6,
    "smpte240m": 7,
    "ycgco": 8,
    "bt2020nc": 9,
    "bt2020c": 10,
    "smpte2085": 11,
    "chroma-derived-nc": 12,
    "chroma-derived-c": 13,
    "ictcp": 14,
}
RANGES = {"tv": 1, "pc": 2}
PRIMARIES = {
    "bt709": 1,
    "bt470m": 4,
    "bt470bg": 5,
    "smpte170m": 6,
    "smpte240m": 7,
    "film": 8,
    "bt2020": 9,
    "smpte428": 10,
    "smpte431": 11,
    "smpte432": 12,
    "ebu3213": 22,
}
TRANSFERS = {
    "bt709": 1,
    "bt470m": 4,
    "bt470bg": 5,
    "smpte170m": 6,
    "smpte240m": 7,
    "linear": 8,
    "log100": 9,
    "log316": 10,
    "iec61966-2-4": 11,
    "bt1361e": 12,
    "iec61966-2-1": 13,
    "bt2020-10": 14,
    "bt2020-12": 15,
    "smpte2084": 16,
    "smpte428": 17,
    "arib-std-b67": 18,
}

UNSPECIFIED = 2
"""H.273's code for what a file does not say."""

LUMA_WEIGHTS = {
    "bt709": (0.2126, 0.0722),
    "fcc": (0.30, 0.11),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087),
    "bt2020nc": (0.2627, 0.0593),
}
"""(K_R, K_B) per matrix, H.273 table 4."""


@dataclass(frozen=True)
class ColorInfo:
    """Colour of a video, in the names FFmpeg uses; nothing is left open.

    Attributes:
        matrix: how YCbCr comes from RGB; “gbr” for RGB pictures.
        range: “tv” (limited: 16 … 235 at 8 bits) or “pc” (full).
        primaries, transfer: what the RGB values mean.
        assumed: which of the four the file does not say and were chosen by its size and kind.
        mastering, light: HDR10 side data, where the file has some.
        dynamic: kinds of HDR data that change from scene to scene, see `hdr.DYNAMIC`; they are not copied.
    """

    matrix: str
    range: str
    primaries: str
    transfer: str
    assumed: tuple[str, ...] = ()
    mastering: MasteringDisplay | None = None
    light: ContentLight | None = None
    dynamic: tuple[str, ...] = ()


def h273_name(table: dict[str, int], code: int) -> str | None:
    """The name of an H.273 code, ``None`` when it is unspecified or unknown."""
    return next((name for name, value in table.items() if value == code), None)


FACETS = ("matrix", "range", "primaries", "transfer")


def resolve_color(
    codes: tuple[int, int, int, int], width: int, height: int, *, rgb: bool, picture: bool, full: bool
) -> ColorInfo:
    """Names for the tagged codes, with sensible values where the file says nothing.

    Args:
        codes: of matrix, range, primaries and transfer (H.273); 2, or 0 for the range, where the file does not say.
        width, height: in pixels.
        rgb: whether pixels are RGB.
        picture: whether the codec is a still picture's.
        full: whether the pixel format itself means full range.
    """
    tagged = [h273_name(table, code) for table, code in zip((MATRICES, RANGES, PRIMARIES, TRANSFERS), codes, strict=True)]
    guess = assumed_color(tagged, width, height, still=rgb or picture, full=full)
    if rgb:
        tagged[:2] = "gbr", "pc"  # whatever a container says about range, decoders give full-range RGB
    elif tagged[0] == "gbr":
        tagged[0] = None
    matrix, level, primaries, transfer = (value or chosen for value, chosen in zip(tagged, guess, strict=True))
    missing = tuple(name for name, value in zip(FACETS, tagged, strict=True) if value is None)
    return ColorInfo(matrix, level, primaries, transfer, missing)


def assumed_color(tagged: list[str | None], width: int, height: int, *, still: bool, full: bool) -> tuple[str, str, str, str]:
    """Matrix, range, primaries and transfer that players assume where the tags leave them open.

    Untagged video is BT.601 up to 576 lines and BT.709 above, in limited range; pictures are sRGB with BT.601's matrix at any
    size (JFIF). A tag that is there decides the others.

    Args:
        tagged: names of the four, ``None`` where the file does not say.
        width, height: in pixels.
        still: whether it is a picture, or RGB.
        full: whether the pixel format itself means full range.
    """
    level = "pc" if full else "tv"
    matrix, _, primaries, _ = tagged
    if primaries == "bt2020":
        return "bt2020nc", "tv", "bt2020", "bt709"
    if still:
        return "bt470bg", level, "bt709", "iec61966-2-1"
    if matrix not in ("bt709", "smpte170m", "bt470bg", "bt2020nc"):
        matrix = standard_of(width, height)
    primaries = "bt2020" if matrix == "bt2020nc" else matrix
    return matrix, level, primaries, "bt709" if primaries in ("bt709", "bt2020") else "smpte170m"


def standard_of(width: int, height: int) -> str:
    """The matrix of untagged video: HD's above 576 lines or from 1280 columns, else PAL's at 576 lines, else NTSC's."""
    if width >= 1280 or height > 576:
        return "bt709"
    return "bt470bg" if height == 576 else "smpte170m"


def rgb_to_ycc(matrix: str) -> NDArray[np.float64]:
    """The 3×3 matrix from R'G'B' (0 … 1) to Y' (0 … 1), Cb, Cr (−½ … ½), by H.273 §8.3; identity for “gbr”.

    Matrices that are not linear (constant luminance, ICtCp) take BT.2020's: decoding uses its inverse, and the tag stays.
    """
    if matrix == "gbr":
        return np.eye(3)
    if matrix == "ycgco":
        return np.array([[0.25, 0.5, 0.25], [-0.25, 0.5, -0.25], [0.5, 0.0, -0.5]])
    kr, kb = LUMA_WEIGHTS.get(matrix, LUMA_WEIGHTS["bt2020nc"])
    luma = np.array([kr, 1 - kr - kb, kb])
    blue = (np.array([0, 0, 1]) - luma) / (2 * (1 - kb))
    red = (np.array([1, 0, 0]) - luma) / (2 * (1 - kr))
    return np.stack([luma, blue, red])


def code_range(bits: int, full: bool, chroma: bool) -> tuple[float, float]:
    """Find (span, offset) of the code values: ``code = value · span + offset`` (H.273 §8.3).

    Args:
        bits: per code.
        full: whether all codes are used, not 16 … 235 (240 for chroma) at 8 bits.
        chroma: whether values lie around zero.
    """
    if full:
        return 2.0**bits - 1, 2.0 ** (bits - 1) if chroma else 0.0
    step = 2.0 ** (bits - 8)
    return (224 if chroma else 219) * step, (128 if chroma else 16) * step
