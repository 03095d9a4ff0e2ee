"""Where jobs live on disk, which are unfinished, and which process runs them. Torch-free."""

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from dcvsr_engine.errors import JobError, UserError
from dcvsr_engine.jobs.manifest import MANIFEST, RECORD, read_manifest, read_record
from dcvsr_engine.jobs.presence import LOCK, JobLock, acquire, in_use
from dcvsr_engine.paths import jobs_folder
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import kind_of
from dcvsr_engine.storage import discard, write_error

PUBLISHING = "publishing.lock"
"""Lock among all jobs: results are put in place one after the other."""
MARK = "seen-{}"
"""Name of a file that is in a job folder for a moment: who else has it sees the same folder."""
KINDS_OF_FILES = ("unit", "facts", "state", "overlap", "segment", "joint")
"""What the names of a job's files begin with; the last two are of earlier versions."""
OWN_NAME = re.compile(
    rf"{MANIFEST}|{RECORD}|{LOCK}|worker-[0-9a-f]{{8}}\.lock|{MARK.format('[0-9a-f]{8}')}|({'|'.join(KINDS_OF_FILES)})-\d{{5}}[-.].*|\..+\.partial-[0-9a-f]{{8}}(\..*)?"
)
"""Names of files that a job writes into its folder: no others are ever removed from there."""
ABANDONED_SECONDS = 3600
"""Age of a folder without a manifest that is removed: its job was never begun, or is done, and its record has served."""


@dataclass(frozen=True)
class UnfinishedJob:
    """A job folder.

    Attributes:
        folder: where it is.
        request: the job as it was asked for; ``None`` for one that cannot be continued, only removed.
        size: bytes.
    """

    folder: Path
    request: JobRequest | None
    size: int

    @property
    def name(self) -> str:
        """What “dcvsr resume” calls it."""
        return name_of(self.folder)

    @property
    def source(self) -> str | None:
        """The input, where it is known."""
        return None if self.request is None else str(self.request.source)

    @property
    def description(self) -> str:
        """What it restores, in words."""
        if self.request is None:
            return f"damaged, or of another version: remove it with “dcvsr jobs clean {self.name}”"
        return f"{self.request.source} → {self.request.target}"


def name_of(folder: Path) -> str:
    """What “dcvsr resume” calls the job in a folder."""
    return folder.name if folder.parent == jobs_folder() else str(folder)


def job_folder(request: JobRequest) -> Path:
    """The job folder of a request: the same request comes back to the same folder."""
    # backslashreplace, as names that are not UTF-8 hold lone surrogates; the stem is for users to recognise the job
    # on other devices of the same kind it goes on
    request = request.replace(settings=request.settings.replace(device=kind_of(request.settings.device)))
    key = hashlib.sha256(request.to_json().encode(errors="backslashreplace")).hexdigest()[:12]
    return jobs_folder() / f"{request.source.stem[:40]}-{key}"


def has_job(folder: Path) -> bool:
    """Whether a folder holds a job that was begun and is not done."""
    return (folder / MANIFEST).exists()


def has_work(folder: Path) -> bool:
    """Whether the job in a folder has finished anything that resuming it spares: a unit, or steps of one."""
    return any(next(folder.glob(f"{kind}-*"), None) for kind in ("unit", "state"))


def read_request(folder: Path) -> JobRequest:
    """The request of a job folder; raises `JobError` when there is no job in it that can be continued, or was just done."""
    manifest = read_manifest(folder)
    if manifest is None:
        record = read_record(folder)
        # a job that is done is repeated, not continued: only while its result is there
        manifest = record if record is not None and record.is_published(record.request.target) else None
    if manifest is None:
        raise JobError(f"“{folder}” is no job that can be continued; “dcvsr jobs” lists those that can.")
    return manifest.request


def unfinished_jobs() -> list[UnfinishedJob]:
    """All jobs that are not done, the newest first; damaged ones too, for them to be removed."""
    found = []
    for path in jobs_folder().glob(f"*/{MANIFEST}"):
        with suppress(FileNotFoundError):  # a running job is being done meanwhile
            size = sum(file.stat().st_size for file in path.parent.iterdir())
            found.append((path.stat().st_mtime, UnfinishedJob(path.parent, request_or_none(path.parent), size)))
    return [job for _, job in sorted(found, key=lambda item: item[0], reverse=True)]


def request_or_none(folder: Path) -> JobRequest | None:
    """The request of a job folder; ``None`` where its job cannot be continued."""
    try:
        return read_request(folder)
    except UserError:
        return None


@contextmanager
def publishing_lock(check: Callable[[], None]) -> Iterator[None]:
    """Wait until no other process of this user puts a result in place, and keep others from it.

    Two jobs may have one target: none must remove the temporary files of the other, and each sees what the other has put there.

    Args:
        check: called while waiting; may raise to stop.

    Raises:
        OutputError: the folder of all jobs cannot be written.
    """
    lock = FileLock(jobs_folder() / PUBLISHING)
    try:
        acquire(lock, check)
    except OSError as error:
        raise write_error(jobs_folder() / PUBLISHING, error) from None
    try:
        yield
    finally:
        lock.release()


def discard_job(folder: Path, *kept: str) -> None:
    """Remove a job, if there is one, but for names to be ``kept``; raises `JobError` when the job is being run."""
    if folder.exists():
        with JobLock(folder)():
            if in_use(folder):
                raise JobError(f"The job in {folder} is being run by another process; wait for it or cancel it there.")
            remove_files(folder, *kept)


def kept_names(folder: Path) -> tuple[str, ...]:
    """What stays in the folder of a job that is over: its record, and the lock of that, where `sweep` will find them."""
    return (RECORD, LOCK) if (folder / RECORD).exists() and folder.parent == jobs_folder() else ()


def remove_files(folder: Path, *kept: str) -> None:
    """Remove all that a job wrote into its folder, but for names to be ``kept``, and the folder when nothing is left in it."""
    # without its manifest it is no job any more, wherever the rest is interrupted
    (folder / MANIFEST).unlink(missing_ok=True)
    # the user may have put a job into a folder of their own, or their own files into a job's
    for path in own_files(folder, *kept):
        with suppress(OSError):
            discard(path)
    with suppress(OSError):  # something else is in there, or the system holds the lock's file
        folder.rmdir()


def own_files(folder: Path, *kept: str) -> list[Path]:
    """Files in a job folder that the job wrote, but for those named in ``kept``; none where the folder is gone."""
    try:
        return [path for path in folder.iterdir() if OWN_NAME.fullmatch(path.name) and path.name not in kept]
    except FileNotFoundError:
        return []


def sweep() -> None:
    """Remove what killed processes left behind of jobs that were never begun or are done."""
    for folder in jobs_folder().glob("*/"):
        # a folder without a manifest may belong to a process that is just beginning its job: its age tells
        with suppress(OSError, JobError):
            if not has_job(folder) and time.time() - folder.stat().st_mtime > ABANDONED_SECONDS:
                discard_job(folder)
