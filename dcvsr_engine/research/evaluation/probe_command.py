"""``dcvsr models probe``: find the conventions a model was trained with. Imports no torch before it runs."""

import argparse
import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcvsr_engine.control import Control
from dcvsr_engine.errors import ModelError, OutputError, SettingsError
from dcvsr_engine.models.registry import base_folder
from dcvsr_engine.network.declaration import FILE, Declaration
from dcvsr_engine.resources import resource
from dcvsr_engine.storage import write_error, write_text

if TYPE_CHECKING:
    from dcvsr_engine.network.checkpoint import Model
    from dcvsr_engine.network.clip import ImageEncoder
    from dcvsr_engine.research.evaluation.conventions import Convention, Finding, ProbeClip, TimeIds, Trial

HEADINGS = ("condition scaled", "noise on it", "CLIP sees", "time ids", "error", "× best")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options except ``--json``."""
    parser.add_argument("name", metavar="MODEL", help="a model by name, or its folder")
    parser.add_argument("--data", default="opencv-doc", help="undamaged clips, as for “dcvsr evaluate”")
    parser.add_argument("--degradation", default="real-world", help="damage of the clips, as for “dcvsr evaluate”")
    parser.add_argument("--frames", type=int, default=14, help="frames per clip")
    parser.add_argument("--crop", default="384x384", help="WIDTHxHEIGHT of the centre to use; smaller is faster")
    parser.add_argument("--draws", type=int, default=2, help="draws of noise per clip and noise level; more distinguish better")
    ids = "further time ids to try, as 6,127,0 (frames per second, motion, noise)"
    parser.add_argument("--time-ids", nargs="*", default=[], metavar="A,B,C", help=ids)
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu")
    parser.add_argument("--precision", default="auto", help="auto, fp32, bf16 or fp16")
    parser.add_argument("--write", action="store_true", help=f"write the result into the model's {FILE}")


def run(options: argparse.Namespace) -> int:
    """Probe, print every convention with its error, and declare the result with ``--write``; returns 0. Raises `UserError`."""
    from dcvsr_engine.models.loading import load_model
    from dcvsr_engine.research.evaluation.conventions import candidate_conventions, find_conventions
    from dcvsr_engine.settings import RestoreSettings

    # progress goes to stderr: stdout is for the result alone
    say = partial(print, file=sys.stderr, flush=True)
    if options.draws < 1:
        raise SettingsError(f"--draws must be at least 1, not {options.draws}.")
    more = [time_ids(text) for text in options.time_ids]
    chosen = RestoreSettings(device=options.device, precision=options.precision)
    model = load_model(options.name, chosen.device, chosen.precision)
    encoder = encoder_for(model)
    candidates, control = candidate_conventions(model, encoder is not None, more), Control()
    if len(candidates) == 1:
        raise ModelError(f"There is only one convention that “{options.name}” can have been trained with.")
    clips = prepare_probe_clips(options, model, encoder)
    finding = find_conventions(
        model, clips, candidates, options.draws, control, lambda trial: say("\t".join(trial_columns(trial)))
    )
    if options.json:
        print(json.dumps(finding_to_dict(finding)))
    else:
        print(finding_to_text(finding, Declaration.from_folder(model.folder)))
    if options.write:
        say(write_declaration(model.folder, finding))
    return 0


def encoder_for(model: "Model") -> "ImageEncoder | None":
    """Load the model's image encoder; report one that cannot be loaded and leave CLIP out."""
    from dcvsr_engine.research.evaluation.conventions import encoder_of

    try:
        return encoder_of(model, base_folder(model.folder, model.declaration))
    except ModelError as error:
        print(f"CLIP is left out. {error}", file=sys.stderr)
        return None


