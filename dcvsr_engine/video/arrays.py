"""Types of pixel arrays, and the one way from 0 … 1 to bytes. Needs numpy alone, so the window and the engine share it."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
"""Planes or RGB pixels as floats, 0 … 1 unless stated otherwise."""

Uint8Array = NDArray[np.uint8]
"""Pixels as bytes."""


def to_uint8(values: FloatArray) -> Uint8Array:
    """Round 0 … 1 to 0 … 255, half to even; what lies outside is clipped. Any shape but a single number."""
    codes = np.empty(values.shape, np.uint8)
    # row by row: pictures are large, and the copies on the way are of floats
    for place, row in enumerate(values):
        codes[place] = np.rint(np.clip(row, 0, 1) * 255)
    return codes
