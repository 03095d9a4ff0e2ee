"""Clips made on the fly."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_clip(path: Path, frames: int = 8, width: int = 64, height: int = 48) -> Path:
    """A clip of moving stripes."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        columns, rows = np.meshgrid(np.arange(width), np.arange(height))
        for index in range(frames):
            stripes = 127 + 120 * np.sin((columns + rows + 3 * index) / 5)
            picture = np.stack([stripes, 255 - stripes, np.full_like(stripes, 90)], axis=-1).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path
