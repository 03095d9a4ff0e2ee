"""Plans and runs jobs. A job that was killed and is run again resumes where it stopped, and gives the same frames."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Protocol

import torch

from dcvsr_engine.control import Control
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.errors import InputError, JobError, OutputError
from dcvsr_engine.events import SegmentFinished
from dcvsr_engine.jobs.folders import has_job, job_folder, publishing_lock, sweep
from dcvsr_engine.jobs.identity import ModelInUse, change_since, identity_of, input_facts, reread
from dcvsr_engine.jobs.manifest import FileFacts, Manifest, read_manifest, read_record, units_of
from dcvsr_engine.jobs.presence import Presence
from dcvsr_engine.jobs.refusal import decided_output
from dcvsr_engine.jobs.report import JobReport, SegmentFacts, make_report
from dcvsr_engine.jobs.runner import Runner
from dcvsr_engine.jobs.session import (
    Loader,
    OpenJob,
    Session,
    feasible_plan,
    find_shots,
    load_for,
    loaded_model,
    opened_clip,
    settle,
)
from dcvsr_engine.jobs.sinks import FileSink, PreviewSink
from dcvsr_engine.jobs.store import JobStore, at_work
from dcvsr_engine.jobs.telemetry import Telemetry
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.oom import shortage_in_words
from dcvsr_engine.planning.memory import queue_room
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.planner import TILES_TOO_LARGE, reshaped
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.segments import frame_range, ordered
from dcvsr_engine.planning.shots import ShotBoundaries
from dcvsr_engine.planning.speeds import remember_speed
from dcvsr_engine.settings import OutputSettings, ResolvedSettings, RestoreSettings
from dcvsr_engine.storage import content_hash, discard, partials_of
from dcvsr_engine.video.encoders import resolved_output
from dcvsr_engine.video.probe import VideoInfo
from dcvsr_engine.video.publish import publish
from dcvsr_engine.video.reader import VideoReader

TELLING_EVALUATIONS = 8
"""From so many on, loading and warming up are a small part of what a job takes."""
WAIT_SECONDS = 0.3
"""Seconds between two looks whether there is a unit to take."""
OnPlan = Callable[[Plan], None]


def run_job(
    request: JobRequest,
    control: Control | None = None,
    folder: Path | None = None,
    loader: Loader = load_for,
    on_plan: OnPlan = lambda plan: None,
    watched: bool = False,
) -> dict[str, Any]:
    """Run a job, or resume it where its folder says it stopped.

    Args:
        request: what to restore. Without a target, finished frames are only sent as `PreviewFrame` events.
        control: progress, cancel and pause; it is observed, never changed.
        folder: the job folder, chosen from the request when not given.
        loader: gives the model; a process that runs several jobs keeps it.
        on_plan: receives the plan before work begins.
        watched: whether somebody else waits for the job in its folder, and removes that in the end.

    Returns:
        The `report.JobReport` as plain values.

    Raises:
        UserError: bad input, a full disk, too little memory, or the job cannot be continued.
        Cancelled: finished work is kept in the folder.
    """
    telemetry = Telemetry(control or Control())
    with shortage_in_words():
        if request.target is None:
            return run_preview(request, telemetry, loader, on_plan).to_dict()
        sweep()
        return run_stored(request, request.target, folder or job_folder(request), telemetry, Here(loader), on_plan, watched)


def run_preview(request: JobRequest, telemetry: Telemetry, loader: Loader, on_plan: OnPlan) -> JobReport:
    """Restore the requested frames and send each as an event; write nothing."""
    with opened_clip(request, telemetry) as (reader, info):
        settle(request, info, loader, telemetry)
        model = loaded_model(request.settings, loader, telemetry)
        shots = find_shots(request, reader, info, telemetry)
        plan = feasible_plan(request, info, model, shots, None, on_plan)
        sink = PreviewSink()
        session = Runner(Session(request, reader, info, plan, telemetry, Denoiser(model, settings=plan.settings)), sink).run(
            ordered(plan.segments)
        )
        remember(session.plan, sink.facts)
        share, notes = telemetry.waiting_share, reader.warnings
        return make_report(request, info, session.plan, sink.facts, telemetry.job, share, notes)


class Workplace(Protocol):
    """Where units of a job are restored: here, or on a computer that does not see the job's folder."""

    def opened(self, request: JobRequest, telemetry: Telemetry) -> AbstractContextManager[tuple[VideoReader, VideoInfo]]:
        """See `opened_clip`."""

    def model(self, settings: RestoreSettings, telemetry: Telemetry) -> ModelInUse:
        """The model, loaded there; see `loaded_model`."""

    @property
    def threads(self) -> int:
        """How many of the processor's threads it computes with."""

    @property
    def plan(self) -> Callable[..., Plan]:
        """Makes a plan for the device there; see `feasible_plan`."""

    def restore(self, job: OpenJob, store: JobStore) -> OpenJob:
        """Restore units until all are finished, by whomever; returns the job with the settings that were arrived at."""


