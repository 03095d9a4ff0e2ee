"""Jobs from clip to file: counts, segments, ranges, regions, previews, what is refused, and what is left behind."""

from pathlib import Path

import jobs
import numpy as np
import pytest
from clips import write_exr
from jobs import FRAMES, Watch, number
from PIL import Image

from dcvsr_engine.errors import InputError, OutputError
from dcvsr_engine.events import FrameDone, PhaseStarted, PreviewFrame, SegmentFinished, StepStarted, TileFinished
from dcvsr_engine.jobs import telemetry
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.paths import jobs_folder
from dcvsr_engine.planning.request import Region
from dcvsr_engine.video.reader import VideoReader


def left_behind(*folders: Path) -> list[str]:
    """Names of temporary files, and of jobs, that should not be there."""
    return [path.name for folder in folders if folder.exists() for path in folder.rglob("*") if ".partial-" in path.name]


def test_every_frame_comes_out_once_and_in_order(clip, tiny_model, tmp_path, loader):
    target, watch = tmp_path / "out.mkv", Watch()
    report = run_job(jobs.request(clip, target, tiny_model), watch, loader=loader)
    frames = jobs.pictures(target)
    assert [number(frame) for frame in frames] == list(range(FRAMES))
    assert frames[0].shape == (48, 64, 3)
    assert report["frames_in"] == report["frames_out"] == FRAMES
    assert report["segments"] == 2 and report["shots"] == 1 and report["joins"] == 1
    assert [event.segment for event in watch.of(SegmentFinished)] == [0, 1]
    assert not left_behind(tmp_path) and not jobs.kept()


def test_progress_counts_to_the_end(clip, tiny_model, tmp_path, loader):
    watch = Watch()
    run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model), watch, loader=loader)
    phases = [event.phase for event in watch.of(PhaseStarted)]
    assert [phase for phase, following in zip(phases, [*phases[1:], ""], strict=True) if phase != following] == [
        *("analyse", "load", "analyse", "encode", "sample", "decode", "encode", "sample", "decode", "write", "publish")
    ]
    for start, following in zip(watch.of(PhaseStarted), [*watch.of(PhaseStarted)[1:], None], strict=True):
        part = watch.events[watch.events.index(start) : watch.events.index(following) if following else None]
        counts = [(event.done, event.total) for event in part if isinstance(event, TileFinished | FrameDone)]
        if start.total:
            assert counts[-1] == (start.total, start.total), start
    assert {event.step for event in watch.of(StepStarted)} == {0, 1}


def test_a_preview_shows_steps_but_the_last_and_every_finished_frame(clip, tiny_model, loader, monkeypatch):
    monkeypatch.setattr(telemetry, "PREVIEW_INTERVAL", 0.0)
    monkeypatch.setattr(telemetry, "PREVIEW_PAUSE", 0.0)
    watch = Watch()
    report = run_job(jobs.request(clip, None, tiny_model), watch, loader=loader)
    final = [event for event in watch.of(PreviewFrame) if event.final]
    assert [event.frame for event in final] == list(range(FRAMES))
    assert [number(event.pixels) for event in final] == list(range(FRAMES))
    assert {event.step for event in watch.of(PreviewFrame) if not event.final} == {0}
    assert report["frames_out"] == FRAMES and report["target"] is None
    assert not jobs_folder().exists()


def test_the_first_estimate_is_shown_while_it_grows(clip, tiny_model, loader, monkeypatch):
    """One step is all that the built-in model takes: without this, nothing is seen before the end."""
    monkeypatch.setattr(telemetry, "PREVIEW_INTERVAL", 0.0)
    monkeypatch.setattr(telemetry, "PREVIEW_PAUSE", 0.0)
    watch = Watch()
    run_job(jobs.request(clip, None, tiny_model, steps=1), watch, loader=loader)
    growing = [event for event in watch.of(PreviewFrame) if not event.final]
    assert len(growing) >= len(watch.of(TileFinished)) / 2 > 1
    final = {event.frame: event.pixels for event in watch.of(PreviewFrame) if event.final}
    last = growing[-1]
    different = [np.abs(event.pixels.astype(int) - final[event.frame]).mean() for event in (growing[0], last)]
    assert different[1] <= different[0], "it comes closer to the result"


