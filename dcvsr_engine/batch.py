"""Several clips with one command: one plan for all, then one after the other; and a folder that is watched."""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dcvsr_engine.arguments import request_from, settings_from
from dcvsr_engine.environment import uncollected
from dcvsr_engine.errors import Cancelled, InputError, OutputError, SettingsError, UserError
from dcvsr_engine.jobs.clips import ClipFacts, FoundClip, facts_of_clip, found_clips
from dcvsr_engine.jobs.naming import checked_pattern
from dcvsr_engine.planning.disk import existing, tightest
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.storage import describe_os_error, file_identity, partial_path, read_json, refuse_replacing, report_file
from dcvsr_engine.terminal import file_size, printable, time_span
from dcvsr_engine.worker.imports import import_engine

if TYPE_CHECKING:
    from dcvsr_engine.planning.plan import Plan

WATCH_SECONDS = 5.0
"""Seconds between two looks into a watched folder: a file that did not grow between them is complete."""
NO_OUTPUT = "--output names the result of one clip; for several use --output-folder and --name."
OUTCOMES = "done", "skipped", "failed", "cancelled", "waiting"
RestoreCall = Callable[[JobRequest], dict[str, Any]]
"""Restores a clip and gives the report."""


@dataclass(frozen=True)
class Outcome:
    """What became of a clip.

    Attributes:
        source, target: the clip and its result.
        state: as it ended, or that it is still ``waiting``.
        message: why it failed or was left out.
        bad_input: whether it failed for a reason that the user can change.
        report: of the run.
    """

    source: Path
    target: Path | None
    state: Literal["waiting", "done", "skipped", "failed", "cancelled"]
    message: str = ""
    bad_input: bool = False
    report: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Values as JSON has them."""
        target = None if self.target is None else str(self.target)
        return {"source": str(self.source), "target": target, "state": self.state, "message": self.message, "report": self.report}


# -- which clips, and what their results are called ---------------------------------------------------------------


def is_batch(options: argparse.Namespace) -> bool:
    """Whether the command line stands for other clips than the one that it names."""
    (first, *more), folder = options.sources, options.sources[0].is_dir()
    return bool(
        more or options.recursive or getattr(options, "watch", False) or (folder and clips_of(options) != [FoundClip(first)])
    )


def clips_of(options: argparse.Namespace) -> list[FoundClip]:
    """The clips that the command line names, results of earlier runs left out where a folder is searched; raises `UserError`."""
    results = [options.output_folder] if options.output_folder else []
    return found_clips(options.sources, options.recursive, checked_pattern(options.name), results)


def requests_of(options: argparse.Namespace, clips: Sequence[FoundClip]) -> list[JobRequest]:
    """A request per clip, no two with the same result.

    Raises:
        InputError: there are no clips.
        SettingsError: the options are for one clip only.
        OutputError: a result would replace a clip, or another result.
    """
    if options.output is not None:
        raise SettingsError(NO_OUTPUT)
    if not clips:
        raise InputError(f"There are no clips in {', '.join(f'“{path}”' for path in options.sources)}; see --recursive.")
    requests = [request_from(options, clip) for clip in clips]
    written = [path for path in (getattr(options, "report", None),) if path is not None]
    targets = [request.target for request in requests]
    # clips that differ by their suffix alone keep it in the name of the result
    requests = [
        request if targets.count(request.target) == 1 else request_from(options, clip, whole_name=True)
        for request, clip in zip(requests, clips, strict=True)
    ]
    refuse_results_among(requests)
    refuse_replacing([clip.path for clip in clips], [*(request.target for request in requests if request.target), *written])
    return requests


def refuse_results_among(requests: Sequence[JobRequest]) -> None:
    """Tell of a clip that is the place of another's result, as after ``restore *.mp4`` twice; raises `OutputError`."""
    clips = {file_identity(request.source): request.source for request in requests}
    for request in requests:
        found = request.target and clips.get(file_identity(request.target))
        if found and found != request.source:
            what = f"“{found.name}” is one of the clips, and the result of “{request.source.name}” would have its name"
            raise OutputError(f"{what}; leave it out, name the folder instead, or choose another --name.")


def is_there(target: Path) -> bool:
    """Whether there is anything that has the name of a result."""
    return any(target.iterdir()) if target.is_dir() else target.exists()


