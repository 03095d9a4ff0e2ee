"""A job as a user asks for it: the same in the window, on the command line and in a job folder. Torch-free."""

from pathlib import Path
from typing import ClassVar

from dcvsr_engine.errors import JobError, UserError
from dcvsr_engine.schema import FromJson, Schema
from dcvsr_engine.settings import OutputSettings, RestoreSettings


class Region(Schema):
    """A rectangle of the input frame in LR pixels."""

    error_type: ClassVar[type[UserError]] = JobError
    noun: ClassVar[str] = "key"

    x: int
    y: int
    width: int
    height: int


class JobRequest(Schema):
    """What to restore, how, and where to.

    Attributes:
        source: the input file, or a folder or pattern of pictures.
        target: the output file, or a folder for a picture sequence; ``None`` for a preview that only sends frames.
        settings: how frames are restored.
        output: how they are written.
        frames: first and last frame (inclusive, 0-based, in display order) or ``None`` for all.
        region: part of the picture, or ``None`` for all of it.
    """

    error_type: ClassVar[type[UserError]] = JobError
    noun: ClassVar[str] = "key"

    source: FromJson[Path]
    target: FromJson[Path | None] = None
    settings: FromJson[RestoreSettings] = RestoreSettings()
    output: FromJson[OutputSettings] = OutputSettings()
    frames: FromJson[tuple[int, int] | None] = None
    region: FromJson[Region | None] = None
