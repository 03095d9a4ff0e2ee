"""The rows of the tables: each metric's name, direction and digits, what it needs, and how it is computed."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from dcvsr_engine.errors import ModelError
from dcvsr_engine.research.evaluation import artefacts, external, fidelity, niqe, seams, temporal
from dcvsr_engine.research.evaluation.st_lpips import STLPIPS
from dcvsr_engine.research.pictures import Pictures, to_tensor
from dcvsr_engine.tiling.grid import TileGrid


@dataclass(frozen=True)
class Sample:
    """A method's result for one clip and what it is compared with.

    Attributes:
        result: what the method made, uint8 ``(frames, height, width, 3)``.
        truth: the undamaged clip of the same size; ``None`` where there is none.
        bicubic: the input enlarged by bicubic interpolation to the size of ``result``.
        grid: tiles whose borders the seam and window scores examine, in latents of ``factor`` pixels.
        factor: pixels per latent along an axis.
    """

    result: Pictures
    truth: Pictures | None
    bicubic: Pictures
    grid: TileGrid
    factor: int

    @property
    def guide(self) -> Pictures:
        """The clip that tells the scene's own motion and edges: the truth, or the enlarged input without one."""
        return self.bicubic if self.truth is None else self.truth


@dataclass(frozen=True)
class Row:
    """One metric, a row of the tables.

    Lower flicker and seam, window, lattice and dotted-edge scores are better only while above those of bicubic, the input's own.

    Attributes:
        name: heading of the row.
        better: direction of improvement.
        digits: decimal places shown.
    """

    name: str
    better: Literal["higher", "lower"]
    digits: int


@dataclass(frozen=True)
class Score:
    """The value of one row for one method and clip, or the reason why there is none."""

    value: float | None
    reason: str = ""


RowValues = tuple[float | None, ...]


@dataclass(frozen=True)
class RowGroup:
    """Rows that are computed together.

    Attributes:
        rows: in the order of ``compute``'s values.
        compute: gives a value per row, ``None`` where the clip allows none; may raise `ModelError` or `ImportError`.
        needs_truth: the undamaged clip is needed.
        needs_motion: more than one frame is needed.
    """

    rows: tuple[Row, ...]
    compute: Callable[[Sample], RowValues]
    needs_truth: bool = True
    needs_motion: bool = False


def against_truth(function: Callable[[Pictures, Pictures], float]) -> Callable[[Sample], RowValues]:
    """Wrap a function of result and truth as the computation of one row."""

    def compute(sample: Sample) -> RowValues:
        assert sample.truth is not None
        return (function(sample.result, sample.truth),)

    return compute


def learned(name: str, compares: bool) -> Callable[[Sample], RowValues]:
    """Wrap the pyiqa metric ``name`` as the computation of one row; ``compares``: it takes the truth as well."""
    return lambda sample: (external.pyiqa_score(name, sample.result, sample.truth if compares else None),)


def no_dover(sample: Sample) -> RowValues:
    """Hold DOVER's row in the tables; raises `ModelError`, because no installable package offers it."""
    raise ModelError("no package offers DOVER; use its authors' program on the result folders.")


@functools.cache
def st_lpips() -> STLPIPS:
    """Load the evaluation's ST-LPIPS, once."""
    return STLPIPS.load("alex")


def perceptual(sample: Sample) -> RowValues:
    """Compute mean ST-LPIPS and tST-LP.

    tST-LP compares how result and truth change from frame to frame, mean |ST-LPIPS(truth_t, truth_t+1) −
    ST-LPIPS(result_t, result_t+1)|: tLP of Chu et al. (2020) with ST-LPIPS in LPIPS' place.

    Returns:
        Both values; tST-LP is ``None`` for a single frame.
    """
    assert sample.truth is not None
    metric = st_lpips()
    distances: list[float] = []
    changes: list[float] = []
    previous = None
    with torch.no_grad():
        for result, truth in zip(sample.result, sample.truth, strict=True):
            # features of (result, truth) of this frame; kept for one frame, because tST-LP compares neighbours
            current = metric.features(to_tensor(result[None])), metric.features(to_tensor(truth[None]))
            distances.append(float(metric.compare(*current)))
            if previous:
                result_change, truth_change = (metric.compare(*pair) for pair in zip(previous, current, strict=True))
                changes.append(abs(float(result_change - truth_change)))
            previous = current
    return float(np.mean(distances)), float(np.mean(changes)) if changes else None


