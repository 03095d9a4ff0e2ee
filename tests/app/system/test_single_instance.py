import uuid
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalSocket

from app.system.single_instance import FirstInstance, hand_over


@pytest.fixture
def name() -> str:
    return f"dcvsr-test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def first(qtbot, name):
    first = FirstInstance(name)
    yield first
    first.close()


def test_without_a_first_window_nothing_is_handed_over(qapp, name):
    assert not hand_over([Path("a.mp4")], name)


def test_files_reach_the_first_window_with_whole_paths(first, name, qtbot, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with qtbot.waitSignal(first.files_received) as received:
        assert hand_over([Path("ä b.mp4"), tmp_path / "c.mp4"], name)
    assert received.args == [[tmp_path / "ä b.mp4", tmp_path / "c.mp4"]]


def test_a_start_without_files_only_raises_the_window(first, name, qtbot):
    with qtbot.waitSignal(first.files_received) as received:
        hand_over([], name)
    assert received.args == [[]]


@pytest.mark.parametrize("message", [b"nonsense\n", b"7\n", b"[7]\n"])
def test_other_messages_are_ignored(first, name, qtbot, message):
    with qtbot.assertNotEmitted(first.files_received):
        socket = QLocalSocket()
        socket.connectToServer(name)
        assert socket.waitForConnected(1000)
        socket.write(message)
        socket.waitForBytesWritten(1000)
        qtbot.wait(100)
        socket.abort()


def test_a_name_left_over_by_a_killed_start_is_taken_again(first, name, qtbot):
    second = FirstInstance(name)
    with qtbot.waitSignal(second.files_received):
        assert hand_over([], name)
    second.close()
