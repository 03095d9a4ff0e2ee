"""Kills a job with SIGKILL at many points, resumes it, and compares every frame: ``python tests/kills.py``.

Points are progress events of every phase, steps on the file system (seen by an audit hook, on whatever thread), and
moments in between. Prints a line per point; the exit code is 1 when any frame differs or anything is left behind.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jobs
import torch

from dcvsr_engine.control import Control
from dcvsr_engine.events import Event, PhaseStarted, StepStarted
from dcvsr_engine.jobs.folders import discard_job, job_folder
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.paths import jobs_folder
from dcvsr_engine.planning.request import JobRequest

FILE_STEPS = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate"}
FAILED = 70


class Moments:
    """Counts what happens in a process, and kills it at one of the moments.

    Attributes:
        labels: of all moments so far.
    """

    def __init__(self, deadly: int = -1) -> None:
        self.labels: list[str] = []
        self._deadly, self._place, self._counting = deadly, "start", threading.Lock()
        sys.addaudithook(self.audit)

    def emit(self, event: Event) -> None:
        """A progress event."""
        if isinstance(event, PhaseStarted):
            self._place = f"{event.phase} {event.segment}"
        elif isinstance(event, StepStarted):
            self._place = f"step {event.step} ({event.kind}) of segment {event.segment}"
        self.count(f"{self._place}: {type(event).__name__}")

    def audit(self, name: str, arguments: tuple[Any, ...]) -> None:
        """An audit event."""
        if name in FILE_STEPS and isinstance(arguments[0], str | os.PathLike):
            path = Path(arguments[0])
            writes = name != "open" or (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR))
            if writes and os.environ["XDG_DATA_HOME"] in str(path.parent.parent) + str(path):
                self.count(f"file: {name} {path.name[:30]}")

    def count(self, label: str) -> None:
        """One more moment."""
        with self._counting:
            self.labels.append(label)
            if len(self.labels) - 1 == self._deadly:
                os.kill(os.getpid(), signal.SIGKILL)


def forked(work: Callable[[], None], seconds: float | None = None) -> int:
    """Do ``work`` in a process of its own, killed after ``seconds``; returns its exit code, negative for a signal."""
    process = os.fork()
    if process == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(FAILED)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def reference(request: JobRequest, folder: Path) -> tuple[list[str], float]:
    """Restore without interruption; returns the labels of all moments and how long it took."""
    note = folder / "moments.json"

    def work() -> None:
        moments, began = Moments(), time.monotonic()
        run_job(request, Control(moments.emit))
        note.write_text(json.dumps([moments.labels, time.monotonic() - began]))

    assert forked(work) == 0
    labels, seconds = json.loads(note.read_text())
    return labels, seconds


def chosen(labels: list[str], count: int) -> list[int]:
    """``count`` moments that differ in what happens there, the rest spread evenly."""
    firsts = sorted({label: index for index, label in reversed(list(enumerate(labels)))}.values())
    picked = firsts[:: max(1, len(firsts) // count)][:count]
    evenly = [len(labels) * place // count for place in range(count)]
    return sorted([*picked, *[index for index in evenly if index not in picked][: count - len(picked)]])


def survives(request: JobRequest, kill: Callable[[], int], expected: Any) -> tuple[str, bool]:
    """Kill a job, resume it, and look at what came out."""
    assert request.target is not None
    died = kill()
    if died not in (0, -signal.SIGKILL):
        return f"ended with code {died} instead of being killed", False

    # also when it was killed once all was done: the same command gets the same answer
    if forked(lambda: run_job(request) and None) != 0:
        return "could not be resumed", False
    if jobs.fingerprint(request.target) != expected:
        return "gave other frames", False
    left = [path.name for path in request.target.parent.iterdir() if ".partial-" in path.name]
    left += [path.name for path in jobs_folder().glob("*/job.json")]
    request.target.unlink()
    return (f"left {left}", False) if left else ("same frames" if died else "was done before", True)


def with_earlier(request: JobRequest, earlier: Path, kill: Callable[[], int]) -> Callable[[], int]:
    """Kills a job whose target holds an ``earlier`` result, of other frames."""

    def killed() -> int:
        assert request.target is not None
        shutil.copy(earlier, request.target)
        return kill()

    return killed


def while_publishing(labels: list[str]) -> list[int]:
    """All moments from the beginning of the publication on."""
    begin = next(place for place, label in enumerate(labels) if label.startswith("publish"))
    return list(range(begin, len(labels)))


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=24, help="kills at moments; a third as many at random times come on top")
    parser.add_argument("--codec", default="ffv1")
    parser.add_argument("--publish", type=int, default=6, help="kills while an earlier result is being replaced")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_DATA_HOME"] = str(folder)
        clip, model = jobs.short_clip(folder / "clip.mkv"), jobs.write_model(folder / "tiny")
        request = jobs.request(clip, folder / "out.mkv", model, codec=options.codec)
        labels, seconds = reference(request, folder)
        expected = jobs.fingerprint(folder / "out.mkv")
        (folder / "out.mkv").unlink()
        clock = random.Random(0)
        kills = [(f"at {labels[n]} ({n} of {len(labels)})", at_moment(request, n)) for n in chosen(labels, options.points)]
        times = [clock.uniform(0, seconds) for _ in range(options.points // 3)]
        kills += [(f"after {after:.2f} s", at_time(request, after)) for after in times]
        again = request.replace(output=request.output.replace(overwrite=True))
        earlier = again.replace(target=folder / "earlier.mkv", settings=again.settings.replace(seed=1))
        assert forked(lambda: run_job(earlier) and None) == 0 and earlier.target is not None
        moments = while_publishing(reference(again, folder)[0])
        (folder / "out.mkv").unlink()
        discard_job(job_folder(again))  # its record would answer for the job
        runs = [(request, label, kill) for label, kill in kills]
        for place in moments[:: max(1, len(moments) // max(1, options.publish))][: options.publish]:
            kill = with_earlier(again, earlier.target, at_moment(again, place))
            runs.append((again, f"over an earlier result (from {moments[0]}: {place})", kill))
        good = 0
        for asked, label, kill in runs:
            outcome, survived = survives(asked, kill, expected)
            discard_job(job_folder(asked))
            good += survived
            print(f"{'ok ' if survived else 'BAD'} {outcome:<16} killed {label}", flush=True)
        print(f"{good} of {len(runs)} killed jobs resumed to the same frames")
    return 0 if good == len(runs) else 1


def at_moment(request: JobRequest, moment: int) -> Callable[[], int]:
    """Runs a job up to a moment."""
    return lambda: forked(lambda: run_job(request, Control(Moments(moment).emit)) and None)


def at_time(request: JobRequest, seconds: float) -> Callable[[], int]:
    """Runs a job for some time."""
    return lambda: forked(lambda: run_job(request) and None, seconds)


if __name__ == "__main__":
    sys.exit(main())
