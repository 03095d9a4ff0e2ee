"""What a method makes where nothing was: grain on smooth areas, dots along edges, details that depend on the seed."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dcvsr_engine.research.pictures import Luma, Pictures, luma

SMOOTH = 1.5
"""Grey levels: an area is smooth where the RMS of its detail, averaged over 9 × 9 pixels, is smaller."""

EDGE = 16.0
"""Grey levels per pixel: an edge is strong where the gradient is larger."""

MOST_EDGES = 4000
"""Points of edges examined per frame."""

CYCLES = 4
"""Periods of the latent grid along an edge that are examined together."""

ACROSS = np.arange(-2, 3)
"""Distances from an edge in pixels at which it is examined."""


def smooth_deviation(result: Pictures, bicubic: Pictures, guide: Pictures) -> float | None:
    """Compare a result's deviation from ``guide`` on flat and smooth areas with that of bicubic enlargement.

    Areas are smooth where ``guide`` is: they may have a gradient, but no detail.

    Args:
        result, bicubic: ``(frames, height, width, 3)``.
        guide: the truth, or the enlarged input where there is none.

    Returns:
        RMS deviation of Y in grey levels above bicubic's; ``None`` where nothing is smooth.
    """
    squares, counts = np.zeros(2), 0
    # frame by frame: the luma of a whole clip is large
    for frames in zip(result, bicubic, guide, strict=True):
        made, enlarged, wanted = luma(np.stack(frames))
        smooth = is_smooth(wanted)
        squares += [np.square(picture - wanted)[smooth].sum() for picture in (made, enlarged)]
        counts += int(smooth.sum())
    if not counts:
        return None
    mine, theirs = np.sqrt(squares / counts)
    return float(mine - theirs)


def is_smooth(picture: Luma) -> NDArray[np.bool_]:
    """Find the pixels of ``picture`` ``(height, width)`` around which it has no detail."""
    from scipy.ndimage import uniform_filter

    detail = picture - uniform_filter(picture, 5)
    mask: NDArray[np.bool_] = uniform_filter(np.square(detail), 9) < SMOOTH**2
    return mask


def dotted_edge_score(result: Pictures, guide: Pictures, factor: int) -> float | None:
    """Compare the error's power along strong edges at the period of the latent grid with that at periods beside it.

    The lattice score averages over whole pictures and sees grids in flat areas; dots lie on edges only.

    Args:
        result: ``(frames, height, width, 3)``.
        guide: the truth, or the enlarged input where there is none; tells where edges are.
        factor: pixels per latent along an axis, the period.

    Returns:
        The ratio, 1 without dots; ``None`` where there are no strong edges or no errors.
    """
    power = np.zeros(CYCLES * factor // 2 + 1)
    for made, wanted in zip(result, guide, strict=True):
        values = luma(np.stack([made, wanted]))
        for profiles in edge_profiles(values[0] - values[1], values[1], CYCLES * factor):
            power += np.square(np.abs(np.fft.rfft(profiles, axis=-1))).sum(tuple(range(profiles.ndim - 1)))
    # the geometric mean of both neighbours is what a falling spectrum has in between
    beside = np.sqrt(power[CYCLES - 1] * power[CYCLES + 1])
    return float(power[CYCLES] / beside) if beside > 0 else None


def edge_profiles(error: Luma, picture: Luma, length: int) -> Iterator[NDArray[np.float64]]:
    """Yield the error along the strong edges of ``picture`` ``(height, width)``, for steep edges and for flat ones.

    Returns:
        Profiles ``(edges, len(ACROSS), length)``, a sample per row of steep edges or per column of flat ones.
    """
    for values, scene in ((error, picture), (error.T, picture.T)):
        yield steep_profiles(values, scene, length)


def steep_profiles(error: Luma, picture: Luma, length: int) -> NDArray[np.float64]:
    """Sample the error along edges that run downwards rather than across; see `edge_profiles`."""
    from scipy.ndimage import map_coordinates

    gradients: list[NDArray[np.float64]] = list(np.gradient(picture))
    down, right = gradients
    strong = (np.hypot(down, right) > EDGE) & (np.abs(right) > np.abs(down))
    height, half = len(picture), length // 2
    strong[:half] = strong[height - half :] = False
    y, x = np.nonzero(strong)
    chosen = slice(None, None, 1 + len(y) // MOST_EDGES)
    y, x = y[chosen], x[chosen]
    # an edge is normal to the gradient: one row further down it has moved by −down / right columns
    slope = -down[y, x] / right[y, x]
    steps = np.arange(length) - half
    rows = np.broadcast_to(y[:, None, None] + steps, (len(y), len(ACROSS), length))
    columns = x[:, None, None] + ACROSS[:, None] + slope[:, None, None] * steps
    profiles: NDArray[np.float64] = map_coordinates(error, [rows, columns], order=1, mode="nearest")
    return profiles


def seed_difference(first: Pictures, second: Pictures) -> float:
    """Compute the RMS difference of Y, in grey levels, of results ``(frames, height, width, 3)`` of two seeds."""
    squares = [np.square(luma(a[None]) - luma(b[None])).mean() for a, b in zip(first, second, strict=True)]
    return float(np.sqrt(np.mean(squares)))
