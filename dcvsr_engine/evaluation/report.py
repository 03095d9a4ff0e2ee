"""The report of an evaluation: ``table.csv``, ``table.md`` and one self-contained page ``index.html``."""

from html import escape
from pathlib import Path

from dcvsr_engine.evaluation.clips import Preparation
from dcvsr_engine.evaluation.evaluate import Evaluation, write_text
from dcvsr_engine.evaluation.figures import crop, crop_position, data_url, profile_row, temporal_profile
from dcvsr_engine.evaluation.methods import enlarged
from dcvsr_engine.evaluation.pictures import Pictures, read
from dcvsr_engine.evaluation.table import Cell, Table, best, heading, shown, to_csv, to_markdown

TRUTH = "undamaged"

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
td, th { padding: .2rem .7rem; border-bottom: 1px solid #ddd; text-align: right }
td:first-child, th:first-child { text-align: left } td.best { font-weight: bold } td.none { color: #888 }
.row { display: flex; flex-wrap: wrap; gap: .7rem } figure { margin: 0 } figcaption { font-size: 13px; color: #555 }
img { display: block; image-rendering: pixelated }
"""


def write_report(evaluation: Evaluation, table: Table) -> Path:
    """Write all three files into the evaluation's folder and return the page's path."""
    root = evaluation.folders.root
    for name, text in (
        ("table.csv", to_csv(table)),
        ("table.md", f"# Evaluation\n\n{description(evaluation.preparation)}\n\n{to_markdown(table)}"),
        ("index.html", page(evaluation, table)),
    ):
        write_text(text, root / name)
    return root / "index.html"


def description(preparation: Preparation) -> str:
    """How the clips were made, in a sentence."""
    size = "the whole picture" if preparation.crop is None else f"the centre {preparation.crop[0]}×{preparation.crop[1]}"
    return (
        f"{preparation.frames} frames from frame {preparation.start} on, {size}, degradation “{preparation.degradation}”. "
        "ST-LPIPS is not numerically LPIPS. Seam score, lattice score and flicker are to be read beside bicubic's, "
        "which are the input's own."
    )


def page(evaluation: Evaluation, table: Table) -> str:
    """The report as HTML that needs no other file."""
    parts = [
        f"<h1>Evaluation</h1><p>{escape(description(evaluation.preparation))}</p>",
        "<h2>Mean</h2>",
        html_table(table, table.means()),
    ]
    parts += [f"<p>{escape(name)}: {escape(reason)}</p>" for name, reason in table.reasons().items()]
    for name in table.clips:
        parts += [f"<h2>{escape(name)}</h2>", html_figures(evaluation, table, name), html_table(table, table.cells[name])]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Evaluation</title>"
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def html_table(table: Table, cells: dict[str, Cell]) -> str:
    """A table with a row per metric and a column per method."""
    lines = ["<tr><th></th>", *(f"<th>{escape(method)}</th>" for method in table.methods), "</tr>"]
    for row in table.rows:
        winners = best(row, cells)
        lines.append(f"<tr><td>{escape(heading(row))}</td>")
        for method in table.methods:
            cell = cells[method][row.name]
            kind = "none" if cell.value is None else "best" if method in winners else ""
            lines.append(f"<td class='{kind}' title='{escape(cell.reason)}'>{shown(row, cell)}</td>")
        lines.append("</tr>")
    return f"<table>{''.join(lines)}</table>"


def html_figures(evaluation: Evaluation, table: Table, name: str) -> str:
    """Crops of the middle frame and temporal profiles of every method, and of the undamaged clip."""
    clip = evaluation.clip(name)
    pictures_of: dict[str, Pictures] = {method: read(evaluation.folders.result(name, method)) for method in table.methods}
    if clip.truth is not None:
        pictures_of[TRUTH] = read(clip.truth)
    guide = pictures_of[TRUTH] if clip.truth is not None else enlarged(clip.low)
    position, row = crop_position(guide), profile_row(guide)
    crops = {title: crop(pictures, position) for title, pictures in pictures_of.items()}
    profiles = {title: temporal_profile(pictures, row) for title, pictures in pictures_of.items()}
    return "".join(
        f"<h3>{caption}</h3><div class='row'>"
        + "".join(
            f"<figure><img src='{data_url(image)}' alt='{escape(title)}'><figcaption>{escape(title)}</figcaption></figure>"
            for title, image in images.items()
        )
        + "</div>"
        for caption, images in (("Middle frame, pixel for pixel", crops), (f"Pixel row {row} over time, downwards", profiles))
    )
