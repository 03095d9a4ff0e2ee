"""Arguments of the command line that describe a job, and the request that they make."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from dcvsr_engine.errors import InputError, SettingsError
from dcvsr_engine.jobs.clips import FoundClip
from dcvsr_engine.jobs.naming import CODEC_OF_PICTURES, DEFAULT_PATTERN, FOLDER_CODECS, NAME_FIELDS, checked_pattern, names_for
from dcvsr_engine.models.registry import declaration_of, default_model, lasting_name
from dcvsr_engine.planning.request import JobRequest, Region
from dcvsr_engine.planning.sizes import decided_size
from dcvsr_engine.settings import RESEARCH_SETTINGS, OutputSettings, RestoreSettings, SettingSpec
from dcvsr_engine.storage import describe_os_error, read_json

METAVARS = {int: "N", float: "X", str: "NAME"}


class Parser(argparse.ArgumentParser):
    """Reports mistakes as one sentence."""

    def error(self, message: str) -> NoReturn:
        """See `argparse`; raises `SettingsError`."""
        raise SettingsError(f"{message[:1].upper()}{message[1:].rstrip('.')}; see “{self.prog} --help”.")


def path_from(text: str) -> Path:
    """A path that the command line names; nothing, as shells make of a variable that is not set, is not the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return Path(text)


# -- adding -----------------------------------------------------------------------------------------------------


def add_request_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that describe a job: input, output, and every setting."""
    parser.add_argument(
        "sources", type=path_from, nargs="+", metavar="CLIP", help="videos, folders of them, or folders of pictures"
    )
    parser.add_argument(
        "-o", "--output", type=path_from, metavar="FILE", help="the result (default: beside the input, as NAME_SIZE)"
    )
    parser.add_argument(
        "--output-folder", type=path_from, metavar="DIR", help="where results go; folders inside of folders are kept"
    )
    text = f"what results are called: text with {', '.join(f'{{{name}}}' for name in NAME_FIELDS)} (default: {DEFAULT_PATTERN})"
    parser.add_argument("--name", default=DEFAULT_PATTERN, metavar="PATTERN", help=text)
    parser.add_argument("--recursive", action="store_true", help="look for clips in folders inside folders, too")
    parser.add_argument("--skip-done", action="store_true", help="leave out clips whose result is there already")
    parser.add_argument("--settings", type=path_from, metavar="FILE.json", help="settings to start from; options override them")
    parser.add_argument("--frames", metavar="FIRST-LAST", help="restore only these frames, counted from 0")
    parser.add_argument("--region", metavar="X,Y,WIDTH,HEIGHT", help="restore only this part of the picture")
    research = {name: spec for name, spec in RestoreSettings.specs().items() if name in RESEARCH_SETTINGS}
    restoration = {name: spec for name, spec in RestoreSettings.specs().items() if name not in RESEARCH_SETTINGS}
    add_settings(parser.add_argument_group("restoration"), restoration)
    add_settings(parser.add_argument_group("research", "for experiments with the method; the defaults are its own"), research)
    add_settings(parser.add_argument_group("output"), OutputSettings.specs())


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments about how a job is run."""
    parser.add_argument("--discard", action="store_true", help="when cancelled, delete finished work instead of keeping it")
    parser.add_argument("--report", type=path_from, metavar="FILE", help="write the report of the run as JSON")


def add_settings(group: Any, specs: Mapping[str, SettingSpec]) -> None:
    """Add one option per setting to an argument group; options that are not given stay out of the namespace."""
    for name, spec in specs.items():
        extra: dict[str, Any]
        if spec.kind is bool:
            extra = {"action": argparse.BooleanOptionalAction}
        elif spec.choices:
            extra = {"metavar": "|".join(spec.choices)}
        else:
            extra = {"type": spec.kind, "metavar": METAVARS[spec.kind]}
        default = "" if spec.default is None else f" (default: {spec.default})"
        option = "--" + name.replace("_", "-")
        group.add_argument(option, dest=name, default=argparse.SUPPRESS, help=(spec.doc + default).replace("%", "%%"), **extra)


# -- reading ----------------------------------------------------------------------------------------------------


