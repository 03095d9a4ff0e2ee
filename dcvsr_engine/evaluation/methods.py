"""What is compared: bicubic enlargement and models through the real restoration, each from a low-resolution clip to pictures."""

import json
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from dcvsr_engine.control import Control
from dcvsr_engine.errors import SettingsError
from dcvsr_engine.evaluation.clips import SCALE
from dcvsr_engine.evaluation.pictures import Pictures, read, to_pictures, to_tensor, write
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.installed import find
from dcvsr_engine.network.resample import upscale
from dcvsr_engine.restore.request import JobRequest
from dcvsr_engine.settings import OutputSettings, RestoreSettings


class Method(Protocol):
    """A column of the tables. ``name`` is its heading; `identity` changes when its results would."""

    @property
    def name(self) -> str:
        """The heading."""

    def identity(self) -> dict[str, Any]:
        """Plain values that say what exactly ran; a finished cell is taken over only when they are the same."""

    def restore(self, low: Path, target: Path, control: Control) -> None:
        """Restore the clip ``low`` into the folder ``target``, a PNG per frame, `SCALE` times as wide and high."""


def enlarged(low: Path) -> Pictures:
    """The clip ``low`` enlarged by bicubic interpolation."""
    return to_pictures(upscale(to_tensor(read(low)), SCALE))


@dataclass(frozen=True)
class Bicubic:
    """Bicubic enlargement: what every other method must beat."""

    name: str = "bicubic"

    def identity(self) -> dict[str, Any]:
        """Nothing varies."""
        return {}

    def restore(self, low: Path, target: Path, control: Control) -> None:
        """Enlarge every frame."""
        control.check()
        write(enlarged(low), target)


@dataclass(frozen=True)
class Restoration:
    """A model through the same pipeline as ``dcvsr restore``."""

    name: str
    settings: RestoreSettings

    @cached_property
    def declaration(self) -> Declaration:
        """The model's declaration; raises `ModelError`."""
        return Declaration.from_folder(find(self.settings.model))

    @cached_property
    def weights(self) -> dict[str, str]:
        """The hash of every weight file."""
        from dcvsr_engine.network.hashes import sha256

        folder = find(self.settings.model)
        return {str(path.relative_to(folder)): sha256(path) for path in sorted(folder.rglob("*.safetensors"))}

    def identity(self) -> dict[str, Any]:
        """Settings and weights."""
        return {"settings": self.declaration.resolve(self.settings).to_dict(), "weights": self.weights}

    def restore(self, low: Path, target: Path, control: Control) -> None:
        """Run a restoration job, or continue the one that the same settings and weights left unfinished."""
        from dcvsr_engine.restore.job import run_job

        mark = zlib.crc32(json.dumps(self.identity(), sort_keys=True).encode())
        request = JobRequest(low, target, self.settings, OutputSettings(codec="png", overwrite=True))
        run_job(request, control, target.with_name(f".{target.name}-{mark:08x}.job"))


def restoration(text: str, settings: RestoreSettings) -> Restoration:
    """The method named by ``--models``, on top of ``settings``: ``MODEL`` or ``MODEL:name=value,…``. Raises `SettingsError`."""
    model, colon, changes = text.rpartition(":")
    if not colon or "=" not in changes:
        return Restoration(Path(text).name, settings.replace(model=text, scale=SCALE))
    values = dict(change_of(change) for change in changes.split(",")) | {"model": model, "scale": SCALE}
    return Restoration(f"{Path(model).name} {changes.replace(',', ' ')}", settings.replace(**values))


def change_of(text: str) -> tuple[str, Any]:
    """``setting=value`` as name and value; what is not JSON is text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise SettingsError(f"“{text}” is no setting: write setting=value.")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value
