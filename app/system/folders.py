"""Where the program keeps its own files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dcvsr_engine.paths import config_folder, data_folder, log_folder


@dataclass(frozen=True)
class UserFolders:
    """Folders of one user: ``config`` for preferences, ``data`` for queue and presets, ``logs`` for crash reports."""

    config: Path
    data: Path
    logs: Path

    @classmethod
    def of_this_user(cls) -> Self:
        """The platform's usual places, or those beside a portable program."""
        return cls(config_folder(), data_folder(), log_folder())

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
        """The folder of the user's own presets."""
        return self.data / "presets"
