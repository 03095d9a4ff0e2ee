"""Shots restored as bricks: every other segment first, those between pinned to both."""

import jobs
import pytest

from dcvsr_engine.errors import Cancelled
from dcvsr_engine.events import SegmentFinished, StepStarted
from dcvsr_engine.jobs import claims
from dcvsr_engine.jobs.job import run_job

FRAMES = 28
"""Three segments."""


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory):
    return jobs.short_clip(tmp_path_factory.mktemp("bricks") / "clip.mkv", FRAMES)


@pytest.fixture(scope="module")
def asked(long_clip, tiny_model):
    return lambda target, **changes: jobs.request(long_clip, target, tiny_model, order="bricks", **changes)


@pytest.fixture(scope="module")
def restored(asked, tmp_path_factory):
    """The frames of an undisturbed run."""
    folder = tmp_path_factory.mktemp("restored")
    run_job(asked(folder / "out.mkv"), folder=folder / "job")
    return jobs.fingerprint(folder / "out.mkv")


def test_every_frame_comes_once_and_both_joins_are_measured(asked, restored, tmp_path, loader):
    watch = jobs.Watch()
    report = run_job(asked(tmp_path / "out.mkv"), watch, tmp_path / "job", loader)
    assert [event.segment for event in watch.of(SegmentFinished)] == [0, 2, 1]
    assert (report["frames_out"], report["segments"], report["joins"]) == (FRAMES, 3, 2)
    assert [jobs.number(picture) for picture in jobs.pictures(tmp_path / "out.mkv")] == list(range(FRAMES))
    assert jobs.fingerprint(tmp_path / "out.mkv") == restored
    chain = run_job(asked(tmp_path / "chain.mkv").replace(settings=asked(None).settings.replace(order="chain")), loader=loader)
    assert chain["evaluations"] == report["evaluations"] and chain["joins"] == 2
    assert jobs.fingerprint(tmp_path / "chain.mkv") != restored


def test_it_does_not_matter_which_brick_comes_first(asked, restored, tmp_path, loader, monkeypatch):
    monkeypatch.setattr(claims, "place_of", lambda unit: (2, 0, 1).index(unit.id))
    run_job(asked(tmp_path / "out.mkv"), folder=tmp_path / "job", loader=loader)
    assert jobs.fingerprint(tmp_path / "out.mkv") == restored


@pytest.mark.parametrize("segment, step", [(2, 1), (1, 0), (1, 1)])
def test_a_run_that_was_cancelled_goes_on_to_the_same_frames(segment, step, asked, restored, tmp_path, loader):
    request, folder = asked(tmp_path / "out.mkv"), tmp_path / "job"
    with pytest.raises(Cancelled):
        run_job(request, jobs.CancelAt(StepStarted, segment=segment, step=step).watch, folder, loader)
    report = run_job(request, None, folder, loader)
    assert report["joins"] == 2 and jobs.fingerprint(tmp_path / "out.mkv") == restored


def test_a_preview_of_bricks_shows_every_frame(asked, loader):
    assert run_job(asked(None), None, None, loader)["frames_out"] == FRAMES
