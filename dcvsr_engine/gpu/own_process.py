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

from dcvsr_engine.paths import program_folder

MODULE_OPTION = "--module"
"""Hidden first argument of the frozen ``dcvsr``: a module's name and its arguments follow."""

RUNNABLE = ("pip", "dcvsr_engine.gpu.check")
TICK = 0.1
"""Seconds between two calls of ``tell``, which may cancel."""
END_SECONDS = 5.0
NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)
"""Windows: console programs started by the window open none."""


def module_command(module: str, *arguments: str) -> list[str]:
    """The command line that runs one of `RUNNABLE`."""
    if not getattr(sys, "frozen", False):
        # -P: no module is imported from the current folder
        return [sys.executable, "-P", "-m", module, *arguments]
    program = Path(sys.executable)
    console = program.with_name("dcvsr" + program.suffix)
    return [str(console if console.exists() else program), MODULE_OPTION, module, *arguments]


def run_module_if_asked(arguments: list[str]) -> None:
    """Run a module and end the process, when ``arguments`` ask for it; otherwise do nothing."""
    if arguments[:1] == [MODULE_OPTION] and len(arguments) > 1 and arguments[1] in RUNNABLE:
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        sys.exit(0)


def run_module(module: str, arguments: list[str], tell: Callable[[str], None]) -> tuple[int, list[str]]:
    """Run one of `RUNNABLE` in a process of its own.

    Args:
        module: its name.
        arguments: its arguments.
        tell: called with every line that it prints, and with an empty one ten times a second; may raise to end the process.

    Returns:
        Exit code and printed lines.
    """
    # with -P the package has to be named where it is not installed; pip needs nothing of ours
    paths = [path for path in (str(program_folder()) if module != "pip" else "", os.environ.get("PYTHONPATH", "")) if path]
    process = subprocess.Popen(
        module_command(module, *arguments),
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
    # a thread, as reading a pipe cannot be interrupted and `tell` is to be called meanwhile
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
        reader.join(END_SECONDS)
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
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
