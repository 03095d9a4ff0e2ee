"""Steadiness over time: optical flow (tOF), warping error and flicker."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dcvsr_engine.research.pictures import Luma, Pictures, luma

Flow = NDArray[np.float32]
"""Displacement (x, y) in pixels of every pixel from one frame to the next, ``(height, width, 2)``."""

STATIC = 2.0
"""Grey levels: the truth stands still where its change from frame to frame, averaged over 5 × 5 pixels, is smaller."""


def flow(first: Luma, second: Luma) -> Flow:
    """Estimate Farnebäck's optical flow with TecoGAN's parameters (Chu et al. 2020).

    Args:
        first, second: Y of two frames ``(height, width)``.

    Returns:
        Displacement in pixels from ``first`` to ``second``, ``(height, width, 2)``.
    """
    import cv2

    # OpenCV computes this flow from 8 bits only
    before, after = (np.round(picture).astype(np.uint8) for picture in (first, second))
    displacement: Flow = cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    return displacement


def flows(pictures: Pictures) -> Iterator[Flow]:
    """Yield the flow from every frame to the next."""
    return (flow(luma(first), luma(second)) for first, second in pairwise(pictures))


def tof(result: Pictures, truth: Pictures) -> float:
    """Compute tOF (Chu et al. 2020): mean distance in pixels between the flows of result and truth; needs two frames."""
    pairs = zip(flows(result), flows(truth), strict=True)
    return float(np.mean([np.linalg.norm(a - b, axis=-1).mean() for a, b in pairs]))


def warp(picture: NDArray[np.floating], motion: Flow) -> NDArray[np.float32]:
    """Warp ``picture`` ``(height, width)``: the pixel at p is taken from p + motion(p), bilinearly."""
    import cv2

    # OpenCV takes absolute coordinates, not displacements
    rows, columns = np.indices(picture.shape, dtype=np.float32)
    x, y = columns + motion[..., 0], rows + motion[..., 1]
    warped: NDArray[np.float32] = cv2.remap(picture.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return warped


def visible(forward: Flow, backward: Flow) -> NDArray[np.bool_]:
    """Find the pixels of the first frame that are visible in the second, where flow and backward flow cancel.

    Args:
        forward, backward: flow from the first frame to the second and back, ``(height, width, 2)``.

    Returns:
        Mask ``(height, width)`` (Ruder et al. 2016).
    """
    height, width = forward.shape[:2]
    returned = np.stack([warp(backward[..., axis], forward) for axis in (0, 1)], axis=-1)
    gap = np.square(forward + returned).sum(-1)
    length = np.square(forward).sum(-1) + np.square(returned).sum(-1)
    rows, columns = np.indices((height, width))
    x, y = columns + forward[..., 0], rows + forward[..., 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    # the thresholds are Ruder et al.'s
    mask: NDArray[np.bool_] = (gap <= 0.01 * length + 0.5) & inside
    return mask


def warping_error(result: Pictures, guide: Pictures) -> float:
    """Compute the warping error (Lai et al. 2018): how far each frame is from the next one warped back.

    Args:
        result: ``(frames, height, width, 3)``.
        guide: the clip whose motion is used: the truth, or the enlarged input where there is none.

    Returns:
        Mean squared difference of Y (0..1) in thousandths; hidden pixels do not count.
    """
    values, guides = luma(result) / 255, luma(guide)
    errors = []
    for index in range(len(values) - 1):
        forward, backward = flow(guides[index], guides[index + 1]), flow(guides[index + 1], guides[index])
        squares = np.square(warp(values[index + 1], forward) - values[index])
        errors.append(squares[visible(forward, backward)].mean())
    return 1000 * float(np.mean(errors))


def flicker(result: Pictures, guide: Pictures) -> float | None:
    """Compute the mean change of Y from frame to frame where ``guide`` stands still.

    Read it beside bicubic's, whose flicker is the input's own.

    Returns:
        Grey levels; ``None`` where nothing stands still.
    """
    import cv2

    values, guides = luma(result), luma(guide)
    changes = []
    for index in range(len(values) - 1):
        still = cv2.blur(np.abs(guides[index + 1] - guides[index]), (5, 5)) < STATIC
        changes.append(np.abs(values[index + 1] - values[index])[still])
    together = np.concatenate(changes)
    return float(together.mean()) if together.size else None
