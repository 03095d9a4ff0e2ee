"""How this computer comes into a farm and out of it, and what the farm does: by commands of the engine, as the window has no Ray.

One process, “dcvsr farm start” or “join”, is this computer's part of the farm and ends with the window, whose end of its input it
sees; another, “dcvsr farm status”, asks every few seconds while somebody looks.
"""

import importlib.util
import json
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import psutil
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from app.farm.status import FarmRow, FarmStatus
from dcvsr_engine.errors import SettingsError, UserError
from dcvsr_engine.farm.address import LOOPBACK, TOKEN_VARIABLE, farm_folder, full_address, token
from dcvsr_engine.paths import program_folder

ASK_EVERY_MS = 5000
LEAVE_SECONDS = 30.0
"""How long this computer's part of a farm may take to end; longer than it waits for Ray, which it would leave behind."""
PREFIX = "dcvsr: "
"""What the command line begins the sentence with that says what is wrong."""

LinkState = Literal["out", "entering", "in", "leaving"]


def farm_command(*words: str) -> list[str]:
    """The command line of an action of “dcvsr farm”."""
    # -P: no module is imported from the current folder
    return [sys.executable, "-P", "-m", "dcvsr_engine", "farm", *words]


def has_ray() -> bool:
    """Whether Ray is installed; without importing it."""
    return importlib.util.find_spec("ray") is not None


def own_addresses() -> list[str]:
    """IPv4 addresses of this computer that others may reach it at."""
    found = (entry for entries in psutil.net_if_addrs().values() for entry in entries if entry.family == socket.AF_INET)
    return sorted({entry.address for entry in found if not entry.address.startswith("127.")})


def is_this_computer(host: str) -> bool:
    """Whether an address, without its port, is one of this computer."""
    return host in ("localhost", socket.gethostname()) or host.startswith("127.") or host in own_addresses()


def kept_token() -> str:
    """The token that lets computers into the farm, where one is kept."""
    return token() if (farm_folder() / "token").is_file() else ""


class FarmCommand(QProcess):
    """A command of the engine that runs.

    Attributes:
        ended: the sentence that says what went wrong; empty when nothing did.
    """

    ended = Signal(str)

    def __init__(self, command: list[str], token: str, parent: QObject) -> None:
        super().__init__(parent)
        surroundings = QProcessEnvironment.systemEnvironment()
        if token:
            surroundings.insert(TOKEN_VARIABLE, token)
        surroundings.insert("PYTHONPATH", str(program_folder()))
        surroundings.insert("PYTHONUTF8", "1")
        self.setProcessEnvironment(surroundings)
        self.setProgram(command[0])
        self.setArguments(command[1:])
        self.finished.connect(self._on_finished)
        self.errorOccurred.connect(self._on_error)

    def _on_finished(self, code: int) -> None:
        lines = bytes(self.readAllStandardError().data()).decode(errors="replace").strip().splitlines()
        said = next((line.removeprefix(PREFIX) for line in reversed(lines) if line.startswith(PREFIX)), "")
        self.ended.emit("" if code == 0 else said or self.tr("The farm ended unexpectedly (exit code {code}).").format(code=code))

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:  # any other is an end as well
            self.ended.emit(self.errorString())


@dataclass(frozen=True)
class FarmView:
    """What is known of the farm.

    Attributes:
        state: whether this computer is in it.
        address: of the farm that it is in, or enters.
        problem: why it is not, or why the farm does not answer, in a sentence.
        rows: the farm's devices.
    """

    state: LinkState = "out"
    address: str = ""
    problem: str = ""
    rows: tuple[FarmRow, ...] = ()


