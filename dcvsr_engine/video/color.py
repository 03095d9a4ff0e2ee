"""Colour as video files describe it (ITU-T H.273) and the exact conversion between YCbCr code values and RGB in numpy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcvsr_engine.video.hdr import ContentLight, MasteringDisplay

Array = NDArray[np.float32]

UNSPECIFIED = 2
"""The code for “not said” of matrix, primaries and transfer; for the range it is 0."""

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

LUMA = {
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
        dynamic: kinds of HDR data that change from scene to scene, see `hdr.DYNAMIC`; they are not carried over.
    """

    matrix: str
    range: str
    primaries: str
    transfer: str
    assumed: tuple[str, ...] = ()
    mastering: MasteringDisplay | None = None
    light: ContentLight | None = None
    dynamic: tuple[str, ...] = ()

    @property
    def hdr(self) -> bool:
        """Whether the transfer is PQ (HDR10) or HLG."""
        return self.transfer in ("smpte2084", "arib-std-b67")


def name_of(table: dict[str, int], code: int) -> str | None:
    """The name of an H.273 code, ``None`` when it is unspecified or unknown."""
    return next((name for name, value in table.items() if value == code), None)


def resolve_color(
    codes: tuple[int, int, int, int], width: int, height: int, *, rgb: bool, picture: bool, full: bool
) -> ColorInfo:
    """Names for the tagged codes (matrix, range, primaries, transfer), with sensible values where the file says nothing.

    Untagged video is BT.601 up to 576 lines and BT.709 above, in limited range, as players assume. ``full`` says that the
    pixel format itself means full range, ``rgb`` that pixels are RGB, ``picture`` that the codec is a still picture's (JFIF:
    BT.601 at any size).
    """
    tagged = [name_of(t, c) for t, c in zip((MATRICES, RANGES, PRIMARIES, TRANSFERS), codes, strict=True)]
    sd = "bt470bg" if height == 576 else "smpte170m"
    hd = width >= 1280 or height > 576
    standard = "bt709" if hd else sd
    if tagged[2] == "bt2020":
        guess = ("bt2020nc", "tv", "bt2020", "bt709")
    elif rgb or picture:
        guess = ("bt470bg", "pc" if full else "tv", "bt709", "iec61966-2-1")
    else:
        matrix = tagged[0] if tagged[0] in ("bt709", "smpte170m", "bt470bg", "bt2020nc") else standard
        primaries = {"bt2020nc": "bt2020"}.get(matrix, matrix)
        guess = (matrix, "pc" if full else "tv", primaries, "bt709" if primaries in ("bt709", "bt2020") else "smpte170m")
    if rgb:
        tagged[:2] = "gbr", "pc"  # whatever a container says about range, decoders give full-range RGB
    elif tagged[0] == "gbr":
        tagged[0] = None
    matrix, level, primaries, transfer = (value or chosen for value, chosen in zip(tagged, guess, strict=True))
    names = ("matrix", "range", "primaries", "transfer")
    assumed = tuple(name for name, value in zip(names, tagged, strict=True) if value is None)
    return ColorInfo(matrix, level, primaries, transfer, assumed)


def rgb_to_ycc(matrix: str) -> NDArray[np.float64]:
    """The 3×3 matrix from R'G'B' (0 … 1) to Y' (0 … 1), Cb, Cr (−½ … ½); identity for “gbr”.

    Matrices that are no linear map (constant luminance, ICtCp) take BT.2020's: the way back is its inverse, the tag stays.
    """
    if matrix == "gbr":
        return np.eye(3)
    if matrix == "ycgco":
        return np.array([[0.25, 0.5, 0.25], [-0.25, 0.5, -0.25], [0.5, 0.0, -0.5]])
    kr, kb = LUMA.get(matrix, LUMA["bt2020nc"])
    luma = np.array([kr, 1 - kr - kb, kb])
    blue = (np.array([0, 0, 1]) - luma) / (2 * (1 - kb))
    red = (np.array([1, 0, 0]) - luma) / (2 * (1 - kr))
    return np.stack([luma, blue, red])


def code_range(bits: int, full: bool, chroma: bool) -> tuple[float, float]:
    """(span, offset) of the code values: ``code = value · span + offset``."""
    if full:
        return 2.0**bits - 1, 2.0 ** (bits - 1) if chroma else 0.0
    step = 2.0 ** (bits - 8)
    return (224 if chroma else 219) * step, (128 if chroma else 16) * step
