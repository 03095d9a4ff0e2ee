"""Running an evaluation: prepare clips, restore them with every method, measure; what is finished is not done again."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dcvsr_engine.control import Control
from dcvsr_engine.errors import JobError, OutputError, SettingsError
from dcvsr_engine.planning.plan import grid_for
from dcvsr_engine.research.evaluation.clips import SCALE, Clip, prepare
from dcvsr_engine.research.evaluation.methods import Method, Restoration, enlarged
from dcvsr_engine.research.evaluation.metrics import METRICS, Measurement, Sample, measure
from dcvsr_engine.research.evaluation.pictures import Pictures, read
from dcvsr_engine.research.evaluation.sets import ClipSet
from dcvsr_engine.research.evaluation.table import SECONDS, Cell, Table
from dcvsr_engine.storage import discard, partial_path, put_in_place
from dcvsr_engine.tiling.grid import TileGrid

FILE = "evaluation.json"
CONTINUED = "the restoration was interrupted and continued, and so not timed"
PAPER_FACTOR = 8
"""Pixels per latent of the paper's model: its tiles are looked at for seams where no model of ours takes part."""


@dataclass(frozen=True)
class Folders:
    """Where an evaluation keeps what: ``clips``, ``results`` (pictures) and ``cells`` (numbers) under ``root``."""

    root: Path

    def clips(self, of: str) -> Path:
        """Prepared clips of a set, a folder each."""
        return self.root / "clips" / slug(of)

    def result(self, of: str, clip: str, method: str) -> Path:
        """The pictures that a method made of a clip."""
        return self.root / "results" / slug(of) / clip / slug(method)

    def cell(self, of: str, clip: str, method: str) -> Path:
        """The numbers of a method and clip, with the method's identity."""
        return self.root / "cells" / slug(of) / clip / f"{slug(method)}.json"


def slug(name: str) -> str:
    """A method's name as a file name."""
    return re.sub(r"[^\w+=.-]", "_", name)