def make_output_folders(options: argparse.Namespace, requests: Sequence[JobRequest]) -> None:
    """Make the folders of results and see that they can be written; raises `OutputError`."""
    folders = dict.fromkeys(request.target.parent for request in requests if request.target) if options.output_folder else {}
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            trial = partial_path(folder / "trial")
            trial.touch()
            trial.unlink()
        except OSError as error:
            raise OutputError(f"The folder “{folder}” cannot be written ({describe_os_error(error)}); choose another.") from None


# -- one plan for all ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BatchPlan:
    """The plans of several clips.

    Attributes:
        plans: of those that can be restored, by request.
        failed: those that cannot, and why.
        seconds: for all together, ``None`` where it was not measured.
    """

    plans: dict[JobRequest, "Plan"]
    failed: list[Outcome]
    seconds: float | None = None

    @property
    def frames(self) -> int:
        """Frames of all clips."""
        return sum(plan.frames for plan in self.plans.values())

    @property
    def result_bytes(self) -> int:
        """Estimated size of all results."""
        return sum(plan.result_bytes or 0 for plan in self.plans.values())

    @property
    def problems(self) -> list[str]:
        """What does not fit though every clip does by itself."""
        places = [(request.target.parent, plan.result_bytes or 0) for request, plan in self.plans.items() if request.target]
        needed, available = tightest(places)
        return (
            [f"All results together need about {file_size(needed)}, and {file_size(available)} are free."]
            if needed > available
            else []
        )


def plan_all(requests: Sequence[JobRequest], search_seconds: float, calibrate: bool) -> BatchPlan:
    """Plan clips one after the other; those that cannot be restored do not stop the others.

    Args:
        requests: of the clips.
        search_seconds: how long to look for cuts in each.
        calibrate: whether to measure the device, on a tile of each size that occurs.
    """
    plans, failed = dict[JobRequest, "Plan"](), list[Outcome]()
    for request in requests:
        try:
            # folders of results are made only when something is restored
            place = request.target and existing(request.target.parent) / request.target.name
            plan = plan_of(request.replace(target=place), search_seconds)
            if plan.problems:
                raise SettingsError(plan.problems[0])
            plans[request] = plan
        except UserError as error:
            failed.append(failure(request, str(error)))
    return BatchPlan(plans, failed, total_seconds(list(plans.values())) if calibrate and plans else None)


def plan_of(request: JobRequest, search_seconds: float | None = None) -> "Plan":
    """Plan a job; what is wrong with it is told before torch is imported. See `plan_job`; raises `UserError`."""
    from dcvsr_engine.jobs.refusal import refuse_unusable

    refuse_unusable(request)
    with uncollected():
        from dcvsr_engine.jobs.plans import plan_job
    return plan_job(request, search_seconds)


def total_seconds(plans: Sequence["Plan"]) -> float | None:
    """Measure one tile of each size, and give the time for all plans; ``None`` where a tile does not fit."""
    load_for = import_engine("dcvsr_engine.jobs.session").load_for
    seconds_per_evaluation = import_engine("dcvsr_engine.planning.calibration").seconds_per_evaluation
    model, speeds, total = load_for(plans[0].settings), dict[tuple[int, ...], float | None](), 0.0
    for plan in plans:
        tile = plan.grid.tile_frames, plan.grid.tile_height, plan.grid.tile_width
        if tile not in speeds:
            speeds[tile] = seconds_per_evaluation(plan, model)
        speed = speeds[tile]
        if speed is None:
            return None
        total += plan.evaluations * speed
    return total


def plan_batch(options: argparse.Namespace) -> int:
    """``dcvsr plan`` of several clips; returns the exit code."""
    requests = requests_of(options, clips_of(options))
    waiting, skipped = without_done(options, requests)
    made = plan_all(waiting, 0.5, options.calibrate)
    if options.json:
        rows = [
            {"source": str(request.source), "target": str(request.target), "plan": plan.to_dict()}
            for request, plan in made.plans.items()
        ]
        left_out = [outcome.to_dict() for outcome in (*skipped, *made.failed)]
        print(json.dumps({"clips": rows, "left_out": left_out, "frames": made.frames, "result_bytes": made.result_bytes,
                          "seconds": made.seconds, "problems": made.problems}))  # fmt: skip
    else:
        print(
            printable(
                "\n".join([*map(plan_line, made.plans.items()), *map(outcome_line, (*skipped, *made.failed)), sum_line(made)])
            )
        )
    return 2 if made.failed else 0


