"""The report of an evaluation: ``table.csv``, ``table.md`` and one self-contained page ``index.html``."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from PIL import Image

from dcvsr_engine.research.evaluation.clips import Preparation
from dcvsr_engine.research.evaluation.evaluate import Evaluation, write_text
from dcvsr_engine.research.evaluation.figures import crop, crop_position, data_url, profile_row, temporal_profile
from dcvsr_engine.research.evaluation.methods import enlarged
from dcvsr_engine.research.evaluation.pictures import Pictures, read
from dcvsr_engine.research.evaluation.sets import ClipSet
from dcvsr_engine.research.evaluation.table import Cell, Table, columns, grid, to_csv, to_markdown

TRUTH = "undamaged"
NOTE = (
    "ST-LPIPS is not numerically LPIPS. Seam score, lattice score and flicker are to be read beside bicubic's, which are the "
    "input's own. Seconds are from a clip to its pictures, without loading the model: the processor's where that computes."
)

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem; color: #222 }
.wide { overflow-x: auto } table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums }
td, th { padding: .2rem .7rem; border-bottom: 1px solid #ddd; text-align: right; vertical-align: bottom }
td:first-child, th:first-child, .columns td { text-align: left } th[colspan] { background: #f4f4f4 }
td:first-child, td.none { white-space: nowrap } td.best { font-weight: bold } td.none { color: #888; font-size: 12px }
.row { display: flex; flex-wrap: wrap; gap: .7rem } figure { margin: 0 } figcaption { font-size: 13px; color: #555 }
img { display: block; image-rendering: pixelated }
"""


def write_report(evaluation: Evaluation, table: Table) -> Path:
    """Write all three files into the evaluation's folder and return the page's path."""
    root = evaluation.folders.root
    columns = "\n".join(f"* {name}: {details}" for name, details in columns_of(evaluation).items())
    sets = "\n".join(f"* {one.name}: {description(one.preparation)}" for one in evaluation.sets)
    for name, text in (
        ("table.csv", to_csv(table)),
        ("table.md", f"# Evaluation\n\n{sets}\n\n{NOTE}\n\nColumns:\n\n{columns}\n\n{to_markdown(table)}"),
        ("index.html", "".join(page(evaluation, table))),
    ):
        write_text(text, root / name)
    return root / "index.html"


def columns_of(evaluation: Evaluation) -> dict[str, str]:
    """What exactly each column is."""
    return {method.name: method.details for method in evaluation.methods}


def description(preparation: Preparation) -> str:
    """How clips were made, in a sentence."""
    frames = "all frames" if preparation.frames is None else f"{preparation.frames} frames"
    size = "the whole picture" if preparation.crop is None else f"the centre {preparation.crop[0]}×{preparation.crop[1]}"
    return f"{frames} from frame {preparation.start} on, {size}, degradation “{preparation.degradation}”."


def page(evaluation: Evaluation, table: Table) -> Iterator[str]:
    """The report as HTML that needs no other file, in parts."""
    yield "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Evaluation</title>"
    yield f"<style>{STYLE}</style></head><body><h1>Evaluation</h1>"
    yield f"<p>{escape(NOTE)}</p><h2>Mean</h2>"
    yield html_table(table, {of: table.means(of) for of in table.sets})
    yield from (f"<p>{escape(sentence)}</p>" for sentence in table.reasons())
    yield "<h2>Columns</h2><table class='columns'>"
    yield from (f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in columns_of(evaluation).items())
    yield "</table>"
    for one in evaluation.sets:
        yield f"<h2>{escape(one.name)}</h2><p>{escape(description(one.preparation))}</p>"
        for clip, cells in table.sets[one.name].items():
            yield f"<h3>{escape(clip)}</h3>{html_figures(evaluation, one, clip)}{html_table(table, {clip: cells})}"
    yield "</body></html>\n"


def html_table(table: Table, groups: dict[str, dict[str, Cell]]) -> str:
    """The same as `markdown_table`, with the reason of an empty cell where the mouse rests on it."""
    names = columns(table)
    lines = ["<tr><th></th>", *(f"<th>{escape(name)}</th>" for name in names), "</tr>"]
    for title, cells in groups.items():
        if len(groups) > 1:
            lines.append(f"<tr><th colspan='{len(names) + 1}'>{escape(title)}</th></tr>")
        for name, values in grid(table, cells):
            lines.append(f"<tr><td>{escape(name)}</td>")
            for value in values:
                kind = "none" if value.reason else "best" if value.is_best else ""
                lines.append(f"<td class='{kind}' title='{escape(value.reason)}'>{value.text}</td>")
            lines.append("</tr>")
    return f"<div class='wide'><table>{''.join(lines)}</table></div>"


def html_figures(evaluation: Evaluation, of: ClipSet, name: str) -> str:
    """Crops of the middle frame and temporal profiles of every method, and of the undamaged clip."""
    clip = evaluation.clip(of, name)
    guide = enlarged(clip.low) if clip.truth is None else read(clip.truth)
    position, row = crop_position(guide), profile_row(guide)
    crops: dict[str, Image.Image] = {}
    profiles: dict[str, Image.Image] = {}

    def look_at(title: str, pictures: Pictures) -> None:
        crops[title] = crop(pictures, position)
        profiles[title] = temporal_profile(pictures, row, position[1])

    for method in evaluation.methods:  # one after the other: a clip of a benchmark is hundreds of megabytes
        look_at(method.name, read(evaluation.folders.result(of.name, name, method.name)))
    if clip.truth is not None:
        look_at(TRUTH, guide)
    captions = (("Middle frame, pixel for pixel", crops), (f"Pixel row {row} over time, downwards", profiles))
    return "".join(f"<h4>{caption}</h4>{html_row(images)}" for caption, images in captions)


def html_row(images: dict[str, Image.Image]) -> str:
    """Pictures side by side, with their titles."""
    figures = (
        f"<figure><img src='{data_url(image)}' alt='{escape(title)}'><figcaption>{escape(title)}</figcaption></figure>"
        for title, image in images.items()
    )
    return f"<div class='row'>{''.join(figures)}</div>"