class Here:
    """A `Workplace`: this process, where ``loader`` gives the model."""

    plan = staticmethod(feasible_plan)

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    @contextmanager
    def opened(self, request: JobRequest, telemetry: Telemetry) -> Iterator[tuple[VideoReader, VideoInfo]]:
        """See `Workplace.opened`; the processor computes as is fastest from here on."""
        with opened_clip(request, telemetry) as (reader, info):
            settle(request, info, self._loader, telemetry)
            yield reader, info

    @property
    def threads(self) -> int:
        """See `Workplace.threads`."""
        return torch.get_num_threads()

    def model(self, settings: RestoreSettings, telemetry: Telemetry) -> Model:
        """See `Workplace.model`."""
        self._model = loaded_model(settings, self._loader, telemetry)
        return self._model

    def restore(self, job: OpenJob, store: JobStore) -> OpenJob:
        """See `Workplace.restore`."""
        return restore_units(Session(**vars(job), denoiser=Denoiser(self._model, settings=job.plan.settings)), store)


def run_stored(
    request: JobRequest, target: Path, folder: Path, telemetry: Telemetry, place: Workplace, on_plan: OnPlan, watched: bool
) -> dict[str, Any]:
    """Restore unfinished units into the job folder beside other processes that do; whichever is last publishes the result.

    Returns:
        The report as plain values.
    """
    with at_work(folder, telemetry, watched) as presence, place.opened(request, telemetry) as (reader, info):
        if report := report_of_repeated(request, target, info, folder, telemetry, place):
            return report
        begun = read_manifest(folder)
        decided_output(request, target, info, begun)  # before the model is loaded for nothing
        model = place.model(as_begun(request.settings, begun), telemetry)
        make = partial(place.plan, on_plan=on_plan)
        with presence.lock(telemetry.check):
            known = read_manifest(folder)
            if known is None and (report := report_of_repeated(request, target, info, folder, telemetry, place)):
                return report
            output = decided_output(request, target, info, known)
            if known is None:
                shots = find_shots(request, reader, info, telemetry)
                store, plan = begin_job(request, output, info, model, shots, presence, make, place.threads)
            else:
                store, plan = resume_job(known, request, reader, info, model, presence, telemetry, make)
        job = OpenJob(request.replace(output=output), reader, info, plan, telemetry)
        if not store.manifest.is_published(target):
            job = place.restore(job, store)
        with presence.lock(telemetry.check):
            return conclude(job, target, store, resumed=known is not None)


def as_begun(settings: RestoreSettings, begun: Manifest | None) -> RestoreSettings:
    """The settings to load a model with: a job goes on in its number format, whatever has been measured since."""
    device, precision = (None, None) if begun is None else begun.identity.device
    return settings.replace(precision=precision) if settings.precision == "auto" and device == "cpu" else settings


def restore_units(session: Session, store: JobStore) -> Session:
    """Restore units until all are finished, by this process or by others.

    Returns:
        The session with the settings that were arrived at.
    """
    telemetry, segments = session.telemetry, session.plan.segments
    for unit in store.manifest.finished:
        telemetry.emit(SegmentFinished(unit.id, len(segments)))
    while (known := read_manifest(store.folder)) is not None and not known.is_complete:
        telemetry.check()
        if (first := store.take()) is None:
            time.sleep(WAIT_SECONDS)  # what is left waits for others; should one of them die, it is taken over
            continue
        taken = chain([first], iter(store.take, None))
        sink = FileSink(store, telemetry, room_for(session.plan))
        session = Runner(session, sink).run(segments[index] for index in taken)
    return session


def remember(plan: Plan, facts: Sequence[SegmentFacts]) -> None:
    """Remember how long a job took, where it did all that was planned, and enough that its beginning counts for little."""
    whole = not plan.settings.flat and not any(segment.repeated for segment in facts)
    if whole and plan.evaluations >= TELLING_EVALUATIONS:
        remember_speed(plan, sum(segment.work_seconds for segment in facts))


