"""Crash reports: Python's fault handler writes them, the next start offers them. Without Qt."""

import faulthandler
from pathlib import Path
from typing import TextIO


class CrashReport:
    """The fault handler's file.

    Attributes:
        last: what the last run left behind; empty when it ended well.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "crash.txt"
        self._file: TextIO | None = None
        self.last = self._path.read_text(errors="replace") if self._path.exists() else ""

    @property
    def kept(self) -> Path:
        """Where the last report is kept once a new run has begun."""
        return self._path.with_name("last-crash.txt")

    def start(self) -> None:
        """Write a report if this run goes down; a report of the last run is kept beside it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self.last:
            self.kept.write_text(self.last)
        self._file = self._path.open("w")
        faulthandler.enable(self._file)

    def stop(self) -> None:
        """The run ends well and leaves no report."""
        if self._file:
            faulthandler.disable()
            self._file.close()
            self._file = None
