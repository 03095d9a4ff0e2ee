"""The command line: ``dcvsr restore | plan | resume | jobs | models | train | evaluate | bench | gpu | info``.

Exit codes: 0 done, 1 failed, 2 bad input, 130 cancelled.
"""

import argparse
import dataclasses
import json
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from dcvsr_engine import __version__
from dcvsr_engine.errors import Cancelled, OutputError, SettingsError, UserError
from dcvsr_engine.gpu import command as gpu_command
from dcvsr_engine.gpu import switch
from dcvsr_engine.gpu.own_process import run_if_asked
from dcvsr_engine.jobs.naming import names_for
from dcvsr_engine.models import command as model_command
from dcvsr_engine.models.store import default_model
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.installed import find
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.request import JobRequest, Region
from dcvsr_engine.progress import ProgressLine
from dcvsr_engine.research.bench import command as measuring
from dcvsr_engine.research.evaluation import command as evaluation
from dcvsr_engine.research.evaluation import probe_command
from dcvsr_engine.research.training import command as training
from dcvsr_engine.settings import OutputSettings, RestoreSettings, Settings
from dcvsr_engine.storage import discard, partial_path, put_in_place, refuse_unsafe

DONE, FAILED, BAD_INPUT, CANCELLED = 0, 1, 2, 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    run_if_asked(sys.argv[1:] if arguments is None else arguments)
    build = None
    try:
        options = parser().parse_args(arguments)
        build = switch.use()
        code: int = options.run(options)
        return code
    except UserError as error:
        print(f"dcvsr: {error}", file=sys.stderr)
        return BAD_INPUT
    except (Cancelled, KeyboardInterrupt):
        print("dcvsr: cancelled", file=sys.stderr)
        return CANCELLED
    except BrokenPipeError:
        return FAILED
    except Exception as error:
        print(f"dcvsr: failed: {type(error).__name__}: {error}", file=sys.stderr)
        if build is not None and isinstance(error, ImportError | OSError):
            print(f"dcvsr: if that is torch {build.torch} for the GPU, {switch.OFF}=off goes without it.", file=sys.stderr)
        if "--debug" in (sys.argv if arguments is None else arguments):
            traceback.print_exc()
        return FAILED


# -- arguments --------------------------------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    """Reports mistakes as one sentence."""

    def error(self, message: str) -> NoReturn:
        """See `argparse`."""
        raise SettingsError(f"{message[:1].upper()}{message[1:].rstrip('.')}; see “{self.prog} --help”.")


def parser() -> Parser:
    """The whole command line."""
    top = Parser(prog="dcvsr", description="Restore and upscale video with DC-VSR.")
    top.add_argument("--version", action="version", version=f"dcvsr {__version__}")
    top.add_argument("--debug", action="store_true", help="print the traceback when something fails")
    commands = top.add_subparsers(required=True, metavar="command", parser_class=Parser)

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        sub.add_argument("--json", action="store_true", help="print JSON for machines")
        return sub

    sub = command("restore", restore, "Restore a video.")
    add_request(sub)
    sub.add_argument("--fresh", action="store_true", help="begin anew even if this job was begun before")
    add_run(sub)
    sub = command("plan", plan, "Say what restoring a video would take.")
    add_request(sub)
    sub.add_argument("--calibrate", action="store_true", help="measure one tile to estimate the duration")
    sub = command("resume", resume, "Continue an unfinished job.")
    sub.add_argument("job", help="a job's name from “dcvsr jobs”, or its directory")
    add_run(sub)
    sub = command("jobs", jobs, "List unfinished jobs, or remove them.")
    sub.add_argument("action", choices=["list", "clean"], nargs="?", default="list")
    sub.add_argument("names", nargs="*", help="which jobs to remove (clean)")
    sub.add_argument("--all", action="store_true", help="remove all jobs (clean)")
    sub = command("models", model_command.run, model_command.DESCRIPTION)
    add_action = model_command.add_arguments(sub)
    probe_command.add_arguments(add_action("probe", probe_command.run, probe_command.DESCRIPTION))
    sub = command("train", train, "Train a model after a recipe.")
    training.add_arguments(sub)
    sub = command("evaluate", evaluate, evaluation.DESCRIPTION)
    evaluation.add_arguments(sub)
    sub = command("bench", measure, measuring.DESCRIPTION)
    measuring.add_arguments(sub)
    sub = command("gpu", gpu_command.run, gpu_command.DESCRIPTION)
    gpu_command.add_arguments(sub)
    sub = command("info", information, "Say what a video is.")
    sub.add_argument("source", type=Path)
    return top


