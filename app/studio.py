"""The running program: application object, first window, engine, and unexpected errors."""

import gc
import logging
import sys
import traceback
from collections.abc import Callable, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.controllers.run_display import TITLE
from app.engine.entry import serve_bundled_engine, use_threads
from app.engine.thread import EngineThread
from app.main_window import MainWindow
from app.system.crash_report import CrashReport
from app.system.file_open import FileOpenRequests
from app.system.folders import UserFolders
from app.system.preferences import Preferences
from app.system.single_instance import FirstInstance, hand_over, server_name
from app.system.translation import install_language
from app.widgets.appearance import apply_appearance
from dcvsr_engine.gpu import switch

log = logging.getLogger(__name__)

LOG_BYTES = 1 << 20
PLACED_MS = 250
"""After this time the desktop has placed the window, on which a dialog is centred."""

Hook = Callable[[type[BaseException], BaseException, TracebackType | None], None]


def error_hook(window: MainWindow) -> Hook:
    """Log and show an error that no code handled; the window stays open."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        details = "".join(traceback.format_exception(kind, error, trace))
        log.error("%s", details)
        if isinstance(error, Exception):
            window.session.show_unexpected(details)

    return hook


def log_handler(path: Path) -> logging.Handler:
    """Writes to a file of limited size; to the terminal, if there is one, where that cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace")
    except OSError:
        return logging.StreamHandler() if sys.stderr else logging.NullHandler()


def keep_log(handler: logging.Handler) -> None:
    """Write the program's log."""
    # which ways of keeping the computer awake there are not, at length and before every run
    logging.getLogger("wakepy").setLevel(logging.WARNING)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", handlers=[handler])


def is_first_start(preferences: Preferences, clips: Sequence[Path]) -> bool:
    """Whether to show the first steps: once, and not when clips were given."""
    return not preferences.welcomed and not clips


def run_studio(clips: Sequence[Path]) -> int:
    """Open the window, or hand the clips to the one that is open; returns the exit status."""
    # Qt would take options of its own from the rest
    app = QApplication(sys.argv[:1])
    app.setApplicationName("dcvsr-studio")
    app.setApplicationDisplayName(TITLE)
    app.setDesktopFileName("dcvsr-studio")
    # before log and queue are opened: two processes must not write to them
    if hand_over(clips, server_name()):
        return 0
    folders = UserFolders.of_this_user()
    keep_log(log_handler(folders.logs / "studio.log"))
    crash = CrashReport(folders.logs)
    crash.start()
    preferences = Preferences(folders.preferences)
    install_language(app, preferences.language)
    apply_appearance(app, preferences.appearance)
    use_threads(preferences.threads)
    engine = EngineThread(fallback=serve_bundled_engine if switch.switched_on() else None)
    window = MainWindow(engine, folders, preferences, crash)
    sys.excepthook = error_hook(window)
    first = FirstInstance(server_name(), window)
    first.files_received.connect(window.receive_files)
    if sys.platform == "darwin":  # elsewhere the paths are arguments; a filter in Python costs time at every event
        requests = FileOpenRequests(window)
        requests.received.connect(window.receive_files)
        app.installEventFilter(requests)
    window.show()
    gc.freeze()
    gc.enable()
    QTimer.singleShot(0, engine.start)  # the window is painted first
    if is_first_start(preferences, clips):
        QTimer.singleShot(PLACED_MS, window.help.show_welcome)
    if clips:
        window.add_clips([clip.absolute() for clip in clips])
    status = app.exec()
    if not engine.closed:
        window.shut_down()
    sys.excepthook = sys.__excepthook__
    crash.stop()
    return status
