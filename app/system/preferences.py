"""What the program remembers of the user's choices, in an INI file."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote_from_bytes, unquote_to_bytes

from PySide6.QtCore import QByteArray, QSettings

from app.system.power import AFTERWARDS, Afterward
from app.system.result_rule import ResultRule
from app.widgets.appearance import APPEARANCES, Appearance
from dcvsr_engine.errors import SettingsError
from dcvsr_engine.jobs.naming import DEFAULT_PATTERN, checked_pattern
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import OutputSettings, RestoreSettings, Settings

MOST_RECENT = 10
S = TypeVar("S", bound=Settings)


class Preferences:
    """Preferences in an INI file; a value that is missing or damaged has its default."""

    def __init__(self, path: Path) -> None:
        self._store = QSettings(str(path), QSettings.Format.IniFormat)

    def save(self) -> None:
        """Write to disk now rather than soon."""
        self._store.sync()

    def _text(self, key: str) -> str:
        return str(self._store.value(key, ""))

    def _flag(self, key: str, default: str = "yes") -> bool:
        return (self._text(key) or default) == "yes"

    def _lines(self, key: str) -> list[str]:
        # lines of one text: QSettings gives a list of one entry back as a text
        return [line for line in self._text(key).splitlines() if line]

    def _paths(self, key: str) -> list[Path]:
        return [Path(os.fsdecode(unquote_to_bytes(line))) for line in self._lines(key)]

    def _keep_paths(self, key: str, paths: Iterable[Path]) -> None:
        # quoted: a name may have ends of lines, and need not be UTF-8
        self._store.setValue(key, "\n".join(quote_from_bytes(os.fsencode(path), safe="/ ") for path in paths))

    def _bytes(self, key: str) -> QByteArray:
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()

    def _settings(self, key: str, kind: type[S]) -> S:
        try:
            return kind.from_json(self._text(key) or "{}")
        except SettingsError:
            return kind()

    @property
    def appearance(self) -> Appearance:
        """Light, dark or like the system."""
        return next((known for known in APPEARANCES if known == self._text("appearance")), "system")

    @appearance.setter
    def appearance(self, value: Appearance) -> None:
        self._store.setValue("appearance", value)

    @property
    def language(self) -> str:
        """Language code such as ``zh_CN``; empty for the system's."""
        return self._text("language")

    @language.setter
    def language(self, value: str) -> None:
        self._store.setValue("language", value)

    @property
    def recent(self) -> list[Path]:
        """Clips that were opened, the latest first."""
        return self._paths("recent")

    def add_recent(self, path: Path) -> None:
        """Put a clip first among the recent ones."""
        paths = [path, *(known for known in self.recent if known != path)]
        self._keep_paths("recent", paths[:MOST_RECENT])

    def forget_recent(self) -> None:
        """Empty the list of recent clips."""
        self._store.remove("recent")

    @property
    def model_folders(self) -> list[Path]:
        """Checkpoint folders outside of the models folder."""
        return self._paths("model_folders")

    def add_model_folder(self, folder: Path) -> None:
        """Remember a checkpoint folder."""
        self._keep_paths("model_folders", [*(known for known in self.model_folders if known != folder), folder])

    def forget_model_folder(self, folder: Path) -> None:
        """Take a checkpoint folder off the list."""
        self._keep_paths("model_folders", (known for known in self.model_folders if known != folder))

    @property
    def restore(self) -> RestoreSettings:
        """Settings that the next clip starts with."""
        return self._settings("restore", RestoreSettings)

    @restore.setter
    def restore(self, value: RestoreSettings) -> None:
        self._store.setValue("restore", json.dumps(value.to_dict()))

    def begin_with(self, model: str | None) -> None:
        """Have the next clip start with the user's default model, if one is set."""
        if model is not None:
            self.restore = self.restore.replace(model=model)

    @property
    def output(self) -> OutputSettings:
        """Output settings that the next clip starts with."""
        return self._settings("output", OutputSettings)

    @output.setter
    def output(self, value: OutputSettings) -> None:
        self._store.setValue("output", json.dumps(value.to_dict()))

    def request_for(self, clip: Path) -> JobRequest:
        """A job for a clip, with the settings that the next clip starts with."""
        return JobRequest(source=clip, settings=self.restore, output=self.output)

    @property
    def plan_first(self) -> bool:
        """Whether the plan is shown before every run."""
        # shown unless the user has said no
        return self._text("plan_first") != "no"

    @plan_first.setter
    def plan_first(self, value: bool) -> None:
        self._store.setValue("plan_first", "yes" if value else "no")

    @property
    def result_rule(self) -> ResultRule:
        """Where results go and what they are called."""
        folder, pattern = self._text("results_folder"), self._text("results_name") or DEFAULT_PATTERN
        try:
            checked_pattern(pattern)
        except SettingsError:
            pattern = DEFAULT_PATTERN
        return ResultRule(Path(folder) if folder else None, pattern, self._flag("results_keep_folders"))

    @result_rule.setter
    def result_rule(self, rule: ResultRule) -> None:
        self._store.setValue("results_folder", str(rule.folder or ""))
        self._store.setValue("results_name", rule.pattern)
        self._store.setValue("results_keep_folders", "yes" if rule.keep_folders else "no")

    @property
    def recursive(self) -> bool:
        """Whether folders inside opened folders are searched for clips, too."""
        return self._flag("recursive", "no")

    @recursive.setter
    def recursive(self, value: bool) -> None:
        self._store.setValue("recursive", "yes" if value else "no")

    @property
    def skip_done(self) -> bool:
        """Whether clips of an opened folder are passed over that have a result."""
        return self._flag("skip_done")

    @skip_done.setter
    def skip_done(self, value: bool) -> None:
        self._store.setValue("skip_done", "yes" if value else "no")

    @property
    def afterward(self) -> Afterward:
        """What follows the end of the queue."""
        return next((known for known in AFTERWARDS if known == self._text("afterward")), "nothing")

    @afterward.setter
    def afterward(self, value: Afterward) -> None:
        self._store.setValue("afterward", value)

    @property
    def after_command(self) -> str:
        """The command that is run after the queue, for a shell."""
        return self._text("after_command")

    @after_command.setter
    def after_command(self, value: str) -> None:
        self._store.setValue("after_command", value)

    @property
    def threads(self) -> int:
        """Threads that the engine computes with on the processor; 0 leaves it to PyTorch."""
        text = self._text("threads")
        return int(text) if text.isdecimal() else 0

    @threads.setter
    def threads(self, value: int) -> None:
        self._store.setValue("threads", str(value))

    @property
    def volume(self) -> int:
        """How loud clips are played, 0 … 100."""
        text = self._text("volume")
        return min(int(text), 100) if text.isdecimal() else 100

    @property
    def muted(self) -> bool:
        """Whether clips are played without their sound."""
        return self._flag("muted", "no")

    def set_sound(self, volume: int, muted: bool) -> None:
        """Remember how loud clips are played, and whether they are heard."""
        self._store.setValue("volume", str(volume))
        self._store.setValue("muted", "yes" if muted else "no")

    @property
    def welcomed(self) -> bool:
        """Whether the first steps were shown."""
        return self._text("welcomed") == "yes"

    @welcomed.setter
    def welcomed(self, value: bool) -> None:
        self._store.setValue("welcomed", "yes" if value else "no")

    @property
    def open_groups(self) -> list[str]:
        """Names of the settings panel's groups that are unfolded."""
        return self._lines("open_groups")

    @open_groups.setter
    def open_groups(self, names: list[str]) -> None:
        self._store.setValue("open_groups", "\n".join(names))

    @property
    def geometry(self) -> QByteArray:
        """Place and size of the window, as Qt writes them."""
        return self._bytes("geometry")

    @geometry.setter
    def geometry(self, value: QByteArray) -> None:
        self._store.setValue("geometry", value)

    @property
    def layout(self) -> QByteArray:
        """Places of the panels, as Qt writes them."""
        return self._bytes("layout")

    @layout.setter
    def layout(self, value: QByteArray) -> None:
        self._store.setValue("layout", value)