def add_request(sub: argparse.ArgumentParser) -> None:
    """Arguments that describe a job: input, output, and every setting."""
    sub.add_argument("source", type=Path, help="a video, or a folder of pictures")
    sub.add_argument("-o", "--output", type=Path, metavar="FILE", help="the result (default: beside the input, with _x4 or so)")
    sub.add_argument("--settings", type=Path, metavar="FILE.json", help="settings to start from; options go before them")
    sub.add_argument("--frames", metavar="FIRST-LAST", help="restore these frames only, counted from 0")
    sub.add_argument("--region", metavar="X,Y,WIDTH,HEIGHT", help="restore this part of the picture only")
    add_settings(sub.add_argument_group("restoration"), RestoreSettings)
    add_settings(sub.add_argument_group("output"), OutputSettings)


def add_run(sub: argparse.ArgumentParser) -> None:
    """Arguments about how a job is run."""
    sub.add_argument("--discard", action="store_true", help="when cancelled, drop what is finished instead of keeping it")
    sub.add_argument("--report", type=Path, metavar="FILE", help="write the report of the run as JSON")


def add_settings(group: Any, kind: type[Settings]) -> None:
    """One option per setting; what is not given stays out of the namespace."""
    for name, spec in kind.specs().items():
        option = "--" + name.replace("_", "-")
        extra: dict[str, Any]
        if spec.kind is bool:
            extra = {"action": argparse.BooleanOptionalAction}
        elif spec.choices:
            extra = {"metavar": "|".join(spec.choices)}
        else:
            extra = {"type": spec.kind, "metavar": {int: "N", float: "X", str: "NAME"}[spec.kind]}
        default = "" if spec.default is None else f" (default: {spec.default})"
        group.add_argument(option, dest=name, default=argparse.SUPPRESS, help=spec.doc + default, **extra)


def settings_of(options: argparse.Namespace) -> tuple[RestoreSettings, OutputSettings]:
    """Settings from ``--settings`` and the options; raises `SettingsError`."""
    values: dict[str, Any] = {}
    if options.settings is not None:
        try:
            values = json.loads(options.settings.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"The settings file “{options.settings}” cannot be read ({error.strerror}).") from None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"The settings file “{options.settings}” is not valid JSON: {error}.") from None
        if not isinstance(values, dict):
            raise SettingsError(f"The settings file “{options.settings}” must hold a JSON object with a value per setting.")
    given = vars(options)
    known = RestoreSettings.specs().keys() | OutputSettings.specs().keys()
    values |= {name: given[name] for name in known if name in given}
    output = {name: value for name, value in values.items() if name in OutputSettings.specs()}
    restoration = {"model": default_model()} | {name: value for name, value in values.items() if name not in output}
    return RestoreSettings.from_dict(restoration), OutputSettings.from_dict(output)


def request_of(options: argparse.Namespace) -> JobRequest:
    """The job that the options describe; raises `UserError`."""
    settings, output = settings_of(options)
    source: Path = options.source
    target = options.output or default_target(source, settings, output)
    return JobRequest(
        source=source.absolute(),
        target=target.absolute(),
        settings=settings,
        output=output,
        frames=frames_of(options.frames),
        region=region_of(options.region),
    )


