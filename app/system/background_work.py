"""Downloads, imports and verifications, one at a time on a thread of their own.

Own code rather than superqt's `thread_worker`: that one cannot cancel a function that reports its progress by a callback.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, QThread, Signal

from dcvsr_engine.errors import Cancelled, UserError
from dcvsr_engine.models.store import Transferred

REPORT_SECONDS = 0.1

WorkFunction = Callable[[Transferred], object]


@dataclass(frozen=True)
class Progressed:
    """Progress of the work: what is being done, ``done`` of ``total`` bytes, and bytes per second so far."""

    what: str
    done: int
    total: int
    speed: float


class BackgroundWork(QThread):
    """Runs one job.

    Attributes:
        name: the model that is worked on.
        progressed: a `Progressed`, ten times a second at most.
        succeeded: what the job returned.
        failed: the `UserError` that ended it; ``None`` when it was cancelled.
        unexpected: the text of any other error.
    """

    progressed = Signal(object)
    succeeded = Signal(object)
    failed = Signal(object)
    unexpected = Signal(str)

    def __init__(self, name: str, job: WorkFunction, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.name, self._job = name, job
        self._cancelled = False
        self._reported = self._began = 0.0
        self._first: int | None = None

    def cancel(self) -> None:
        """Stop soon; what a download has is kept."""
        self._cancelled = True

    def stop(self) -> None:
        """Stop, and wait until the thread has ended."""
        self.cancel()
        self.wait()

    def run(self) -> None:
        """Run the function and report its end."""
        self._began = time.monotonic()
        try:
            result = self._job(self._progress)
        except Cancelled:
            self.failed.emit(None)
        except UserError as error:
            self.failed.emit(error)
        except Exception as error:  # the thread must not end unnoticed
            self.unexpected.emit(f"{type(error).__name__}: {error}")
        else:
            self.succeeded.emit(result)

    def _progress(self, what: str, done: int, total: int) -> None:
        if self._cancelled:
            raise Cancelled
        now = time.monotonic()
        # a resumed download begins with what is there: that counts for no speed
        if self._first is None:
            self._first = done
        # the last report is never left out
        if now - self._reported >= REPORT_SECONDS or done == total:
            self._reported = now
            speed = (done - self._first) / max(1e-6, now - self._began)
            self.progressed.emit(Progressed(what, done, total, speed))
