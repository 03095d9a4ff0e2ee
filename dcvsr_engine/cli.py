"""The command line: ``dcvsr restore | plan | resume | jobs | models | gpu | info``, and research's ``train | evaluate | bench``.

Exit codes: 0 done, 1 failed, 2 bad input, 130 cancelled.
"""

import argparse
import dataclasses
import json
import shlex
import signal
import sys
import traceback
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcvsr_engine import __version__
from dcvsr_engine.arguments import Parser, add_request_arguments, add_run_arguments, add_settings, path_from, request_from
from dcvsr_engine.batch import is_batch, make_output_folders, plan_batch, plan_of, restore_batch, without_done
from dcvsr_engine.environment import prepare_torch, safe_import_path
from dcvsr_engine.errors import Cancelled, OutputError, SettingsError, UserError
from dcvsr_engine.farm.address import farm_job_folder
from dcvsr_engine.farm.command import add_farm_arguments, run_farm_command
from dcvsr_engine.farm.driver import run_on_farm
from dcvsr_engine.gpu.command import add_gpu_arguments, run_gpu_command
from dcvsr_engine.gpu.own_process import run_module_if_asked
from dcvsr_engine.gpu.switch import OFF, Build, use_switched_on_build
from dcvsr_engine.jobs.clips import FoundClip
from dcvsr_engine.models.command import add_model_actions, run_model_action
from dcvsr_engine.progress import JobProgress
from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.storage import refuse_replacing, report_file
from dcvsr_engine.terminal import file_size, print_out, printable, time_span
from dcvsr_engine.worker.imports import import_engine

if TYPE_CHECKING:
    from dcvsr_engine.jobs.session import Loader
    from dcvsr_engine.planning.plan import Plan
    from dcvsr_engine.planning.request import JobRequest
    from dcvsr_engine.video.probe import Track, VideoInfo
    from dcvsr_engine.worker.process import ModelCache

EXIT_DONE, EXIT_FAILED, EXIT_BAD_INPUT, EXIT_CANCELLED = 0, 1, 2, 130

RESEARCH = {
    "train": "Train a model from a recipe.",
    "evaluate": "Measure models beside bicubic enlargement and other methods, and write a report with tables and pictures.",
    "bench": "Measure time, memory and what propagation does on this computer.",
    "probe": "Test which conventions a model was trained with: scaling of the condition, CLIP input, time ids.",
}
"""Commands of the research package, which bundles do not contain."""

CommandFunction = Callable[[argparse.Namespace], int]


def main(arguments: list[str] | None = None) -> int:
    """Run one command, and put what goes wrong into words; returns the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    # the frozen program stands in for “python -m”: it must not parse that module's arguments
    run_module_if_asked(words)
    build = None
    try:
        options = command_parser().parse_args(words)
        prepare_torch()
        build = use_switched_on_build()
        with safe_import_path():
            code: int = options.run(options)
        print_out(end="")  # some commands print by themselves, and what is buffered may not fit
        return code
    except UserError as error:
        complain(str(error))
        return EXIT_BAD_INPUT
    except (Cancelled, KeyboardInterrupt):
        complain("cancelled")
        return EXIT_CANCELLED
    # whoever read the output has gone: there is nobody to tell
    except BrokenPipeError:
        return EXIT_FAILED
    except Exception as error:
        explain_failure(error, build, "--debug" in words)
        return EXIT_FAILED


def complain(sentence: str) -> None:
    """Print a sentence where errors go."""
    print(f"dcvsr: {printable(sentence)}", file=sys.stderr)


def explain_failure(error: Exception, build: Build | None, debug: bool) -> None:
    """Print an unexpected error as one sentence; its traceback only with ``--debug``."""
    complain(f"failed: {type(error).__name__}: {error}")
    if build is not None and isinstance(error, ImportError | OSError):
        complain(f"if torch {build.torch} for the GPU is the cause, {OFF}=off uses the bundled one.")
    if debug:
        traceback.print_exc()


# -- arguments --------------------------------------------------------------------------------------------------


class ResearchParser(Parser):
    """A command of the research package, which is imported only when the command is used.

    Args:
        research: name of the command in `research.commands`.
    """

    def __init__(self, *args: Any, research: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._research = research

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Add the command's own arguments, then parse; raises `SettingsError` where the package is missing."""
        words = list(args or [])
        if self._research:
            # ``train offline`` is a command of its own; any other word is a recipe
            inner = self._research == "train" and words[:1] == ["offline"]
            add_arguments, run = research_command("train offline" if inner else self._research)
            self._research, words = "", words[inner:]
            add_arguments(self)
            self.set_defaults(run=run)
        return super().parse_known_args(words, namespace)


