"""The progress line: silent in a pipe, one line on a terminal."""

import io

import pytest

from dcvsr_engine.events import FrameDone, PhaseStarted, StepKind, StepStarted, TileFinished, Waiting, Warned
from dcvsr_engine.progress import ProgressLine, clock

STEP = StepStarted(segment=0, step=1, steps=4, kind=StepKind.SAP, sigma=3.0, gamma=0.5, grid={}, frame=0)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def shown(stream, *events):
    line = ProgressLine(stream)
    for event in events:
        line(event)
    return stream.getvalue()


def test_a_terminal_shows_phase_step_and_tile(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    text = shown(Terminal(), PhaseStarted("sample", 1, 3, 40), STEP, TileFinished(0, 0, 40, 40, 0.1)).split("\x1b[K")[-1]
    assert text.startswith("sample 2/3")
    assert "█" * 24 in text
    assert "40/40  step 2/4 SAP  00:00 left" in text


def test_lines_never_wrap(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    text = shown(Terminal(), PhaseStarted("sample", 0, 1, 40), STEP, TileFinished(0, 0, 40, 40, 0.1))
    assert all(len(part.rstrip("\r")) < 30 for part in text.split("\x1b[K"))


def test_a_pipe_gets_warnings_only():
    assert shown(io.StringIO(), PhaseStarted("decode", 0, 1, 8), FrameDone(3, 8), Waiting(True), Warned("Mind this.")) == (
        "Warning: Mind this.\n"
    )


@pytest.mark.parametrize("seconds, text", [(0, "00:00"), (59.6, "01:00"), (3599, "59:59"), (7325, "2:02:05")])
def test_clock(seconds, text):
    assert clock(seconds) == text