def conclude(job: OpenJob, target: Path, store: JobStore, resumed: bool) -> dict[str, Any]:
    """Publish the result of a job whose units are finished, unless another process has; returns the report as plain values."""
    telemetry = job.telemetry
    if not has_job(store.folder):
        record = read_record(store.folder)
        if record is None and not target.exists():
            raise JobError(f"The job folder “{store.folder}” was removed while the job ran; start it again.")
        return (record and record.report) or {}
    published = store.read().is_published(target)
    if not published:
        # what a resumed job took in earlier runs is not known to the last step, and another computer is not this one
        if not resumed and isinstance(job, Session):
            remember(job.plan, store.facts())
        refuse_changed(reread(store.manifest.identity, store.manifest.units, job.reader, telemetry.check))
    with publishing_lock(telemetry.check):
        discard_partials(target)
        notes = () if published else publish_units(job, target, store)
    report = report_of(job, store, notes, resumed).to_dict()
    store.end(report)
    return report


def report_of_repeated(
    request: JobRequest, target: Path, info: VideoInfo, folder: Path, telemetry: Telemetry, place: Workplace
) -> dict[str, Any] | None:
    """The report of a job that was done just before, and that the same command names again.

    Returns:
        ``None`` unless its result is where it was put and nothing has changed since.
    """
    record = None if has_job(folder) else read_record(folder)
    if record is None or not record.is_published(target):
        return None
    model = place.model(request.settings, telemetry)
    return None if change_since(record.identity, identity_of(request, input_facts(info), model)) else record.report


def begin_job(
    request: JobRequest,
    output: OutputSettings,
    info: VideoInfo,
    model: ModelInUse,
    shots: ShotBoundaries,
    presence: Presence,
    make: Callable[..., Plan],
    threads: int,
) -> tuple[JobStore, Plan]:
    """Plan a new job, whose ``output`` is decided, as ``make`` does, for so many ``threads``, and write it down."""
    identity = identity_of(request, input_facts(info), model)
    plan = make(request, info, model, shots, presence.folder)
    manifest = Manifest(
        identity=identity,
        shots=shots,
        threads=threads,
        settings=plan.settings,
        segment_windows=plan.segment_windows,
        decode_frames=plan.decode_frames,
        output=output,
        units=units_of(plan.segments),
    )
    return JobStore.begin(presence.folder, manifest, presence), plan


def resume_job(
    manifest: Manifest,
    request: JobRequest,
    reader: VideoReader,
    info: VideoInfo,
    model: ModelInUse,
    presence: Presence,
    telemetry: Telemetry,
    make: Callable[..., Plan],
) -> tuple[JobStore, Plan]:
    """Plan a job as it was planned when it was started, for a target that may be another one; ``make`` makes plans.

    Raises:
        JobError: anything else has changed since.
    """
    alone = not presence.others()
    # whoever is at work has looked already, and looks again at the end
    if alone:
        refuse_changed(reread(manifest.identity, manifest.units, reader, telemetry.check))
    plan = planned_as_before(manifest, request, input_facts(info), info, model, partial(make, folder=presence.folder))
    store = JobStore(presence.folder, manifest, presence)
    asked = manifest.request.replace(target=request.target, output=request.output)
    if asked != manifest.request:
        store.update(identity=manifest.identity.replace(request=asked))  # from here on it is published elsewhere
    if alone:
        store.reopen_damaged()
    return store, plan


def planned_as_before(
    manifest: Manifest,
    request: JobRequest,
    files: tuple[FileFacts, ...],
    info: VideoInfo,
    model: ModelInUse,
    make: Callable[..., Plan],
) -> Plan:
    """The plan of a job that was begun, for what computes it now.

    Args:
        manifest: of the job.
        request: as it is asked for now.
        files: facts about its input now.
        info: facts about its clip.
        model: where it computes.
        make: makes plans, see `feasible_plan`.

    Raises:
        JobError: anything has changed since.
    """
    change = change_since(manifest.identity, identity_of(request, files, model))
    shots = manifest.shots
    # damaged numbers would be planned for ever
    if change is None and (not fits(shots, *frame_range(request, info)) or departs(manifest, info, model.declaration)):
        change = "its plan has changed"
    refuse_changed(change)
    # sums come out differently, in their last bits, on another number of threads
    torch.set_num_threads(manifest.threads)
    plan = make(
        request.replace(settings=on_this_device(manifest)),
        info,
        model,
        shots,
        segment_windows=manifest.segment_windows,
        decode_frames=manifest.decode_frames,
        branches_in_one_batch=manifest.branches_in_one_batch,
    )
    if plan.settings.sap_schedule not in (manifest.settings.sap_schedule, "staged"):
        raise JobError(TILES_TOO_LARGE)  # what would fit gives other frames
    if [(unit.id, unit.first, unit.last, unit.needs) for unit in manifest.units] != [
        (segment.index, segment.first, segment.last, segment.needs) for segment in plan.segments
    ]:
        refuse_changed("its plan has changed")
    return plan