def plan_line(planned: tuple[JobRequest, "Plan"]) -> str:
    """A clip's plan in a line."""
    request, plan = planned
    (width, height), size = plan.output_size, file_size(plan.result_bytes or 0)
    return f"{request.source} → {request.target}: {plan.frames} frames, {width} × {height}, about {size}"


def sum_line(made: BatchPlan) -> str:
    """The sum of plans in words."""
    duration = "time not measured (--calibrate)" if made.seconds is None else f"about {time_span(made.seconds)}"
    first = f"{len(made.plans)} clip(s), {made.frames:,} frames, about {file_size(made.result_bytes)}, {duration}"
    return "\n".join([first, *(f"Problem: {problem}" for problem in made.problems)])


# -- one after the other ------------------------------------------------------------------------------------------


class Record:
    """What became of all clips so far, in the report after each one.

    Attributes:
        outcomes: of the clips, in order; those to come are waiting.
        problem: why the report could not be written the last time.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        """``write`` replaces the report."""
        self.outcomes: list[Outcome] = []
        self.problem = ""
        self._write = write

    def expect(self, requests: Sequence[JobRequest]) -> None:
        """Add clips that are to be restored."""
        self.outcomes += [Outcome(request.source, request.target, "waiting") for request in requests]

    def settle(self, outcome: Outcome) -> None:
        """Note what became of a clip."""
        self.outcomes[self.outcomes.index(Outcome(outcome.source, outcome.target, "waiting"))] = outcome
        self.save()

    def save(self) -> None:
        """Write the report; that this fails must not end the work."""
        try:
            self._write(json.dumps(self.rows(), indent=2, ensure_ascii=False))
            self.problem = ""
        except OutputError as error:
            self.problem = str(error)

    def rows(self) -> list[dict[str, Any]]:
        """All outcomes, for JSON."""
        return [outcome.to_dict() for outcome in self.outcomes]

    def summary(self) -> str:
        """How many clips ended in which state."""
        counts = {state: sum(outcome.state == state for outcome in self.outcomes) for state in OUTCOMES}
        return ", ".join(f"{count} {state}" for state, count in counts.items() if count)


def is_record(path: Path | None) -> bool:
    """Whether a file is the report of an earlier run of several clips, which the next one may replace."""
    try:
        rows = None if path is None else read_json(path)
    except (OSError, ValueError):
        return False
    keys = Outcome(Path(), None, "waiting").to_dict().keys()
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) and row.keys() == keys for row in rows)


def restore_batch(options: argparse.Namespace, run: RestoreCall) -> int:
    """``dcvsr restore`` of several clips; ``run`` restores one. Returns the exit code."""
    with report_file(options.report, settings_from(options)[1].overwrite or is_record(options.report)) as write:
        record = Record(write)
        try:
            for requests in watched_requests(options) if options.watch else iter([requests_of(options, clips_of(options))]):
                make_output_folders(options, requests)
                record.expect(requests)
                for outcome in restore_these(options, requests, run):
                    record.settle(outcome)
        finally:
            # after Ctrl-C, too: what is done is told; a wrong command line has its own sentence
            if record.outcomes:
                record.save()
                print(json.dumps(record.rows(), indent=2) if options.json else record.summary())
        if record.problem:
            raise OutputError(record.problem)
    return exit_code(record.outcomes)


def restore_these(options: argparse.Namespace, requests: Sequence[JobRequest], run: RestoreCall) -> Iterator[Outcome]:
    """Plan and restore clips; a failure of one does not stop the others."""
    waiting, left_out = without_done(options, requests)
    made = plan_all(waiting, 0.0, calibrate=True)
    for outcome in (*left_out, *made.failed):
        if outcome.state == "failed":
            say(outcome_line(outcome))
        yield outcome
    if made.plans:
        say(sum_line(made))
    for number, request in enumerate(made.plans, start=1):
        say(f"[{number}/{len(made.plans)}] {request.source}")
        try:
            outcome = restored_outcome(request, run)
        except Cancelled:
            yield Outcome(request.source, request.target, "cancelled")
            raise
        say(outcome_line(outcome))
        yield outcome


def restored_outcome(request: JobRequest, run: RestoreCall) -> Outcome:
    """Restore a clip; only a cancellation is raised."""
    try:
        return Outcome(request.source, request.target, "done", report=run(request))
    except Cancelled:
        raise
    except UserError as error:
        return failure(request, str(error))
    except Exception as error:  # of this clip: the others are restored all the same
        traceback.print_exc(file=sys.stderr) if "--debug" in sys.argv else None
        return replace(failure(request, f"failed: {type(error).__name__}: {error}"), bad_input=False)


def failure(request: JobRequest, message: str) -> Outcome:
    """A clip that cannot be restored, for a reason that the user can change."""
    return Outcome(request.source, request.target, "failed", message, bad_input=True)


def without_done(options: argparse.Namespace, requests: Sequence[JobRequest]) -> tuple[list[JobRequest], list[Outcome]]:
    """The clips to restore, and those that are left out, where that is asked for: their result is there, or something else is."""
    if not options.skip_done and not getattr(options, "watch", False):
        return list(requests), []
    left_out = {request: outcome for request in requests if (outcome := outcome_before(request))}
    return [request for request in requests if request not in left_out], list(left_out.values())


def outcome_before(request: JobRequest) -> Outcome | None:
    """The outcome for a clip whose result is there already, whole or not; ``None`` where it is to be restored."""
    from dcvsr_engine.jobs.results import flaw_of  # loads the decoder

    if request.target is None or not is_there(request.target):
        return None
    try:
        flaw = flaw_of(request.target, request.source, request.frames, request.region is not None)
    except UserError:  # the plan will say what is wrong with the clip
        return None
    if flaw is None:
        return Outcome(request.source, request.target, "skipped", "the result is there")
    return None if request.output.overwrite else failure(request, f"{flaw} Move it away, or allow --overwrite.")


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 where nothing failed, 1 for an unexpected failure, 2 where all failures were the input's."""
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    return 0 if not failed else 2 if all(outcome.bad_input for outcome in failed) else 1


