"""Conversion between what RGB values mean: transfer characteristics (H.273 table 3) and primaries (table 2), in numpy.

Used only where the colours of a video change on the way, which one output cannot say; swscale does not convert them, and PyAV
comes without zimg.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcvsr_engine.video.arrays import FloatArray
from dcvsr_engine.video.color import ColorInfo

SDR_WHITE = 203.0
"""cd/m² of SDR's white in HDR (ITU-R BT.2408)."""

D65 = (0.3127, 0.3290)
WHITE_C = (0.310, 0.316)
BT601_525 = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65)
CHROMATICITIES = {
    "bt709": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), D65),
    "bt470m": ((0.670, 0.330), (0.210, 0.710), (0.140, 0.080), WHITE_C),
    "bt470bg": ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060), D65),
    "smpte170m": BT601_525,
    "smpte240m": BT601_525,
    "film": ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), WHITE_C),
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65),
    "smpte431": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    "smpte432": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65),
    "ebu3213": ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), D65),
}
"""Red, green, blue and white in CIE xy."""

Curve = Callable[[NDArray[Any]], NDArray[Any]]


def converted(pixels: FloatArray, source: ColorInfo, target: ColorInfo) -> FloatArray:
    """Express RGB in other primaries and another transfer.

    Args:
        pixels: ``(height, width, 3)``, 0 … 1.
        source: what the values mean.
        target: what they are to mean.

    Returns:
        The same shape; colours outside of what the target can say are clipped.
    """
    linear = to_linear(source.transfer)(pixels.astype(np.float64))
    matrix = np.linalg.inv(to_xyz(target.primaries)) @ to_xyz(source.primaries)
    # negative light is a colour outside of the target's primaries
    values = from_linear(target.transfer)(np.maximum(linear @ matrix.T, 0))
    return np.clip(values, 0, 1).astype(np.float32)


def means_other_colours(source: ColorInfo, target: ColorInfo) -> bool:
    """Whether both say that equal RGB values mean different colours; what is only assumed does not count."""
    stated = [name for name in ("primaries", "transfer") if name not in (*source.assumed, *target.assumed)]
    return any(family(getattr(source, name)) != family(getattr(target, name)) for name in stated)


def family(name: str) -> str:
    """Transfers and primaries that are the same under several names."""
    return {"smpte170m": "bt709", "bt2020-10": "bt709", "bt2020-12": "bt709"}.get(name, name)


def to_xyz(primaries: str) -> NDArray[np.float64]:
    """The 3×3 matrix from linear RGB to XYZ, white at Y = 1 (SMPTE RP 177); unknown primaries count as BT.709's."""
    red, green, blue, white = CHROMATICITIES.get(primaries, CHROMATICITIES["bt709"])
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in (red, green, blue)]).T
    x, y = white
    return columns * np.linalg.solve(columns, [x / y, 1, (1 - x - y) / y])


def to_linear(transfer: str) -> Curve:
    """From values to light, 1 at SDR's white."""
    if transfer == "smpte2084":
        return pq_to_linear
    if transfer == "arib-std-b67":
        return hlg_to_linear
    if transfer == "iec61966-2-1":
        return lambda v: np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    exponent = GAMMAS.get(transfer)
    if exponent:
        return lambda v: v**exponent
    return lambda v: np.where(v < 0.081, v / 4.5, ((v + 0.099) / 1.099) ** (1 / 0.45))


def from_linear(transfer: str) -> Curve:
    """The inverse of `to_linear`."""
    if transfer == "smpte2084":
        return linear_to_pq
    if transfer == "arib-std-b67":
        return linear_to_hlg
    if transfer == "iec61966-2-1":
        return lambda v: np.where(v <= 0.0031308, v * 12.92, 1.055 * v ** (1 / 2.4) - 0.055)
    exponent = GAMMAS.get(transfer)
    if exponent:
        return lambda v: v ** (1 / exponent)
    return lambda v: np.where(v < 0.018, v * 4.5, 1.099 * v**0.45 - 0.099)


GAMMAS = {"bt470m": 2.2, "bt470bg": 2.8, "linear": 1.0, "smpte428": 2.6}
"""Transfers that are plain powers."""

M1, M2 = 2610 / 16384, 2523 / 4096 * 128
C1, C2, C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def pq_to_linear(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """SMPTE ST 2084, 10,000 cd/m² at 1."""
    power = values ** (1 / M2)
    light: NDArray[np.float64] = (np.maximum(power - C1, 0) / (C2 - C3 * power)) ** (1 / M1)
    return light * 10_000 / SDR_WHITE


def linear_to_pq(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of `pq_to_linear`."""
    power = (light * SDR_WHITE / 10_000) ** M1
    values: NDArray[np.float64] = ((C1 + C2 * power) / (1 + C3 * power)) ** M2
    return values


A, B, C = 0.17883277, 0.28466892, 0.55991073
HLG_PEAK = 1000 / SDR_WHITE
GAMMA = 1.2


def hlg_to_linear(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """ARIB STD-B67 on a display of 1,000 cd/m² (ITU-R BT.2100), per channel."""
    scene = np.where(values <= 0.5, values**2 / 3, (np.exp((values - C) / A) + B) / 12)
    return scene**GAMMA * HLG_PEAK


def linear_to_hlg(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of `hlg_to_linear`."""
    scene = (light / HLG_PEAK) ** (1 / GAMMA)
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), A * np.log(np.maximum(12 * scene - B, 1e-9)) + C)
