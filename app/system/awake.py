"""Keeps the computer from falling asleep while there is work.

`wakepy` knows the ways of Windows, macOS, GNOME, KDE and Xfce; on other Linux desktops systemd's own inhibitor is asked.
"""

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from PySide6.QtCore import QObject, QThread, Signal

REASON = "A video is being restored"
INHIBITOR = (
    "systemd-inhibit", "--what=idle:sleep", "--mode=block", "--who=DC-VSR Studio", f"--why={REASON}", "--no-ask-password", "cat",
)  # fmt: skip
"""Holds the lock for as long as ``cat`` has an input, which ends with this process whatever happens to it."""
REFUSAL_SECONDS = 1.0
"""A refused inhibitor ends at once; one that is still there after this time was granted."""


@contextmanager
def awake() -> Iterator[bool]:
    """Keep the system from sleeping by itself; yields whether it agreed."""
    from wakepy import keep  # a fifth of a second: not at the window's start

    with keep.running(on_fail="pass") as mode:
        if mode.active:
            yield True
        else:
            with inhibited() as held:
                yield held


@contextmanager
def inhibited(command: tuple[str, ...] = INHIBITOR) -> Iterator[bool]:
    """Ask systemd for an inhibitor; yields whether it was granted."""
    if shutil.which(command[0]) is None:
        yield False
        return
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            process.wait(REFUSAL_SECONDS)
        except subprocess.TimeoutExpired:
            yield True
        else:
            yield False
        process.communicate()  # closes its input, with which it ends


class AwakeThread(QThread):
    """Holds the computer awake until it is told to end; the ways of doing so wait for other programs.

    Attributes:
        answered: whether the system agreed.
    """

    answered = Signal(bool)

    def __init__(self, way: Callable[[], AbstractContextManager[bool]], parent: QObject) -> None:
        super().__init__(parent)
        self._way, self._ended = way, threading.Event()

    def run(self) -> None:
        """Enter, wait, leave: all on one thread, as Windows wants it."""
        with self._way() as held:
            self.answered.emit(held)
            self._ended.wait()

    def end(self) -> None:
        """Let the computer sleep again."""
        self._ended.set()
        self.wait()


class KeepAwake(QObject):
    """Keeps the computer awake while it is asked to.

    Attributes:
        changed: whether the computer stays awake: ``None`` when nobody asked, or no answer has come.
        held: the same, now.
    """

    changed = Signal(object)

    def __init__(self, parent: QObject, way: Callable[[], AbstractContextManager[bool]] = awake) -> None:
        super().__init__(parent)
        self._way = way
        self._thread: AwakeThread | None = None
        self.held: bool | None = None

    def hold(self, wanted: bool) -> None:
        """Keep the computer awake from now on, or no longer."""
        if wanted and self._thread is None:
            self._thread = AwakeThread(self._way, self)
            self._thread.answered.connect(self._note)
            self._thread.start()
        elif not wanted and self._thread is not None:
            self._thread.end()
            self._thread.deleteLater()
            self._thread = None
            self._note(None)

    def _note(self, held: bool | None) -> None:
        # a late answer of a thread that has ended
        if held is None or self._thread is not None:
            self.held = held
            self.changed.emit(held)
