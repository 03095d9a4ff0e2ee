"""One window per user: a second start hands its files to the first."""

import getpass
import json
import logging
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

log = logging.getLogger(__name__)

TIMEOUT_MS = 2000
READ_MS = 500
MESSAGE_BYTES = 1 << 20


def server_name() -> str:
    """The name under which this user's first window listens."""
    return f"dcvsr-studio-{getpass.getuser()}"


def hand_over(files: Sequence[Path], name: str) -> bool:
    """Give files to the first window; returns whether one is open."""
    socket = QLocalSocket()
    socket.connectToServer(name)
    if not socket.waitForConnected(TIMEOUT_MS):
        return False
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
        self._server.listen(name)
        self._server.newConnection.connect(self._on_connection)

    def close(self) -> None:
        """Listen no more."""
        self._server.close()

    def _on_connection(self) -> None:
        """Read what a later start writes, which it does at once."""
        socket = self._server.nextPendingConnection()
        if socket.canReadLine() or (socket.waitForReadyRead(READ_MS) and socket.canReadLine()):
            try:
                self.files_received.emit([Path(name) for name in json.loads(bytes(socket.readLine(MESSAGE_BYTES).data()))])
            except (ValueError, TypeError):
                log.warning("A message from another program was not understood")
        socket.abort()
        socket.deleteLater()