def outcome_line(outcome: Outcome) -> str:
    """What became of a clip, in a line."""
    if outcome.state == "done":
        return f"done: {outcome.target}"
    return f"{outcome.state}: {outcome.source} – {outcome.message}"


def say(sentence: str) -> None:
    """Print a line beside the progress, where errors go."""
    print(printable(sentence), file=sys.stderr, flush=True)


# -- a watched folder ---------------------------------------------------------------------------------------------


def watched_requests(options: argparse.Namespace, wait: Callable[[float], None] = time.sleep) -> Iterator[list[JobRequest]]:
    """Requests for clips that come into folders, each once it has stopped growing; ends with Ctrl-C.

    Args:
        options: of the command line.
        wait: lets seconds pass between two looks.

    Raises:
        SettingsError: something else than a folder is to be watched.
    """
    odd = next((path for path in options.sources if not path.is_dir()), None)
    if odd is not None or options.output is not None:
        raise SettingsError(f"“{odd}” is no folder that could be watched; name one that exists." if odd else NO_OUTPUT)
    say(f"Watching {', '.join(f'“{path}”' for path in options.sources)}; Ctrl-C ends.")
    seen, taken, gone = dict[Path, ClipFacts](), dict[Path, ClipFacts](), False
    while True:
        here = [path for path in options.sources if path.is_dir()]
        if (len(here) < len(options.sources)) is not gone:
            gone = not gone
            say("A watched folder is gone; waiting until it is back." if gone else "The watched folder is back.")
        found = {clip: facts_of_clip(clip.path) for clip in clips_in(options, here)}
        ready = [clip for clip, facts in found.items() if facts and facts == seen.get(clip.path) != taken.get(clip.path)]
        seen = {clip.path: facts for clip, facts in found.items() if facts}
        taken |= {clip.path: seen[clip.path] for clip in ready}
        try:
            yield requests_of(options, ready) if ready else []
        except UserError as error:  # of these clips: others may come
            say(str(error))
        wait(WATCH_SECONDS)


def clips_in(options: argparse.Namespace, folders: Sequence[Path]) -> list[FoundClip]:
    """The clips that are in folders now; none where they vanish meanwhile."""
    try:
        return clips_of(argparse.Namespace(**(vars(options) | {"sources": folders})))
    except InputError:
        return []
