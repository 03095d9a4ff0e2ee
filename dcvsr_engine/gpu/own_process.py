"""Runs a module of this Python, or of the frozen program, in a process of its own."""

import os
import queue
import runpy
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

OPTION = "--module"
"""Hidden first argument of the frozen ``dcvsr``: what follows is a module's name and its arguments."""

MODULES = ("pip", "dcvsr_engine.gpu.check")
TICK = 0.1
"""Seconds between looks at whether the person has cancelled."""
PATIENCE = 5.0
NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)
"""Windows: console programs started by the window open none."""
ROOT = Path(__file__).resolve().parents[2]


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs one of `MODULES` with arguments."""
    if not getattr(sys, "frozen", False):
        return [sys.executable, "-m", module, *arguments]
    program = Path(sys.executable)
    console = program.with_name("dcvsr" + program.suffix)
    return [str(console if console.exists() else program), OPTION, module, *arguments]


def run_if_asked(arguments: list[str]) -> None:
    """When ``arguments`` say so, run the module and end the process as it ends; otherwise do nothing."""
    if arguments[:1] == [OPTION] and len(arguments) > 1 and arguments[1] in MODULES:
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        sys.exit(0)


def run(module: str, arguments: list[str], tell: Callable[[str], None]) -> tuple[int, list[str]]:
    """Run one of `MODULES`; returns its exit code and the lines it wrote.

    ``tell`` gets every line, and an empty one ten times a second; when it raises, the process is ended.
    """
    paths = [path for path in (str(ROOT) if module != "pip" else "", os.environ.get("PYTHONPATH", "")) if path]
    process = subprocess.Popen(
        command(module, *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"},
        creationflags=NO_WINDOW,
        start_new_session=os.name == "posix",  # Ctrl-C in the terminal reaches this process, which ends that one
    )
    assert process.stdout is not None
    arrived: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process.stdout, arrived), daemon=True)
    reader.start()
    lines: list[str] = []
    try:
        while (line := _next(arrived)) is not None:
            lines += [line] if line else []
            tell(line)
        return process.wait(), lines
    finally:
        _end(process)
        reader.join(PATIENCE)
        process.stdout.close()


def _read(stream: IO[str], arrived: "queue.Queue[str | None]") -> None:
    for line in stream:
        arrived.put(line.strip())
    arrived.put(None)


def _next(arrived: "queue.Queue[str | None]") -> str | None:
    """The next line, an empty one when there is none yet, ``None`` at the end."""
    try:
        return arrived.get(timeout=TICK)
    except queue.Empty:
        return ""


def _end(process: "subprocess.Popen[str]") -> None:
    """Make sure that a process is gone."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
