"""Starts the window: ``dcvsr-studio [clips …]`` or ``python -m app``.

Only light modules are imported here: the engine's process imports this file again before it does anything else.
"""

import argparse
import gc
import multiprocessing
import os
import sys
from collections.abc import Sequence
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """The program's arguments."""
    made = argparse.ArgumentParser(prog="dcvsr-studio", description="Restore and enlarge old, small or compressed videos.")
    made.add_argument("clips", nargs="*", type=Path, help="clips or folders to open")
    made.add_argument("--self-test", action="store_true", help="try every part of this copy of the program, and end")
    made.add_argument("--report", type=Path, metavar="FILE", help="write what the self-test found as JSON")
    return made


def name_files_in_utf8() -> None:
    """Begin anew in Python's UTF-8 mode where the locale encodes otherwise: Qt names files in UTF-8 all the same."""
    if sys.getfilesystemencoding() != "utf-8" and not getattr(sys, "frozen", False):
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    # in a bundle the engine's process starts here, too, and goes no further
    multiprocessing.freeze_support()
    name_files_in_utf8()
    options = parser().parse_args(arguments)
    if options.self_test:
        from app.self_test import run_self_test
        from dcvsr_engine.terminal import prepare_streams

        prepare_streams()
        return run_self_test(options.report)

    # what is made until the window stands stays until its end: looking for garbage in it takes a tenth of the start
    gc.disable()
    from app.studio import run_studio  # Qt takes a quarter of a second: not for the engine's process, nor for --help

    return run_studio(options.clips)


if __name__ == "__main__":
    sys.exit(main())
