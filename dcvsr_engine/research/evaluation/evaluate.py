"""Running an evaluation: prepare clips, restore them with every method, score the results; finished work is not repeated."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dcvsr_engine.control import Control
from dcvsr_engine.errors import JobError, OutputError, SettingsError
from dcvsr_engine.planning.grids import grid_for
from dcvsr_engine.research.evaluation.artefacts import seed_difference
from dcvsr_engine.research.evaluation.clips import EVALUATION_SCALE, Clip, prepare_clip
from dcvsr_engine.research.evaluation.methods import Method, Restoration, enlarge_bicubic
from dcvsr_engine.research.evaluation.scores import ROWS, Sample, Score, score_sample
from dcvsr_engine.research.evaluation.sets import ClipSet
from dcvsr_engine.research.evaluation.table import SECONDS_ROW, SEEDS_ROW, Column, Table
from dcvsr_engine.research.pictures import Pictures, read_pictures
from dcvsr_engine.storage import discard, read_json, write_json
from dcvsr_engine.tiling.grid import TileGrid

EVALUATION_FILE = "evaluation.json"
NOT_TIMED = "the restoration was interrupted and resumed, so it was not timed"
NO_SEED = "this method draws no random numbers"
PAPER_FACTOR = 8
"""Pixels per latent of the paper's model, whose tiles the seam score examines where no model of ours takes part."""


@dataclass(frozen=True)
class EvaluationFolders:
    """Layout of an evaluation's folder: prepared clips, results (pictures) and scores (numbers) under ``root``."""

    root: Path

    def clips(self, clip_set: str) -> Path:
        """Return the folder of a set's prepared clips."""
        return self.root / "clips" / slug(clip_set)

    def result(self, clip_set: str, clip: str, method: str) -> Path:
        """Return the folder of the pictures that a method made of a clip."""
        return self.root / "results" / slug(clip_set) / clip / slug(method)

    def scores(self, clip_set: str, clip: str, method: str) -> Path:
        """Return the file with the scores of a method on a clip and the method's identity."""
        return self.root / "cells" / slug(clip_set) / clip / f"{slug(method)}.json"


def slug(name: str) -> str:
    """Turn a method's or set's name into a file name."""
    return re.sub(r"[^\w+=.-]", "_", name)


def read_finished(path: Path) -> dict[str, Any]:
    """Read what an earlier run wrote; empty where there is nothing.

    Raises:
        JobError: the file is damaged.
    """
    if not path.is_file():
        return {}
    try:
        values: dict[str, Any] = read_json(path)
        return values
    except ValueError as error:
        raise JobError(f"“{path}” is damaged ({error}): delete it to evaluate that part again.") from None


def open_folder(root: Path, sets: Sequence[ClipSet]) -> EvaluationFolders:
    """Open the folder of a new evaluation, or of one to resume, possibly with further sets.

    Raises:
        OutputError: the folder holds something else, or a set of the same name made in another way.
    """
    if root.exists() and not root.is_dir():
        raise OutputError(f"“{root}” is a file; name a folder for the report.")
    known = read_finished(root / EVALUATION_FILE)
    if not known and root.is_dir() and any(root.iterdir()):
        raise OutputError(f"“{root}” holds something other than an evaluation; choose another folder with --out.")
    for clip_set in sets:
        description = {"clips": [str(source.resolve()) for source in clip_set.clips.values()]} | clip_set.preparation.to_dict()
        earlier = known.setdefault(clip_set.name, description)
        if earlier != description:
            differing = [name for name in description if earlier.get(name) != description[name]]
            raise OutputError(
                f"“{root}” holds an evaluation with other {' and '.join(differing)}; choose another folder with --out."
            )
    write_json(root / EVALUATION_FILE, known)
    return EvaluationFolders(root)