def research_command(name: str) -> tuple[Callable[[argparse.ArgumentParser], None], CommandFunction]:
    """Import the functions that add the arguments of a research command and run it; raises `SettingsError` in a bundle."""
    try:
        found: tuple[Callable[[argparse.ArgumentParser], None], CommandFunction] = import_module(
            "dcvsr_engine.research.commands"
        ).COMMANDS[name]
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("dcvsr_engine.research"):
            raise
        raise SettingsError(
            f"“{name}” is for research and not part of this bundle: install the program from its source with pip, see its README."
        ) from None
    return found


def command_parser() -> Parser:
    """The whole command line."""
    top = Parser(prog="dcvsr", description="Restore and upscale video with DC-VSR.")
    top.add_argument("--version", action="version", version=f"dcvsr {__version__}")
    top.add_argument("--debug", action="store_true", help="print the traceback when something fails")
    commands = top.add_subparsers(required=True, metavar="command", parser_class=ResearchParser)

    def command(name: str, run: CommandFunction | None, text: str, **extra: Any) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text, **extra)
        sub.set_defaults(run=run)
        sub.add_argument("--json", action="store_true", help="print JSON for machines")
        return sub

    add_job_commands(command)
    add_action = add_model_actions(command("models", run_model_action, "List, download, import, verify and remove models."))
    add_action("probe", None, RESEARCH["probe"], research="probe")
    for name in ("train", "evaluate", "bench"):
        command(name, None, RESEARCH[name], research=name)
    gpu = "Use an NVIDIA GPU: install or remove a CUDA build of PyTorch beside the bundled one, which DCVSR_GPU=off brings back."
    add_gpu_arguments(command("gpu", run_gpu_command, gpu))
    farm = "Restore on the devices of several computers: begin a farm, join one, list its computers."
    add_farm_arguments(command("farm", run_farm_command, farm))
    add_compare_arguments(command("compare", compare_command, "Show a clip beside its result, as a video or a picture."))
    sub = command("info", print_information, "Describe a video, or this computer's devices.")
    sub.add_argument("source", type=path_from, nargs="?", metavar="CLIP")
    sub.add_argument("--devices", action="store_true", help="list what can compute, the fastest first, for --device")
    return top