def request_from(options: argparse.Namespace, clip: FoundClip, whole_name: bool = False) -> JobRequest:
    """Make the request that the options describe for a clip; raises `UserError`.

    Args:
        options: of the command line.
        clip: what is restored.
        whole_name: whether the name of the result holds the clip's suffix, too.
    """
    settings, output = settings_from(options)
    settings = settings.replace(model=lasting_name(settings.model))
    source = clip.path
    if options.output is not None:
        target, output = named_target(options.output, output)
    else:
        target = default_target(options, clip, settings, output, whole_name)
    return JobRequest(
        # absolute: the job's folder, and resuming it, do not depend on the current folder
        source=source.absolute(),
        target=target.absolute(),
        settings=settings,
        output=output,
        frames=frames_from(options.frames),
        region=region_from(options.region),
    )


def settings_from(options: argparse.Namespace) -> tuple[RestoreSettings, OutputSettings]:
    """Settings from the file of ``--settings``, overridden by the options; raises `SettingsError`."""
    values = {} if options.settings is None else read_settings(options.settings)
    given = vars(options)
    known = RestoreSettings.specs().keys() | OutputSettings.specs().keys()
    values |= {name: given[name] for name in known if name in given}
    output = {name: value for name, value in values.items() if name in OutputSettings.specs()}
    restoration = {"model": default_model()} | {name: value for name, value in values.items() if name not in output}
    return RestoreSettings.from_dict(restoration), OutputSettings.from_dict(output)


def named_target(path: Path, output: OutputSettings) -> tuple[Path, OutputSettings]:
    """A result's place, and how it is written, from the path that the user gave: “shots/name.%04d.exr” is pictures in a folder.

    Raises:
        SettingsError: the pattern makes no good names, or another codec is asked for.
    """
    codec = CODEC_OF_PICTURES.get(path.suffix.lower())
    if codec is None or "%" not in path.name:
        return path, output
    if output.codec not in ("auto", codec):
        raise SettingsError(f"“{path.name}” names {path.suffix} pictures, but --codec {output.codec} is asked for.")
    return path.parent, output.replace(codec=codec, picture_name=path.stem)


def read_settings(path: Path) -> dict[str, Any]:
    """Read a settings file; raises `SettingsError` when it is not a JSON object."""
    try:
        values = read_json(path)
    except OSError as error:
        raise SettingsError(f"The settings file “{path}” cannot be read ({describe_os_error(error)}).") from None
    except ValueError as error:
        raise SettingsError(f"The settings file “{path}” is not valid JSON: {error}.") from None
    if not isinstance(values, dict):
        raise SettingsError(f"The settings file “{path}” must hold a JSON object with a value per setting.")
    return values


def default_target(
    options: argparse.Namespace, clip: FoundClip, settings: RestoreSettings, output: OutputSettings, whole_name: bool
) -> Path:
    """The first name for a result, whether it exists or not: the same command must resume the same job. See `request_from`."""
    from dcvsr_engine.video.tracks import losses_of_clip

    source = clip.path
    losses = {} if output.codec in FOLDER_CODECS else losses_of_clip(source, output)
    folder = options.output_folder and options.output_folder / clip.below
    pattern, model = checked_pattern(options.name), Path(settings.model).name
    named = source.with_name(source.name + source.suffix) if whole_name else source
    return next(names_for(named, label_of(source, settings), output.codec, losses, pattern, folder, model))


def label_of(source: Path, settings: RestoreSettings) -> str:
    """What the name of a result says of its size; the clip is opened where only that tells."""
    from dcvsr_engine.video.probe import probe

    scale = declaration_of(settings.model).scale
    try:
        info = probe(source) if settings.size == "auto" else None
    except InputError:  # the job will say what is wrong with it
        info = None
    return decided_size(settings.size, scale, (info.width, info.height) if info else (1, 1))


def whole_numbers(text: str, separator: str, count: int, option: str) -> list[int]:
    """Read ``count`` whole numbers; raises `SettingsError` that names the option."""
    try:
        values = [int(part) for part in text.split(separator)]
    except ValueError:
        values = []
    if len(values) != count:
        raise SettingsError(f"{option} takes {count} whole numbers separated by “{separator}”, not “{text}”.")
    return values


def frames_from(text: str | None) -> tuple[int, int] | None:
    """Read ``--frames``; raises `SettingsError`."""
    if text is None:
        return None
    first, last = whole_numbers(text, "-", 2, "--frames")
    return first, last


def region_from(text: str | None) -> Region | None:
    """Read ``--region``; raises `SettingsError`."""
    if text is None:
        return None
    x, y, width, height = whole_numbers(text, ",", 4, "--region")
    return Region(x=x, y=y, width=width, height=height)
