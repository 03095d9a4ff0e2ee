"""Makes ``resources/clips/sample.mp4``: a slow pan over a NASA photograph (public domain), 120 × 80 pixels, 26 frames.

The photograph is station4.jpg of the Debian package endless-sky-data; it is held out from training.
Usage: python packaging/make_sample_clip.py [/usr/share/games/endless-sky/images/land/station4.jpg]
"""

import sys
from fractions import Fraction
from pathlib import Path

import av
import torch

from dcvsr_engine.network.resample import shrink
from dcvsr_engine.research.pictures import to_pictures
from dcvsr_engine.research.training.motion import Path2D, render
from dcvsr_engine.research.training.photographs import Photograph

FRAMES, WIDTH, HEIGHT, SCALE = 26, 120, 80, 4
PHOTOGRAPH = Path("/usr/share/games/endless-sky/images/land/station4.jpg")
TARGET = Path(__file__).parents[1] / "resources" / "clips" / "sample.mp4"


def pan(photo: torch.Tensor) -> torch.Tensor:
    """The pan, full size: ``(frames, 3, height, width)``, cut from square views."""
    side = WIDTH * SCALE
    steps = range(FRAMES)
    path = Path2D([250.0 + 4.3 * f for f in steps], [180.0] * FRAMES, [1.0 - 0.002 * f for f in steps], [0.0] * FRAMES)
    top = (side - HEIGHT * SCALE) // 2
    return render(photo, path, side)[:, :, top : top + HEIGHT * SCALE]


def main() -> None:
    """Render, shrink, encode."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else PHOTOGRAPH
    photo = torch.tensor(Photograph(source).load()).permute(2, 0, 1).float() / 255
    small = shrink(pan(photo), SCALE)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(TARGET), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"crf": "18", "preset": "slow"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in to_pictures(small):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main()
