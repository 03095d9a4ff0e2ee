"""The numbers of a report: seams, joins, audio offset, what is summed over segments."""

import dataclasses
import threading
from fractions import Fraction
from functools import partial
from types import SimpleNamespace

import jobs
import numpy as np
import pytest

from dcvsr_engine.errors import OutputError
from dcvsr_engine.events import StepStarted
from dcvsr_engine.jobs import background, job, sinks, telemetry
from dcvsr_engine.jobs.background import Background
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.report import ErrorMeter, SegmentFacts, audio_offset, audio_offsets, frame_notes, join_scores, seam_score
from dcvsr_engine.jobs.telemetry import WorkRecord
from dcvsr_engine.restore import frames
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.tiling.seams import seam_jumps
from dcvsr_engine.video.writer import VideoWriter

GRID = TileGrid.build(4, 12, 16, tile=8, overlap=0.5)
FACTOR = 4
FIRST = 11
"""Frames of `clip` that its first segment puts out."""


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(48, 64)).astype(np.float32)


def facts_of(errors: list[np.ndarray], before: np.ndarray | None = None, after: np.ndarray | None = None) -> SegmentFacts:
    meter = ErrorMeter(GRID, FACTOR)
    meter.join(ErrorMeter(None, 1, last=before), ErrorMeter(None, 1, first=after))
    for error in errors:
        meter.add(error)
    return SegmentFacts.of(WorkRecord(), **meter.facts())


def test_seams_of_segments_are_those_of_the_whole():
    errors = [noise(seed) for seed in range(6)]
    whole = seam_jumps(np.stack(errors), GRID, FACTOR)
    assert seam_score([facts_of(errors[:4]), facts_of(errors[4:])]) == pytest.approx(whole[0] / whole[1])


def test_a_tile_that_sticks_out_is_a_seam_and_noise_is_none():
    flat = [noise(seed) for seed in range(4)]
    assert seam_score([facts_of(flat)]) == pytest.approx(1, abs=0.1)
    raised = [error + np.where(np.arange(64) < 32, 0, 8).astype(np.float32) for error in flat]
    assert seam_score([facts_of(raised)]) > 1.5
    single = ErrorMeter(TileGrid.build(4, 12, 16), FACTOR)
    single.add(flat[0])
    assert seam_score([SegmentFacts.of(WorkRecord(), **single.facts())]) is None and seam_score([]) is None


def test_a_jump_at_a_join_stands_out():
    errors = [noise(seed) for seed in range(40)]
    smooth = [facts_of(errors[:20]), facts_of(errors[20:], errors[19])]
    found = join_scores(smooth)
    assert found["joins"] == 1 and found["join_score"] == pytest.approx(1, abs=0.1)
    jumping = [facts_of(errors[:20]), facts_of([error + 5 for error in errors[20:]], errors[19])]
    found = join_scores(jumping)
    assert found["join_score"] > 3 and found["join_rank"] == 0
    between = [facts_of(errors[:10]), facts_of(errors[10:20], errors[9], errors[20] + 5), facts_of(errors[20:])]
    assert join_scores(between)["joins"] == 2 and join_scores(between)["join_rank"] == 0


def test_there_are_no_joins_between_shots():
    apart = [facts_of([noise(1), noise(2)]), facts_of([noise(3), noise(4)])]
    assert join_scores(apart) == {"joins": 0, "join_score": None, "join_rank": None}


def test_facts_survive_json():
    facts = facts_of([noise(1), noise(2)], noise(0)).replace(warnings=("careful",), suspicious=(3,), seconds={"decode": 1.5})
    assert SegmentFacts.from_dict(facts.to_dict()) == facts


@pytest.mark.parametrize("start", [Fraction(0), Fraction(1, 5)])
def test_the_audio_offset_is_told_for_input_and_output(start, tiny_model, tmp_path, loader):
    source = jobs.short_clip(tmp_path / "clip.mkv", frames=5, audio=(("eng", ""),), audio_start=start)
    assert audio_offset(source) == pytest.approx(float(start), abs=0.05)
    request = jobs.request(source, tmp_path / "out.mkv", tiny_model)
    report = run_job(request, loader=loader)
    offsets = report["audio_offset_ms"]
    assert offsets["in"] == pytest.approx(1000 * audio_offset(source), abs=0.001)
    assert abs(offsets["in"] - offsets["out"]) <= 1
    part = jobs.request(source, tmp_path / "part.mkv", tiny_model, frames=(1, 3))
    assert audio_offsets(part) == {"in": None, "out": None}


