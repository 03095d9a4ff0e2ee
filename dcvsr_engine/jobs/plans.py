"""Plans of jobs that are not run, with what can be measured in a moment."""

from dcvsr_engine.jobs.folders import job_folder
from dcvsr_engine.jobs.refusal import clip_of
from dcvsr_engine.models.registry import model_folder
from dcvsr_engine.network.declaration import UNET_FOLDERS, Declaration
from dcvsr_engine.network.layout import subfolder
from dcvsr_engine.network.oom import shortage_in_words
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.planner import make_plan
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.segments import frame_range
from dcvsr_engine.planning.shots import detect_shots
from dcvsr_engine.planning.speeds import with_seconds
from dcvsr_engine.video.detail import measured_reduction
from dcvsr_engine.video.reader import VideoReader
from dcvsr_engine.video.writer import check_target

PLANNING_SECONDS = 2.0
"""A plan looks for cuts no longer than this."""


def plan_job(request: JobRequest, seconds: float | None = None) -> Plan:
    """Plan a job without running it, and look for cuts for so many ``seconds`` at most; raises `UserError`."""
    with shortage_in_words(), VideoReader(clip_of(request), request.output.deinterlace) as reader:
        info = reader.counted_info()
        if request.target is not None:
            check_target(request.target, info, request.output)
        folder = model_folder(request.settings.model)
        declaration, unet = Declaration.from_folder(folder), subfolder(folder, UNET_FOLDERS)
        wanted = frame_range(request, info)
        shots = detect_shots(reader, *wanted, seconds=PLANNING_SECONDS if seconds is None else seconds)
        if seconds is None or request.settings.reduce == "auto":
            factor = measured_reduction(info, *wanted, request.output.deinterlace)
        else:
            factor = None
    plan = with_seconds(make_plan(with_reduction(request, factor), info, declaration, unet, shots, job_folder(request)))
    return plan.replace(suggested_reduction=factor if factor is not None and factor > plan.settings.reduction else None)


def with_reduction(request: JobRequest, factor: float | None) -> JobRequest:
    """The request with a measured factor in place of ``auto``."""
    if request.settings.reduce != "auto" or factor is None:
        return request
    return request.replace(settings=request.settings.replace(reduce=f"{factor:g}"))
