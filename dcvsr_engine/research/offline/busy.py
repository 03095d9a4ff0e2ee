"""How busy a GPU is, as its driver reports it."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--loop-ms=500")
"""Prints twice a second in how many percent of the time a kernel ran."""


@contextmanager
def measured_busy() -> Iterator[Callable[[], float | None]]:
    """Yield a function that returns the mean percentage since the beginning; ``None`` where nothing was measured."""
    with tempfile.TemporaryDirectory() as folder, (path := Path(folder) / "readings").open("w") as readings:

        def mean() -> float | None:
            values = [float(line) for line in path.read_text().splitlines() if line.strip().isdecimal()]
            return sum(values) / len(values) if values else None

        try:
            meter = subprocess.Popen(COMMAND, stdout=readings, stderr=subprocess.DEVNULL)
        except OSError:
            # no driver here
            yield mean
            return
        try:
            yield mean
        finally:
            meter.terminate()
            meter.wait()
