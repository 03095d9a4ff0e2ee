"""Makes ``resources/pictures/sample.jpg`` for the README: a frame of the sample clip, enlarged bicubically | restored.

Usage: python packaging/make_pictures.py RESTORED.mp4
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from dcvsr_engine.network.resample import upscale
from dcvsr_engine.video.arrays import to_uint8
from dcvsr_engine.video.reader import VideoReader

FRAME = 6
RESOURCES = Path(__file__).parents[1] / "resources"


def main() -> None:
    """Read both clips, write the picture."""
    with VideoReader(RESOURCES / "clips" / "sample.mp4") as reader:
        small = torch.from_numpy(reader.frame(FRAME).pixels)
    with VideoReader(Path(sys.argv[1])) as reader:
        restored = reader.frame(FRAME).pixels
    enlarged = upscale(small.permute(2, 0, 1).unsqueeze(0), restored.shape[0] // small.shape[0])[0].permute(1, 2, 0).numpy()
    target = RESOURCES / "pictures" / "sample.jpg"
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(to_uint8(np.concatenate([enlarged, restored], axis=1))).save(target, quality=92)


if __name__ == "__main__":
    main()