def write_text(text: str, path: Path) -> None:
    """Write ``text`` to ``path``, complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(path)
    partial.write_text(text, encoding="utf-8")
    put_in_place(partial, path)


def write_json(values: dict[str, Any], path: Path) -> None:
    """Write ``values`` to ``path``, complete or not at all."""
    write_text(json.dumps(values, indent=2, ensure_ascii=False), path)


def read_json(path: Path) -> dict[str, Any]:
    """What `write_json` wrote; empty where there is nothing, raises `JobError` when it is damaged."""
    if not path.is_file():
        return {}
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return values
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise JobError(f"“{path}” is damaged ({error}): delete it to have that part evaluated again.") from None


def open_folder(root: Path, sets: Sequence[ClipSet]) -> Folders:
    """The folder of an evaluation, new or to be continued, with further sets too.

    Raises `OutputError` when it holds something else, or a set of these names that is made in another way.
    """
    if root.exists() and not root.is_dir():
        raise OutputError(f"“{root}” is a file; name a folder for the report.")
    known = read_json(root / FILE)
    if not known and root.is_dir() and any(root.iterdir()):
        raise OutputError(f"“{root}” holds something else than an evaluation; choose another folder with --out.")
    for one in sets:
        description = {"clips": [str(source.resolve()) for source in one.clips.values()]} | one.preparation.to_dict()
        before = known.setdefault(one.name, description)
        if before != description:
            differing = [name for name in description if before.get(name) != description[name]]
            raise OutputError(
                f"“{root}” holds an evaluation with other {' and '.join(differing)}; choose another folder with --out."
            )
    write_json(known, root / FILE)
    return Folders(root)


@dataclass(frozen=True)
class Evaluation:
    """An evaluation in its folder.

    Attributes:
        folders: where everything is kept.
        sets: the clips and how they are made.
        methods: what is compared, the columns.
        control: asked before every cell and within restorations.
        say: gets a line per finished cell.
        measure_again: measure what is restored anew, as when a package that a metric needs was missing.
    """

    folders: Folders
    sets: Sequence[ClipSet]
    methods: Sequence[Method]
    control: Control
    say: Callable[[str], None]
    measure_again: bool = False

    def run(self) -> Table:
        """Measure every method on every clip, going on from what the folder holds.

        Raises `UserError` for bad input and `Cancelled`; finished cells stay.
        """
        names = tuple(method.name for method in self.methods)
        if len({slug(name) for name in names}) < len(names):
            raise SettingsError(f"Two of the columns have the same heading: {', '.join(names)}; give one as HEADING=MODEL.")
        for method in self.methods:
            method.identity()  # a model that does not exist is said at once, not after the first clip
        table = Table(names)
        for one in self.sets:
            table.sets[one.name] = {clip: self.cells(one, clip) for clip in one.clips}
        return table

    def clip(self, of: ClipSet, name: str) -> Clip:
        """A clip by its name, prepared."""
        return prepare(name, of.clips[name], of.preparation, self.folders.clips(of.name))

    def cells(self, of: ClipSet, name: str) -> dict[str, Cell]:
        """The cells of a clip by method."""
        clip = self.clip(of, name)
        return {method.name: self.cell(of.name, clip, method) for method in self.methods}

    def cell(self, of: str, clip: Clip, method: Method) -> Cell:
        """One cell, read back or restored and measured."""
        self.control.check()
        path, result = self.folders.cell(of, clip.name, method.name), self.folders.result(of, clip.name, method.name)
        identity = json.loads(json.dumps(method.identity()))
        kept = read_json(path)
        if kept.get("identity") != identity:
            kept = {"identity": identity, "seconds": restore(clip, method, result, self.control)}
            write_json(kept, path)
        seconds: float | None = kept["seconds"]
        tiles = tiles_of(method, self.methods)
        tiling = tiling_of(tiles)
        if self.measure_again or kept.get("tiling") != tiling or list(kept.get("values", {})) != list(METRICS):
            measured = measure(sample_of(clip, read(result), tiles))
            kept |= {"tiling": tiling, "values": {name: asdict(measurement) for name, measurement in measured.items()}}
            write_json(kept, path)
            self.say(f"{of} · {clip.name} · {method.name}: {'restored' if seconds is None else f'{seconds:.1f} s'}, measured")
        cell = {name: Measurement(**values) for name, values in kept["values"].items()}
        return cell | {SECONDS.name: Measurement(seconds, "" if seconds is not None else CONTINUED)}


def restore(clip: Clip, method: Method, target: Path, control: Control) -> float | None:
    """Let ``method`` restore ``clip`` into ``target``; see `Method.restore`. Raises `JobError` when frames are missing."""
    discard(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    seconds = method.restore(clip.low, target, control)
    made, given = read(target), read(clip.low)
    expected = (len(given), given.shape[1] * SCALE, given.shape[2] * SCALE, 3)
    if made.shape != expected:
        raise JobError(f"{method.name} made pictures of {made.shape} from {clip.name}, expected {expected}.")
    return seconds


def tiles_of(method: Method, methods: Sequence[Method]) -> Restoration | None:
    """Whose tiles the seam score looks at: the method's own, else the first model's, so that all are asked the same."""
    if isinstance(method, Restoration):
        return method
    return next((other for other in methods if isinstance(other, Restoration)), None)


def tiling_of(tiles: Restoration | None) -> dict[str, Any]:
    """What decides where tiles lie."""
    if tiles is None:
        return {}
    settings = tiles.resolved
    return {"factor": tiles.declaration.factor} | {
        name: getattr(settings, name) for name in ("tiling", "tile", "window", "overlap")
    }


def sample_of(clip: Clip, result: Pictures, tiles: Restoration | None) -> Sample:
    """A result with what it is measured against."""
    frames, height, width = result.shape[:3]
    truth = None if clip.truth is None else read(clip.truth)
    if tiles is None:
        grid, factor = TileGrid.build(frames, height // PAPER_FACTOR, width // PAPER_FACTOR), PAPER_FACTOR
    else:
        grid = grid_for(frames, width // SCALE, height // SCALE, tiles.declaration, tiles.settings)
        factor = tiles.declaration.factor
    return Sample(result, truth, enlarged(clip.low), grid, factor)
