"""A farm of two nodes on this computer for tests: a head and a second node, jobs on them, and ways to end them."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from dcvsr_engine.farm.address import farm_job_folder, token
from dcvsr_engine.jobs.manifest import Unit, read_manifest
from dcvsr_engine.planning.request import JobRequest

SECONDS = 400.0
HEAD, SECOND = "127.0.0.2", "127.0.0.3"
"""Two loopback addresses: two computers, as far as Ray can tell."""


@contextmanager
def office_in(folder: Path, port: int, workers: dict[str, int] | None = None, hidden: Path | None = None) -> Iterator["Office"]:
    """An `Office` whose nodes, and what is run inside, have their home in a folder; it is ended afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder / "home"))
        patch.setenv("OMP_NUM_THREADS", "1")
        office = Office(folder, port, workers, hidden)
        try:
            yield office
        finally:
            office.end()


class Office:
    """A head and a second node, what is begun on them, and what they say.

    Attributes:
        address: of the farm.
        workers: on each node.
        hidden: a folder that the second node does not see; it has a home of its own then.
    """

    def __init__(self, folder: Path, port: int, workers: dict[str, int] | None = None, hidden: Path | None = None) -> None:
        self.log, self.home, self.hidden = folder / "log.txt", folder / "other", hidden
        self.address, self.port = f"{HEAD}:{port}", port
        self.workers = workers or {"head": 1, "second": 1}
        self.nodes: dict[str, subprocess.Popen[bytes]] = {}

    def dcvsr(self, *words: str, blind: bool = False) -> subprocess.Popen[bytes]:
        """Start a command."""
        command, own = [sys.executable, "-m", "dcvsr_engine", *words], dict(os.environ)
        if blind:
            # a disk of its own in the place of the folder, for this process and those that it starts
            script = f"mount -t tmpfs tmpfs {shlex.quote(str(self.hidden))} && exec {shlex.join(command)}"
            command, own["XDG_DATA_HOME"] = ["unshare", "-rm", "sh", "-c", script], str(self.home)
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env=own, start_new_session=True)

    def start(self, *names: str) -> None:
        """Start those nodes that do not run, the head first."""
        for name in names:
            if name in self.nodes and self.nodes[name].poll() is None:
                continue
            listen = ["--listen", HEAD if name == "head" else SECOND, "--devices", str(self.workers[name])]
            words = ["start", "--port", str(self.port)] if name == "head" else ["join", self.address, "--token", token()]
            before = self.said().count("in the farm at")
            blind = name == "second" and self.hidden is not None
            self.nodes[name] = self.dcvsr("farm", *words, *listen, blind=blind)
            wait_until(lambda before=before: self.said().count("in the farm at") > before)

    def said(self) -> str:
        """All that was said."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    def restore(self, request: JobRequest) -> subprocess.Popen[bytes]:
        """Start a job."""
        return self.dcvsr("restore", *words_of(request), "--farm", self.address)

    def done(self, driver: subprocess.Popen[bytes]) -> int:
        """Wait for a command; returns its exit code."""
        return driver.wait(SECONDS)

    def end(self) -> None:
        """End both nodes."""
        for process in reversed(self.nodes.values()):
            process.send_signal(signal.SIGTERM)
        for process in self.nodes.values():
            process.wait(60)

    def units(self, request: JobRequest, state: str) -> list[Unit]:
        """Units in a state; none where there is no job."""
        known = read_manifest(farm_job_folder(request, self.address))
        return [] if known is None else [unit for unit in known.units if unit.state == state]

    def reach_point(self, request: JobRequest, finished: int) -> None:
        """Wait until so many units are finished, and somebody is at another one."""

        def reached() -> object:
            return len(self.units(request, "finished")) >= finished and self.units(request, "begun")

        wait_until(lambda: reached() or request.target.exists())
        assert not request.target.exists(), self.said()


def words_of(request: JobRequest) -> list[str]:
    """A request on the command line."""
    settings = {"model": request.settings.model, "segment-frames": "14", "overlap": "0", "device": "cpu", "precision": "fp32"}
    settings |= {"order": "bricks", "codec": "ffv1"}
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    return [str(request.source), "-o", str(request.target), *options]


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL a process and all that it has started, as a machine that loses its power."""
    family = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
    for pid in family:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def worker_of(node: subprocess.Popen[bytes]) -> int:
    """The process of a node's worker."""
    children = psutil.Process(node.pid).children(recursive=True)
    return next(child.pid for child in children if "FarmWorker" in " ".join(child.cmdline()))


def wait_until(holds: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait for something that comes."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