@dataclass(frozen=True)
class Evaluation:
    """An evaluation in its folder.

    Attributes:
        folders: where everything is kept.
        sets: the clips and how they are made.
        methods: the columns to compare.
        control: checked before every column and within restorations.
        say: receives a line per finished column.
        score_again: score existing results again, for example after installing a package that a row needs.
        two_seeds: restore every clip with another seed as well, and compare the results.
    """

    folders: EvaluationFolders
    sets: Sequence[ClipSet]
    methods: Sequence[Method]
    control: Control
    say: Callable[[str], None]
    score_again: bool = False
    two_seeds: bool = False

    def run(self) -> Table:
        """Score every method on every clip; resume from what the folder holds.

        Raises:
            UserError: bad input.
            Cancelled: the user cancelled; finished columns are kept.
        """
        names = tuple(method.name for method in self.methods)
        if len({slug(name) for name in names}) < len(names):
            raise SettingsError(f"Two of the columns have the same heading: {', '.join(names)}; give one as HEADING=MODEL.")
        for method in self.methods:
            method.identity()  # reports a missing model before any clip is restored
        table = Table(names)
        for clip_set in self.sets:
            table.sets[clip_set.name] = {clip: self.columns(clip_set, clip) for clip in clip_set.clips}
        return table

    def clip(self, clip_set: ClipSet, name: str) -> Clip:
        """Prepare a clip by its name, or return the prepared one."""
        return prepare_clip(name, clip_set.clips[name], clip_set.preparation, self.folders.clips(clip_set.name))

    def columns(self, clip_set: ClipSet, name: str) -> dict[str, Column]:
        """Score every method on one clip."""
        clip = self.clip(clip_set, name)
        return {method.name: self.column(clip_set.name, clip, method) for method in self.methods}

    def column(self, clip_set: str, clip: Clip, method: Method) -> Column:
        """Score one method on one clip: read its finished scores, or restore and score."""
        self.control.check()
        path = self.folders.scores(clip_set, clip.name, method.name)
        result = self.folders.result(clip_set, clip.name, method.name)
        identity = json.loads(json.dumps(method.identity()))  # tuples become lists, as in the file
        finished = read_finished(path)
        if finished.get("identity") != identity:
            finished = {"identity": identity, "seconds": restore_clip(clip, method, result, self.control)}
            write_json(path, finished)
        seconds: float | None = finished["seconds"]
        model = tiling_model(method, self.methods)
        tiling = tiling_of(model)
        if self.score_again or finished.get("tiling") != tiling or list(finished.get("values", {})) != list(ROWS):
            scores = score_sample(sample_of(clip, read_pictures(result), model))
            finished |= {"tiling": tiling, "values": {name: asdict(score) for name, score in scores.items()}}
            write_json(path, finished)
            self.say(f"{clip_set} · {clip.name} · {method.name}: {'restored' if seconds is None else f'{seconds:.1f} s'}, scored")
        column = {name: Score(**values) for name, values in finished["values"].items()}
        if self.two_seeds:
            column |= {SEEDS_ROW.name: self.seed_score(clip_set, clip, method, finished)}
        return column | {SECONDS_ROW.name: Score(seconds, "" if seconds is not None else NOT_TIMED)}

    def seed_score(self, clip_set: str, clip: Clip, method: Method, finished: dict[str, Any]) -> Score:
        """Compare a method's result with that of another seed; ``finished`` are its scores, which keep the difference."""
        if not isinstance(method, Restoration):
            return Score(None, NO_SEED)
        difference: float | None = finished.get("seed_difference")
        if difference is None:
            other = self.folders.result(clip_set, clip.name, f"{method.name} other seed")
            restore_clip(clip, method.with_other_seed(), other, self.control)
            first = self.folders.result(clip_set, clip.name, method.name)
            difference = seed_difference(read_pictures(first), read_pictures(other))
            write_json(self.folders.scores(clip_set, clip.name, method.name), finished | {"seed_difference": difference})
        return Score(difference)


def restore_clip(clip: Clip, method: Method, target: Path, control: Control) -> float | None:
    """Restore ``clip`` with ``method`` into the folder ``target``.

    Returns:
        Seconds; see `Method.restore`.

    Raises:
        JobError: the result has another number or size of pictures than expected.
    """
    # a result without scores of the same identity is outdated or incomplete
    discard(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    seconds = method.restore(clip.low, target, control)
    made, given = read_pictures(target), read_pictures(clip.low)
    expected = (len(given), given.shape[1] * EVALUATION_SCALE, given.shape[2] * EVALUATION_SCALE, 3)
    if made.shape != expected:
        raise JobError(f"{method.name} made pictures of {made.shape} from {clip.name}, expected {expected}.")
    return seconds


def tiling_model(method: Method, methods: Sequence[Method]) -> Restoration | None:
    """Return the model whose tiles the seam score examines: the method itself, else the first model.

    Bicubic and peers have no tiles of their own; with the first model's, all columns answer the same question.
    """
    if isinstance(method, Restoration):
        return method
    return next((other for other in methods if isinstance(other, Restoration)), None)


def tiling_of(model: Restoration | None) -> dict[str, Any]:
    """Return the settings that decide where tiles lie."""
    if model is None:
        return {}
    settings = model.resolved
    return {"factor": model.declaration.factor} | {
        name: getattr(settings, name) for name in ("tiling", "tile", "window", "overlap")
    }


def sample_of(clip: Clip, result: Pictures, model: Restoration | None) -> Sample:
    """Put a result beside its truth, its enlarged input and the tiles of ``model``."""
    frames, height, width = result.shape[:3]
    truth = None if clip.truth is None else read_pictures(clip.truth)
    if model is None:
        grid, factor = TileGrid.build(frames, height // PAPER_FACTOR, width // PAPER_FACTOR), PAPER_FACTOR
    else:
        grid = grid_for(frames, width // EVALUATION_SCALE, height // EVALUATION_SCALE, model.declaration, model.resolved)
        factor = model.declaration.factor
    return Sample(result, truth, enlarge_bicubic(clip.low), grid, factor)
