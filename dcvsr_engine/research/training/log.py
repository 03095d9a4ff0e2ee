"""The run's tables: loss, loss by noise level, validation. A resumed run writes the rows an uninterrupted one would."""

import csv
import math
import time
from pathlib import Path

import torch
from torch import Tensor

from dcvsr_engine.storage import partial_path

BINS = 6
"""Ranges of σ that the loss is logged by."""


class LossLog:
    """Mean losses since the last row, overall and by noise level.

    Attributes:
        sums: ``(1 + BINS, 2)``, sum and count of the whole objective, then of the EDM loss of each range of σ.
        edges: limits of the ranges ``(BINS + 1,)``, evenly spaced in ln σ.
    """

    def __init__(self, folder: Path, sigma_min: float, sigma_max: float) -> None:
        self.folder = folder
        self.edges = torch.logspace(math.log10(sigma_min), math.log10(sigma_max), BINS + 1)
        self.restart()

    def restart(self) -> None:
        """Begin the next row."""
        self.sums = torch.zeros(1 + BINS, 2, dtype=torch.float64)
        self.began, self.batches = time.monotonic(), 0

    def add_sigmas(self, sigmas: Tensor, losses: Tensor) -> None:
        """Add EDM losses ``(batch,)`` at ``sigmas`` ``(batch,)``."""
        known = sigmas.isfinite()  # infinite where the step did not start from a noisy target
        # inner limits only: levels beyond the range count in the outer bins
        rows = 1 + torch.bucketize(sigmas[known].cpu(), self.edges[1:-1])
        values = losses.detach()[known].double().cpu()
        self.sums.index_add_(0, rows, torch.stack([values, torch.ones_like(values)], 1))

    def add(self, loss: float) -> None:
        """Add the whole objective of one batch."""
        self.sums[0] += torch.tensor([loss, 1.0])
        self.batches += 1

    def write(self, iteration: int, accumulate: int, sums: Tensor) -> str:
        """Append the rows of an iteration and restart.

        Args:
            iteration: optimiser steps done.
            accumulate: batches per optimiser step.
            sums: like the attribute, summed over all processes.

        Returns:
            Loss and seconds per iteration as text.
        """
        loss = f"{float(sums[0, 0] / sums[0, 1]):.5f}"
        seconds = f"{accumulate * (time.monotonic() - self.began) / max(1, self.batches):.3f}"
        append_row(self.folder / "log.csv", ["iteration", "loss", "seconds"], [iteration, loss, seconds])
        header = ["iteration", "sigma_from", "sigma_to", "samples", "loss"]
        for low, high, (total, count) in zip(self.edges[:-1].tolist(), self.edges[1:].tolist(), sums[1:].tolist(), strict=True):
            row = [iteration, f"{low:.4g}", f"{high:.4g}", int(count), f"{total / count:.5f}" if count else ""]
            append_row(self.folder / "loss_by_sigma.csv", header, row)
        self.restart()
        return f"loss {loss}  {seconds} s"


def append_row(path: Path, header: list[str], row: list[object]) -> None:
    """Append one CSV row; a new file begins with the header."""
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow(header)
        writer.writerow(row)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read all rows of a table; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def forget_after(path: Path, iteration: int) -> None:
    """Drop the rows after ``iteration``, which a resumed run is about to write again."""
    rows = read_rows(path)
    kept = [row for row in rows if int(row["iteration"]) <= iteration]
    if len(kept) == len(rows):
        return
    partial = partial_path(path)
    for row in kept:
        append_row(partial, list(row), list(row.values()))
    # an empty file would lack its header
    if kept:
        partial.replace(path)
    else:
        path.unlink()
