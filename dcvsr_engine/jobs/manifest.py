"""What a job folder says about its job: what it is made of, how it is done, and which of its units are finished. Torch-free.

The manifest is one JSON file, ``job.json``. It is sealed with a hash over all of its content, so that a job whose manifest was
damaged or edited is refused instead of being resumed to other frames. When the job is done the same file, renamed to
``done.json``, is its record for a while: whoever repeats the command, because the answer was lost, gets the same answer.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from dcvsr_engine import __version__
from dcvsr_engine.errors import JobError, UserError
from dcvsr_engine.paths import jobs_folder
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.shots import ShotBoundaries
from dcvsr_engine.schema import FromJson, Schema
from dcvsr_engine.settings import OutputSettings, PlannedSettings
from dcvsr_engine.storage import content_hash, read_json, write_json
from dcvsr_engine.video.passage import Passage

MANIFEST = "job.json"
RECORD = "done.json"
"""What the manifest is called once the job is done."""
FORMAT = 5


class FileFacts(Schema):
    """What tells an input file from another: ``changed`` in nanoseconds, ``ends`` a hash of its first and last bytes."""

    name: str
    size: int
    changed: int
    ends: str


class JobIdentity(Schema):
    """What must not change while a job is unfinished.

    Attributes:
        engine: version of the program.
        input: the clip, or each of its pictures.
        model: hash of every file that decides what the model computes, by its name.
        device: the computing device and its number format.
        request: the job as it was asked for; where its result goes may change.
    """

    engine: str
    input: FromJson[tuple[FileFacts, ...]]
    model: dict[str, str]
    device: FromJson[tuple[str, str]]
    request: FromJson[JobRequest]


class Unit(Schema):
    """The part of a job that is done at once: today one segment.

    Attributes:
        id: its number, 0-based, in the order of the frames.
        first, last: its frames in the clip, inclusive; the first ones may be shared with the unit before.
        needs: ids of the units to whose results it is pinned.
        state: ``open``, ``begun``, or ``finished`` when its file is complete.
        owner: name of the process, see `Presence`, that has taken it; of no worth once that is dead.
        file: name of its encoded frames in the job folder, once it is finished; that file is empty when none could be decoded.
        sha256: hash of that file.
        frames: how many are in that file.
        passage: what was read of the input for it, once it is begun.
    """

    id: int
    first: int
    last: int
    needs: FromJson[tuple[int, ...]] = ()
    state: Literal["open", "begun", "finished"] = "open"
    owner: str | None = None
    file: str | None = None
    sha256: str | None = None
    frames: int | None = None
    passage: FromJson[Passage | None] = None


def units_of(segments: Sequence[Segment]) -> tuple[Unit, ...]:
    """The units of a new job: one per segment."""
    return tuple(Unit(id=segment.index, first=segment.first, last=segment.last, needs=segment.needs) for segment in segments)


class Manifest(Schema):
    """The whole manifest.

    Attributes:
        identity: what must not change.
        shots: where they begin.
        threads: of the processor.
        segment_windows: as planned, see `Plan`.
        settings, decode_frames, branches_in_one_batch: as planned, see `Plan`; reduced when memory ran out.
        output: as decided when the job was begun: what finished units are encoded with.
        units: all parts of the job, in order.
        published: hash of the complete result, known just before it is put in place; ``None`` until then.
        report: the `report.JobReport` of a job that is done.
    """

    error_type = JobError

    identity: JobIdentity
    shots: FromJson[ShotBoundaries]
    threads: int = Field(ge=1)
    settings: FromJson[PlannedSettings]
    segment_windows: int = Field(default=0, ge=0)
    decode_frames: int = Field(ge=1)
    branches_in_one_batch: bool = True
    output: FromJson[OutputSettings]
    units: FromJson[tuple[Unit, ...]]
    published: str | None = None
    report: dict[str, Any] | None = None

    @property
    def request(self) -> JobRequest:
        """The job as it was asked for."""
        return self.identity.request

    @property
    def finished(self) -> tuple[Unit, ...]:
        """Units whose file is complete."""
        return tuple(unit for unit in self.units if unit.state == "finished")

    @property
    def is_complete(self) -> bool:
        """Whether all units are finished."""
        return len(self.finished) == len(self.units)

    def with_unit(self, index: int, **changes: Any) -> "Manifest":
        """A manifest in which unit ``index`` has changed."""
        units = list(self.units)
        units[index] = units[index].replace(**changes)
        return self.replace(units=tuple(units))

    def is_published(self, target: Path | None) -> bool:
        """Whether what is at ``target`` now is the result that this job, or an earlier run of it, put in place."""
        try:
            return target is not None and self.published is not None and content_hash(target) == self.published
        except OSError:
            return False


def seal_of(values: dict[str, Any]) -> str:
    """Hash of a manifest's content."""
    # sorted: the seal covers the values, not their order in the file
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest of a job folder; raises `OSError`."""
    values = manifest.to_dict()
    write_json(folder / MANIFEST, {"format": FORMAT, "engine": __version__, "seal": seal_of(values), "job": values})


def read_record(folder: Path) -> Manifest | None:
    """The manifest of the job that was done in a folder; ``None`` where there is no record, or none that can be used."""
    try:
        return unsealed(read_json(folder / RECORD))
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return None


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a job folder.

    Returns:
        ``None`` where no job was begun.

    Raises:
        JobError: it is damaged, or of another version of the program.
    """
    path = folder / MANIFEST
    try:
        values = read_json(path)
        if values["format"] == FORMAT:
            return unsealed(values)
    except FileNotFoundError:  # not asked before: another process may just be ending the job
        return None
    except (OSError, ValueError, KeyError, TypeError, UserError) as error:
        raise damaged(path, error) from None
    raise JobError(
        f"This job cannot be continued because version {values.get('engine', 'another')} of the program started it, which keeps "
        f"jobs in another format than this one, {__version__}; restore it anew by “Start again”, or “dcvsr restore --fresh”."
    )


def unsealed(values: dict[str, Any]) -> Manifest:
    """The manifest in the values of its file; raises `ValueError`, `KeyError` or `UserError` when it is not what was written."""
    if values["seal"] != seal_of(values["job"]):
        raise ValueError("its content was changed")
    return Manifest.from_dict(values["job"])


def damaged(path: Path, error: Exception) -> JobError:
    """The sentence for a manifest that cannot be used."""
    # the text of a KeyError is the key alone
    reason = f"there is no {error}" if isinstance(error, KeyError) else str(error).rstrip(".")
    folder = path.parent
    remedy = f"remove the job with “dcvsr jobs clean {folder.name}”" if folder.parent == jobs_folder() else f"remove {folder}"
    return JobError(f"{path} is damaged ({reason}); {remedy}.")
