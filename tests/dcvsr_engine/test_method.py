"""The page that describes the method: what code cites of it is there, and its numbers are those of the code."""

import re
from pathlib import Path

import pytest

from dcvsr_engine.diffusion.schedule import passes, steps_of
from dcvsr_engine.events import StepKind
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.planning.segments import segments_of
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.tiling.grid import TileGrid

ROOT = Path(__file__).parent.parent.parent
METHOD = (ROOT / "dcvsr_engine" / "method.md").read_text(encoding="utf-8")
SOURCES = [
    path
    for folder in ("app", "dcvsr_engine", "tests", "packaging")
    for suffix in ("*.py", "*.md")
    for path in sorted((ROOT / folder).rglob(suffix))
    if path != Path(__file__)
] + [ROOT / "README.md"]
CITATION = re.compile(r"method\.md` ?((?:,? ?§\d+(?:\.\d+)?(?:–\d+)?)+)|method\.md((?:,? §\d+(?:\.\d+)?(?:–\d+)?)+)")


def sections(text: str) -> set[str]:
    """Numbers of headings (“3”) and of the points of their numbered lists (“1.4”)."""
    found, section = set(), ""
    for line in text.splitlines():
        if heading := re.match(r"## (\d+)\. ", line):
            section = heading[1]
            found.add(section)
        elif point := re.match(r"(\d+)\. ", line):
            found.add(f"{section}.{point[1]}")
    return found


def cited(text: str) -> list[str]:
    """Every section that is cited, with those inside of ranges."""
    found = []
    for match in CITATION.finditer(text):
        for number, last in re.findall(r"§(\d+(?:\.\d+)?)(?:–(\d+))?", match[0]):
            found += [number] if not last else [str(n) for n in range(int(number), int(last) + 1)]
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(method.md §1.4, §3)", ["1.4", "3"]),
        ("see method.md §2–4.", ["2", "3", "4"]),
        ("`method.md` §6", ["6"]),
        ("method.md is a page", []),
    ],
)
def test_citations_are_found(text, found):
    assert cited(text) == found


def test_every_citation_resolves():
    known, missing, count = sections(METHOD), [], 0
    for path in SOURCES:
        for number in cited(path.read_text(encoding="utf-8")):
            count += 1
            if number not in known:
                missing.append(f"{path.relative_to(ROOT)}: §{number}")
    assert not missing and count > 20


def test_the_marks_are_explained():
    for mark in "PNDC":
        assert f"| **[{mark}]** |" in METHOD


def test_the_numbers_of_evaluations_are_those_of_the_code():
    declaration = Declaration(name="svd", title="SVD", first_stage="vae", factor=8, multiple=8)
    steps = steps_of(declaration.resolve(RestoreSettings()), declaration)
    assert [step.kind.is_tap for step in steps].count(True) == 13 and steps[0].kind.is_tap and steps[-1].kind.is_tap
    assert [step.kind for step in steps].count(StepKind.SAP) == 12

    def evaluations(schedule, *frames):
        grids = [TileGrid.build(count, 136, 240) for count in frames]
        return 2 * sum(len(passes(step, schedule)) * len(grid) for step in steps for grid in grids)

    for text, number in (
        ("= 19,600 evaluations in lockstep", evaluations("lockstep", 100)),
        ("twice: 29,008", evaluations("two-pass", 100)),
        ("in all: 33,152", evaluations("two-pass", *(segment.frames for segment in segments_of([(0, 99)], 56, 14, 7)))),
    ):
        assert text in METHOD and f"{number:,}" in text
