"""Where the program keeps the user's files: the platform's usual folders, or beside the program. Torch-free."""

import sys
from pathlib import Path

from platformdirs import PlatformDirs

PLATFORM = PlatformDirs("dcvsr-studio", appauthor=False)
PORTABLE_MARK = "portable"
"""A file of this name beside the program keeps everything next to it."""
PORTABLE_DATA = "dcvsr-studio-data"


def program_folder() -> Path:
    """The folder that the frozen program (on macOS: its bundle) is in, or the root of the source tree."""
    if not getattr(sys, "frozen", False):
        return Path(__file__).resolve().parent.parent
    program = Path(sys.executable).resolve()
    return next((folder.parent for folder in program.parents if folder.suffix == ".app"), program.parent)


def portable_folder() -> Path | None:
    """Where everything is kept in portable mode; ``None`` in the usual mode."""
    program = program_folder()
    return program / PORTABLE_DATA if (program / PORTABLE_MARK).is_file() else None


def data_folder() -> Path:
    """Models, jobs, queue, presets, and how fast jobs ran."""
    return portable_folder() or PLATFORM.user_data_path


def models_folder() -> Path:
    """Models that the user added, and unfinished downloads."""
    return data_folder() / "models"


def jobs_folder() -> Path:
    """All job directories."""
    return data_folder() / "jobs"


def config_folder() -> Path:
    """Preferences."""
    return portable_folder() or PLATFORM.user_config_path


def cache_folder() -> Path:
    """What can be made again."""
    portable = portable_folder()
    return portable / "cache" if portable else PLATFORM.user_cache_path


def log_folder() -> Path:
    """Logs and crash reports."""
    portable = portable_folder()
    return portable / "logs" if portable else PLATFORM.user_log_path
