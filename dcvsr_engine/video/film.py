"""Film's pictures: OpenEXR, which stores light, and DPX, whose header says what its codes stand for."""

from pathlib import Path

import numpy as np

from dcvsr_engine.video.arrays import FloatArray
from dcvsr_engine.video.color import ColorInfo
from dcvsr_engine.video.colorimetry import family, from_linear, to_linear, to_xyz

FILM_CODECS = ("exr", "dpx")
LIGHT_CODEC = "exr"
"""The codec whose numbers are light: 1 is white, more is brighter than it."""
DISPLAY_TRANSFER = "iec61966-2-1"
"""How light is restored: as sRGB, which networks have learned from."""
MOST_LIGHT = 65504.0
"""The largest number in half precision."""

TRANSFER_PLACE = slice(801, 803)
"""Where a DPX header says transfer and primaries (SMPTE ST 268-1, table 5) of its picture."""
DENSITIES = (1, 3)
"""Transfers that are densities of film: “printing density” and “logarithmic”."""
VIDEO_TRANSFER = bytes([6, 6])
"""BT.709, for pictures that do not come from a DPX."""


def display_parts(light: FloatArray) -> tuple[FloatArray, FloatArray | None]:
    """Part light into what a display shows, and the rest.

    Args:
        light: RGB ``(height, width, 3)``, linear; 1 is white.

    Returns:
        sRGB 0 … 1, and the light above 1 and below 0, ``None`` where there is none; both shaped like ``light``.
    """
    light = np.clip(np.nan_to_num(light), -MOST_LIGHT, MOST_LIGHT)
    shown = np.clip(light, 0, 1)
    excess = light - shown
    return from_linear(DISPLAY_TRANSFER)(shown).astype(np.float32), excess if excess.any() else None


def light_of_display(pixels: FloatArray, color: ColorInfo, excess: FloatArray | None) -> FloatArray:
    """The inverse of `display_parts`, for pixels of any colour.

    Args:
        pixels: RGB ``(height, width, 3)``, 0 … 1.
        color: what they mean.
        excess: light above 1 and below 0, where there is some.

    Returns:
        Linear RGB of BT.709's primaries, which is what EXR means where it does not say others.
    """
    light = to_linear(color.transfer)(np.clip(pixels, 0, 1)).astype(np.float32)
    if family(color.primaries) != "bt709":
        matrix = np.linalg.inv(to_xyz("bt709")) @ to_xyz(color.primaries)
        light = light @ matrix.T.astype(np.float32)
    return light if excess is None else np.clip(light + excess, -MOST_LIGHT, MOST_LIGHT)


def multiplied(light: FloatArray, alpha: FloatArray) -> FloatArray:
    """Light times its opacity, as EXR stores it.

    Args:
        light: linear RGB ``(height, width, 3)``.
        alpha: ``(height, width)``, 0 … 1.
    """
    return light * alpha[..., None]


def unmultiplied(pixels: FloatArray, alpha: FloatArray) -> FloatArray:
    """Take the opacity, by which EXR multiplies its light, out of sRGB; see `multiplied`."""
    light = to_linear(DISPLAY_TRANSFER)(pixels) / np.maximum(alpha, 1e-6)[..., None]
    return from_linear(DISPLAY_TRANSFER)(np.clip(light, 0, 1)).astype(np.float32)


def film_notes(path: Path, codec: str, to_light: bool) -> list[str]:
    """What becomes of the colours of a picture of film.

    Args:
        path: of it, or of the first one of a sequence.
        codec: it was decoded with.
        to_light: whether light is written.
    """
    if codec == LIGHT_CODEC and to_light:
        return ["Light is restored as sRGB; values above 1 (brighter than white) and below 0 are enlarged linearly beside it."]
    if codec == LIGHT_CODEC:
        return [
            "Light is restored and written as sRGB; values above 1 (brighter than white) and below 0 are clipped. EXR keeps them."
        ]
    if codec == "dpx" and transfer_bytes(path)[0] in DENSITIES:
        return ["The DPX holds film densities (logarithmic), which are restored as they are, not developed: they look flat."]
    return []


def transfer_bytes(path: Path) -> bytes:
    """What a DPX says of its colours."""
    with path.open("rb") as file:
        return file.read(TRANSFER_PLACE.stop)[TRANSFER_PLACE]


def with_colors(picture: bytes, source: Path | None) -> bytes:
    """A DPX that FFmpeg has written, which calls everything linear, with the colours that it has.

    Args:
        picture: the file.
        source: a DPX whose colours were kept; ``None`` where others were restored.
    """
    colors = VIDEO_TRANSFER if source is None else transfer_bytes(source)
    return picture[: TRANSFER_PLACE.start] + colors + picture[TRANSFER_PLACE.stop :]
