"""The numbers of an evaluation: a column of scores per clip and method, means over clips, and their CSV and Markdown form."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dcvsr_engine.research.evaluation.scores import ROWS, Row, Score

SECONDS_ROW = Row("seconds", "lower", 1)
"""Time from a clip to its pictures, without loading the model; processor time where the processor computes."""

SEEDS_ROW = Row("seed difference", "lower", 2)
"""RMS difference of Y, in grey levels, of the results of two seeds."""

MANY_METHODS = 8
"""With more methods than this, a table has a line per method, as the paper's Table 2, instead of a column."""

NOT_AVAILABLE = "not available"
MEAN_TITLE = "mean"

Column = dict[str, Score]
"""The scores of one method on one clip, by the row's name."""


@dataclass
class Table:
    """Scores of an evaluation.

    Attributes:
        methods: names of the columns, in order.
        sets: columns by set of clips, clip and method.
    """

    methods: tuple[str, ...]
    sets: dict[str, dict[str, dict[str, Column]]] = field(default_factory=dict)

    @property
    def is_transposed(self) -> bool:
        """Whether tables have a line per method."""
        return len(self.methods) > MANY_METHODS

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that were computed, in order."""
        known = ROWS | {row.name: row for row in (SEEDS_ROW, SECONDS_ROW)}
        first = next((columns for clips in self.sets.values() for columns in clips.values()), None)
        return () if first is None else tuple(known[name] for name in first[self.methods[0]])

    def mean(self, method: str, row: str, clip_set: str | None = None) -> Score:
        """Average a row over the clips that have a value.

        Args:
            method: heading of the column.
            row: name of the row.
            clip_set: name of the set to average over; ``None`` for all sets.

        Returns:
            The mean, or the first clip's reason where no clip has a value.
        """
        sets = self.sets.values() if clip_set is None else [self.sets[clip_set]]
        scores = [columns[method][row] for clips in sets for columns in clips.values()]
        values = [score.value for score in scores if score.value is not None]
        return Score(sum(values) / len(values)) if values else scores[0]

    def means(self, clip_set: str) -> dict[str, Column]:
        """Average every row over a set's clips, by method."""
        return {method: {row.name: self.mean(method, row.name, clip_set) for row in self.rows} for method in self.methods}

    def sections(self) -> Iterator[tuple[str, str, dict[str, Column]]]:
        """Yield set, title and columns by method: each set's means, then its clips."""
        for clip_set, clips in self.sets.items():
            yield clip_set, MEAN_TITLE, self.means(clip_set)
            for clip, columns in clips.items():
                yield clip_set, clip, columns

    def to_dict(self) -> dict[str, Any]:
        """Return the values by set, title, method and row for JSON; ``None`` where there is none."""
        values: dict[str, Any] = {clip_set: {} for clip_set in self.sets}
        for clip_set, title, columns in self.sections():
            values[clip_set][title] = {
                method: {name: score.value for name, score in columns[method].items()} for method in self.methods
            }
        return values

    def reasons(self) -> list[str]:
        """Say why rows have no value in a whole set, one sentence per reason."""
        rows: dict[tuple[str, str], list[str]] = {}
        for (reason, row), sets in self._empty_rows().items():
            rows.setdefault((reason, ", ".join(sets)), []).append(row)
        everywhere = ", ".join(self.sets)
        return [
            f"{', '.join(names)}{'' if sets == everywhere else f' ({sets})'}: {reason}" for (reason, sets), names in rows.items()
        ]

    def _empty_rows(self) -> dict[tuple[str, str], list[str]]:
        """Collect the sets in which a row has no value at all, by reason and row."""
        empty: dict[tuple[str, str], list[str]] = {}
        for clip_set, clips in self.sets.items():
            for row in self.rows:
                scores = [columns[method][row.name] for columns in clips.values() for method in self.methods]
                if all(score.value is None for score in scores):
                    empty.setdefault((scores[0].reason, row.name), []).append(clip_set)
        return empty