ROW_GROUPS = (
    RowGroup((Row("PSNR", "higher", 2),), against_truth(fidelity.psnr_rgb)),
    RowGroup((Row("PSNR-Y", "higher", 2),), against_truth(fidelity.psnr_y)),
    RowGroup((Row("SSIM", "higher", 4),), against_truth(fidelity.ssim)),
    RowGroup((Row("ST-LPIPS", "lower", 4), Row("tST-LP", "lower", 5)), perceptual),
    RowGroup((Row("tOF", "lower", 3),), against_truth(temporal.tof), needs_motion=True),
    RowGroup(
        (Row("warping error", "lower", 3),),
        lambda sample: (temporal.warping_error(sample.result, sample.guide),),
        needs_truth=False,
        needs_motion=True,
    ),
    RowGroup(
        (Row("flicker", "lower", 3),),
        lambda sample: (temporal.flicker(sample.result, sample.guide),),
        needs_truth=False,
        needs_motion=True,
    ),
    RowGroup(
        (Row("seam score", "lower", 3),),
        lambda sample: (seams.tile_seam_score(sample.result, sample.guide, sample.grid, sample.factor),),
        needs_truth=False,
    ),
    RowGroup(
        (Row("window score", "lower", 3),),
        lambda sample: (seams.window_score(sample.result, sample.guide, sample.grid),),
        needs_truth=False,
        needs_motion=True,
    ),
    RowGroup(
        (Row("lattice score", "lower", 3),),
        lambda sample: (seams.lattice_score(sample.result, sample.guide, sample.factor),),
        needs_truth=False,
    ),
    RowGroup(
        (Row("dotted-edge score", "lower", 3),),
        lambda sample: (artefacts.dotted_edge_score(sample.result, sample.guide, sample.factor),),
        needs_truth=False,
    ),
    RowGroup(
        (Row("smooth-area deviation", "lower", 2),),
        lambda sample: (artefacts.smooth_deviation(sample.result, sample.bicubic, sample.guide),),
        needs_truth=False,
    ),
    RowGroup((Row("NIQE", "lower", 3),), lambda sample: (niqe.niqe(sample.result),), needs_truth=False),
    RowGroup((Row("VMAF", "higher", 2),), against_truth(external.vmaf)),
    RowGroup((Row("LPIPS", "lower", 4),), learned("lpips", True)),
    RowGroup((Row("DISTS", "lower", 4),), learned("dists", True)),
    RowGroup((Row("MUSIQ", "higher", 2),), learned("musiq", False), needs_truth=False),
    RowGroup((Row("CLIP-IQA", "higher", 4),), learned("clipiqa", False), needs_truth=False),
    RowGroup((Row("DOVER", "higher", 2),), no_dover, needs_truth=False),
)

ROWS = {row.name: row for group in ROW_GROUPS for row in group.rows}


def score_sample(sample: Sample) -> dict[str, Score]:
    """Compute every row of one result, in the order of `ROWS`."""
    scores: dict[str, Score] = {}
    for group in ROW_GROUPS:
        scores |= dict(zip((row.name for row in group.rows), score_group(group, sample), strict=True))
    return scores


def score_group(group: RowGroup, sample: Sample) -> list[Score]:
    """Compute the rows of one group; a row without a value gets the reason instead."""
    reason = ""
    if group.needs_truth and sample.truth is None:
        reason = "there is no undamaged clip to compare with"
    elif group.needs_motion and len(sample.result) < 2:
        reason = "a single frame does not move"
    else:
        try:
            values = group.compute(sample)
            return [Score(value, "" if value is not None else "this clip does not allow this metric") for value in values]
        except ModelError as error:
            reason = str(error)
        except ImportError as error:
            reason = f"the Python package {error.name} is not installed"
    return [Score(None, reason) for _ in group.rows]
