"""The report of an evaluation: ``table.csv``, ``table.md`` and one self-contained page ``index.html``."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, select_autoescape
from PIL import Image

from dcvsr_engine.research.evaluation.clips import Preparation
from dcvsr_engine.research.evaluation.evaluate import Evaluation
from dcvsr_engine.research.evaluation.figures import crop_image, crop_position, data_url, profile_row, temporal_profile
from dcvsr_engine.research.evaluation.methods import enlarge_bicubic
from dcvsr_engine.research.evaluation.sets import ClipSet
from dcvsr_engine.research.evaluation.table import Table, headings, table_lines, to_csv, to_markdown
from dcvsr_engine.research.pictures import read_pictures
from dcvsr_engine.storage import write_text

TRUTH = "undamaged"
NOTE = (
    "ST-LPIPS is not numerically LPIPS. Read flicker and the seam, lattice and dotted-edge scores beside bicubic's, which are "
    "the input's own. The smooth-area deviation says how much farther than bicubic a result is from the undamaged clip (without "
    "one: from bicubic) where there is no detail, in levels of 255. Seconds run from a clip to its pictures, without loading the "
    "model; they are processor time where the processor computes."
)


@dataclass(frozen=True)
class ClipFigures:
    """Pictures of one clip by title: every method's, and the undamaged clip's where there is one.

    Attributes:
        crops: squares of the middle frame.
        profiles: one row of pixels over time.
        profile_row: index of that row.
    """

    crops: dict[str, Image.Image]
    profiles: dict[str, Image.Image]
    profile_row: int


def write_report(evaluation: Evaluation, table: Table) -> Path:
    """Write all three files into the evaluation's folder and return the page's path."""
    root = evaluation.folders.root
    for name, text in (
        ("table.csv", to_csv(table)),
        ("table.md", markdown_page(evaluation, table)),
        ("index.html", html_page(evaluation, table)),
    ):
        write_text(root / name, text)
    return root / "index.html"


def describe_preparation(preparation: Preparation) -> str:
    """Say in one sentence how clips were made."""
    frames = "all frames" if preparation.frames is None else f"{preparation.frames} frames"
    size = "the whole picture" if preparation.crop is None else f"the centre {preparation.crop[0]}×{preparation.crop[1]}"
    return f"{frames} from frame {preparation.start}, {size}, degradation “{preparation.degradation}”."


def markdown_page(evaluation: Evaluation, table: Table) -> str:
    """Write the tables with what their sets and columns are."""
    sets = "\n".join(f"* {clip_set.name}: {describe_preparation(clip_set.preparation)}" for clip_set in evaluation.sets)
    methods = "\n".join(f"* {method.name}: {method.details}" for method in evaluation.methods)
    return f"# Evaluation\n\n{sets}\n\n{NOTE}\n\nColumns:\n\n{methods}\n\n{to_markdown(table)}"


def html_page(evaluation: Evaluation, table: Table) -> str:
    """Render ``report.html``, which needs no other file: pictures are part of the page."""
    loader = PackageLoader("dcvsr_engine.research.evaluation", ".")
    template = Environment(loader=loader, autoescape=select_autoescape(), trim_blocks=True).get_template("report.html")
    return template.render(
        evaluation=evaluation,
        table=table,
        means={clip_set: table.means(clip_set) for clip_set in table.sets},
        headings=headings(table),
        note=NOTE,
        table_lines=table_lines,
        describe_preparation=describe_preparation,
        clip_figures=clip_figures,
        data_url=data_url,
    )


def clip_figures(evaluation: Evaluation, clip_set: ClipSet, name: str) -> ClipFigures:
    """Cut crops and temporal profiles of every method and of the undamaged clip, all at the same place."""
    clip = evaluation.clip(clip_set, name)
    guide = enlarge_bicubic(clip.low) if clip.truth is None else read_pictures(clip.truth)
    position, row = crop_position(guide), profile_row(guide)
    crops: dict[str, Image.Image] = {}
    profiles: dict[str, Image.Image] = {}
    # one method after the other: a clip of a benchmark is hundreds of megabytes
    for method in evaluation.methods:
        pictures = read_pictures(evaluation.folders.result(clip_set.name, name, method.name))
        crops[method.name] = crop_image(pictures, position)
        profiles[method.name] = temporal_profile(pictures, row, position[1])
    if clip.truth is not None:
        crops[TRUTH] = crop_image(guide, position)
        profiles[TRUTH] = temporal_profile(guide, row, position[1])
    return ClipFigures(crops, profiles, row)