def add_job_commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the commands that plan, run, list and remove jobs."""
    sub = command("restore", restore_command, "Restore a video, or several.")
    add_request_arguments(sub)
    watching = "go on watching the folders, and restore what comes into them; what is done is left out"
    sub.add_argument("--watch", action="store_true", help=watching)
    sub.add_argument("--fresh", action="store_true", help="start from the beginning even if the job is unfinished")
    sub.add_argument("--farm", metavar="ADDRESS", help="restore on a farm, see “dcvsr farm”; or on “local” workers")
    sub.add_argument(
        "--send-model", action="store_true", help="send the model to computers of the farm that lack it, if large, too"
    )
    add_run_arguments(sub)
    sub = command("plan", plan_command, "Estimate what restoring videos takes.")
    add_request_arguments(sub)
    sub.add_argument("--calibrate", action="store_true", help="measure one tile to estimate the duration")
    sub = command("resume", resume_command, "Continue an unfinished job.")
    sub.add_argument("job", help="name of a job from “dcvsr jobs”, or its directory")
    sub.add_argument("-o", "--output", type=path_from, metavar="FILE", help="put the result here instead, from now on")
    add_run_arguments(sub)
    sub = command("jobs", jobs_command, "List unfinished jobs, or remove them.")
    sub.add_argument("action", choices=["list", "clean"], nargs="?", default="list")
    sub.add_argument("names", nargs="*", help="which jobs to remove (clean)")
    sub.add_argument("--all", action="store_true", help="remove all jobs (clean)")


def add_compare_arguments(sub: argparse.ArgumentParser) -> None:
    """Add the arguments of ``dcvsr compare``."""
    sub.add_argument("original", type=path_from, metavar="IN", help="the clip")
    sub.add_argument("result", type=path_from, metavar="OUT", help="its result")
    sub.add_argument("-o", "--output", type=path_from, required=True, metavar="FILE", help="a video; or .png, .jpg for a picture")
    sub.add_argument("--mode", choices=["side", "wipe"], default="side", help="side by side, or parted by a moving line")
    sub.add_argument("--from", dest="begin", type=float, default=0.0, metavar="SECONDS", help="where the part begins")
    sub.add_argument("--to", dest="end", type=float, metavar="SECONDS", help="where it ends")
    add_settings(sub.add_argument_group("output"), OutputSettings.specs())


# -- commands ---------------------------------------------------------------------------------------------------


def restore_command(options: argparse.Namespace) -> int:
    """``dcvsr restore``."""
    from dcvsr_engine.jobs.folders import discard_job

    if not is_batch(options):
        request = request_from(options, FoundClip(options.sources[0]))
        make_output_folders(options, [request])
        waiting, left_out = without_done(options, [request])
        if waiting:
            run_with_report(request, farm_job_folder(request, options.farm), options, options.fresh)
        for outcome in left_out:
            if outcome.state == "failed":
                raise OutputError(outcome.message)
            print_out(printable(f"The result is there: {request.target}"))
        return EXIT_DONE

    @cache
    def models() -> "ModelCache":
        """Imported with the first clip, and torch with it: a wrong command line is told at once."""
        made: ModelCache = import_engine("dcvsr_engine.worker.process").ModelCache()
        return made

    def run(request: "JobRequest") -> dict[str, Any]:
        """Restore one of several clips; the model stays loaded."""
        if options.fresh:
            discard_job(farm_job_folder(request, options.farm))
        return run_with_progress(request, farm_job_folder(request, options.farm), options.discard, models(), farm_run(options))

    return restore_batch(options, run)


def resume_command(options: argparse.Namespace) -> int:
    """``dcvsr resume``."""
    from dcvsr_engine.jobs.folders import read_request
    from dcvsr_engine.paths import jobs_folder

    folder = Path(options.job) if Path(options.job).is_dir() else jobs_folder() / options.job
    request = read_request(folder)
    if options.output is not None:
        # whoever allowed to overwrite the other target did not allow it for this one
        output = request.output.replace(overwrite=False)
        request = request.replace(target=options.output.absolute(), output=output)
    run_with_report(request, folder, options)
    return EXIT_DONE


def run_with_report(request: "JobRequest", folder: Path, options: argparse.Namespace, fresh: bool = False) -> None:
    """Run a job from where it stopped, or ``fresh``; write its report when ``options`` ask for one. Raises `UserError`."""
    from dcvsr_engine.jobs.folders import discard_job

    outputs = [path for path in (request.target, options.report) if path is not None]
    refuse_replacing(inputs_of(request.source, getattr(options, "settings", None)), outputs)
    with report_file(options.report, request.output.overwrite) as write:
        if fresh:
            discard_job(folder)
        report = run_with_progress(request, folder, options.discard, farm=farm_run(options))
        try:
            write(json.dumps(report, indent=2, ensure_ascii=False))
        finally:
            # even where the file cannot be written: the facts of a long run are not lost
            print_out(json.dumps(report) if options.json else printable(report_text(report, request)))


def inputs_of(source: Path, *others: Path | None) -> list[Path]:
    """All files that a run reads: the clip, or the pictures of a folder or pattern, and ``others`` that are given."""
    from dcvsr_engine.video.source import pictures_of

    return [source, *(pictures_of(source) or ()), *(path for path in others if path is not None)]


def run_with_progress(
    request: "JobRequest",
    folder: Path,
    discard_when_cancelled: bool,
    loader: "Loader | None" = None,
    farm: Callable[..., dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Run a job with progress on the terminal; Ctrl-C cancels it at the next tile.

    Args:
        request: what to restore.
        folder: the job directory.
        discard_when_cancelled: whether Ctrl-C deletes finished work instead of keeping it.
        loader: gives the model, where it is kept between jobs.
        farm: runs it on a farm, where it is to run on one.

    Returns:
        The report.

    Raises:
        UserError: see `jobs.job.run_job`.
        Cancelled: after Ctrl-C.
    """
    from dcvsr_engine.control import Control
    from dcvsr_engine.jobs.folders import discard_job, has_job, has_work, name_of
    from dcvsr_engine.jobs.refusal import refuse_unusable

    progress = JobProgress(sys.stderr)
    control = Control(progress, pictures=False)
    previous = signal.getsignal(signal.SIGINT)
    try:
        refuse_unusable(request, folder)
        run = runner_of(request, loader, farm)
        signal.signal(signal.SIGINT, lambda number, frame: control.cancel())
        return run(request, control, folder)
    except Cancelled:
        if discard_when_cancelled:
            discard_job(folder)
            progress.say("Cancelled. Finished work is deleted.")
        elif not has_work(folder):
            progress.say("Cancelled. Nothing was finished yet: the same command begins again.")
        else:
            progress.say("Cancelled. Finished work is kept: run the same command again to resume.")
        raise
    except OutputError:
        if has_job(folder):
            progress.say(f"Finished work is kept: “dcvsr resume {shlex.quote(name_of(folder))} --output FILE” puts it elsewhere.")
        raise
    finally:
        progress.close()
        signal.signal(signal.SIGINT, previous)