def default_target(source: Path, settings: RestoreSettings, output: OutputSettings) -> Path:
    """The first name for a result, taken or not: the same command must go on with the same job."""
    scale = settings.scale or Declaration.from_folder(find(settings.model)).scale
    return next(names_for(source, scale, output.codec))


def numbers(text: str, separator: str, count: int, name: str) -> list[int]:
    """``count`` whole numbers; raises `SettingsError`."""
    try:
        values = [int(part) for part in text.split(separator)]
    except ValueError:
        values = []
    if len(values) != count:
        raise SettingsError(f"{name} takes {count} whole numbers with “{separator}” between them, not “{text}”.")
    return values


def frames_of(text: str | None) -> tuple[int, int] | None:
    """``--frames``."""
    if text is None:
        return None
    first, last = numbers(text, "-", 2, "--frames")
    return first, last


def region_of(text: str | None) -> Region | None:
    """``--region``."""
    if text is None:
        return None
    x, y, width, height = numbers(text, ",", 4, "--region")
    return Region(x=x, y=y, width=width, height=height)


# -- commands ---------------------------------------------------------------------------------------------------


def restore(options: argparse.Namespace) -> int:
    """``dcvsr restore``."""
    from dcvsr_engine.jobs.folders import job_folder

    request = request_of(options)
    run_with_report(request, job_folder(request), options, options.fresh)
    return DONE


@contextmanager
def text_file(path: Path | None, overwrite: bool) -> Iterator[Callable[[str], Any]]:
    """A function that writes a text, which becomes the file ``path`` when all went well; raises `OutputError` before any work."""
    if path is None:
        yield lambda text: None
        return
    refuse_unsafe(path, pictures=False, overwrite=overwrite)
    partial_file = partial_path(path.absolute())
    try:
        partial_file.touch()
    except OSError as error:
        raise OutputError(
            f"“{path}” cannot be written ({(error.strerror or 'no access').lower()}); choose another name."
        ) from None
    try:
        yield partial(partial_file.write_text, encoding="utf-8")
        put_in_place(partial_file, path)
    finally:
        discard(partial_file)


def resume(options: argparse.Namespace) -> int:
    """``dcvsr resume``."""
    from dcvsr_engine.jobs.folders import read_request
    from dcvsr_engine.paths import jobs_folder

    folder = Path(options.job) if Path(options.job).is_dir() else jobs_folder() / options.job
    run_with_report(read_request(folder), folder, options)
    return DONE


def run_with_report(request: JobRequest, folder: Path, options: argparse.Namespace, fresh: bool = False) -> None:
    """Run a job, ``fresh`` or where it stopped, and write its report if that is wanted."""
    from dcvsr_engine.jobs.folders import discard_job

    with text_file(options.report, request.output.overwrite) as write:
        if fresh:
            discard_job(folder)
        write(json.dumps(run_with_progress(request, folder, options), indent=2, ensure_ascii=False))


