"""What a job works with."""

import dataclasses

import jobs
import numpy as np
import pytest

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.errors import Cancelled, InputError, JobError
from dcvsr_engine.events import FrameDone, PhaseStarted
from dcvsr_engine.jobs import session as sessions
from dcvsr_engine.jobs.session import Session, feasible_plan, find_shots, loaded_model, opened_clip
from dcvsr_engine.jobs.telemetry import Telemetry
from dcvsr_engine.planning.request import Region
from dcvsr_engine.restore.pipeline import SegmentPipeline


@pytest.fixture
def session(clip, tiny_model, loader):
    """A session on a region of the clip."""
    request = jobs.request(clip, None, tiny_model, region=Region(x=8, y=4, width=16, height=12))
    telemetry = Telemetry(jobs.Watch())
    with opened_clip(request, telemetry) as (reader, info):
        model = loaded_model(request.settings, loader, telemetry)
        plan = feasible_plan(request, info, model, find_shots(request, reader, info, telemetry), None, lambda plan: None)
        yield Session(request, reader, info, plan, telemetry, Denoiser(model))


def test_a_session_does_not_change(session):
    with pytest.raises(dataclasses.FrozenInstanceError):
        session.plan = None


def test_segments_follow_one_another(session):
    first, second = session.plan.segments
    assert session.neighbours(first) == (None, second) and session.neighbours(second) == (first, None)


def test_a_preview_says_where_its_region_lies(session):
    pixels = np.full((24, 32, 3), 0.5, np.float32)
    event = session.preview(7, 1, pixels, final=False)
    assert (event.frame, event.step, event.origin, event.final) == (7, 1, (16, 8), False)
    assert event.pixels.dtype == np.uint8 and event.pixels.shape == (24, 32, 3) and np.all(event.pixels == 128)


def test_a_preview_may_bring_the_enlarged_input(session):
    pixels = np.full((24, 32, 3), 0.5, np.float32)
    assert session.preview(7, 1, pixels, final=True).enlarged is None
    below = session.preview(7, 1, pixels, final=True, enlarged=0 * pixels).enlarged
    assert below.shape == (24, 32, 3) and not below.any()


def pipeline_of(session) -> SegmentPipeline:
    with session.frame_reader() as frames:
        segment, decoded = next(iter(frames.segments(session.plan.segments)))
    return session.pipeline(segment, decoded)


def test_a_session_stays_the_same_while_memory_suffices(session):
    assert session.adopt_reduced_settings(pipeline_of(session)) is session


def test_what_was_reduced_holds_for_the_segments_that_follow(session, monkeypatch):
    pipeline = pipeline_of(session)
    reduced = pipeline.settings.replace(tile_batch=5)
    monkeypatch.setattr(SegmentPipeline, "settings", reduced)
    monkeypatch.setattr(SegmentPipeline, "branches_in_one_batch", False)
    adopted = session.adopt_reduced_settings(pipeline)
    assert adopted.plan.settings == reduced and session.plan.settings.tile_batch != 5
    assert session.plan.branches_in_one_batch and not adopted.plan.branches_in_one_batch
    assert adopted.plan.segments == session.plan.segments and adopted.denoiser is session.denoiser


def test_looking_for_shots_can_be_cancelled_and_counts(clip, tiny_model):
    request, watch = jobs.request(clip, None, tiny_model, frames=(2, 6)), jobs.Watch()
    telemetry = Telemetry(watch)
    with opened_clip(request, telemetry) as (reader, info):
        assert find_shots(request, reader, info, telemetry).shots == ((2, 6),)
        assert [(event.done, event.total) for event in watch.of(FrameDone)] == [(done, 5) for done in range(1, 6)]
        assert watch.of(PhaseStarted)[-1] == PhaseStarted("analyse", 0, 1, 5)
        watch.cancel()
        with pytest.raises(Cancelled):
            find_shots(request, reader, info, telemetry)


def test_a_clip_without_frames_is_refused(clip, tiny_model, monkeypatch):
    request, telemetry = jobs.request(clip, None, tiny_model), Telemetry(jobs.Watch())
    monkeypatch.setattr(sessions, "detect_shots", lambda *arguments: None)
    with opened_clip(request, telemetry) as (reader, info), pytest.raises(InputError, match="cannot be decoded"):
        find_shots(request, reader, info, telemetry)


def test_a_plan_is_announced_before_it_is_refused(session, monkeypatch):
    bad, announced = session.plan.replace(problems=("Too little of everything.", "And more.")), []
    monkeypatch.setattr(sessions, "make_plan", lambda *arguments: bad)
    with pytest.raises(JobError, match=r"^Too little of everything\.$"):
        feasible_plan(session.request, session.info, session.model, None, None, announced.append)
    assert announced == [bad]


def test_cancelling_while_the_model_loads_is_heeded(session):
    watch = jobs.Watch()

    def load(settings):
        watch.cancel()
        return session.model

    with pytest.raises(Cancelled):
        loaded_model(session.request.settings, load, Telemetry(watch))
