"""Who is at work on a job: every process that is has a file in the job folder, which it locks and touches while it gets on.

A process that was killed has lost its lock, so that its work can be taken over at once. One that hangs, or whose machine cannot
be reached any more, does not touch its file. Torch-free.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from dcvsr_engine.control import CHECK_SECONDS

LOCK = "lock"
"""Name of the file that `JobLock` locks."""
PRESENCE = "worker-{}.lock"
"""Name of a process's file."""
BEAT_SECONDS = 5.0
"""A process touches its file this often …"""
PATIENCE_SECONDS = 900.0
"""… unless it has not got on for this long; a tile of the largest network may take minutes on a processor."""
STALE_SECONDS = 60.0
"""A file that was not touched for this long stands for nobody."""


class JobLock:
    """What processes and threads that work on one job hold in turns: whoever begins, changes or publishes it.

    Args:
        folder: the job folder; it is made when the lock is taken.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = threading.RLock()
        # the system releases the lock when its process dies, so that a crash leaves no job locked
        self._lock = FileLock(folder / LOCK, thread_local=False)

    @contextmanager
    def __call__(self, check: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the job; ``check`` is called while waiting for it, and may raise to stop. Raises `OSError`."""
        with self._threads:
            self._acquire(check)
            try:
                yield
            finally:
                self._lock.release()

    def _acquire(self, check: Callable[[], None]) -> None:
        while True:
            self._folder.mkdir(parents=True, exist_ok=True)
            acquire(self._lock, check)
            # whoever ended the job meanwhile removed its folder, and this lock with it
            if (self._folder / LOCK).exists():
                return
            self._lock.release()


def acquire(lock: FileLock, check: Callable[[], None]) -> None:
    """Wait for a lock; ``check`` is called meanwhile and may raise to stop. Raises `OSError`."""
    while True:
        check()
        with suppress(Timeout):
            lock.acquire(timeout=CHECK_SECONDS, poll_interval=CHECK_SECONDS / 4)
            return


class Presence:
    """A context manager: this process at work on the job in ``folder``, as the others see it.

    Args:
        folder: the job folder.
        idle: tells for how many seconds this process has not got on.

    Attributes:
        folder: the job folder.
        name: of this process in the job.
        lock: to be held on entering and leaving, and while the `others` are counted.
    """

    def __init__(self, folder: Path, idle: Callable[[], float] = lambda: 0.0) -> None:
        self.name = secrets.token_hex(4)
        self.lock = JobLock(folder)
        self.folder, self._idle = folder, idle
        self._mark = FileLock(folder / PRESENCE.format(self.name), thread_local=False)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="presence", daemon=True)
        self._seen: dict[str, tuple[int, float]] = {}
        """When the files of others were touched, by their clocks, and when that was seen, by ours: clocks differ."""

    def __enter__(self) -> Self:
        self._mark.acquire(timeout=0)
        Path(self._mark.lock_file).write_text(f"{socket.gethostname()} {os.getpid()}\n", encoding="utf-8")
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._mark.release()
        Path(self._mark.lock_file).unlink(missing_ok=True)

    @property
    def file(self) -> str:
        """Name of its file."""
        return Path(self._mark.lock_file).name

    def _beat(self) -> None:
        while not self._over.wait(BEAT_SECONDS):
            if self._idle() < PATIENCE_SECONDS:
                with suppress(OSError):  # the disk may come back
                    os.utime(self._mark.lock_file)

    def others(self) -> set[str]:
        """Names of the other processes that are at work; the files of dead ones go."""
        files = {path.name[len("worker-") :][:8]: path for path in self.folder.glob(PRESENCE.format("*"))}
        return {name for name, path in files.items() if name != self.name and self._is_there(name, path)}

    def _is_there(self, name: str, path: Path) -> bool:
        if not is_locked(path):
            return False
        try:
            touched = path.stat().st_mtime_ns
        except OSError:
            return False
        before, seen = self._seen.get(name, (None, 0.0))
        if touched != before:
            self._seen[name] = touched, time.monotonic()
            return True
        return time.monotonic() - seen < STALE_SECONDS


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock of a file, which goes otherwise."""
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:  # it has gone meanwhile
        return False
    lock.release()
    path.unlink(missing_ok=True)
    return False


def in_use(folder: Path) -> bool:
    """Whether any process is at work on the job in a folder."""
    return any(is_locked(path) for path in folder.glob(PRESENCE.format("*")))
