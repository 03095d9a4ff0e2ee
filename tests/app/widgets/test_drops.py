"""A drop is a copy, whatever its source offers: "move" would have the source delete its files."""

import os

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from app.widgets.drops import accept_copy, local_paths

OFFERED = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction | Qt.DropAction.LinkAction


def mime(*urls: str) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl(url) for url in urls])
    return data


def test_only_local_files_are_paths(tmp_path):
    assert local_paths(mime(f"file://{tmp_path}", "https://example.invalid/a.mp4")) == [tmp_path]


def test_a_move_is_answered_as_a_copy(qapp):
    keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
    data = mime("file:///clip.mp4")  # which the event does not keep
    event = QDropEvent(QPointF(), OFFERED, data, *keys)
    event.setDropAction(Qt.DropAction.MoveAction)
    accept_copy(event)
    assert event.isAccepted() and event.dropAction() == Qt.DropAction.CopyAction


@pytest.mark.parametrize("name", ["window", "preview", "models"])
def test_no_part_of_the_window_moves_files(open_window, clip, tmp_path, name):
    (tmp_path / "clip.mp4").write_bytes(clip.read_bytes())
    window = open_window(start=False)
    widget = {"window": window, "preview": window.preview, "models": window.models.open()}[name]
    data = mime(f"file://{tmp_path / 'clip.mp4'}")
    keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
    entered = QDragEnterEvent(QPoint(5, 5), OFFERED, data, *keys)
    QApplication.sendEvent(widget, entered)
    dropped = QDropEvent(QPointF(5, 5), OFFERED, data, *keys)
    QApplication.sendEvent(widget, dropped)
    assert (entered.dropAction(), dropped.dropAction()) == (Qt.DropAction.CopyAction, Qt.DropAction.CopyAction)
    window.models.stop()


@pytest.mark.parametrize("name", ["window", "preview", "queue"])
def test_addresses_of_the_web_are_not_taken(open_window, name):
    window = open_window(start=False)
    widget = {"window": window, "preview": window.preview, "queue": window.queue_panel.view.viewport()}[name]
    data = mime("https://example.invalid/a.mp4")
    entered = QDragEnterEvent(QPoint(5, 5), OFFERED, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    entered.ignore()
    QApplication.sendEvent(widget, entered)
    assert not entered.isAccepted()


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_names_that_are_not_utf_8_are_kept():
    data = QMimeData()
    data.setData("text/uri-list", b"file:///clips/caf%E9%20%25.mp4\r\nfile:///clips/caf%C3%A9%20%25.mp4\r\n")
    assert [os.fsencode(path) for path in local_paths(data)] == [b"/clips/caf\xe9 %.mp4", "/clips/café %.mp4".encode()]
