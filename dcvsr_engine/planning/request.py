"""A job as a person asks for it: the same in the window, on the command line and in a job file. Torch-free."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from dcvsr_engine.errors import JobError
from dcvsr_engine.settings import OutputSettings, RestoreSettings


@dataclass(frozen=True)
class Region:
    """A rectangle of the input frame in LR pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class JobRequest:
    """What to restore, how, and where to.

    Attributes:
        source: the input file, or a folder or pattern of pictures.
        target: the output file, or a folder for a picture sequence; ``None`` for a preview that only sends frames.
        frames: first and last frame (inclusive, 0-based, in display order) or ``None`` for all.
        region: part of the picture, or ``None`` for all of it.
    """

    source: Path
    target: Path | None = None
    settings: RestoreSettings = field(default_factory=RestoreSettings)
    output: OutputSettings = field(default_factory=OutputSettings)
    frames: tuple[int, int] | None = None
    region: Region | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        values = dataclasses.asdict(self)
        values |= {"settings": self.settings.to_dict(), "output": self.output.to_dict()}
        return values | {"source": str(self.source), "target": None if self.target is None else str(self.target)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_dict`; raises `JobError` or `SettingsError`."""
        try:
            return cls(
                source=Path(values["source"]),
                target=None if values.get("target") is None else Path(values["target"]),
                settings=RestoreSettings.from_dict(values.get("settings", {})),
                output=OutputSettings.from_dict(values.get("output", {})),
                frames=None if values.get("frames") is None else (int(values["frames"][0]), int(values["frames"][1])),
                region=None if values.get("region") is None else Region(**values["region"]),
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise JobError(f"This is not a job file: {error}.") from None

    def to_json(self) -> str:
        """The request as JSON text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)