def test_a_report_holds_what_is_needed_to_run_the_job_again(clip, tiny_model, tmp_path, loader):
    report = run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model), loader=loader)
    again = jobs.request(clip, tmp_path / "again.mkv", tiny_model)
    assert type(again.settings).from_dict(report["settings"])
    assert type(again.output).from_dict(report["output"]) == again.output.replace(bit_depth=8)  # as decided for this clip
    assert set(report["model"]) >= {"tiny/dcvsr.json", "tiny/unet/diffusion_pytorch_model.safetensors"}
    assert {"analyse", "load", "encode", "sample", "decode", "write", "publish"} <= set(report["seconds"])
    assert 0 <= report["waiting_share"] < 1 and report["peak_memory"] > 0 and report["seam_score"] is None


def counted(*frames: int) -> list[SegmentFacts]:
    return [SegmentFacts.of(WorkRecord(), frames=count) for count in frames]


def test_frames_that_are_missing_or_do_not_exist_are_told(clip, tiny_model):
    from dcvsr_engine.video.reader import VideoReader

    info = VideoReader(clip).counted_info()
    whole = jobs.request(clip, None, tiny_model)
    assert not frame_notes(whole, info, counted(13, 7))
    assert frame_notes(whole, info, counted(13, 5)) == ["18 of 20 frames are in the result; the others cannot be decoded."]
    assert frame_notes(jobs.request(clip, None, tiny_model, frames=(18, 400)), info, counted(2)) == [
        "Frames up to 400 were asked for, but frame 19 is the last one."
    ]


def test_a_result_with_fewer_frames_than_were_restored_is_a_failure(clip, tiny_model, tmp_path, loader, monkeypatch):
    publish = job.publish

    def short(files, *arguments):
        return dataclasses.replace(publish(files, *arguments), frames=3)

    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, frames=(0, 3))
    monkeypatch.setattr(job, "publish", short)
    with pytest.raises(OutputError, match="has 3 of the 4 frames that were restored"):
        run_job(request, loader=loader)
    with pytest.raises(OutputError, match="exists already"):  # and it is not believed the next time
        run_job(request, loader=loader)


@pytest.fixture
def clock(monkeypatch):
    """What a job is timed by; it stands still but where a test winds it on."""
    now = [0.0]
    for module in (background, frames, sinks, telemetry):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


class Gates:
    """Lets the writer begin once the second segment is sampled, that go on once the first is written, and so on to the end."""

    def __init__(self, clock, monkeypatch):
        self.clock, self.written, self.first = clock, 0, threading.Event()
        self.sampling, self.draining = threading.Event(), threading.Event()
        write, drain = VideoWriter.write, Background.drain
        monkeypatch.setattr(VideoWriter, "write", lambda writer, *arguments: self.write(partial(write, writer, *arguments)))
        monkeypatch.setattr(Background, "drain", lambda writer: self.draining.set() or drain(writer))
        monkeypatch.setattr(job, "room_for", lambda plan: 64)  # all frames of a segment

    def write(self, write):
        assert (self.sampling if self.written < FIRST else self.draining).wait(60)
        self.clock[0] += 1
        self.written += 1
        write()
        if self.written == FIRST:
            self.first.set()

    def __call__(self, event):
        if isinstance(event, StepStarted) and event.segment == 1:
            self.sampling.set()
            assert self.first.wait(60)


def test_writing_goes_on_beside_the_network(clip, tiny_model, tmp_path, loader, monkeypatch, clock):
    """Each frame takes a second to write: only those of the last segment are waited for."""
    watch = jobs.Watch(Gates(clock, monkeypatch))
    report = run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model), watch, None, loader)
    assert report["writing_seconds"] == jobs.FRAMES and report["seconds"]["write"] == jobs.FRAMES - FIRST


def test_a_network_that_waits_is_told(clip, tiny_model, tmp_path, loader, monkeypatch, clock):
    """Whenever the writer's clock is read a second has passed: between two looks it waits, and then it does not."""

    def monotonic():
        clock[0] += 1
        return clock[0]

    monkeypatch.setattr(background, "time", SimpleNamespace(monotonic=monotonic))
    assert run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model), loader=loader)["waiting_share"] == 0.5


def test_a_meter_holds_no_frames():
    frame = np.zeros((4, 12, 16), np.float32)
    meter = ErrorMeter(None, FACTOR)
    meter.add(frame[3])
    assert meter.first is meter.last and meter.last.base is None