def time_ids(text: str) -> "TimeIds":
    """Parse ``6,127,0``; raises `SettingsError`."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(f"Time ids are numbers with commas between them, not “{text}”.") from None


def prepare_probe_clips(options: argparse.Namespace, model: "Model", encoder: "ImageEncoder | None") -> "list[ProbeClip]":
    """Prepare the clips and encode them; raises `UserError`."""
    from dcvsr_engine.research.evaluation.clips import Preparation, crop_of, prepare_clip
    from dcvsr_engine.research.evaluation.conventions import encode_probe_clip
    from dcvsr_engine.research.evaluation.sets import find_sources, name_clips

    preparation = Preparation(options.frames, 0, crop_of(options.crop), options.degradation)
    with tempfile.TemporaryDirectory() as folder:
        sources = name_clips(find_sources(options.data))
        return [
            encode_probe_clip(model, prepare_clip(name, path, preparation, Path(folder)), encoder)
            for name, path in sources.items()
        ]


def trial_columns(trial: "Trial") -> tuple[str, ...]:
    """Format a convention and its error for the table."""
    convention = trial.convention
    ids = ", ".join(f"{value:g}" for value in convention.added_time_ids)
    scaled = "yes" if convention.condition_scaled else "no"
    return scaled, f"{convention.condition_noise:g}", convention.image_embedding, ids, f"{trial.error:.5f}"


def finding_to_text(finding: "Finding", declared: Declaration) -> str:
    """Format the trials as a table, and the result as sentences."""
    from dcvsr_engine.research.evaluation.conventions import Convention

    best = finding.trials[0].error
    rows = [HEADINGS, *((*trial_columns(trial), f"{trial.error / best:.3f}") for trial in finding.trials)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    notes = ["", *(trial_note(trial, finding, Convention.of(declared)) for trial in finding.trials)]
    lines = [
        "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)) + note
        for row, note in zip(rows, notes, strict=True)
    ]
    return "\n".join([*lines, "", *result_sentences(finding)])


def result_sentences(finding: "Finding") -> list[str]:
    """Say which values were found and which stay open."""
    chosen = finding.convention.values()
    decided = [f"{name}={chosen[name]}" for name in finding.decided]
    undecided = [name for name in chosen if name not in finding.decided]
    sentences = [f"Found: {', '.join(decided) or 'nothing'}."]
    sentences += [f"Undecided, or only one value tried: {', '.join(undecided)}."] if undecided else []
    return sentences + drop_sentences(finding)


def drop_sentences(finding: "Finding") -> list[str]:
    """Say what the network was trained to do without, which is what the unconditional branch of guidance may drop."""
    sentences = []
    for drop in finding.drops:
        shown = "it was trained to" if drop.is_trained else "nothing shows that it was trained to"
        rival = "a linear denoiser's" if "condition" in drop.names else "that with another clip's"
        sentences.append(f"Without {' and '.join(drop.names)}: {drop.ratio:.3f} × {rival} error; {shown}.")
    if sentences:
        found = finding.unconditional
        sentences.append(f"unconditional={list(found)}." if found else "What the unconditional branch drops stays as declared.")
    return sentences


def trial_note(trial: "Trial", finding: "Finding", declared: "Convention") -> str:
    """Mark rivals of the best and the declared convention."""
    notes = ["as good as the best"] if trial in finding.rivals[1:] else []
    notes += ["declared"] if trial.convention == declared else []
    return f"  ← {', '.join(notes)}" if notes else ""


def finding_to_dict(finding: "Finding") -> dict[str, Any]:
    """Return a finding as plain values for JSON."""
    trials = [trial.convention.values() | {"error": trial.error, "rival": trial in finding.rivals} for trial in finding.trials]
    drops = [{"names": list(drop.names), "ratio": drop.ratio, "trained": drop.is_trained} for drop in finding.drops]
    return {"tried": trials, "found": finding.found, "decided": list(finding.decided), "dropped": drops}


def write_declaration(folder: Path, finding: "Finding") -> str:
    """Declare the result in the model's folder.

    Returns:
        A sentence on what was done.

    Raises:
        OutputError: the folder is read-only or the model built in.
    """
    declared = Declaration.from_folder(folder)
    decided = finding.decided if finding.unconditional is None else (*finding.decided, "unconditional")
    assumed = tuple(name for name in declared.assumed if name not in decided)
    changed = declared.replace(**finding.found, assumed=assumed)
    path = folder / FILE
    if changed == declared:
        return f"{path} says so already."
    if resource("models") in folder.resolve().parents:
        raise OutputError(f"“{declared.name}” is built in and stays unchanged; copy its folder and probe the copy.")
    try:
        write_text(path, changed.to_json())
    except OSError as error:
        raise write_error(path, error) from None
    return f"{path} is written."
