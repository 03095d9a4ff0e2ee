"""Progress on a terminal, drawn by tqdm: phases, steps and tiles of a job; bytes of a download or an import."""

from typing import Any, TextIO

from dcvsr_engine.events import Event, FrameDone, PhaseStarted, StepStarted, TileFinished, Waiting, Warned
from dcvsr_engine.terminal import printable

COUNTED = "{desc:<10} {bar:24} {n_fmt}/{total_fmt}{postfix}, {remaining} left"
UNCOUNTED = "{desc} …"


class TerminalBar:
    """One bar at a time; draws nothing where the stream is not a terminal.

    Args:
        stream: where to draw.
        options: for tqdm, for example its units.
    """

    def __init__(self, stream: TextIO, **options: Any) -> None:
        self._stream, self._options = stream, options
        self._terminal = stream.isatty()
        self._bar: Any = None

    def begin(self, text: str, total: int, postfix: str = "", done: int = 0) -> None:
        """Start a bar in place of the last one; ``total`` is 0 where it is not known yet, ``done`` what takes no more time."""
        self.close()
        if self._terminal:
            self._bar = terminal_bar(self._stream, desc=text, total=total, postfix=postfix, initial=done, **self._options)

    def advance(self, done: int, total: int, postfix: str) -> None:
        """Draw how much is done, at most ten times a second; a new total starts the bar anew."""
        if self._bar is None:
            return
        if self._bar.total != total:
            self.begin(self._bar.desc, total)
        # drawn by `update`, which keeps tqdm's pace
        self._bar.set_postfix_str(postfix, refresh=False)
        self._bar.update(done - self._bar.n)
        if done == total:
            self._bar.refresh()  # the end is drawn, however soon it comes

    def hide(self) -> None:
        """Remove the bar from the terminal until it advances."""
        if self._bar is not None:
            self._bar.clear()

    def close(self) -> None:
        """End the bar, and remove it from the terminal."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def terminal_bar(stream: TextIO, total: int, **options: Any) -> Any:
    """A bar of tqdm that goes when it is closed and never wraps."""
    from tqdm.std import tqdm  # slow to import, and most commands and all pipes do without

    tqdm.monitor_interval = 0  # no thread that redraws: finished tiles come often enough
    form = COUNTED if total else UNCOUNTED
    return tqdm(total=total, file=stream, bar_format=form, leave=False, dynamic_ncols=True, miniters=1, **options)


class JobProgress:
    """Shows the events of a job: phase, step, tile, time left. Prints only warnings where the stream is not a terminal.

    Attributes:
        stream: where it writes.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._bar = TerminalBar(stream)
        self._step = ""

    def __call__(self, event: Event) -> None:
        """Show an event."""
        match event:
            case PhaseStarted(phase, segment, segments, total, done):
                self._step = ""
                self._bar.begin(f"{phase} {segment + 1}/{segments}" if segments > 1 else phase, total, done=done)
            case StepStarted(step=step, steps=steps, kind=kind):
                self._step = f"step {step + 1}/{steps} {kind}"
            case TileFinished(done=done, total=total) | FrameDone(done, total):
                self._bar.advance(done, total, self._step)
            case Waiting(True):
                self._bar.hide()
            case Warned(message):
                self.say(f"Warning: {message}")

    def say(self, sentence: str) -> None:
        """Print a sentence in place of the bar, which is drawn again below it when it advances."""
        self._bar.hide()
        print(printable(sentence), file=self.stream, flush=True)

    def close(self) -> None:
        """End, and remove the bar."""
        self._bar.close()


class BytesProgress:
    """Shows how many bytes of a download, an import or a verification are done. Silent where the stream is not a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._bar = TerminalBar(stream, unit="B", unit_scale=True, unit_divisor=1024)
        self._total = 0

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show ``done`` of ``total`` bytes, and ``what`` they belong to."""
        if total != self._total:
            self._total = total
            self._bar.begin("", total)
        self._bar.advance(done, total, what)

    def close(self) -> None:
        """End, and remove the bar."""
        self._bar.close()