def test_preview_shows_what_the_file_will_hold(clip, tiny_model, tmp_path, loader):
    watch, target = Watch(), tmp_path / "out"
    run_job(jobs.request(clip, None, tiny_model, frames=(3, 5)), watch, loader=loader)
    run_job(jobs.request(clip, target, tiny_model, frames=(3, 5), codec="png"), loader=loader)
    written = [jobs.pictures(path)[0] for path in sorted(target.iterdir())]
    shown = [event.pixels for event in watch.of(PreviewFrame) if event.final]
    np.testing.assert_array_equal(shown, written)
    assert [path.name for path in sorted(target.iterdir())] == ["000003.png", "000004.png", "000005.png"]


@pytest.mark.parametrize("frames", [(0, 0), (7, 7), (19, 19), (18, 400)])
def test_a_range_down_to_one_frame(frames, clip, tiny_model, tmp_path, loader):
    target = tmp_path / "out.mkv"
    report = run_job(jobs.request(clip, target, tiny_model, frames=frames), loader=loader)
    wanted = list(range(frames[0], min(frames[1], FRAMES - 1) + 1))
    assert [number(frame) for frame in jobs.pictures(target)] == wanted
    assert report["frames_out"] == len(wanted)


def test_a_region_is_restored_alone_and_placed(clip, tiny_model, loader, tmp_path):
    watch = Watch()
    run_job(
        jobs.request(clip, None, tiny_model, frames=(2, 2), region=Region(x=8, y=4, width=10, height=12)), watch, loader=loader
    )
    [frame] = [event for event in watch.of(PreviewFrame) if event.final]
    assert frame.pixels.shape == (24, 20, 3) and frame.origin == (16, 8)
    run_job(
        jobs.request(clip, tmp_path / "out.mkv", tiny_model, frames=(2, 2), region=Region(x=8, y=4, width=10, height=12)),
        loader=loader,
    )
    [written] = jobs.pictures(tmp_path / "out.mkv")
    assert np.abs(written.astype(int) - frame.pixels).max() <= 2  # FFV1 in 4:4:4 rounds once


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"frames": (5, 2)}, "are no range"),
        ({"frames": (40, 50)}, "has 20 frames"),
        ({"region": Region(x=30, y=0, width=10, height=10)}, "does not lie inside"),
    ],
)
def test_impossible_parts_are_refused_before_work(changes, sentence, clip, tiny_model, tmp_path, loader):
    with pytest.raises(InputError, match=sentence):
        run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model, **changes), loader=loader)
    assert not jobs.kept() and not left_behind(tmp_path)


def test_an_existing_target_is_left_alone(clip, tiny_model, tmp_path, loader):
    target = tmp_path / "out.mkv"
    target.write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        run_job(jobs.request(clip, target, tiny_model), loader=loader)
    assert target.read_text() == "mine" and not jobs.kept()


def test_a_missing_input_is_named(tiny_model, tmp_path, loader):
    with pytest.raises(InputError, match=r"nowhere.mkv” does not exist"):
        run_job(jobs.request(tmp_path / "nowhere.mkv", tmp_path / "out.mkv", tiny_model), loader=loader)
    assert not jobs.kept()


def test_light_above_white_comes_out_enlarged(tiny_model, tmp_path, loader):
    (tmp_path / "in").mkdir()
    for place in range(2):
        light = np.full((24, 32, 3), 0.2, np.float32)
        light[8:16, 8:16] = 30 * place
        write_exr(tmp_path / "in" / f"shot.{place + 7}.exr", light)
    report = run_job(jobs.request(tmp_path / "in", tmp_path / "out", tiny_model, codec="exr"), loader=loader)
    with VideoReader(tmp_path / "out") as reader:
        found = list(reader)
    assert [path.name for path in reader.info.pictures] == ["000007.exr", "000008.exr"]
    assert found[0].excess is None and found[1].excess is not None
    assert abs(found[1].excess[20:28, 20:28] - 29).max() < 0.1 and not found[1].excess[:12].any()
    assert [note for note in report["notes"] if "enlarged linearly" in note]


def test_transparency_comes_out_enlarged(tiny_model, tmp_path, loader):
    (tmp_path / "in").mkdir()
    for place in range(2):
        pixels = np.full((24, 32, 4), 120, np.uint8)
        pixels[:, 16:, 3] = 255 * place
        Image.fromarray(pixels).save(tmp_path / "in" / f"{place}.png")
    report = run_job(jobs.request(tmp_path / "in", tmp_path / "out", tiny_model, codec="png"), loader=loader)
    written = [np.asarray(Image.open(path)) for path in sorted((tmp_path / "out").iterdir())]
    assert [picture.shape for picture in written] == [(48, 64, 4)] * 2
    assert [(picture[9, 5, 3], picture[9, 60, 3]) for picture in written] == [(120, 0), (120, 255)]
    assert [note for note in report["notes"] if "Transparency is kept" in note]
