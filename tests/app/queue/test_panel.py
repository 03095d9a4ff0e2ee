"""The queue panel: what a row says where there is little room, and which rows are selected."""

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QFont, QFontMetrics, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.queue.job_queue import JobQueue, QueueItem
from app.queue.model import QueueModel
from app.queue.panel import QueuePanel, fitting
from dcvsr_engine.planning.request import JobRequest

FACTS = ["waiting", "1920×1080", "00:03"]


@pytest.mark.parametrize(("shown", "text"), [(3, "waiting · 1920×1080 · 00:03"), (2, "waiting · 1920×1080"), (1, "waiting")])
def test_facts_are_left_out_rather_than_cut(qapp, shown, text):
    metrics = QFontMetrics(QFont())
    assert fitting(metrics, FACTS, metrics.horizontalAdvance(" · ".join(FACTS[:shown]))) == text


def test_the_state_alone_may_be_cut(qapp):
    assert fitting(QFontMetrics(QFont()), FACTS, 30).endswith("…")


def test_a_failed_item_says_why(qapp, tmp_path):
    message = "“/clips/a.mp4” is damaged or incomplete, or no video."
    item = QueueItem(JobRequest(source=tmp_path / "a.mp4"), state="failed", message=message)
    model = QueueModel(JobQueue([item]), tmp_path / "queue.json")
    assert model.reason(item) == "is damaged or incomplete, or no video."


def test_an_item_is_selected_also_while_the_key_of_a_shortcut_is_held(qtbot, tmp_path):
    item = QueueItem(JobRequest(source=tmp_path / "a.mp4"))
    panel = QueuePanel(QueueModel(JobQueue([item]), tmp_path / "queue.json"))
    qtbot.addWidget(panel)
    panel.show()
    panel.select(item.id)
    QTest.keyPress(panel.windowHandle(), Qt.Key.Key_Control, Qt.KeyboardModifier.ControlModifier)
    panel.select(item.id)  # as when its run begins
    QTest.keyRelease(panel.windowHandle(), Qt.Key.Key_Control, Qt.KeyboardModifier.NoModifier)
    assert panel.selected_ids() == [item.id]


def test_the_list_shows_that_files_may_be_dropped_on_it(qtbot, tmp_path):
    panel = QueuePanel(QueueModel(JobQueue(), tmp_path / "queue.json"))
    qtbot.addWidget(panel)
    panel.show()
    data, where = QMimeData(), panel.view.viewport()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.mp4"))])

    def edge() -> QColor:
        return where.grab().toImage().pixelColor(0, 30)

    calm, buttons = edge(), (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(where, QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, *buttons))
    assert edge() == panel.palette().color(QPalette.ColorRole.Highlight)
    QApplication.sendEvent(where, QDragLeaveEvent())
    assert edge() == calm
    QApplication.sendEvent(where, QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, *buttons))
    QApplication.sendEvent(where, QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, *buttons))
    assert edge() == calm
