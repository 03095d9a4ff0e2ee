"""Where frames go: one after the other to whoever watches, or into files that are final or not there."""

import threading

import jobs
import pytest
from jobs import FRAMES, Watch

from dcvsr_engine.errors import Cancelled
from dcvsr_engine.events import PreviewFrame, SegmentFinished, StepStarted
from dcvsr_engine.jobs import job as running
from dcvsr_engine.jobs import telemetry
from dcvsr_engine.jobs.background import Background
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.manifest import read_manifest
from dcvsr_engine.jobs.sinks import SegmentSink, Sink
from dcvsr_engine.jobs.store import JobStore
from dcvsr_engine.video.writer import VideoWriter


def test_both_sinks_take_the_same_frames(clip, tiny_model, tmp_path, loader):
    sent, written = Watch(), run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model), loader=loader)
    shown = run_job(jobs.request(clip, None, tiny_model), sent, None, loader)
    assert shown["frames_out"] == written["frames_out"] == FRAMES
    assert [event.frame for event in sent.of(PreviewFrame) if event.final] == list(range(FRAMES))
    assert shown["target"] is None and not shown["resumed"] and not shown["joins"] and written["joins"] == 1


def test_of_a_written_job_frames_are_shown_now_and_then(clip, tiny_model, tmp_path, loader, monkeypatch):
    monkeypatch.setattr(telemetry, "PREVIEW_INTERVAL", 1e9)
    watch = Watch()
    run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model), watch, None, loader)
    assert len(watch.of(PreviewFrame)) == 1


def test_a_unit_is_announced_only_when_the_manifest_has_it(clip, tiny_model, tmp_path, loader):
    folder, finished = tmp_path / "job", []

    def act(event):
        if isinstance(event, SegmentFinished):
            finished.append((event.segment, [unit.id for unit in read_manifest(folder).finished]))

    run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model), Watch(act), folder, loader)
    assert all(segment in units for segment, units in finished) and [segment for segment, _ in finished] == [0, 1]


def test_frames_that_wait_when_a_job_is_cancelled_leave_no_half_file(clip, tiny_model, tmp_path, loader, monkeypatch):
    """The writer holds the first frame until the job, cancelled meanwhile, leaves it."""
    folder, watch, leaving, write, leave = tmp_path / "job", Watch(), threading.Event(), VideoWriter.write, Background.__exit__

    def cancelling(self, *arguments):
        watch.cancel()
        assert leaving.wait(60)
        write(self, *arguments)

    def leaving_first(self, *arguments):
        self._dropping = True
        leaving.set()
        leave(self, *arguments)

    monkeypatch.setattr(VideoWriter, "write", cancelling)
    monkeypatch.setattr(Background, "__exit__", leaving_first)
    monkeypatch.setattr(running, "room_for", lambda plan: 64)  # all frames of the first segment
    with pytest.raises(Cancelled):
        run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model), watch, folder, loader)
    assert not read_manifest(folder).finished and list(folder.glob("state-00000-*"))
    assert not list(folder.glob("*partial*")) and not list(folder.glob("unit-*"))


def test_reduced_settings_are_written_down_before_the_state_they_lead_to(clip, tiny_model, tmp_path, loader, monkeypatch):
    """Whoever resumes from the state must find the settings with which it was made."""
    from dcvsr_engine.restore.pipeline import SegmentPipeline

    folder, order = tmp_path / "job", []
    fitting = SegmentPipeline.settings.fget
    monkeypatch.setattr(SegmentPipeline, "settings", property(lambda self: fitting(self).replace(tile_batch=5)))
    for name in ("update", "save_state"):
        monkeypatch.setattr(JobStore, name, noted(order, name, getattr(JobStore, name)))
    with pytest.raises(Cancelled):
        run_job(
            jobs.request(clip, tmp_path / "out.mkv", tiny_model),
            jobs.CancelAt(StepStarted, step=1, segment=0).watch,
            folder,
            loader,
        )
    assert order == ["update", "save_state"] and read_manifest(folder).settings.tile_batch == 5


def noted(order: list[str], name: str, method):
    def call(self, *arguments, **options):
        order.append(name)
        return method(self, *arguments, **options)

    return call


def test_a_sink_keeps_nothing_unless_it_says_so():
    with Sink() as sink:
        assert sink.saved_overlap(0) is None and sink.waited == 0
        segment = sink.begin(None, None, None, range(0))
        assert isinstance(segment, SegmentSink) and segment.saved_state(None, 1) is None
        segment.save_state(None)
        segment.add(None)
        segment.finish(None, None)
        sink.drain()
