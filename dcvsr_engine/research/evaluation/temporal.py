"""Steadiness over time: optical flow (tOF), warping error and flicker."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dcvsr_engine.research.evaluation.pictures import Luma, Pictures, luma

Flow = NDArray[np.float32]
"""Displacement (x, y) in pixels of every pixel from one frame to the next, ``(height, width, 2)``."""

STATIC = 2.0
"""Grey levels: where the truth changes less than this from frame to frame, averaged over 5 × 5 pixels, it stands still."""


def flow(first: Luma, second: Luma) -> Flow:
    """Farnebäck's optical flow from ``first`` to ``second`` ``(height, width)``, with TecoGAN's parameters (Chu et al. 2020)."""
    import cv2

    before, after = (np.round(picture).astype(np.uint8) for picture in (first, second))
    found: Flow = cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    return found


def flows(pictures: Pictures) -> Iterator[Flow]:
    """The flow from every frame to the next."""
    return (flow(luma(first), luma(second)) for first, second in pairwise(pictures))


def tof(result: Pictures, truth: Pictures) -> float:
    """The tOF of Chu et al. (2020): mean distance in pixels between the flows of result and truth. Needs two frames."""
    pairs = zip(flows(result), flows(truth), strict=True)
    return float(np.mean([np.linalg.norm(a - b, axis=-1).mean() for a, b in pairs]))


def warp(picture: NDArray[np.floating], motion: Flow) -> NDArray[np.float32]:
    """``picture`` as seen through ``motion``: the pixel at p is taken from p + motion(p), bilinearly."""
    import cv2

    rows, columns = np.indices(picture.shape, dtype=np.float32)
    x, y = columns + motion[..., 0], rows + motion[..., 1]
    warped: NDArray[np.float32] = cv2.remap(picture.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return warped


def visible(forward: Flow, backward: Flow) -> NDArray[np.bool_]:
    """Where a pixel of the first frame is also seen in the second: its flow and the flow back cancel (Ruder et al. 2016)."""
    height, width = forward.shape[:2]
    returned = np.stack([warp(backward[..., axis], forward) for axis in (0, 1)], axis=-1)
    gap = np.square(forward + returned).sum(-1)
    size = np.square(forward).sum(-1) + np.square(returned).sum(-1)
    rows, columns = np.indices((height, width))
    x, y = columns + forward[..., 0], rows + forward[..., 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    visible_: NDArray[np.bool_] = (gap <= 0.01 * size + 0.5) & inside
    return visible_


def warping_error(result: Pictures, guide: Pictures) -> float:
    """Mean squared difference (Y, 0..1, in thousandths) of each frame and the next one warped back (Lai et al. 2018).

    The motion is that of ``guide`` (the truth, or the enlarged input where there is none); hidden pixels do not count.
    """
    values, guides = luma(result) / 255, luma(guide)
    errors = []
    for index in range(len(values) - 1):
        forward, backward = flow(guides[index], guides[index + 1]), flow(guides[index + 1], guides[index])
        difference = np.square(warp(values[index + 1], forward) - values[index])
        errors.append(difference[visible(forward, backward)].mean())
    return 1000 * float(np.mean(errors))


def flicker(result: Pictures, guide: Pictures) -> float | None:
    """Mean change of Y in grey levels from frame to frame where ``guide`` stands still; ``None`` where nothing does.

    To be read beside the same number of bicubic, whose flicker is the input's own.
    """
    import cv2

    values, guides = luma(result), luma(guide)
    changes = []
    for index in range(len(values) - 1):
        still = cv2.blur(np.abs(guides[index + 1] - guides[index]), (5, 5)) < STATIC
        changes.append(np.abs(values[index + 1] - values[index])[still])
    together = np.concatenate(changes)
    return float(together.mean()) if together.size else None
