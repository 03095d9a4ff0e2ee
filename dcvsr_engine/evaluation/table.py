"""The numbers of an evaluation: cells by clip and method, means over clips, and their CSV and Markdown form."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dcvsr_engine.evaluation.metrics import METRICS, Measurement, Metric

SECONDS = Metric("seconds", "lower", 1)
"""Time from a clip to its pictures, without loading the model."""

NOT_AVAILABLE = "not available"
MEAN = "mean"

Cell = dict[str, Measurement]
"""A measurement per row."""


@dataclass
class Table:
    """Measurements of an evaluation.

    Attributes:
        methods: the columns, in order.
        sets: cells by set of clips, clip and method.
    """

    methods: tuple[str, ...]
    sets: dict[str, dict[str, dict[str, Cell]]] = field(default_factory=dict)

    @property
    def rows(self) -> tuple[Metric, ...]:
        """What was measured, in order."""
        known = METRICS | {SECONDS.name: SECONDS}
        first = next((cells for clips in self.sets.values() for cells in clips.values()), None)
        return () if first is None else tuple(known[name] for name in first[self.methods[0]])

    def mean(self, method: str, row: str, of: str | None = None) -> Measurement:
        """The mean over the clips of a set, or of all sets, that have a value."""
        sets = self.sets.values() if of is None else [self.sets[of]]
        found = [cells[method][row] for clips in sets for cells in clips.values()]
        values = [cell.value for cell in found if cell.value is not None]
        return Measurement(sum(values) / len(values)) if values else found[0]

    def means(self, of: str) -> dict[str, Cell]:
        """The mean of every row by method."""
        return {method: {row.name: self.mean(method, row.name, of) for row in self.rows} for method in self.methods}

    def sections(self) -> Iterator[tuple[str, str, dict[str, Cell]]]:
        """Set, title and cells by method: the mean of every set and then its clips."""
        for of, clips in self.sets.items():
            yield of, MEAN, self.means(of)
            for clip, cells in clips.items():
                yield of, clip, cells

    def to_dict(self) -> dict[str, Any]:
        """The values by set, title, method and row, ``None`` where there is none, for JSON."""
        found: dict[str, Any] = {of: {} for of in self.sets}
        for of, title, cells in self.sections():
            found[of][title] = {
                method: {name: measurement.value for name, measurement in cells[method].items()} for method in self.methods
            }
        return found

    def reasons(self) -> list[str]:
        """Why rows have no value in a whole set, a sentence per reason."""
        empty: dict[tuple[str, str], list[str]] = {}
        for of, clips in self.sets.items():
            for row in self.rows:
                cells = [cells[method][row.name] for cells in clips.values() for method in self.methods]
                if all(cell.value is None for cell in cells):
                    empty.setdefault((cells[0].reason, row.name), []).append(of)
        rows: dict[tuple[str, str], list[str]] = {}
        for (reason, name), sets in empty.items():
            rows.setdefault((reason, ", ".join(sets)), []).append(name)
        everywhere = ", ".join(self.sets)
        return [f"{', '.join(names)}{'' if of == everywhere else f' ({of})'}: {why}" for (why, of), names in rows.items()]


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
    """Every number in full: a line per set, clip and row, a column per method."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["set", "clip", "metric", "better", *table.methods])
    for of, title, cells in table.sections():
        for row in table.rows:
            values = [cells[method][row.name].value for method in table.methods]
            numbers = [NOT_AVAILABLE if value is None else repr(value) for value in values]
            writer.writerow([of, title, row.name, row.better, *numbers])
    return text.getvalue()


def markdown_table(table: Table, groups: dict[str, dict[str, Cell]]) -> str:
    """Groups of rows below each other, the best value of each row in bold: the shape of the paper's Table 1."""
    lines = [f"| | | {' | '.join(table.methods)} |", "|---|---|" + "---:|" * len(table.methods)]
    for title, cells in groups.items():
        for index, row in enumerate(table.rows):
            winners = best(row, cells)
            values = [(shown(row, cells[method][row.name]), method in winners) for method in table.methods]
            numbers = " | ".join(f"**{value}**" if wins else value for value, wins in values)
            lines.append(f"| {'' if index else title} | {heading(row)} | {numbers} |")
    return "\n".join([*lines, ""])


def summary(table: Table) -> str:
    """The means of every set."""
    return markdown_table(table, {of: table.means(of) for of in table.sets})


def to_markdown(table: Table) -> str:
    """The means of every set, why rows are empty, and a table of every set's clips."""
    parts = ["## Mean", "", summary(table), *(f"* {sentence}" for sentence in table.reasons())]
    for of, clips in table.sets.items():
        parts += ["", f"## {of}", "", markdown_table(table, clips)]
    return "\n".join(parts)
