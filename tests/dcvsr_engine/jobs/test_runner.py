"""The one loop: what a sink sees of it, whatever the sink does with it."""

import jobs
import pytest
import torch

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.errors import Cancelled
from dcvsr_engine.events import StepStarted
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.overlap import Overlap
from dcvsr_engine.jobs.runner import Runner
from dcvsr_engine.jobs.session import Session, feasible_plan, find_shots, loaded_model, opened_clip
from dcvsr_engine.jobs.sinks import SegmentSink, Sink
from dcvsr_engine.jobs.telemetry import Telemetry
from dcvsr_engine.restore.frames import SegmentReader
from dcvsr_engine.restore.pipeline import SegmentPipeline


class NotedSegment(SegmentSink):
    """Writes down what comes."""

    def __init__(self, sink, index, state):
        self.sink, self.index, self.state = sink, index, state

    def saved_state(self, grid, rate):
        return self.state

    def save_state(self, state):
        self.sink.calls.append(("state", self.index, state.step))
        self.sink.states.append(state)

    def add(self, restored):
        self.sink.calls.append(("frame", self.index, restored.position))
        self.sink.pixels.append(restored.pixels)

    def finish(self, overlap, work):
        self.sink.calls.append(("finish", self.index, None if overlap is None else overlap.indices))
        self.sink.overlaps.append(overlap)
        self.sink.works.append(work)


class NotedSink(Sink):
    """Writes down what comes, and gives what a test lays down."""

    def __init__(self, overlap=None, state=None):
        self.calls, self.states, self.pixels, self.overlaps, self.works = [], [], [], [], []
        self.overlap, self.state = overlap, state

    def saved_overlap(self, index):
        self.calls.append(("saved overlap", index, None))
        return self.overlap

    def begin(self, session, segment, frames, own):
        self.calls.append(("begin", segment.index, own))
        return NotedSegment(self, segment.index, self.state)

    def announce(self):
        self.calls.append(("announce", None, None))

    def drain(self):
        self.calls.append(("drain", None, None))

    def of(self, name):
        return [call[1:] for call in self.calls if call[0] == name]


@pytest.fixture
def session(clip, tiny_model, loader):
    request, telemetry = jobs.request(clip, None, tiny_model), Telemetry(jobs.Watch())
    with opened_clip(request, telemetry) as (reader, info):
        model = loaded_model(request.settings, loader, telemetry)
        plan = feasible_plan(request, info, model, find_shots(request, reader, info, telemetry), None, lambda plan: None)
        yield Session(request, reader, info, plan, telemetry, Denoiser(model))


def run(session, sink, segments=None):
    Runner(session, sink).run(session.plan.segments if segments is None else segments)
    return sink


def test_a_segment_begins_saves_its_states_adds_its_frames_and_ends(session):
    sink = run(session, NotedSink())
    first = [("begin", 0, range(11)), ("state", 0, 1), ("state", 0, 2), *(("frame", 0, place) for place in range(11))]
    second = [("begin", 1, range(4, 13)), ("state", 1, 1), ("state", 1, 2), *(("frame", 1, place) for place in range(4, 13))]
    announced = ("announce", None, None)
    assert sink.calls == [
        *first,
        ("finish", 0, tuple(range(7, 11))),
        announced,
        *second,
        ("finish", 1, None),
        announced,
        ("drain", None, None),
    ]
    assert all(work.network_seconds > 0 and work.peak_memory > 0 and work.seconds["sample"] > 0 for work in sink.works)


def test_the_second_half_of_the_shared_window_is_sampled_anew_with_its_future(session, monkeypatch):
    """The first half is what the segment before made of it; the rest does not depend on what that made of the rest."""
    sampled, sample = [], SegmentPipeline.sample

    def noted(self, *arguments):
        sampled.append(sample(self, *arguments))
        return sampled[-1]

    monkeypatch.setattr(SegmentPipeline, "sample", noted)
    sink = run(session, NotedSink())
    before, after = sampled
    torch.testing.assert_close(after[:4], before[7:11], rtol=0, atol=1e-5)
    assert float((after[4:7] - before[11:14]).abs().max()) > 1e-3
    assert len(sink.pixels) == jobs.FRAMES


def test_a_run_that_begins_in_the_middle_asks_the_sink_for_the_overlap(session):
    whole = run(session, NotedSink())
    rest = run(session, NotedSink(whole.overlaps[0]), session.plan.segments[1:])
    assert rest.of("saved overlap") == [(0, None)] and not whole.of("saved overlap")
    torch.testing.assert_close(rest.pixels, whole.pixels[11:], rtol=0, atol=0)


def test_a_run_that_begins_at_a_saved_state_gives_the_same_frames(session):
    whole = run(session, NotedSink(), session.plan.segments[:1])
    rest = run(session, NotedSink(state=whole.states[0]), session.plan.segments[:1])
    assert rest.of("state") == [(0, 2)]
    torch.testing.assert_close(rest.pixels, whole.pixels, rtol=0, atol=0)


def test_a_saved_state_is_not_written_to_by_the_steps_that_follow(session):
    """It may be on its way to the disk, on another thread."""
    states = []

    class Copying(NotedSegment):
        def save_state(self, state):
            states.append((state.x, state.x.clone()))

    sink = NotedSink()
    sink.begin = lambda session, segment, frames, own: Copying(sink, segment.index, None)
    run(session, sink)
    assert len(states) == 4 and all(torch.equal(kept, copy) for kept, copy in states)


