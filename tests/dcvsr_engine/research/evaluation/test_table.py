"""Tables, their CSV and Markdown form, and the floor."""

import csv
import io

import pytest

from dcvsr_engine.research.evaluation.floor import floor
from dcvsr_engine.research.evaluation.scores import ROWS, Score
from dcvsr_engine.research.evaluation.table import SECONDS_ROW, Table, best_methods, summary, to_csv, to_markdown

SHOWN_ROWS = (*ROWS.values(), SECONDS_ROW)
PSNR_Y = ROWS["PSNR-Y"]


def column(**values):
    known = {name.replace("_", "-"): value for name, value in values.items()}
    return {row.name: Score(known.get(row.name), "" if row.name in known else "no reason") for row in SHOWN_ROWS}


@pytest.fixture
def table():
    return Table(
        ("bicubic", "ours"),
        {
            "set": {
                "a": {"bicubic": column(PSNR_Y=30.0, ST_LPIPS=0.5), "ours": column(PSNR_Y=29.0, ST_LPIPS=0.2)},
                "b": {"bicubic": column(PSNR_Y=20.0, ST_LPIPS=0.3), "ours": column(PSNR_Y=20.5)},
            }
        },
    )


def test_means_are_over_clips_that_have_a_value(table):
    assert table.mean("bicubic", "PSNR-Y").value == 25
    assert table.mean("ours", "ST-LPIPS").value == 0.2
    assert table.mean("ours", "NIQE") == Score(None, "no reason")


def test_the_best_of_a_row_respects_its_direction(table):
    assert best_methods(PSNR_Y, table.sets["set"]["a"]) == {"bicubic"}
    assert best_methods(ROWS["ST-LPIPS"], table.sets["set"]["a"]) == {"ours"}
    assert best_methods(ROWS["ST-LPIPS"], table.sets["set"]["b"]) == set()


def test_csv_holds_every_number_and_says_what_is_not_available(table):
    lines = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert len(lines) == 3 * len(SHOWN_ROWS)
    found = {(line["clip"], line["metric"]): (line["bicubic"], line["ours"]) for line in lines}
    assert found["a", "PSNR-Y"] == ("30.0", "29.0")
    assert found["b", "ST-LPIPS"] == ("0.3", "not available")
    assert found["mean", "PSNR-Y"] == ("25.0", "24.75")


def test_markdown_marks_the_best_and_gives_reasons(table):
    text = to_markdown(table)
    assert "| PSNR-Y ↑ | **30.00** | 29.00 |" in text
    assert "NIQE, VMAF" in text and ": no reason" in text and "* PSNR, SSIM" in text


def test_means_of_several_sets_stand_below_each_other(table):
    table.sets["other"] = {"c": {"bicubic": column(PSNR_Y=10.0, NIQE=4.0), "ours": column(PSNR_Y=11.0, NIQE=3.0)}}
    lines = summary(table).splitlines()
    assert lines[2 + 0].startswith("| set | PSNR ↑ |") and lines[2 + len(SHOWN_ROWS)].startswith("| other | PSNR ↑ |")
    assert "|  | PSNR-Y ↑ | **25.00** | 24.75 |" in lines and "|  | PSNR-Y ↑ | 10.00 | **11.00** |" in lines
    assert "NIQE (set): no reason" in table.reasons() and "ST-LPIPS (other): no reason" in table.reasons()


def test_many_methods_have_a_line_each_without_empty_metrics(table):
    many = tuple(f"variant {number}" for number in range(9))
    columns = {name: column(PSNR_Y=30.0 + index) for index, name in enumerate(many)}
    lines = summary(Table(many, {"set": {"a": columns}})).splitlines()
    assert lines[0] == "| | | PSNR-Y ↑ |" and len(lines) == 2 + 9
    assert lines[2] == "| set | variant 0 | 30.00 |" and lines[-1] == "|  | variant 8 | **38.00** |"


def test_floor_is_met_or_not_for_each_requirement(table):
    table.sets["set"]["b"]["ours"] = column(PSNR_Y=20.5, ST_LPIPS=0.1)
    assert [met for met, _ in floor(table, "ours")] == [True, True]
    table.sets["set"]["b"]["ours"] = column(PSNR_Y=18.0, ST_LPIPS=0.4)
    assert [met for met, _ in floor(table, "ours")] == [False, False]
    table.sets = {"set": {"a": {"bicubic": column(), "ours": column()}}}
    assert [met for met, _ in floor(table, "ours")] == [False, False]
