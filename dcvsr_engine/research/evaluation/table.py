"""The numbers of an evaluation: cells by clip and method, means over clips, and their CSV and Markdown form."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dcvsr_engine.research.evaluation.metrics import METRICS, Measurement, Metric

SECONDS = Metric("seconds", "lower", 1)
"""Time from a clip to its pictures, without loading the model; the processor's where that computes."""

MANY = 8
"""With more methods than this, a table has a line per method, as the paper's Table 2, and not a column."""

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
    def turned(self) -> bool:
        """Whether tables have a line per method."""
        return len(self.methods) > MANY

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


@dataclass(frozen=True)
class Shown:
    """A cell as people read it; ``reason`` says why it has no value."""

    text: str
    is_best: bool
    reason: str


def grid(table: Table, cells: dict[str, Cell]) -> Iterator[tuple[str, list[Shown]]]:
    """A name and cells per line: of metrics, or of methods where the table is `Table.turned`."""
    rows = filled(table) if table.turned else table.rows
    winners = {row.name: best(row, cells) for row in rows}

    def cell(row: Metric, method: str) -> Shown:
        found = cells[method][row.name]
        return Shown(shown(row, found), method in winners[row.name], found.reason)

    if table.turned:
        yield from ((method, [cell(row, method) for row in rows]) for method in table.methods)
    else:
        yield from ((heading(row), [cell(row, method) for method in table.methods]) for row in rows)


def columns(table: Table) -> list[str]:
    """The headings above the cells of `grid`."""
    return [heading(row) for row in filled(table)] if table.turned else list(table.methods)


def filled(table: Table) -> list[Metric]:
    """The rows that have a value anywhere."""
    sections = [cells for _, _, cells in table.sections()]
    return [row for row in table.rows if any(cell[row.name].value is not None for cells in sections for cell in cells.values())]


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
    """Groups of lines below each other, the best value of each metric in bold: the shape of the paper's tables."""
    names = columns(table)
    lines = [f"| | | {' | '.join(names)} |", "|---|---|" + "---:|" * len(names)]
    for title, cells in groups.items():
        for index, (name, values) in enumerate(grid(table, cells)):
            numbers = " | ".join(f"**{value.text}**" if value.is_best else value.text for value in values)
            lines.append(f"| {'' if index else title} | {name} | {numbers} |")
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
