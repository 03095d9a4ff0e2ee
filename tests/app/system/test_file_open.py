"""Files handed over by the desktop."""

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QFileOpenEvent

from app.system.file_open import FileOpenRequests


@pytest.fixture
def requests(qapp):
    requests = FileOpenRequests()
    qapp.installEventFilter(requests)
    yield requests
    qapp.removeEventFilter(requests)


def test_a_file_opened_with_the_program_is_received(requests, qtbot, tmp_path):
    with qtbot.waitSignal(requests.received) as received:
        assert QCoreApplication.sendEvent(QCoreApplication.instance(), QFileOpenEvent(str(tmp_path / "clip.mov")))
    assert received.args == [[tmp_path / "clip.mov"]]


def test_other_events_go_their_way(requests, qtbot):
    with qtbot.assertNotEmitted(requests.received):
        assert not requests.eventFilter(requests, QEvent(QEvent.Type.User))
        assert not requests.eventFilter(requests, QFileOpenEvent(""))
