"""Deleting what unfinished jobs have kept."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox, QWidget

from app.queue.job_queue import JobQueue, QueueItem
from app.queue.model import QueueModel
from app.queue.panel import QueuePanel
from app.queue.unfinished import UnfinishedWork
from dcvsr_engine.jobs.folders import MANIFEST
from dcvsr_engine.jobs.presence import Presence
from dcvsr_engine.planning.request import JobRequest


@pytest.fixture
def queue(tmp_path):
    """A cancelled job, which has kept two megabytes, and one that waits."""
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / MANIFEST).write_text("{}")
    (folder / "unit-00000.video").write_bytes(bytes(2 * 2**20))
    items = [
        QueueItem(JobRequest(source=Path("clip.mp4")), state="cancelled", folder=folder, progress=0.5),
        QueueItem(JobRequest(source=Path("other.mp4"))),
    ]
    queue = QueueModel(JobQueue(items), tmp_path / "queue.json")
    yield queue
    queue.save()  # its timer ends with that


@pytest.fixture
def panel(qtbot, queue):
    """The queue's panel; the question about all its items is open."""
    panel = QueuePanel(queue)
    qtbot.addWidget(panel)
    panel.show()
    panel.view.selectAll()
    UnfinishedWork(queue, panel).ask(panel.selected_ids())
    return panel


def answer(panel: QWidget, text: str) -> QMessageBox:
    """Press a button of the question."""
    [box] = panel.findChildren(QMessageBox)
    next(button for button in box.buttons() if button.text().replace("&", "") == text).click()
    return box


def test_unfinished_work_is_deleted_when_wanted(panel, queue, tmp_path):
    assert "clip.mp4 takes 2 MB" in answer(panel, "Delete").text()
    assert not (tmp_path / "job").exists()
    first, _ = panel.selected_items()
    assert (first.state, first.folder, first.progress, first.can_resume) == ("cancelled", None, 0, False)


def test_it_is_kept_when_not(panel, tmp_path):
    answer(panel, "Keep")
    assert (tmp_path / "job" / MANIFEST).exists() and panel.selected_items()[0].can_resume


def test_a_job_that_runs_elsewhere_is_left_alone(panel, tmp_path):
    with Presence(tmp_path / "job"):
        question = answer(panel, "Delete")
    errors = [box for box in panel.findChildren(QMessageBox) if box is not question]
    assert ["being run by another process" in box.informativeText() for box in errors] == [True]
    assert (tmp_path / "job" / MANIFEST).exists() and panel.selected_items()[0].can_resume
