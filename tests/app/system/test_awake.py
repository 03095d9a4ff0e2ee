"""Staying awake, with programs of the test's own in place of the system's."""

import shutil
import sys
from contextlib import contextmanager

import pytest
from PySide6.QtCore import QObject

from app.system.awake import KeepAwake, inhibited


@pytest.fixture
def owner(qapp):
    parent = QObject()
    yield parent
    parent.deleteLater()


def test_the_computer_is_kept_awake_until_it_is_let_go(owner, qtbot):
    steps = []

    @contextmanager
    def way():
        steps.append("held")
        yield True
        steps.append("let go")

    keep = KeepAwake(owner, way)
    with qtbot.waitSignal(keep.changed):
        keep.hold(True)
        keep.hold(True)
    assert keep.held is True and steps == ["held"]
    keep.hold(False)
    assert keep.held is None and steps == ["held", "let go"]


def test_it_is_known_when_the_system_does_not_agree(owner, qtbot):
    @contextmanager
    def way():
        yield False

    keep = KeepAwake(owner, way)
    with qtbot.waitSignal(keep.changed):
        keep.hold(True)
    assert keep.held is False
    keep.hold(False)


@pytest.mark.skipif(sys.platform == "win32", reason="has no cat")
def test_an_inhibitor_that_goes_on_was_granted_and_ends_with_its_input(monkeypatch):
    monkeypatch.setattr("app.system.awake.REFUSAL_SECONDS", 0.1)
    with inhibited((shutil.which("cat"),)) as held:
        assert held


def test_an_inhibitor_that_ends_at_once_was_refused(monkeypatch):
    monkeypatch.setattr("app.system.awake.REFUSAL_SECONDS", 60.0)
    with inhibited((sys.executable, "-c", "raise SystemExit(1)")) as held:
        assert not held


def test_without_an_inhibitor_nothing_is_promised():
    with inhibited(("no-such-program",)) as held:
        assert not held