def farm_run(options: argparse.Namespace) -> Callable[..., dict[str, Any]] | None:
    """What runs jobs on the farm that ``options`` name, if any; raises `SettingsError`."""
    address, send_model = getattr(options, "farm", None), getattr(options, "send_model", False)
    if address is None and send_model:
        raise SettingsError("--send-model goes with --farm: there is no other computer to send the model to.")
    return None if address is None else partial(run_on_farm, address=address, send_model=send_model)


def runner_of(
    request: "JobRequest", loader: "Loader | None", farm: Callable[..., dict[str, Any]] | None
) -> Callable[..., dict[str, Any]]:
    """What runs a job, given request, control and folder: a farm, a process per device, or this one, which loads torch first."""
    from dcvsr_engine.settings import needs_crew
    from dcvsr_engine.worker.crew import run_on_devices

    if farm is not None:
        return farm
    if needs_crew(request.settings.device):
        return run_on_devices
    job = import_engine("dcvsr_engine.jobs.job")
    return partial(job.run_job, loader=loader or job.load_for)


def report_text(report: dict[str, Any], request: "JobRequest") -> str:
    """A report in words."""
    width, height = report["output_size"]
    seconds = sum(report["seconds"].values())
    first = f"{report['frames_out']} frames, {width} × {height}, in {seconds:.1f} s: {request.target}"
    return "\n".join([first, *(f"Note: {note}" for note in report["notes"])])


def plan_command(options: argparse.Namespace) -> int:
    """``dcvsr plan``."""
    if is_batch(options):
        return plan_batch(options)
    made = plan_of(request_from(options, FoundClip(options.sources[0])))
    if options.calibrate:
        load_for = import_engine("dcvsr_engine.jobs.session").load_for
        made = import_engine("dcvsr_engine.planning.calibration").calibrated(made, load_for(made.settings))
    print_out(json.dumps(made.to_dict()) if options.json else printable(plan_text(made)))
    return EXIT_DONE


def plan_text(made: "Plan") -> str:
    """A plan in words."""
    grid, settings, gigabyte = made.grid, made.settings, 2**30
    rows = [
        ("Frames", f"{made.frames} in {len(made.segments)} segment(s)"),
        ("Size", f"{made.input_size[0]} × {made.input_size[1]} → {made.output_size[0]} × {made.output_size[1]}"),
        ("Device", f"{made.device}, {settings.precision}"),
        ("Tiles", f"{grid.spatial} of {grid.tile_width}×{grid.tile_height}×{grid.tile_frames} latents, "
                  f"{len(grid.windows)} window(s)"),
        ("Steps", f"{settings.steps}, guidance {settings.guidance}, SAP {settings.sap_schedule if settings.sap else 'off'}, "
                  f"TAP {'on' if settings.tap else 'off'}"),
        ("Evaluations", f"{made.evaluations:,}"),
        ("At once", f"{made.tiles_at_once} tile(s), {made.decode_frames} frame(s) encoded or decoded"),
        ("Memory", f"{made.device_memory / gigabyte:.1f} of {made.device_memory_available / gigabyte:.1f} GB on the device, "
                   f"{made.host_memory / gigabyte:.1f} of {made.host_memory_available / gigabyte:.1f} GB in all"),
        ("Result", "none is written" if made.result_bytes is None else f"about {file_size(made.result_bytes)}"),
        ("Disk", f"{file_size(made.disk)} of {file_size(made.disk_available)}"),
        ("Time", "not measured (--calibrate)" if made.seconds is None else f"about {time_span(made.seconds)}"),
    ]  # fmt: skip
    lines = [f"{name:<12}{text}" for name, text in rows]
    lines += [f"Note: {note}" for note in made.notes]
    if made.suggested_reduction is not None:
        smaller = f"{made.suggested_reduction:g}"
        lines.append(f"Note: The clip is soft: a picture {smaller} times smaller holds it; --reduce {smaller} may do better.")
    return "\n".join([*lines, *(f"Problem: {problem}" for problem in made.problems)])


def jobs_command(options: argparse.Namespace) -> int:
    """``dcvsr jobs``."""
    if options.action == "clean":
        remove_jobs(options)
    else:
        list_jobs(options)
    return EXIT_DONE