def run_with_progress(request: JobRequest, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run a job; Ctrl-C cancels it at the next tile and keeps finished work, or drops it with ``--discard``."""
    from dcvsr_engine.control import Control
    from dcvsr_engine.jobs.folders import discard_job
    from dcvsr_engine.jobs.job import run_job

    line = ProgressLine(sys.stderr)
    control = Control(line)
    previous = signal.signal(signal.SIGINT, lambda number, frame: control.cancel())
    try:
        report = run_job(request, control, folder)
    except Cancelled:
        if options.discard:
            discard_job(folder)
            line.finish("Cancelled. What was finished is removed.")
        else:
            line.finish("Cancelled. Finished work is kept: run the same command again to go on.")
        raise
    finally:
        line.clear()
        signal.signal(signal.SIGINT, previous)
    if options.json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        seconds = sum(report["seconds"].values())
        width, height = report["output_size"]
        print(f"{report['frames_out']} frames, {width} × {height}, in {seconds:.1f} s: {request.target}")
        for note in report["notes"]:
            print(f"Note: {note}")
    return report


def plan(options: argparse.Namespace) -> int:
    """``dcvsr plan``."""
    from dcvsr_engine.jobs.job import plan_job
    from dcvsr_engine.jobs.session import load_for
    from dcvsr_engine.planning.calibration import calibrated

    made = plan_job(request_of(options))
    if options.calibrate:
        made = calibrated(made, load_for(made.settings))
    print(json.dumps(made.to_dict(), ensure_ascii=False) if options.json else plan_text(made))
    return DONE


def plan_text(made: Plan) -> str:
    """A plan for people."""
    grid, settings, gigabyte = made.grid, made.settings, 2**30
    rows = [
        ("Frames", f"{made.frames} in {len(made.segments)} segment(s)"),
        ("Size", f"{made.input_size[0]} × {made.input_size[1]} → {made.output_size[0]} × {made.output_size[1]}"),
        ("Device", f"{made.device}, {settings.precision}"),
        ("Tiles", f"{grid.spatial} of {grid.tile_width}×{grid.tile_height}×{grid.tile_frames} latents, "
                  f"{len(grid.windows)} window(s)"),
        ("Steps", f"{settings.steps}, guidance {settings.guidance}, SAP {settings.sap_schedule if settings.sap else 'off'}"),
        ("Evaluations", f"{made.evaluations:,}"),
        ("At once", f"{made.tiles_at_once} tile(s), {made.decode_frames} frame(s) encoded or decoded"),
        ("Memory", f"{made.device_memory / gigabyte:.1f} of {made.device_memory_available / gigabyte:.1f} GB on the device, "
                   f"{made.host_memory / gigabyte:.1f} of {made.host_memory_available / gigabyte:.1f} GB in all"),
        ("Disk", f"{made.disk / gigabyte:.2f} of {made.disk_available / gigabyte:.1f} GB"),
        ("Time", "not measured (--calibrate)" if made.seconds is None else f"about {made.seconds:.0f} s"),
    ]  # fmt: skip
    lines = [f"{name:<12}{text}" for name, text in rows]
    lines += [f"Note: {note}" for note in made.notes] + [f"Problem: {problem}" for problem in made.problems]
    return "\n".join(lines)


def jobs(options: argparse.Namespace) -> int:
    """``dcvsr jobs``."""
    from dcvsr_engine.jobs.folders import discard_job, unfinished

    found = unfinished()
    if options.action == "clean":
        if not options.names and not options.all:
            raise SettingsError("Name the jobs to remove, or say --all.")
        unknown = [name for name in options.names if name not in {job.name for job in found}]
        if unknown:
            raise SettingsError(f"There is no job “{unknown[0]}”; “dcvsr jobs” lists them.")
        for job in found:
            if options.all or job.name in options.names:
                discard_job(job.folder)
        return DONE
    if options.json:
        print(json.dumps([{"name": job.name, "folder": str(job.folder), "source": str(job.request.source)} for job in found]))
    else:
        for job in found:
            print(f"{job.name}\n    {job.request.source} → {job.request.target}  ({job.size / 2**20:.0f} MB)")
        if not found:
            print("There are no unfinished jobs.")
    return DONE


def train(options: argparse.Namespace) -> int:
    """``dcvsr train``."""
    from dcvsr_engine.research.evaluation.st_lpips import STLPIPS

    return training.run(options, lambda: (STLPIPS.load("vgg"), STLPIPS.load("alex")))


def evaluate(options: argparse.Namespace) -> int:
    """``dcvsr evaluate``."""
    return evaluation.run(options)


def measure(options: argparse.Namespace) -> int:
    """``dcvsr bench``."""
    return measuring.run(options)


def information(options: argparse.Namespace) -> int:
    """``dcvsr info``."""
    from dcvsr_engine.video.probe import probe

    facts = dataclasses.asdict(probe(options.source))
    if options.json:
        print(json.dumps(facts, default=str, ensure_ascii=False))
    else:
        for name, value in facts.items():
            print(f"{name:<22}{value}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
