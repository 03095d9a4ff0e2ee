"""A bus of the test's own, with and without a file manager on it."""

import shutil
import subprocess

import pytest
from PySide6.QtDBus import QDBusConnection, QDBusVirtualObject

from app.system.file_manager import FILE_MANAGER, FILE_MANAGER_PATH, select_file

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs a D-Bus daemon")


class FileManager(QDBusVirtualObject):
    """Answers as Nautilus and Dolphin do."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def introspect(self, path):
        return ""

    def handleMessage(self, message, connection):
        self.asked.append((message.member(), message.signature(), message.arguments()))
        return connection.send(message.createReply())


@pytest.fixture
def connect(qapp):
    """Makes connections to the bus."""
    command = ["dbus-daemon", "--session", "--nofork", "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as daemon:
        address, names = daemon.stdout.readline().strip(), []

        def connection(name):
            names.append(name)
            return QDBusConnection.connectToBus(address, name)

        yield connection
        for name in names:
            QDBusConnection.disconnectFromBus(name)
        daemon.terminate()


def test_the_file_manager_selects_the_file(connect, qtbot, tmp_path):
    server, manager, fell_back = connect("manager"), FileManager(), []
    assert server.registerVirtualObject(FILE_MANAGER_PATH, manager) and server.registerService(FILE_MANAGER)
    select_file(tmp_path / "a b.mp4", lambda: fell_back.append(True), connect("window"))
    qtbot.waitUntil(lambda: bool(manager.asked))
    assert manager.asked == [("ShowItems", "ass", [[f"file://{tmp_path}/a%20b.mp4"], ""])]
    assert not fell_back


def test_without_a_file_manager_something_else_is_done(connect, qtbot, tmp_path):
    fell_back = []
    select_file(tmp_path / "a.mp4", lambda: fell_back.append(True), connect("window"))
    qtbot.waitUntil(lambda: bool(fell_back))


def test_without_a_bus_something_else_is_done(qapp, tmp_path):
    fell_back = []
    select_file(tmp_path / "a.mp4", lambda: fell_back.append(True), QDBusConnection("there is none"))
    assert fell_back
