"""Crash reports: Python's fault handler writes them, the next start offers them. Without Qt."""

import faulthandler
import logging
from pathlib import Path
from typing import TextIO

log = logging.getLogger(__name__)


class CrashReport:
    """The fault handler's file.

    Attributes:
        last: what the last run left behind; empty when it ended well.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "crash.txt"
        self._file: TextIO | None = None
        self.last = read_if_possible(self._path)

    @property
    def kept(self) -> Path:
        """Where the last report is kept once a new run has begun."""
        return self._path.with_name("last-crash.txt")

    def start(self) -> None:
        """Write a report if this run goes down, where the folder can be written; a report of the last run is kept beside it."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self.last:
                self.kept.write_text(self.last, encoding="utf-8")
            self._file = self._path.open("w")
        except OSError as error:
            log.warning("A crash of this run will leave no report: %s", error)
            return
        # it writes to the file's descriptor, so that the file has to stay open
        faulthandler.enable(self._file)

    def stop(self) -> None:
        """The run ends well and leaves no report."""
        if self._file:
            faulthandler.disable()
            self._file.close()
            self._file = None


def read_if_possible(path: Path) -> str:
    """A file's text; empty where there is none, or it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
