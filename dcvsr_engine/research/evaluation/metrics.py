"""Every metric of the tables: its name, which way is better, what it needs and how it is computed."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from dcvsr_engine.errors import ModelError
from dcvsr_engine.research.evaluation import external, fidelity, niqe, seams, temporal
from dcvsr_engine.research.evaluation.pictures import Pictures, to_tensor
from dcvsr_engine.research.evaluation.st_lpips import STLPIPS
from dcvsr_engine.tiling.grid import TileGrid


@dataclass(frozen=True)
class Sample:
    """A method's result for one clip and what it is measured against.

    Attributes:
        result: what the method made.
        truth: the undamaged clip, where there is one.
        enlarged: the input enlarged by bicubic interpolation, as large as ``result``.
        grid: tiles whose borders the seam score looks at, in latents of ``factor`` pixels.
    """

    result: Pictures
    truth: Pictures | None
    enlarged: Pictures
    grid: TileGrid
    factor: int

    @property
    def guide(self) -> Pictures:
        """What tells movement and edges of the picture itself: the truth, or the enlarged input."""
        return self.enlarged if self.truth is None else self.truth


@dataclass(frozen=True)
class Metric:
    """One row of the tables; ``digits`` are the decimal places shown.

    Lower flicker, seam and lattice scores are better only as long as they are above bicubic's, which are the input's own.
    """

    name: str
    better: Literal["higher", "lower"]
    digits: int


@dataclass(frozen=True)
class Measurement:
    """A cell of the tables: a value, or the reason why there is none."""

    value: float | None
    reason: str = ""


Values = tuple[float | None, ...]


@dataclass(frozen=True)
class Measure:
    """Metrics that are computed together.

    Attributes:
        metrics: what ``compute`` gives, in its order.
        compute: a value per metric, ``None`` where the clip allows none; may raise `ModelError` or `ImportError`.
        needs_truth, needs_motion: whether it needs the undamaged clip, and more than one frame.
    """

    metrics: tuple[Metric, ...]
    compute: Callable[[Sample], Values]
    needs_truth: bool = True
    needs_motion: bool = False


def single(function: Callable[[Pictures, Pictures], float]) -> Callable[[Sample], Values]:
    """A metric that compares result and truth."""

    def compute(sample: Sample) -> Values:
        assert sample.truth is not None
        return (function(sample.result, sample.truth),)

    return compute


def learned(name: str, compares: bool) -> Callable[[Sample], Values]:
    """A metric of pyiqa's."""
    return lambda sample: (external.learned(name, sample.result, sample.truth if compares else None),)


def no_dover(sample: Sample) -> Values:
    """DOVER's place in the tables: no installable package offers it."""
    raise ModelError("no package offers DOVER; use its authors' program on the result folders.")


@functools.cache
def st_lpips() -> STLPIPS:
    """The evaluation's ST-LPIPS, loaded once."""
    return STLPIPS.load("alex")


def perceptual(sample: Sample) -> Values:
    """Mean ST-LPIPS of result and truth; and tST-LP, how differently the two change from frame to frame.

    tST-LP is the mean |ST-LPIPS(truth_t, truth_t+1) − ST-LPIPS(result_t, result_t+1)|: tLP of Chu et al. (2020) with ST-LPIPS in
    LPIPS' place; ``None`` for a single frame.
    """
    assert sample.truth is not None
    metric = st_lpips()
    distances: list[float] = []
    changes: list[float] = []
    before = None
    with torch.no_grad():
        for result, truth in zip(sample.result, sample.truth, strict=True):
            now = metric.features(to_tensor(result[None])), metric.features(to_tensor(truth[None]))
            distances.append(float(metric.compare(*now)))
            if before:
                ours, real = (metric.compare(*pair) for pair in zip(before, now, strict=True))
                changes.append(abs(float(ours - real)))
            before = now
    return float(np.mean(distances)), float(np.mean(changes)) if changes else None


MEASURES = (
    Measure((Metric("PSNR", "higher", 2),), single(fidelity.psnr)),
    Measure((Metric("PSNR-Y", "higher", 2),), single(fidelity.psnr_y)),
    Measure((Metric("SSIM", "higher", 4),), single(fidelity.ssim)),
    Measure((Metric("ST-LPIPS", "lower", 4), Metric("tST-LP", "lower", 5)), perceptual),
    Measure((Metric("tOF", "lower", 3),), single(temporal.tof), needs_motion=True),
    Measure(
        (Metric("warping error", "lower", 3),),
        lambda sample: (temporal.warping_error(sample.result, sample.guide),),
        needs_truth=False,
        needs_motion=True,
    ),
    Measure(
        (Metric("flicker", "lower", 3),),
        lambda sample: (temporal.flicker(sample.result, sample.guide),),
        needs_truth=False,
        needs_motion=True,
    ),
    Measure(
        (Metric("seam score", "lower", 3),),
        lambda sample: (seams.seam_score(sample.result, sample.guide, sample.grid, sample.factor),),
        needs_truth=False,
    ),
    Measure(
        (Metric("lattice score", "lower", 3),),
        lambda sample: (seams.lattice_score(sample.result, sample.guide, sample.factor),),
        needs_truth=False,
    ),
    Measure((Metric("NIQE", "lower", 3),), lambda sample: (niqe.niqe(sample.result),), needs_truth=False),
    Measure((Metric("VMAF", "higher", 2),), single(external.vmaf)),
    Measure((Metric("LPIPS", "lower", 4),), learned("lpips", True)),
    Measure((Metric("DISTS", "lower", 4),), learned("dists", True)),
    Measure((Metric("MUSIQ", "higher", 2),), learned("musiq", False), needs_truth=False),
    Measure((Metric("CLIP-IQA", "higher", 4),), learned("clipiqa", False), needs_truth=False),
    Measure((Metric("DOVER", "higher", 2),), no_dover, needs_truth=False),
)

METRICS = {metric.name: metric for measure in MEASURES for metric in measure.metrics}


def measure(sample: Sample) -> dict[str, Measurement]:
    """Every metric of one result, in the order of `METRICS`."""
    found: dict[str, Measurement] = {}
    for group in MEASURES:
        values = compute(group, sample)
        found |= dict(zip((metric.name for metric in group.metrics), values, strict=True))
    return found


def compute(group: Measure, sample: Sample) -> list[Measurement]:
    """The cells of one measure, with a reason for each that stays empty."""
    reason = ""
    if group.needs_truth and sample.truth is None:
        reason = "there is no undamaged clip to compare with"
    elif group.needs_motion and len(sample.result) < 2:
        reason = "a single frame does not move"
    else:
        try:
            values = group.compute(sample)
            return [Measurement(value, "" if value is not None else "this clip allows no such measurement") for value in values]
        except ModelError as error:
            reason = str(error)
        except ImportError as error:
            reason = f"the Python package {error.name} is not installed"
    return [Measurement(None, reason) for _ in group.metrics]
