"""Deleting what unfinished jobs have kept."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox, QWidget

from app.queue.job_queue import JobQueue, QueueItem
from app.queue.model import QueueModel
from app.queue.panel import QueuePanel
from app.queue.unfinished import UnfinishedWork
from dcvsr_engine.jobs.folders import MANIFEST, locked
from dcvsr_engine.planning.request import JobRequest


@pytest.fixture
def panel(qtbot, tmp_path):
    """A cancelled job, which has kept two megabytes, and one that waits."""
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / MANIFEST).write_text("{}")
    (folder / "segment").write_bytes(bytes(2 * 2**20))
    items = [
        QueueItem(JobRequest(source=Path("clip.mp4")), state="cancelled", folder=folder, progress=0.5),
        QueueItem(JobRequest(source=Path("other.mp4"))),
    ]
    panel = QueuePanel(QueueModel(JobQueue(items), tmp_path / "queue.json"))
    panel.drop_requested.connect(UnfinishedWork(panel._model, panel).ask)
    qtbot.addWidget(panel)
    panel.show()
    panel.view.selectAll()
    yield panel
    panel._model.save()  # its timer ends with that


def answer(panel: QWidget, text: str) -> QMessageBox:
    """Press a button of the question."""
    [box] = panel.findChildren(QMessageBox)
    next(button for button in box.buttons() if button.text().replace("&", "") == text).click()
    return box


def test_unfinished_work_is_deleted_when_wanted(panel, tmp_path):
    panel.drop_action.trigger()
    assert "clip.mp4 takes 2 MB" in answer(panel, "Delete").text()
    assert not (tmp_path / "job").exists() and not panel.drop_action.isEnabled() and not panel.resume_action.isEnabled()
    first, _ = panel._model.queue
    assert (first.state, first.folder, first.progress) == ("cancelled", None, 0)


def test_it_is_kept_when_not(panel, tmp_path):
    panel.drop_action.trigger()
    answer(panel, "Keep")
    assert (tmp_path / "job" / MANIFEST).exists() and panel.resume_action.isEnabled()


def test_a_job_that_runs_elsewhere_is_left_alone(panel, tmp_path):
    panel.drop_action.trigger()
    with locked(tmp_path / "job"):
        question = answer(panel, "Delete")
    errors = [box for box in panel.findChildren(QMessageBox) if box is not question]
    assert ["being run by another process" in box.informativeText() for box in errors] == [True]
    assert (tmp_path / "job" / MANIFEST).exists() and panel.resume_action.isEnabled()
