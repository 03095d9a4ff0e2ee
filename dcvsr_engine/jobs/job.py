"""Plans and runs jobs. Killed and run again, a job goes on where it stopped and gives the same frames."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dcvsr_engine.control import Control
from dcvsr_engine.errors import JobError
from dcvsr_engine.jobs.folders import sweep
from dcvsr_engine.jobs.preview import preview
from dcvsr_engine.jobs.run import JobRun, Loader, load_for
from dcvsr_engine.jobs.store import JobStore
from dcvsr_engine.jobs.stored import StoredJob
from dcvsr_engine.models.registry import model_folder
from dcvsr_engine.network.declaration import UNET_FOLDERS, Declaration
from dcvsr_engine.network.layout import subfolder
from dcvsr_engine.network.oom import is_shortage
from dcvsr_engine.paths import jobs_folder
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.planner import frame_range, make_plan
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.shots import survey
from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.reader import VideoReader
from dcvsr_engine.video.writer import check_target

PLANNING_SECONDS = 2.0
"""A plan looks for cuts no longer than this."""


def plan_job(request: JobRequest) -> Plan:
    """Plan a job without running it; raises `UserError`."""
    with VideoReader(probe(request.source), request.output.deinterlace) as reader:
        info = reader.counted_info()
        if request.target is not None:
            check_target(request.target, info, request.output)
        folder = model_folder(request.settings.model)
        declaration, unet = Declaration.from_folder(folder), subfolder(folder, UNET_FOLDERS)
        found = survey(reader, *frame_range(request, info), seconds=PLANNING_SECONDS)
    return make_plan(request, info, declaration, unet, found, job_folder(request))


def job_folder(request: JobRequest) -> Path:
    """The job directory of a request: the same request comes back to the same directory."""
    key = hashlib.sha256(request.to_json().encode()).hexdigest()[:12]
    return jobs_folder() / f"{request.source.stem[:40]}-{key}"


def run_job(
    request: JobRequest,
    control: Control | None = None,
    folder: Path | None = None,
    loader: Loader = load_for,
    on_plan: Callable[[Plan], None] = lambda plan: None,
) -> dict[str, Any]:
    """Run a job, or continue it where its directory says it stopped.

    Args:
        request: what to restore. Without a target, finished frames are only sent as `PreviewFrame` events.
        control: progress, cancel and pause.
        folder: the job directory, chosen from the request when not given.
        loader: gives the model; a process that runs several jobs keeps it.
        on_plan: receives the plan before work begins.

    Returns:
        The report, see `report.make_report`.

    Raises:
        UserError: bad input, a full disk, too little memory, or the job cannot be continued.
        Cancelled: finished work is kept in the directory.
    """
    run = JobRun(request, control or Control(), loader, on_plan)
    try:
        if request.target is None:
            return preview(run)
        sweep()
        store = JobStore(folder or job_folder(request))
        with store.locked():
            return StoredJob(run, store, request.target).restore()
    except (RuntimeError, MemoryError) as error:
        if not is_shortage(error):
            raise
    raise JobError("Memory ran out; close other programs or choose smaller tiles, and go on with the job.")
