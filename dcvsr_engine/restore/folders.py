"""Where jobs live on disk, and which are unfinished. Torch-free."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from dcvsr_engine.errors import JobError, UserError
from dcvsr_engine.restore.request import JobRequest

MANIFEST = "job.json"


@dataclass(frozen=True)
class UnfinishedJob:
    """A job directory: its ``request`` and its ``size`` in bytes."""

    folder: Path
    request: JobRequest
    size: int

    @property
    def name(self) -> str:
        """What “dcvsr resume” calls it."""
        return self.folder.name


def jobs_folder() -> Path:
    """The folder of all job directories."""
    return platformdirs.user_data_path("dcvsr-studio", appauthor=False) / "jobs"


def read_request(folder: Path) -> JobRequest:
    """The request of a job directory; raises `JobError`."""
    try:
        return JobRequest.from_dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["request"])
    except (OSError, ValueError, KeyError, TypeError):
        raise JobError(f"“{folder}” is no job that can be continued; “dcvsr jobs” lists those that can.") from None


def unfinished() -> list[UnfinishedJob]:
    """All jobs that can be continued, the newest first."""
    found = []
    for path in sorted(jobs_folder().glob(f"*/{MANIFEST}"), key=lambda path: -path.stat().st_mtime):
        try:
            request = read_request(path.parent)
        except UserError:
            continue
        found.append(UnfinishedJob(path.parent, request, sum(file.stat().st_size for file in path.parent.iterdir())))
    return found


def clean(job: UnfinishedJob) -> None:
    """Remove a job directory."""
    shutil.rmtree(job.folder, ignore_errors=True)