class FarmLink(QObject):
    """Keeps this computer's part of a farm.

    Attributes:
        changed: something else is known of the farm.
        view: what is known of it.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None, command: Callable[..., list[str]] = farm_command) -> None:
        super().__init__(parent)
        self._command = command
        self.view = FarmView()
        self._token = ""
        self._node: FarmCommand | None = None
        self._asking: FarmCommand | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(ASK_EVERY_MS)
        self._timer.timeout.connect(self.ask)

    @property
    def takes_part(self) -> bool:
        """Whether this window has brought this computer into a farm."""
        return self._node is not None

    # -- in and out ---------------------------------------------------------------------------------------------

    def start(self, listen: str = LOOPBACK) -> None:
        """Begin a farm on this computer, which others reach at the address ``listen``."""
        self._token = ""
        self._enter("", ["start", "--listen", listen])

    def connect_to(self, address: str, given: str, works: bool = True) -> None:
        """Come into the farm at an address.

        Args:
            address: where it was begun, with or without a port.
            given: its token, which is kept when the farm takes it; empty for the one that is kept.
            works: whether devices of this computer take part.
        """
        try:
            place = full_address(address)
        except SettingsError as error:
            self._show(FarmView(problem=str(error)))
            return
        self._token = given
        if is_this_computer(place.rpartition(":")[0]):
            # it was begun here by the command line
            self._show(FarmView("entering", place))
            self.ask()
        else:
            self._enter(place, ["join", place, *([] if works else ["--devices", "0"])])

    def _enter(self, address: str, words: list[str]) -> None:
        self._node = self._begin(*words, "--json", "--attached")
        self._node.readyReadStandardOutput.connect(self._on_entered)
        self._node.ended.connect(self._on_node_ended)
        self._show(FarmView("entering", address))
        self._node.start()

    def _on_entered(self) -> None:
        """Be in the farm: the process has said where it is."""
        if self._node and self._node.canReadLine() and self.view.state == "entering":
            self._show(FarmView("in", str(json.loads(bytes(self._node.readLine().data()))["address"])))
            self.ask()

    def leave(self) -> None:
        """Take this computer out of the farm."""
        self._end_asking()
        if self._node is None:
            self._show(FarmView())
        else:
            self._show(FarmView("leaving", self.view.address))
            self._node.closeWriteChannel()

    def stop(self) -> None:
        """Take it out, and wait for that."""
        self._timer.stop()
        self._end_asking()
        if (node := self._node) is not None:
            node.closeWriteChannel()
            if not node.waitForFinished(round(1000 * LEAVE_SECONDS)):
                node.kill()
                node.waitForFinished()

    def _on_node_ended(self, problem: str) -> None:
        if self._node is not None:
            self._node.deleteLater()
        self._node = None
        self._end_asking()
        self._show(FarmView(problem="" if self.view.state == "leaving" else problem))

    # -- what the farm does -------------------------------------------------------------------------------------

    def look(self, looks: bool) -> None:
        """Ask every few seconds while somebody ``looks``."""
        if looks:
            self._timer.start()
            self.ask()
        else:
            self._timer.stop()

    def ask(self) -> None:
        """Ask what the farm does, unless it is being asked."""
        if self._asking is None and self.view.address and self.view.state != "leaving":
            self._asking = self._begin("status", self.view.address, "--json")
            self._asking.ended.connect(self._on_answer)
            self._asking.start()

    def _on_answer(self, problem: str) -> None:
        process, self._asking = self._asking, None
        assert process is not None
        process.deleteLater()
        try:
            if problem:
                raise UserError(problem)
            rows = FarmStatus.from_json(bytes(process.readAllStandardOutput().data()).decode()).workers
        except UserError as error:
            # a farm that was there may come back, and its jobs are kept
            was_there = self.view.state == "in" or self._node is not None
            self._show(replace(self.view if was_there else FarmView(), problem=str(error), rows=()))
        else:
            self._show(FarmView("in", self.view.address, rows=rows))

    def _end_asking(self) -> None:
        process, self._asking = self._asking, None
        if process is not None:
            process.blockSignals(True)
            process.kill()
            process.waitForFinished()
            process.deleteLater()

    def _begin(self, *words: str) -> FarmCommand:
        """Make a command ready to start."""
        return FarmCommand(self._command(*words), self._token, self)

    def _show(self, view: FarmView) -> None:
        self.view = view
        self.changed.emit()
