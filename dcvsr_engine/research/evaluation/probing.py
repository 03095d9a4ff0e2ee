"""``dcvsr models probe``: its options and what it does."""

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcvsr_engine.control import Control
from dcvsr_engine.errors import ModelError, OutputError, SettingsError
from dcvsr_engine.network.declaration import FILE, Declaration
from dcvsr_engine.network.installed import base_folder
from dcvsr_engine.resources import resource
from dcvsr_engine.storage import partial_path, put_in_place

if TYPE_CHECKING:
    from dcvsr_engine.network.checkpoint import Model
    from dcvsr_engine.network.clip import ImageEncoder
    from dcvsr_engine.research.evaluation.probe import Convention, Finding, Footage, TimeIds, Tried

DESCRIPTION = (
    "Find out from the weights which conventions a model was trained with: scaling of the condition, CLIP input, time ids."
)
HEADINGS = ("condition scaled", "CLIP sees", "time ids", "error", "× best")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options, all but ``--json``; nothing heavy is imported."""
    parser.add_argument("name", metavar="MODEL", help="a model by name, or its folder")
    parser.add_argument("--data", default="opencv-doc", help="undamaged clips, as for “dcvsr evaluate”")
    parser.add_argument("--degradation", default="real-world", help="how they are damaged, as for “dcvsr evaluate”")
    parser.add_argument("--frames", type=int, default=14, help="frames per clip")
    parser.add_argument("--crop", default="384x384", help="WIDTHxHEIGHT of the centre that is used; smaller is faster")
    parser.add_argument("--draws", type=int, default=2, help="draws of noise per clip and noise level; more tell more apart")
    ids = "further time ids to try, as 6,127,0 (frames per second, motion, noise)"
    parser.add_argument("--time-ids", nargs="*", default=[], metavar="A,B,C", help=ids)
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu")
    parser.add_argument("--precision", default="auto", help="auto, fp32, bf16 or fp16")
    parser.add_argument("--write", action="store_true", help=f"write what was found into the model's {FILE}")


def run(options: argparse.Namespace) -> int:
    """Probe, print every convention with its error, and with ``--write`` declare what was found; 0. Raises `UserError`."""
    from dcvsr_engine.network.checkpoint import load
    from dcvsr_engine.research.evaluation.probe import conventions, probe
    from dcvsr_engine.settings import RestoreSettings

    say = partial(print, file=sys.stderr, flush=True)
    if options.draws < 1:
        raise SettingsError(f"--draws must be at least 1, not {options.draws}.")
    more = [time_ids(text) for text in options.time_ids]
    chosen = RestoreSettings(device=options.device, precision=options.precision)
    model = load(options.name, chosen.device, chosen.precision)
    encoder = encoder_for(model)
    candidates, control = conventions(model, encoder is not None, more), Control()
    if len(candidates) == 1:
        raise ModelError(f"There is only one convention that “{options.name}” can have been trained with.")
    footage = prepared(options, model, encoder)
    found = probe(
        model, footage, candidates, options.draws, control, lambda tried: say("\t".join(cells(tried.convention, tried.score)))
    )
    print(
        json.dumps(to_dict(found), ensure_ascii=False) if options.json else to_text(found, Declaration.from_folder(model.folder))
    )
    if options.write:
        say(write(model.folder, found))
    return 0


def encoder_for(model: "Model") -> "ImageEncoder | None":
    """The model's image encoder; where it has one that cannot be loaded, that is said and CLIP is left out."""
    from dcvsr_engine.research.evaluation.probe import encoder_of

    try:
        return encoder_of(model, base_folder(model.folder, model.declaration))
    except ModelError as error:
        print(f"CLIP is left out. {error}", file=sys.stderr)
        return None


def time_ids(text: str) -> "TimeIds":
    """``6,127,0``; raises `SettingsError`."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(f"Time ids are numbers with commas between them, not “{text}”.") from None


def prepared(options: argparse.Namespace, model: "Model", encoder: "ImageEncoder | None") -> "list[Footage]":
    """The clips as the network sees them; raises `UserError`."""
    from dcvsr_engine.research.evaluation.clips import Preparation, crop_of, prepare
    from dcvsr_engine.research.evaluation.probe import footage_of
    from dcvsr_engine.research.evaluation.sets import find_sources, names_of

    preparation = Preparation(options.frames, 0, crop_of(options.crop), options.degradation)
    with tempfile.TemporaryDirectory() as folder:
        sources = names_of(find_sources(options.data))
        return [footage_of(model, prepare(name, path, preparation, Path(folder)), encoder) for name, path in sources.items()]


def cells(convention: "Convention", error: float) -> tuple[str, str, str, str]:
    """A convention and its error for people."""
    ids = ", ".join(f"{value:g}" for value in convention.added_time_ids)
    return "yes" if convention.condition_scaled else "no", convention.image_embedding, ids, f"{error:.5f}"


def to_text(found: "Finding", declared: Declaration) -> str:
    """A table of what was tried, and what follows from it."""
    from dcvsr_engine.research.evaluation.probe import Convention

    best = found.tried[0].score
    rows = [HEADINGS, *((*cells(one.convention, one.score), f"{one.score / best:.3f}") for one in found.tried)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    marks = ["", *(mark(one, found, Convention.of(declared)) for one in found.tried)]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) + note
        for row, note in zip(rows, marks, strict=True)
    ]
    chosen = found.convention.values()
    told = [f"{name}={chosen[name]}" for name in found.decided]
    open_ = [name for name in chosen if name not in found.decided]
    lines += ["", f"Found: {', '.join(told) or 'nothing'}."]
    lines += [f"Not told apart, or not tried otherwise: {', '.join(open_)}."] if open_ else []
    return "\n".join(lines)


def mark(one: "Tried", found: "Finding", declared: "Convention") -> str:
    """What is to be said about a row."""
    notes = ["as good as the best"] if one in found.rivals[1:] else []
    notes += ["declared"] if one.convention == declared else []
    return f"  ← {', '.join(notes)}" if notes else ""


def to_dict(found: "Finding") -> dict[str, Any]:
    """A finding for machines."""
    tried = [one.convention.values() | {"error": one.score, "rival": one in found.rivals} for one in found.tried]
    return {"tried": tried, "found": found.convention.values(), "decided": list(found.decided)}


def write(folder: Path, found: "Finding") -> str:
    """Declare what was found; says what was done. Raises `OutputError` where it cannot be written."""
    declared = Declaration.from_folder(folder)
    assumed = tuple(name for name in declared.assumed if name not in found.decided)
    changed = replace(declared, **found.convention.values(), assumed=assumed)
    path = folder / FILE
    if changed == declared:
        return f"{path} says so already."
    if resource("models") in folder.resolve().parents:
        raise OutputError(f"“{declared.name}” is built in and not changed; copy its folder and probe the copy.")
    partial_file = partial_path(path)
    try:
        partial_file.write_text(changed.to_json(), encoding="utf-8")
        put_in_place(partial_file, path)
    except OSError as error:
        raise OutputError(f"“{path}” cannot be written ({(error.strerror or 'no access').lower()}).") from None
    return f"{path} is written."
