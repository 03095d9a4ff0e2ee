"""How fast the compare view paints, in milliseconds."""

import math
import time

import numpy as np

from app.preview.compare_view import CompareView
from app.preview.model import Viewport


def measure_pan(view: CompareView, paints: int = 200) -> dict[str, float]:
    """Move what a shown view shows around at 1:1, then zoom in and out, and time each painting.

    Returns:
        ``pan_p50_ms``, ``pan_p95_ms``, ``zoom_p50_ms``, ``zoom_p95_ms``, ``p50_ms``, ``p95_ms``, ``max_ms`` and ``paints``.
    """
    begun = view.scene.viewport
    view.set_viewport(begun.actual_size())
    pans = [_timed(view, view.scene.viewport.panned(*_circling(index))) for index in range(paints)]
    zooms = [_timed(view, view.scene.viewport.zoomed(1.1 if index % 40 < 20 else 1 / 1.1)) for index in range(paints)]
    view.set_viewport(begun)
    both = pans + zooms
    return {
        **{f"pan_p{q}_ms": float(np.percentile(pans, q)) for q in (50, 95)},
        **{f"zoom_p{q}_ms": float(np.percentile(zooms, q)) for q in (50, 95)},
        **{f"p{q}_ms": float(np.percentile(both, q)) for q in (50, 95)},
        "max_ms": max(both),
        "paints": float(len(both)),
    }


def _circling(index: int) -> tuple[float, float]:
    """A drag of 40 device pixels in ever another direction, the way a hand wanders over a picture."""
    return 40 * math.cos(index / 15), 40 * math.sin(index / 15)


def _timed(view: CompareView, viewport: Viewport) -> float:
    view.set_viewport(viewport)
    begun = time.perf_counter()
    view.repaint()
    return (time.perf_counter() - begun) * 1000