def remove_jobs(options: argparse.Namespace) -> None:
    """``dcvsr jobs clean``; raises `SettingsError` when a job does not exist."""
    from dcvsr_engine.jobs.folders import discard_job, unfinished_jobs

    found = {job.name: job for job in unfinished_jobs()}
    if not options.names and not options.all:
        raise SettingsError("Name the jobs to remove, or add --all.")
    unknown = [name for name in options.names if name not in found]
    if unknown:
        raise SettingsError(f"There is no job “{unknown[0]}”; “dcvsr jobs” lists them.")
    for name in found if options.all else options.names:
        discard_job(found[name].folder)


def list_jobs(options: argparse.Namespace) -> None:
    """``dcvsr jobs list``."""
    from dcvsr_engine.jobs.folders import unfinished_jobs

    found = unfinished_jobs()
    if options.json:
        print_out(json.dumps([{"name": job.name, "folder": str(job.folder), "source": job.source} for job in found]))
        return
    for job in found:
        print_out(printable(f"{job.name}\n    {job.description}  ({file_size(job.size)})"))
    if not found:
        print_out("There are no unfinished jobs.")


def compare_command(options: argparse.Namespace) -> int:
    """``dcvsr compare``."""
    from dcvsr_engine.control import Control
    from dcvsr_engine.video.comparison import ComparedPart, compare

    given = {name: value for name, value in vars(options).items() if name in OutputSettings.specs()}
    seconds = options.begin, options.end
    if not all(isfinite(second) for second in seconds if second is not None):
        raise SettingsError("--from and --to take seconds.")
    output, files = OutputSettings.from_dict(given), (options.original, options.result, options.output)
    target = compare(*files, options.mode, ComparedPart(seconds), output, Control())
    print_out(json.dumps({"target": str(target)}) if options.json else printable(str(target)))
    return EXIT_DONE


def print_information(options: argparse.Namespace) -> int:
    """``dcvsr info``."""
    from dcvsr_engine.video.probe import probe

    if options.devices:
        print_devices(options)
        return EXIT_DONE
    if options.source is None:
        raise SettingsError("Name a clip, or add --devices.")
    info = probe(options.source)
    told = json.dumps(dataclasses.asdict(info), default=str) if options.json else printable(info_text(info))
    print_out(told)
    return EXIT_DONE


def info_text(info: "VideoInfo") -> str:
    """Facts about a video in words, without what it does not have."""
    shape = "" if info.sample_aspect_ratio == 1 else f", pixels {float(info.sample_aspect_ratio):.3g} times as wide as high"
    rate = (
        ""
        if info.frame_rate is None
        else f", {float(info.frame_rate):.5g} per second{' on average' if info.variable_frame_rate else ''}"
    )
    color = info.color
    rows = {
        "Size": f"{info.width} × {info.height}{shape}",
        "Frames": f"{'' if info.frames_exact else 'about '}{info.frames:,}{rate}",
        "Duration": f"{info.duration:.2f} s",
        "Codec": f"{info.codec}, {info.pixel_format}, {info.bit_depth} bits{', with transparency' if info.alpha else ''}",
        "Colours": f"{color.matrix}, {color.primaries}, {color.transfer}, range {color.range}",
        "HDR": "HDR10" if color.mastering or color.light else "",
        "Assumed": f"the colours' {', '.join(color.assumed)}" if color.assumed else "",
        "Scan": f"interlaced, {info.field_order}" if info.interlaced else "",
        "Turned": f"{info.rotation}° clockwise{', mirrored' if info.mirror else ''}" if info.rotation or info.mirror else "",
        "Audio": "; ".join(map(track_text, info.audio)),
        "Subtitles": "; ".join(map(track_text, info.subtitles)),
        "Others": "; ".join(map(track_text, info.others)),
        "Chapters": str(len(info.chapters) or ""),
        "Missing": f"pictures {', '.join(map(str, info.missing_pictures))}" if info.missing_pictures else "",
    }
    return "\n".join(f"{name:<12}{text}" for name, text in rows.items() if text)


def track_text(track: "Track") -> str:
    """A further track of a video in words."""
    channels = f"{track.channels} channel(s)" if track.channels else ""
    rate = f"{track.sample_rate} Hz" if track.sample_rate else ""
    return ", ".join(fact for fact in (track.codec, channels, rate, track.language, track.title) if fact)


def print_devices(options: argparse.Namespace) -> None:
    """``dcvsr info --devices``."""
    from dcvsr_engine.network.device import available_devices, device_title, memory

    found = [(name, device_title(name), memory(name)[1]) for name in available_devices()]
    if options.json:
        names = "device", "title", "memory"
        print_out(json.dumps([dict(zip(names, facts, strict=True)) for facts in found]))
    else:
        print_out(printable("\n".join(f"{name:<8}{title}, {size / 2**30:.1f} GB" for name, title, size in found)))
