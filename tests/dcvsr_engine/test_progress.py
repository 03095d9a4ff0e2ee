"""Progress bars: silent in a pipe, one line on a terminal."""

import io
import os
import struct
import sys

import pytest

from dcvsr_engine.events import FrameDone, PhaseStarted, StepKind, StepStarted, TileFinished, Waiting, Warned
from dcvsr_engine.progress import BytesProgress, JobProgress

STEP = StepStarted(segment=0, step=1, steps=4, kind=StepKind.SAP, sigma=3.0, gamma=0.5, grid={}, frame=0)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


def shown(stream, *events):
    progress = JobProgress(stream)
    for event in events:
        progress(event)
    return stream.getvalue()


def last_line(text):
    return text.rstrip("\r").split("\r")[-1]


def test_a_terminal_shows_phase_step_tile_and_time_left():
    text = last_line(shown(Terminal(), PhaseStarted("sample", 1, 3, 40), STEP, TileFinished(0, 0, 40, 40, 0.1)))
    assert text.startswith("sample 2/3")
    assert "█" * 24 in text
    assert "40/40, step 2/4 SAP, 00:00 left" in text


def test_a_phase_whose_end_is_not_known_yet_gets_its_bar_later():
    assert last_line(shown(Terminal(), PhaseStarted("load", 0, 1, 0))) == "load …"
    assert "8/8" in last_line(shown(Terminal(), PhaseStarted("decode", 0, 1, 0), FrameDone(8, 8)))


def test_a_warning_stays_and_the_bar_is_drawn_again():
    frames = PhaseStarted("decode", 0, 1, 8), FrameDone(3, 8), Warned("Mind this."), FrameDone(8, 8)
    lines = shown(Terminal(), *frames).split("\n")
    assert last_line(lines[0]) == "Warning: Mind this."
    assert "8/8" in last_line(lines[1])


@pytest.mark.skipif(sys.platform == "win32", reason="has no such terminals")
def test_lines_never_wrap():
    import fcntl
    import pty
    import termios

    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 30, 0, 0))
    with os.fdopen(writer, "w", encoding="utf-8") as terminal:
        progress = JobProgress(terminal)
        for event in (PhaseStarted("sample", 0, 1, 40), STEP, TileFinished(0, 0, 40, 40, 0.1)):
            progress(event)
        drawn = os.read(reader, 4096).decode()
        progress.close()
    os.close(reader)
    assert "sample" in drawn
    assert all(len(part) <= 30 for part in drawn.split("\r"))


def test_a_pipe_gets_warnings_only():
    assert shown(io.StringIO(), PhaseStarted("decode", 0, 1, 8), FrameDone(3, 8), Waiting(True), Warned("Mind this.")) == (
        "Warning: Mind this.\n"
    )


def test_bytes_are_shown_with_their_file_and_vanish():
    stream = Terminal()
    progress = BytesProgress(stream)
    progress("unet/config.json", 2**20, 3 * 2**20)
    progress("unet/weights.safetensors", 3 * 2**20, 3 * 2**20)
    assert "3.00M/3.00M, unet/weights.safetensors" in last_line(stream.getvalue())
    progress.close()
    assert last_line(stream.getvalue()).strip() == ""
    silent = io.StringIO()
    BytesProgress(silent)("a", 1, 2)
    assert silent.getvalue() == ""