def on_this_device(manifest: Manifest) -> ResolvedSettings:
    """The settings of a job, but for what every device decides for itself, as it does not change the frames.

    That is how many tiles it denoises at once, and whether those that exchange keys in lockstep are in one batch.
    """
    planned, asked = manifest.settings, manifest.request.settings
    own: dict[str, Any] = {"tile_batch": asked.tile_batch}
    if planned.sap_schedule == "lockstep" and asked.sap_schedule == "auto":
        own["sap_schedule"] = "auto"
    return ResolvedSettings(**(dict(planned) | own))


def refuse_changed(change: str | None) -> None:
    """Raise `JobError` when there is a ``change`` since the job was started."""
    if change is not None:
        raise JobError(
            f"This job cannot be continued because {change}; restore it anew by “Start again”, or “dcvsr restore --fresh”."
        )


def fits(shots: ShotBoundaries, first: int, last: int) -> bool:
    """Whether shots lie, in order, in frames ``first … last``."""
    bounds = (shots.first, *shots.cuts, shots.last + 1)
    return shots.first == first and shots.last <= last and all(begin < end for begin, end in pairwise(bounds))


def departs(manifest: Manifest, info: VideoInfo, declaration: Declaration) -> bool:
    """Whether a job's plan says anything that its own request does not: somebody has edited it."""
    asked, output = dict(declaration.resolve(manifest.request.settings)), manifest.request.output
    planned = {name: value for name, value in manifest.settings if name not in MADE_TO_FIT}
    if any(asked[name] != value for name, value in planned.items()):
        return True
    target = manifest.request.target
    return target is None or resolved_output(target, info, output) != manifest.output.replace(overwrite=output.overwrite)


MADE_TO_FIT = {"size", "scale", "reduce", "device", "precision", "tile", "tile_batch", "sap_schedule"}
"""Settings that a plan decides by the clip and the machine, or that are reduced when memory runs out."""


def room_for(plan: Plan) -> int:
    """How many restored frames may wait to be encoded."""
    width, height = plan.restored_size
    return queue_room(width * height)


# -- the end ----------------------------------------------------------------------------------------------------


def discard_partials(target: Path) -> None:
    """Remove what processes that were killed while they published to ``target`` have left beside it."""
    with suppress(OSError):  # where the target's folder is gone `publish` says so
        for partial_file in partials_of(target):
            discard(partial_file)


def publish_units(job: OpenJob, target: Path, store: JobStore) -> tuple[str, ...]:
    """Put the result in place; returns sentences on what could not be carried over.

    Raises:
        InputError: there is no frame.
        OutputError: the result cannot be written.
        Cancelled: it is not there yet.
    """
    request, telemetry, files = job.request, job.telemetry, store.files()
    if not files:
        raise InputError(f"None of the frames of “{request.source.name}” can be decoded.")

    # known before the rename: whatever happens then, an earlier result is never taken for this one
    def note(complete: Path) -> None:
        store.update(published=content_hash(complete, lambda size: telemetry.check()))

    with telemetry.phase("publish"):
        info = reshaped(job.info, job.plan)
        published = publish(files, target, info, request.output, request.frames, telemetry.check, note)
    restored = sum(unit.frames or 0 for unit in store.manifest.finished)
    if published.frames != restored:
        store.update(published=None)
        raise OutputError(f"“{target}” has {published.frames} of the {restored} frames that were restored; choose another codec.")
    return published.notes


def report_of(job: OpenJob, store: JobStore, notes: Sequence[str], resumed: bool) -> JobReport:
    """The report of a job that is published; ``notes`` are of its publication."""
    telemetry = job.telemetry
    return make_report(
        job.request,
        job.info,
        job.plan,
        store.facts(),
        telemetry.job,
        telemetry.waiting_share,
        [*notes, *job.reader.warnings],
        store.manifest.identity.model,
        resumed,
    )
