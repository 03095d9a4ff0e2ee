"""The watch for leaks sees what a test leaves running."""

import gc

import pytest
from leaks import busy_objects
from PySide6.QtCore import QThread, QTimer
from PySide6.QtWidgets import QWidget


@pytest.mark.parametrize("kind", [QTimer, QThread])
def test_what_runs_is_found_and_what_ended_is_not(qapp, kind):
    running = kind()
    running.start()
    gc.collect()
    found = running in busy_objects()
    if kind is QTimer:
        running.stop()
    else:
        running.quit()
        running.wait()
    assert found and running not in busy_objects()


def test_a_window_is_found(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    assert window in busy_objects()