@dataclass(frozen=True)
class ShownScore:
    """A score as text; ``reason`` says why it has no value."""

    text: str
    is_best: bool
    reason: str


def table_lines(table: Table, columns: dict[str, Column]) -> Iterator[tuple[str, list[ShownScore]]]:
    """Yield a heading and scores per line: of rows, or of methods where `Table.is_transposed`."""
    rows = filled_rows(table) if table.is_transposed else table.rows
    winners = {row.name: best_methods(row, columns) for row in rows}

    def shown(row: Row, method: str) -> ShownScore:
        score = columns[method][row.name]
        return ShownScore(score_text(row, score), method in winners[row.name], score.reason)

    if table.is_transposed:
        yield from ((method, [shown(row, method) for row in rows]) for method in table.methods)
    else:
        yield from ((row_heading(row), [shown(row, method) for method in table.methods]) for row in rows)


def headings(table: Table) -> list[str]:
    """Return the headings above the scores of `table_lines`."""
    return [row_heading(row) for row in filled_rows(table)] if table.is_transposed else list(table.methods)


def filled_rows(table: Table) -> list[Row]:
    """Return the rows that have a value anywhere."""
    sections = [columns for _, _, columns in table.sections()]
    return [
        row
        for row in table.rows
        if any(column[row.name].value is not None for columns in sections for column in columns.values())
    ]


def score_text(row: Row, score: Score) -> str:
    """Format a score with the row's digits."""
    return NOT_AVAILABLE if score.value is None else f"{score.value:.{row.digits}f}"


def best_methods(row: Row, columns: dict[str, Column]) -> set[str]:
    """Return the methods with the best value of a row as shown; none where fewer than two have a value."""
    # rounded first: methods that show the same number share the distinction
    values = {
        method: round(value, row.digits) for method, column in columns.items() if (value := column[row.name].value) is not None
    }
    if len(values) < 2:
        return set()
    best = (max if row.better == "higher" else min)(values.values())
    return {method for method, value in values.items() if value == best}


def row_heading(row: Row) -> str:
    """Return the row's name and an arrow towards better values."""
    return f"{row.name} {'↑' if row.better == 'higher' else '↓'}"


def to_csv(table: Table) -> str:
    """Write every number in full: a line per set, clip and row, a column per method."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["set", "clip", "metric", "better", *table.methods])
    for clip_set, title, columns in table.sections():
        for row in table.rows:
            values = [columns[method][row.name].value for method in table.methods]
            numbers = [NOT_AVAILABLE if value is None else repr(value) for value in values]
            writer.writerow([clip_set, title, row.name, row.better, *numbers])
    return text.getvalue()


def markdown_table(table: Table, groups: dict[str, dict[str, Column]]) -> str:
    """Write groups of lines below each other, the best score of each row in bold: the shape of the paper's tables."""
    names = headings(table)
    lines = [f"| | | {' | '.join(names)} |", "|---|---|" + "---:|" * len(names)]
    for title, columns in groups.items():
        for index, (heading, scores) in enumerate(table_lines(table, columns)):
            numbers = " | ".join(f"**{score.text}**" if score.is_best else score.text for score in scores)
            lines.append(f"| {'' if index else title} | {heading} | {numbers} |")
    return "\n".join([*lines, ""])


def summary(table: Table) -> str:
    """Write the means of every set as Markdown."""
    return markdown_table(table, {clip_set: table.means(clip_set) for clip_set in table.sets})


def to_markdown(table: Table) -> str:
    """Write the means of every set, the reasons of empty rows, and a table of each set's clips."""
    parts = ["## Mean", "", summary(table), *(f"* {sentence}" for sentence in table.reasons())]
    for clip_set, clips in table.sets.items():
        parts += ["", f"## {clip_set}", "", markdown_table(table, clips)]
    return "\n".join(parts)
