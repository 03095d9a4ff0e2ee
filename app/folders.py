"""Where the program keeps its own files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from platformdirs import PlatformDirs


@dataclass(frozen=True)
class Folders:
    """Folders of one person: ``config`` for preferences, ``data`` for queue and presets, ``logs`` for crash reports."""

    config: Path
    data: Path
    logs: Path

    @classmethod
    def of_this_person(cls) -> Self:
        """The platform's usual places, made if missing."""
        places = PlatformDirs("dcvsr-studio", appauthor=False)
        return cls(places.user_config_path, places.user_data_path, places.user_log_path)

    @property
    def preferences(self) -> Path:
        """The preferences' file."""
        return self.config / "studio.ini"

    @property
    def queue(self) -> Path:
        """The queue's file."""
        return self.data / "queue.json"

    @property
    def presets(self) -> Path:
        """The folder of the person's own presets."""
        return self.data / "presets"