def test_a_segment_of_which_nothing_can_be_decoded_only_ends(session, monkeypatch):
    segments = SegmentReader.segments

    def without_the_first(self, wanted):
        for segment, frames in segments(self, wanted):
            yield segment, frames.select([] if segment.index == 0 else range(len(frames)))

    monkeypatch.setattr(SegmentReader, "segments", without_the_first)
    sink = run(session, NotedSink())
    assert sink.calls[:3] == [("begin", 0, range(0)), ("finish", 0, None), ("announce", None, None)]
    assert sink.of("begin") == [(0, range(0)), (1, range(13))] and len(sink.pixels) == 13


def test_frames_that_all_went_before_are_not_restored_again(session):
    sink = NotedSink(Overlap(torch.zeros(13, 24, 6, 8), tuple(range(7, 20))))
    run(session, sink, session.plan.segments[1:])
    assert sink.of("begin") == [(1, range(13, 13))] and sink.of("finish") == [(1, None)] and not sink.pixels


def test_what_a_segment_needs_is_asked_for_once_no_other_process_has_it(session):
    class Shared(NotedSink):
        def claim(self, index, passage):
            self.calls.append(("claim", index, passage))
            return passage is not None and len(self.of("claim")) > 1

    sink = run(session, Shared(), [session.plan.segments[1]] * 2)
    assert [name for name, *_ in sink.calls[:5]] == ["claim", "announce", "claim", "saved overlap", "begin"]


def test_the_sink_is_left_whatever_happens(session):
    left = []

    class Failing(NotedSink):
        def begin(self, session, segment, frames, own):
            raise ZeroDivisionError

        def __exit__(self, *arguments):
            left.append(arguments[0])

    with pytest.raises(ZeroDivisionError):
        run(session, Failing())
    assert left == [ZeroDivisionError]


# -- frames that repeat -----------------------------------------------------------------------------------------


def doubled(path, frames):
    """A clip whose pictures are shown twice each."""
    return jobs.short_clip(path, frames, codec="ffv1", picture=lambda index, *size: jobs.numbered(index // 2, *size))


def test_doubled_frames_are_restored_once_and_shown_twice(tiny_model, tmp_path, loader):
    """Over a join, whose shared frames are pinned, and after a stop."""
    clip, target = doubled(tmp_path / "clip.mkv", jobs.FRAMES), tmp_path / "out.mkv"
    report = run_job(jobs.request(clip, target, tiny_model, still=0.5), loader=loader)
    plain = run_job(jobs.request(clip, tmp_path / "plain.mkv", tiny_model), loader=loader)
    made, times = zip(*[(content, pts) for pts, content in jobs.fingerprint(target)], strict=True)
    assert list(times) == [pts for pts, _ in jobs.fingerprint(tmp_path / "plain.mkv")] and len(made) == jobs.FRAMES
    assert made[::2] == made[1::2] and len(set(made)) == jobs.FRAMES // 2
    assert report["segments"] == plain["segments"] == 2
    # one of the two pictures of a pair comes from either side of the join
    assert report["frames_out"] == jobs.FRAMES and report["repeated_frames"] == jobs.FRAMES // 2 - 1
    assert report["joins"] == plain["joins"] == 1 and plain["repeated_frames"] == 0
    again = jobs.request(clip, tmp_path / "again.mkv", tiny_model, still=0.5)
    with pytest.raises(Cancelled):
        run_job(again, jobs.CancelAt(StepStarted, segment=1, step=1).watch, None, loader)
    run_job(again, loader=loader)
    assert [content for _, content in jobs.fingerprint(tmp_path / "again.mkv")] == list(made)


def test_a_clip_of_doubled_frames_is_the_clip_without_them(tiny_model, tmp_path, loader, monkeypatch):
    """To the last bit where all frames have the same noise."""
    noise = SegmentPipeline.noise
    monkeypatch.setattr(SegmentPipeline, "noise", lambda self: Shared(noise(self)))
    clip, single = doubled(tmp_path / "clip.mkv", 10), jobs.short_clip(tmp_path / "single.mkv", 5, codec="ffv1")
    run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model, still=0.5), loader=loader)
    run_job(jobs.request(single, tmp_path / "one.mkv", tiny_model), loader=loader)
    twice = [content for _, content in jobs.fingerprint(tmp_path / "one.mkv") for _ in range(2)]
    assert [content for _, content in jobs.fingerprint(tmp_path / "out.mkv")] == twice


class Shared:
    """The first frame's noise for all."""

    def __init__(self, noise):
        self.noise, self.shape = noise, noise.shape

    def __getitem__(self, part):
        frames, *place = part
        count = len(range(self.shape[0])[frames])
        return self.noise[(slice(0, 1), *place)].expand(count, -1, -1, -1)


def test_grain_keeps_frames_apart(tiny_model, tmp_path, loader):
    clip = doubled(tmp_path / "clip.mkv", 4)
    report = run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model, still=0.5, grain=4.0), loader=loader)
    assert report["repeated_frames"] == 0 and len(set(jobs.fingerprint(tmp_path / "out.mkv"))) == 4
