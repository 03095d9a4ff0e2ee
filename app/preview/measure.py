"""How fast the compare view paints, in milliseconds."""

import math
import time

import numpy as np

from app.preview.compare_view import CompareView
from app.preview.model import Viewport


def measure_pan(view: CompareView, paints: int = 200) -> dict[str, float]:
    """Move what a shown view shows around at 1:1, then zoom in and out, and time each painting.

    Returns:
        ``pan_p50_ms``, ``pan_p95_ms``, ``zoom_p50_ms``, ``zoom_p95_ms``, ``p50_ms``, ``p95_ms``, ``max_ms`` and ``paints``;
        ``cpu_p95_ms`` is processor time, which other programs on the machine do not lengthen.
    """
    begun = view.scene.viewport
    view.set_viewport(begun.actual_size())
    pans = [_timed(view, view.scene.viewport.panned(*_circling(index))) for index in range(paints)]
    zooms = [_timed(view, view.scene.viewport.zoomed(1.1 if index % 40 < 20 else 1 / 1.1)) for index in range(paints)]
    view.set_viewport(begun)
    figures = {"paints": float(2 * paints)}
    for name, times in (("pan_", pans), ("zoom_", zooms), ("", pans + zooms)):
        wall, cpu = zip(*times, strict=True)
        figures |= {f"{name}p{q}_ms": float(np.percentile(wall, q)) for q in (50, 95)}
    return figures | {"max_ms": max(wall), "cpu_p95_ms": float(np.percentile(cpu, 95))}


def _circling(index: int) -> tuple[float, float]:
    """A drag of 40 device pixels in ever another direction, the way a hand wanders over a picture."""
    return 40 * math.cos(index / 15), 40 * math.sin(index / 15)


def _timed(view: CompareView, viewport: Viewport) -> tuple[float, float]:
    """Paint once; returns wall and processor time in milliseconds."""
    view.set_viewport(viewport)
    wall, cpu = time.perf_counter(), time.thread_time()
    view.repaint()
    return (time.perf_counter() - wall) * 1000, (time.thread_time() - cpu) * 1000
