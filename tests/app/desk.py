"""A desktop of its own for the real window: an X server, a window manager, and a hand on keyboard and mouse (xdotool)."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
NEEDED = "Xvfb", "openbox", "xdotool"
SOURCE = Path(__file__).with_name("drag_source.py")
PATIENCE = 120.0
"""Seconds within which anything happens, on a busy machine, but a restoration."""

RESTORATION = 600.0
"""Seconds within which a clip is restored."""


def missing() -> str:
    """Why there can be no such desktop here, or nothing."""
    absent = [name for name in NEEDED if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else ""


def wait_for(what: str, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait until a condition gives something; raises `TimeoutError`."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.1)
    return found


class Desk:
    """One screen, and the folders of one user.

    Attributes:
        home: of the user.
        clicks: how often the mouse was pressed.
    """

    def __init__(self, display: str, home: Path) -> None:
        self.home, self.clicks = home, 0
        own = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
        qt = {"QT_QPA_PLATFORM": "xcb", "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1"}
        self._environment = os.environ | own | qt | {"DISPLAY": display, "LOGNAME": f"desk-{os.getpid()}", "HOME": str(home)}
        self._environment["PYTHONPATH"] = str(ROOT)
        # short enough for a socket; a window of the same user elsewhere would be handed this one's clips
        self._runtime = tempfile.TemporaryDirectory()
        self._environment["XDG_RUNTIME_DIR"] = self._runtime.name
        self._windows: list[subprocess.Popen[bytes]] = []
        self._sources: list[subprocess.Popen[str]] = []

    # -- the program --------------------------------------------------------------------------------------------

    def start(self, *clips: Path) -> "subprocess.Popen[bytes]":
        """Start the window."""
        with (self.home / "studio.out").open("ab") as out:
            command = [sys.executable, "-m", "app", *map(str, clips)]
            window = subprocess.Popen(command, env=self._environment, stdout=out, stderr=out, cwd=self.home)
        self._windows.append(window)
        return window

    def engine_of(self, window: "subprocess.Popen[bytes]") -> psutil.Process:
        """The engine's process, once it is there."""

        def engine() -> psutil.Process | None:
            family = psutil.Process(window.pid).children()
            return next((child for child in family if "spawn_main" in " ".join(child.cmdline())), None)

        return wait_for("the engine", engine)

    def queue(self) -> list[dict[str, Any]]:
        """The queue as the window has written it down."""
        path = self._queue_file
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []

    @property
    def _queue_file(self) -> Path:
        return self.home / "data" / "dcvsr-studio" / "queue.json"

    def queue_written(self) -> int:
        """When the window wrote its queue down, in nanoseconds."""
        return self._queue_file.stat().st_mtime_ns

    def states(self) -> list[str]:
        return [item["state"] for item in self.queue()]

    def wait_for_states(self, *states: str, seconds: float = PATIENCE) -> None:
        """Wait until the queue is in these states."""
        wait_for(f"{states}, after {self.states()}", lambda: self.states() == list(states), seconds)

    def close(self) -> None:
        """End what was started, whatever happened."""
        for source in self._sources:
            source.kill()
            source.wait()
        for window in self._windows:
            if window.poll() is None:
                family = psutil.Process(window.pid).children(recursive=True)
                window.kill()
                window.wait()
                for child in family:
                    if child.is_running():
                        child.kill()
        self._runtime.cleanup()

    # -- the hand -----------------------------------------------------------------------------------------------

    def _hand(self, *words: str) -> str:
        done = subprocess.run(["xdotool", *words], env=self._environment, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def title(self) -> str:
        """The title of the window that has the focus."""
        return self._hand("getactivewindow", "getwindowname")

    def wait_for_title(self, part: str) -> None:
        """Wait until a window with such a title has the focus."""
        wait_for(f"the window “{part}”, not “{self.title()}”", lambda: part in self.title())

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self._hand("key", "--clearmodifiers", key)
            time.sleep(0.2)

    def write(self, text: str) -> None:
        """Type a text."""
        self._hand("type", "--delay", "10", text)

    def size(self) -> tuple[int, int]:
        """Width and height of the window that has the focus."""
        facts = dict(line.split("=") for line in self._hand("getactivewindow", "getwindowgeometry", "--shell").split())
        return int(facts["WIDTH"]), int(facts["HEIGHT"])

    def click(self, x: int, y: int) -> None:
        """Click at a place in the window that has the focus; negative numbers count from its right and lower edges."""
        self.clicks += 1
        self._point_at(x, y)
        time.sleep(0.3)
        self._hand("click", "1")
        time.sleep(0.3)

    def _point_at(self, x: int, y: int) -> None:
        width, height = self.size()
        place = str(x if x >= 0 else width + x), str(y if y >= 0 else height + y)
        self._hand("getactivewindow", "mousemove", "--window", "%1", *place)

    def drop(self, x: int, y: int, *files: Path) -> str:
        """Drag files out of another program and drop them at a place, as for `click`; returns what that program is to do.

        It goes on, as it is asked for the files after they were dropped.
        """
        source = subprocess.Popen([sys.executable, SOURCE, *files], env=self._environment, stdout=subprocess.PIPE, text=True)
        self._sources.append(source)
        assert source.stdout and source.stdout.readline() == "ready\n"
        self._hand("mousemove", "20", "15", "sleep", "0.3", "mousedown", "1", "sleep", "0.2")
        self._hand("mousemove", "40", "20", "sleep", "0.3", "mousemove", "80", "60", "sleep", "0.3")
        # what is dragged over says whether it would take the files, when it is moved over once more
        for nearer in (12, 6, 0):
            self._point_at(x - nearer if x >= 0 else x, y)
            time.sleep(0.3)
        self._hand("mouseup", "1")
        return source.stdout.readline().strip()

    def look(self, path: Path) -> None:
        """Photograph the screen, where ImageMagick is there."""
        if shutil.which("import"):
            subprocess.run(["import", "-window", "root", str(path)], env=self._environment, check=False)


@contextmanager
def desk(home: Path, size: str = "1366x768") -> Iterator[Desk]:
    """A desktop for one test."""
    home.mkdir(parents=True, exist_ok=True)
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{size}x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as told:
        display = f":{told.readline().strip()}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    manager = subprocess.Popen(["openbox"], env=os.environ | {"DISPLAY": display, "HOME": str(home)}, **quiet)
    own = Desk(display, home)
    try:
        # a window that is there before its manager never gets the focus
        wait_for("the window manager", lambda: own._hand("get_num_desktops").isdigit())
        yield own
    finally:
        own.close()
        for process in (manager, server):
            process.send_signal(signal.SIGTERM)
            process.wait()
