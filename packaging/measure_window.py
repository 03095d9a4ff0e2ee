"""Prints how fast the window is, and what it keeps: ``python packaging/measure_window.py [--real] [--only PART]``.

Cold start to painted window: the median of 5, and how much of it is computing, which does not depend on what else the machine
does. The gaps of its event loop while an engine computes: the tests' fake one, kept busy on all cores, or with ``--real`` the
real one. What memory, objects, threads and open files grow by over 30 clips that are added, looked at, previewed and removed,
after the first few, which fill caches. Needs the test dependencies.
"""

import argparse
import gc
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from screenshots import Studio

    from app.main_window import MainWindow

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "app"), str(ROOT / "packaging")]

STARTS = 5
CLIPS, FIRST_CLIPS = 30, 5
"""How many clips are opened, and after how many of them everything that is kept for good is there."""
TICK_MS = 5
SECONDS = 20.0


def environment(folder: str) -> dict[str, str]:
    """An environment of a user who has never started the program."""
    own = {f"XDG_{kind}_HOME": folder for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
    return os.environ | own | {"LOGNAME": f"measure-{os.getpid()}", "PYTHONPATH": str(ROOT)}


def start_once(began: float) -> None:
    """Start the program as a user does, print the time since ``began`` at the first painting of its window, and end it."""
    from PySide6 import QtWidgets
    from PySide6.QtCore import QEvent, QObject, QTimer

    from app.__main__ import main as start

    class Watched(QtWidgets.QApplication):
        """Sees when the window has been painted."""

        def __init__(self, arguments: list[str]) -> None:
            super().__init__(arguments)
            self.installEventFilter(self)

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint and isinstance(watched, QtWidgets.QMainWindow):
                self.removeEventFilter(self)
                QTimer.singleShot(0, self.painted)
            return False

        def painted(self) -> None:
            print(time.time() - began, time.process_time())
            self.quit()

    QtWidgets.QApplication = Watched  # type: ignore[misc, assignment]
    start([])


def cold_start() -> tuple[float, float]:
    """Seconds from starting Python to the painted window, and seconds of computing therein; medians of some starts."""
    measured = []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, "--start", str(time.time())]
            result = subprocess.run(command, env=environment(folder), check=True, capture_output=True, text=True)
            measured.append([float(word) for word in result.stdout.split()])
    print("starts:", ", ".join(f"{seconds:.2f} s" for seconds, _ in measured))
    seconds, computing = (statistics.median(column) for column in zip(*measured, strict=True))
    return seconds, computing


def gaps(real: bool) -> list[float]:
    """Seconds between ticks of a 5 ms timer of the window while a clip is being restored."""
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtWidgets import QApplication
    from screenshots import Studio, pause, wait_until

    app = QApplication([])
    ticks: list[float] = []
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= environment(folder)
        studio = Studio(Path(folder), real, busy=True)
        studio.add_clips()
        studio.window.preview.actions_by_id["preview.tiles"].setChecked(True)
        studio.window.runs.restore()
        wait_until(lambda: studio.window.progress.strip.current is not None and studio.window.progress.strip.current >= 0)
        timer.start(TICK_MS)
        pause(SECONDS)
        timer.stop()
        studio.close()
    app.processEvents()
    return [after - before for before, after in itertools.pairwise(ticks)]


def held(window: "MainWindow") -> dict[str, float]:
    """What window and engine hold now."""
    import psutil
    import shiboken6
    from PySide6.QtCore import QObject

    gc.collect()
    own, engine = psutil.Process(), psutil.Process(window.engine.process_id)
    python_objects = sum(issubclass(type(thing), QObject) and shiboken6.isValid(thing) for thing in gc.get_objects())
    return {
        "window MB": own.memory_info().rss / 2**20,
        "engine MB": engine.memory_info().rss / 2**20,
        "objects of the window": len(window.findChildren(QObject)),
        "objects in Python": python_objects,
        "threads": own.num_threads(),
        "open files": own.num_fds() if hasattr(own, "num_fds") else 0,
    }


def open_and_remove(studio: "Studio") -> None:
    """Add a clip, look at it, preview it, and remove it."""
    from screenshots import pause, wait_until

    from app.engine.runner import Activity

    window = studio.window
    studio.add_clips()
    window.preview.timeline.set_chosen(0, 3)
    window.preview.actions_by_id["preview.play"].trigger()
    pause(0.2)
    window.preview.actions_by_id["preview.stop_playing"].trigger()
    window.runs.preview_a()
    wait_until(lambda: window.runner.activity == Activity.IDLE)
    for item in list(window.queue.queue):
        window.queue.remove(item.id)
    pause(0.2)


def growth(real: bool) -> list[tuple[int, dict[str, float]]]:
    """What is held after some numbers of clips."""
    from PySide6.QtWidgets import QApplication
    from screenshots import Studio

    QApplication.instance() or QApplication([])
    found = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= environment(folder)
        studio = Studio(Path(folder), real)
        preferences = studio.window.preferences
        preferences.restore = preferences.restore.replace(steps=1, guidance="none", guidance_scale=1.0)
        for clip in range(1, CLIPS + 1):
            open_and_remove(studio)
            if clip in (FIRST_CLIPS, CLIPS // 2, CLIPS):
                found.append((clip, held(studio.window)))
        studio.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", action="store_true", help="with the real engine and the built-in model")
    parser.add_argument("--only", choices=("start", "gaps", "growth"), help="measure this alone")
    parser.add_argument("--start", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if options.start:
        start_once(options.start)
        return
    parts = [options.only] if options.only else ["start", "gaps", "growth"]
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if "start" in parts:
        seconds, computing = cold_start()
        print(
            f"cold start to painted window: {seconds:.2f} s, {computing:.2f} s of it computing (median of {STARTS}; goal 1.0 s)"
        )
    if "gaps" in parts:
        measured = sorted(1000 * gap for gap in gaps(options.real))
        p95 = measured[int(0.95 * len(measured))]
        print(f"event-loop gap over {SECONDS:.0f} s of computing: p95 {p95:.1f} ms (goal 33 ms), max {measured[-1]:.1f} ms")
    if "growth" in parts:
        for clips, amounts in growth(options.real):
            print(f"after {clips} clips:", ", ".join(f"{name} {amount:.0f}" for name, amount in amounts.items()))


if __name__ == "__main__":
    main()
