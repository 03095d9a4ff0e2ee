"""One window per user: a second start hands its files to the first."""

import getpass
import json
import logging
import os
import socket as unix
import stat
import struct
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from dcvsr_engine.paths import cache_folder
from dcvsr_engine.storage import parse_json

log = logging.getLogger(__name__)

TIMEOUT_MS = 2000
READ_MS = 500
MESSAGE_BYTES = 1 << 20
LONGEST_FOLDER = 80
"""Bytes of a folder's path: the address of a socket has at most 103 on some systems."""


def server_name() -> str:
    """The address at which this user's first window listens: on Unix a socket where no other user can put one."""
    if sys.platform == "win32":
        return f"dcvsr-studio-{getpass.getuser()}"
    return str(runtime_folder() / "dcvsr-studio")


def runtime_folder() -> Path:
    """A folder that belongs to this user alone: that of the session, else one of our own.

    Where another user took the last of them, each start opens a window of its own: `is_own` sees that nothing is handed over.
    """
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent")
    for own in (cache_folder() / "run", Path(tempfile.gettempdir()) / f"dcvsr-studio-{os.getuid()}"):
        if is_private(folder) and len(os.fsencode(folder)) <= LONGEST_FOLDER:
            break
        folder = own
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def is_private(folder: Path) -> bool:
    """Whether a folder belongs to this user, and nobody else may look into it."""
    try:
        facts = folder.stat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & 0o077


def is_own(socket: QLocalSocket) -> bool:
    """Whether the process at the other end runs as this user; true where the system (not Linux) does not say."""
    if not hasattr(unix, "SO_PEERCRED"):
        return True
    # a duplicate: leaving this block must not close Qt's own
    with unix.socket(fileno=os.dup(int(socket.socketDescriptor()))) as end:
        _, user, _ = struct.unpack("3i", end.getsockopt(unix.SOL_SOCKET, unix.SO_PEERCRED, struct.calcsize("3i")))
    return bool(user == os.getuid())


def hand_over(files: Sequence[Path], name: str) -> bool:
    """Give files to the first window; returns whether one is open."""
    socket = QLocalSocket()
    socket.connectToServer(name)
    if not socket.waitForConnected(TIMEOUT_MS):
        return False
    if not is_own(socket):
        log.warning("%s belongs to another user", name)
        return False
    # the line's end tells the other side that the message is whole
    socket.write(json.dumps([str(path.absolute()) for path in files]).encode() + b"\n")
    socket.waitForBytesWritten(TIMEOUT_MS)
    socket.disconnectFromServer()
    return True


class FirstInstance(QObject):
    """Listens for later starts.

    Attributes:
        files_received: the paths that a later start was given; perhaps none.
    """

    files_received = Signal(list)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        QLocalServer.removeServer(name)  # left over from a start that was killed
        if not self._server.listen(name):
            log.warning("Later starts will open windows of their own: %s", self._server.errorString())
        self._server.newConnection.connect(self._on_connection)

    def close(self) -> None:
        """Listen no more."""
        self._server.close()

    def _on_connection(self) -> None:
        """Read what a later start writes, which it does at once."""
        socket = self._server.nextPendingConnection()
        if is_own(socket) and (socket.canReadLine() or (socket.waitForReadyRead(READ_MS) and socket.canReadLine())):
            try:
                self.files_received.emit([Path(name) for name in parse_json(bytes(socket.readLine(MESSAGE_BYTES).data()))])
            except (ValueError, TypeError):
                log.warning("A message from another program was not understood")
        socket.abort()
        socket.deleteLater()
