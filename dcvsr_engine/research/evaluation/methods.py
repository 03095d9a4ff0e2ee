"""The methods compared: bicubic enlargement, and models through the real restoration, from a low-resolution clip to pictures."""

import glob
import json
import re
import time
import zlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dcvsr_engine import __version__
from dcvsr_engine.control import Control
from dcvsr_engine.errors import SettingsError
from dcvsr_engine.models.registry import declaration_of, model_folder
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.resample import upscale
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.research.evaluation.clips import EVALUATION_SCALE
from dcvsr_engine.research.pictures import Pictures, read_pictures, save_pictures, to_pictures, to_tensor
from dcvsr_engine.settings import Device, OutputSettings, Precision, ResolvedSettings, RestoreSettings
from dcvsr_engine.storage import discard

if TYPE_CHECKING:
    from dcvsr_engine.network.checkpoint import Model


class Method(Protocol):
    """A column of the tables. ``name`` is its heading; `identity` changes when its results would."""

    @property
    def name(self) -> str:
        """Heading of the column."""

    def identity(self) -> dict[str, Any]:
        """Return plain values that identify what ran; finished scores are reused only while these are the same."""

    @property
    def details(self) -> str:
        """Description of the column for readers of the report."""

    def restore(self, low: Path, target: Path, control: Control) -> float | None:
        """Restore a clip into pictures `EVALUATION_SCALE` times as wide and high.

        Args:
            low: the low-resolution clip.
            target: folder for a PNG per frame.
            control: raises `Cancelled` when the user cancels.

        Returns:
            Seconds from the clip to the pictures, without loading the model: processor time where the processor computes,
            which other programs do not change; ``None`` where an interrupted restoration was resumed.
        """


def enlarge_bicubic(low: Path) -> Pictures:
    """Enlarge the clip ``low`` by bicubic interpolation, `EVALUATION_SCALE` times."""
    return to_pictures(upscale(to_tensor(read_pictures(low)), EVALUATION_SCALE))


@dataclass(frozen=True)
class Bicubic:
    """Bicubic enlargement: the baseline that every other method must beat."""

    name: str = "bicubic"
    details: str = "bicubic enlargement, frame by frame"

    def identity(self) -> dict[str, Any]:
        """Return nothing, because nothing varies."""
        return {}

    def restore(self, low: Path, target: Path, control: Control) -> float:
        """Enlarge every frame."""
        control.check()
        before = time.process_time()
        save_pictures(enlarge_bicubic(low), target)
        return time.process_time() - before


@dataclass(frozen=True)
class Restoration:
    """A model through the same pipeline as ``dcvsr restore``."""

    name: str
    settings: RestoreSettings

    @cached_property
    def declaration(self) -> Declaration:
        """Conventions of the model; raises `ModelError`."""
        return declaration_of(self.settings.model)

    @property
    def resolved(self) -> ResolvedSettings:
        """Settings with the model's defaults in place."""
        return self.declaration.resolve(self.settings).replace(scale=EVALUATION_SCALE)

    @property
    def details(self) -> str:
        """Name of the model, and every setting that the model or the user chose."""
        defaults, chosen = RestoreSettings().to_dict(), self.resolved.to_dict()
        values = [
            f"{name}={json.dumps(chosen[name])}" for name, value in defaults.items() if name != "model" and value != chosen[name]
        ]
        return f"{self.settings.model}: {', '.join(values)}"

    def identity(self) -> dict[str, Any]:
        """Return settings, hashes of the model's files and the engine's version."""
        from dcvsr_engine.jobs.identity import model_hashes

        settings = self.resolved.to_dict() | {"model": self.declaration.name}
        files = model_hashes(model_folder(self.settings.model), self.declaration)
        return {"settings": settings, "files": files, "engine": __version__}

    def with_other_seed(self) -> "Restoration":
        """Return the same model with another seed."""
        return Restoration(self.name, self.settings.replace(seed=self.resolved.seed ^ 1))

    def restore(self, low: Path, target: Path, control: Control) -> float | None:
        """Run a restoration job, or resume the unfinished one of the same settings and weights."""
        from dcvsr_engine.jobs.job import run_job

        # the folder's name follows the identity: other settings or weights never resume this job
        mark = zlib.crc32(json.dumps(self.identity(), sort_keys=True).encode())
        folder = target.with_name(f".{target.name}-{mark:08x}.job")
        for outdated in target.parent.glob(f".{glob.escape(target.name)}-*.job"):
            if outdated != folder:
                discard(outdated)
        request = JobRequest(
            source=low, target=target, settings=self.settings, output=OutputSettings(codec="png", overwrite=True)
        )
        model = loaded(self.settings.model, self.settings.device, self.settings.precision)
        clock = time.process_time if model.device == "cpu" else time.perf_counter
        before = clock()
        report = run_job(request, control, folder, lambda settings: model)
        # the time before the interruption is unknown
        return None if report["resumed"] else clock() - before


@lru_cache(maxsize=1)
def loaded(model: str, device: Device, precision: Precision) -> "Model":
    """Load a model and keep it in memory while columns use it one after the other."""
    from dcvsr_engine.models.loading import load_model

    return load_model(model, device, precision)


def restoration(text: str, settings: RestoreSettings) -> Restoration:
    """Parse a word of ``--models``.

    Args:
        text: ``[HEADING=]MODEL[:setting=value,…]``.
        settings: those of all models, which the word's changes override.

    Raises:
        SettingsError: unknown setting or impossible value.
    """
    heading, text = split_heading(text)
    model, colon, changes = text.rpartition(":")
    if not colon or "=" not in changes:
        return Restoration(heading or Path(text).name, settings.replace(model=text, size=f"x{EVALUATION_SCALE}"))
    values = dict(change_of(change) for change in changes.split(",")) | {"model": model, "size": f"x{EVALUATION_SCALE}"}
    return Restoration(heading or f"{Path(model).name} {changes.replace(',', ' ')}", settings.replace(**values))


def split_heading(text: str) -> tuple[str, str]:
    """Split ``[HEADING=]REST``; the heading is empty where none is given."""
    label = re.match(r"([^=:/\\]+)=", text)
    return (label[1], text[label.end() :]) if label else ("", text)


def change_of(text: str) -> tuple[str, Any]:
    """Split ``setting=value`` into name and value; a value that is not JSON is text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise SettingsError(f"“{text}” is no setting: write setting=value.")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value
