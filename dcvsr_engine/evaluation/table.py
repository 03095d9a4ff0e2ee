"""The numbers of an evaluation: cells by clip and method, means over clips, and their CSV and Markdown form."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dcvsr_engine.evaluation.metrics import METRICS, Measurement, Metric

SECONDS = Metric("seconds", "lower", 1)
"""Time of the whole restoration of a clip, loading included."""

NOT_AVAILABLE = "not available"
MEAN = "mean"

Cell = dict[str, Measurement]
"""A measurement per row."""


@dataclass
class Table:
    """Measurements of an evaluation.

    Attributes:
        methods: the columns, in order.
        cells: by clip, then method.
    """

    methods: tuple[str, ...]
    cells: dict[str, dict[str, Cell]] = field(default_factory=dict)

    @property
    def clips(self) -> tuple[str, ...]:
        """The clips, in order."""
        return tuple(self.cells)

    @property
    def rows(self) -> tuple[Metric, ...]:
        """What was measured, in order."""
        known = METRICS | {SECONDS.name: SECONDS}
        return tuple(known[name] for cells in list(self.cells.values())[:1] for name in cells[self.methods[0]])

    def mean(self, method: str, row: str) -> Measurement:
        """The mean over the clips that have a value."""
        found = [cells[method][row] for cells in self.cells.values()]
        values = [cell.value for cell in found if cell.value is not None]
        return Measurement(sum(values) / len(values)) if values else found[0]

    def sections(self) -> Iterator[tuple[str, dict[str, Cell]]]:
        """A title and the cells by method: every clip, then the mean."""
        yield from self.cells.items()
        yield MEAN, self.means()

    def means(self) -> dict[str, Cell]:
        """The mean of every row by method."""
        return {method: {row.name: self.mean(method, row.name) for row in self.rows} for method in self.methods}

    def to_dict(self) -> dict[str, Any]:
        """The values by title, method and row, ``None`` where there is none, for JSON."""
        return {
            title: {method: {name: measurement.value for name, measurement in cells[method].items()} for method in self.methods}
            for title, cells in self.sections()
        }

    def reasons(self) -> dict[str, str]:
        """Why rows that are empty throughout have no values."""
        found: dict[str, str] = {}
        for row in self.rows:
            cells = [cells[method][row.name] for cells in self.cells.values() for method in self.methods]
            if all(cell.value is None for cell in cells):
                found[row.name] = cells[0].reason
        return found


def shown(row: Metric, cell: Measurement) -> str:
    """A cell as people read it."""
    return NOT_AVAILABLE if cell.value is None else f"{cell.value:.{row.digits}f}"


def best(row: Metric, cells: dict[str, Cell]) -> set[str]:
    """The methods with the best value of a row, as shown; none where only one has a value."""
    values = {method: round(value, row.digits) for method, cell in cells.items() if (value := cell[row.name].value) is not None}
    if len(values) < 2:
        return set()
    top = (max if row.better == "higher" else min)(values.values())
    return {method for method, value in values.items() if value == top}


def heading(row: Metric) -> str:
    """The row's name and which way is better."""
    return f"{row.name} {'↑' if row.better == 'higher' else '↓'}"


def to_csv(table: Table) -> str:
    """Every number in full: a line per clip and row, a column per method."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["clip", "metric", "better", *table.methods])
    for title, cells in table.sections():
        for row in table.rows:
            values = [cells[method][row.name].value for method in table.methods]
            writer.writerow([title, row.name, row.better, *(NOT_AVAILABLE if value is None else repr(value) for value in values)])
    return text.getvalue()


def markdown_section(table: Table, title: str, cells: dict[str, Cell]) -> str:
    """A headed table, the best value of each row in bold."""
    lines = [f"## {title}", "", f"| | {' | '.join(table.methods)} |", "|---|" + "---:|" * len(table.methods)]
    for row in table.rows:
        winners = best(row, cells)
        values = [(shown(row, cells[method][row.name]), method in winners) for method in table.methods]
        lines.append(f"| {heading(row)} | {' | '.join(f'**{value}**' if wins else value for value, wins in values)} |")
    return "\n".join([*lines, ""])


def to_markdown(table: Table) -> str:
    """A section per clip and one of means, and why rows are empty."""
    reasons = [f"* {name}: {reason}" for name, reason in table.reasons().items()]
    return "\n".join([*(markdown_section(table, title, cells) for title, cells in table.sections()), *reasons]) + "\n"
