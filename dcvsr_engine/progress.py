"""One line on a terminal that says how far a job is."""

import shutil
import sys
import time
from typing import TextIO

from dcvsr_engine.events import Event, FrameDone, PhaseStarted, StepStarted, TileFinished, Waiting, Warned

INTERVAL = 0.1
BAR = 24


class ProgressLine:
    """Shows progress events: phase, step, tile, time left. Silent where the output is no terminal, but for warnings.

    Attributes:
        stream: where it writes.
    """

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self.stream = stream
        self._terminal = stream.isatty()
        self._phase, self._step, self._began, self._drawn = "", "", time.monotonic(), 0.0

    def __call__(self, event: Event) -> None:
        """Show an event."""
        match event:
            case PhaseStarted(phase, segment, segments):
                place = f" {segment + 1}/{segments}" if segments > 1 else ""
                self._phase, self._step, self._began, self._drawn = f"{phase}{place}", "", time.monotonic(), 0.0
                self.draw(0, 0)
            case StepStarted(step=step, steps=steps, kind=kind):
                self._step = f"step {step + 1}/{steps} {kind}"
            case TileFinished(done=done, total=total):
                self.draw(done, total)
            case FrameDone(done, total):
                self.draw(done, total)
            case Waiting(True):
                self.clear()
            case Warned(message):
                self.finish(f"Warning: {message}")

    def draw(self, done: int, total: int) -> None:
        """Draw the line, at most ten times a second."""
        now = time.monotonic()
        if not self._terminal or (now - self._drawn < INTERVAL and done != total):
            return
        self._drawn = now
        text = self._phase
        if total:
            filled = BAR * done // total
            left = (now - self._began) / done * (total - done) if done else 0
            bar = "█" * filled + "░" * (BAR - filled)
            text = f"{self._phase:<10} {bar} {done}/{total}  {self._step}  {clock(left)} left"
        self.stream.write("\r\x1b[K" + text[: shutil.get_terminal_size().columns - 1])
        self.stream.flush()

    def clear(self) -> None:
        """Remove the line."""
        if self._terminal:
            self.stream.write("\r\x1b[K")
            self.stream.flush()

    def finish(self, sentence: str) -> None:
        """Leave a sentence behind."""
        self.clear()
        print(sentence, file=self.stream, flush=True)


def clock(seconds: float) -> str:
    """A duration as ``h:mm:ss`` or ``mm:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
