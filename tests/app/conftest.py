"""What the window's tests share: a watch for leaks, folders of their own, a clip made on the fly, and the fake engine."""

import functools
import gc
import multiprocessing
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from app.engine.thread import EngineThread
from app.farm.link import FarmLink
from app.main_window import MainWindow
from app.system.awake import KeepAwake
from app.system.crash_report import CrashReport
from app.system.folders import UserFolders
from app.system.preferences import Preferences

sys.path.append(str(Path(__file__).parent))  # the fake engine is imported by the process that it runs in, too

from clip_files import write_clip
from fake_engine import fake_engine, let_go
from fake_farm import FakeFarm
from leaks import busy_objects

PATIENCE_MS = 60_000
"""The longest that something may take to come, on a machine that is busy with other things, too."""


class PatientBot(QtBot):
    """Waits longer than pytest-qt does by itself."""

    def waitUntil(self, callback: Callable[[], object], *, timeout: int = PATIENCE_MS) -> None:
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal: object, *, timeout: int = PATIENCE_MS, **more: object) -> object:
        return super().waitSignal(signal, timeout=timeout, **more)


@pytest.fixture
def qtbot(qapp: object, request: pytest.FixtureRequest) -> QtBot:
    """As pytest-qt's."""
    return PatientBot(request)


@pytest.fixture(scope="module", autouse=True)
def nothing_but_the_tests_objects() -> None:
    """Leave out of `no_leaks` what was there before a module's tests: torch alone brings a million objects to search."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_leaks() -> Iterator[None]:
    """Fail a test that leaves a thread, timer, window or process behind."""
    before = busy_objects()
    yield
    gc.collect()
    left = busy_objects() - before
    assert not left, f"left behind: {left}"
    assert not multiprocessing.active_children()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 8 frames, 64×48."""
    return write_clip(tmp_path_factory.mktemp("clips") / "stripes.mp4")


@pytest.fixture
def start_engine(qapp: object, tmp_path: Path) -> Iterator[Callable[..., EngineThread]]:
    """Start a fake engine with the given `Script` values; ended after the test."""
    engines: list[EngineThread] = []

    def start(**behaviour: object) -> EngineThread:
        engine = EngineThread(fake_engine(tmp_path / "jobs", **behaviour))
        engines.append(engine)
        engine.start()
        return engine

    yield start
    for engine in engines:
        if not engine.closed:
            engine.shut_down()


@pytest.fixture
def go_on(tmp_path: Path) -> Callable[[], None]:
    """Let the jobs of fake engines that stand still go on to their end."""
    return lambda: let_go(tmp_path / "jobs")


@pytest.fixture
def folders(tmp_path: Path) -> UserFolders:
    """Folders of a user who has never started the program."""
    return UserFolders(tmp_path / "config", tmp_path / "data", tmp_path / "logs")


@pytest.fixture
def open_window(qtbot: object, folders: UserFolders, tmp_path: Path) -> Iterator[Callable[..., MainWindow]]:
    """Open the window with a fake engine, which runs only if ``engine`` values are given; closed after the test."""
    windows: list[MainWindow] = []

    def open_(start: bool = True, **behaviour: object) -> MainWindow:
        engine = EngineThread(fake_engine(tmp_path / "jobs", **behaviour))
        window = MainWindow(engine, folders, Preferences(folders.preferences), CrashReport(folders.logs))
        windows.append(window)
        window.show()
        if start:
            engine.start()
        return window

    yield open_
    for window in windows:
        if not window.engine.closed:
            window.session.quit_now()
        window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(autouse=True)
def may_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """The computer that runs the tests is not kept awake."""
    monkeypatch.setattr("app.main_window.KeepAwake", functools.partial(KeepAwake, way=lambda: nullcontext(True)))


@pytest.fixture
def own_clip(clip: Path, tmp_path: Path) -> Path:
    """The clip in a folder of its own."""
    (tmp_path / "clip.mp4").write_bytes(clip.read_bytes())
    return tmp_path / "clip.mp4"


@pytest.fixture
def soon(qtbot: QtBot) -> Callable[[Callable[[], object]], None]:
    """Wait until something is so."""
    return qtbot.waitUntil


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeFarm:
    """A farm that is only a folder, with a data folder for its token."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setattr("app.farm.dialog.has_ray", lambda: True)
    (tmp_path / "farm").mkdir()
    farm = FakeFarm(tmp_path / "farm")
    monkeypatch.setattr("app.controllers.devices.FarmLink", functools.partial(FarmLink, command=farm.command))
    return farm
