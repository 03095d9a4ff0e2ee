"""Where jobs live on disk, which are unfinished, and who has them. Torch-free."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from dcvsr_engine.errors import JobError, UserError
from dcvsr_engine.paths import jobs_folder
from dcvsr_engine.planning.request import JobRequest

MANIFEST = "job.json"
LOCK = "lock"
ABANDONED_SECONDS = 3600
"""A directory without a manifest is swept away when it is older than this: its job was never begun, or is done."""


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


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a job for this process; raises `JobError` when another one has it."""
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise JobError(f"The job in {folder} is being run by another process; wait for it or cancel it there.") from None
    try:
        yield
    finally:
        lock.release()


def clean(job: UnfinishedJob) -> None:
    """Remove a job directory; raises `JobError` when the job is being run."""
    discard_job(job.folder)


def discard_job(folder: Path) -> None:
    """Remove a job directory if there is one; raises `JobError` when the job is being run."""
    if folder.exists():
        with locked(folder):
            # without its manifest it is no job any more, wherever the rest is interrupted
            (folder / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove what killed processes left behind of jobs that were never begun or are done."""
    for folder in jobs_folder().glob("*/"):
        with suppress(OSError, JobError):
            if not (folder / MANIFEST).exists() and time.time() - folder.stat().st_mtime > ABANDONED_SECONDS:
                discard_job(folder)
