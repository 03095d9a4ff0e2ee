import os
import sys
import tempfile
import uuid
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalSocket

from app.system import single_instance
from app.system.single_instance import FirstInstance, hand_over, server_name

posix = pytest.mark.skipif(sys.platform == "win32", reason="is about sockets of Unix")


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


@pytest.mark.parametrize("message", [b"nonsense\n", b"7\n", b"[7]\n", b"[" * 200_000 + b"\n"])
def test_other_messages_are_ignored(first, name, qtbot, message):
    with qtbot.assertNotEmitted(first.files_received):
        socket = QLocalSocket()
        socket.connectToServer(name)
        assert socket.waitForConnected(60_000)
        socket.write(message)
        socket.waitForBytesWritten(60_000)
        qtbot.wait(100)
        socket.abort()


def test_a_name_left_over_by_a_killed_start_is_taken_again(first, name, qtbot):
    second = FirstInstance(name)
    with qtbot.waitSignal(second.files_received):
        assert hand_over([], name)
    second.close()


@posix
def test_the_socket_is_where_no_other_user_can_put_one(tmp_path, monkeypatch):
    session = tmp_path / "session"
    session.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(session))
    short = Path(tempfile.mkdtemp())
    monkeypatch.setenv("XDG_CACHE_HOME", str(short))
    monkeypatch.setattr(single_instance, "LONGEST_FOLDER", len(str(session)))
    assert server_name() == str(session / "dcvsr-studio")
    for spoil in (lambda: session.chmod(0o777), lambda: monkeypatch.delenv("XDG_RUNTIME_DIR")):
        spoil()
        own = Path(server_name()).parent
        assert own == short / "dcvsr-studio" / "run" and own.stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ("long" * 30)))
    monkeypatch.setattr(single_instance.tempfile, "gettempdir", lambda: str(short))
    own = Path(server_name()).parent
    assert own == short / f"dcvsr-studio-{os.getuid()}" and own.stat().st_mode & 0o777 == 0o700


@posix
def test_a_socket_of_another_user_gets_no_file_names(first, name, qtbot, monkeypatch):
    monkeypatch.setattr(single_instance.os, "getuid", lambda: 4711)
    with qtbot.assertNotEmitted(first.files_received):
        assert not hand_over([Path("secret.mp4")], name)
        qtbot.wait(100)


@posix
def test_messages_of_another_user_are_ignored(first, name, qtbot, monkeypatch):
    with qtbot.assertNotEmitted(first.files_received):
        socket = QLocalSocket()
        socket.connectToServer(name)
        assert socket.waitForConnected(60_000)
        monkeypatch.setattr(single_instance.os, "getuid", lambda: 4711)
        socket.write(b'["/a.mp4"]\n')
        socket.waitForBytesWritten(60_000)
        qtbot.wait(100)
        socket.abort()


@posix
def test_the_window_opens_where_it_cannot_listen(qtbot, tmp_path):
    (tmp_path / "taken" / "inside").mkdir(parents=True)  # a folder, which nobody can replace by a socket
    FirstInstance(str(tmp_path / "taken")).close()
