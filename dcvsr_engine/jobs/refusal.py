"""What is wrong with a job that can be told before it begins, and before torch is imported. Torch-free."""

from pathlib import Path

from dcvsr_engine.jobs.folders import has_job
from dcvsr_engine.jobs.manifest import Manifest, read_manifest, read_record
from dcvsr_engine.models.registry import base_folder, model_folder
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.segments import frame_range, picture_size
from dcvsr_engine.settings import OutputSettings, rate_of
from dcvsr_engine.video.probe import VideoInfo, at_rate, probe
from dcvsr_engine.video.reader import VideoReader
from dcvsr_engine.video.writer import check_target


def clip_of(request: JobRequest) -> VideoInfo:
    """Facts about a job's clip, at the frame rate that is asked for; raises `InputError`."""
    return at_rate(probe(request.source), rate_of(request.output.frame_rate))


def decided_output(request: JobRequest, target: Path, info: VideoInfo, known: Manifest | None) -> OutputSettings:
    """How the result is written, as decided when the job was begun; raises `OutputError` when it cannot be."""
    output = request.output if known is None else known.output.replace(overwrite=request.output.overwrite)
    return output if known is not None and known.is_published(target) else check_target(target, info, output)


def refuse_unusable(request: JobRequest, folder: Path | None = None) -> None:
    """Raise what is wrong with a job before anything is loaded for it.

    Args:
        request: what to restore.
        folder: the job folder, where a job that was begun in it goes on.

    Raises:
        UserError: clip, model, frames or region are not there, or the result cannot be written.
    """
    info, model = clip_of(request), model_folder(request.settings.model)
    base_folder(model, Declaration.from_folder(model))
    picture_size(request, info)
    if request.frames is not None and request.frames[0] >= info.frames:
        with VideoReader(info, request.output.deinterlace) as reader:
            info = reader.counted_info()
    frame_range(request, info)
    if request.target is not None and not (folder and is_done(folder, request.target)):
        decided_output(request, request.target, info, read_manifest(folder) if folder else None)


def is_done(folder: Path, target: Path) -> bool:
    """Whether the job of a folder was done just before, and its result is at ``target``."""
    record = None if has_job(folder) else read_record(folder)
    return record is not None and record.is_published(target)
