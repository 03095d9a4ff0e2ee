"""The benchmarks of long clips: growth and joins."""

import json
from pathlib import Path

import jobs
import numpy as np
import pytest
import torch
from clips import Clip, write_clip

from dcvsr_engine import cli
from dcvsr_engine.planning.shots import detect_shots
from dcvsr_engine.research.bench import growth, joins
from dcvsr_engine.research.bench.command import joins_table
from dcvsr_engine.research.bench.growth import Growth, GrowthRun
from dcvsr_engine.research.bench.joins import Joins
from dcvsr_engine.video.reader import VideoReader


@pytest.fixture
def common(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return ["--model", str(tiny_model), "--tile", "16", "--window", "7", "--device", "cpu", "--precision", "fp32"]


def test_growth_is_that_of_the_long_clip_over_the_short_one():
    figures = Growth(GrowthRun("here", 10, 1, 400, 500, 0.5, 0.0), GrowthRun("here", 60, 6, 400, 550, 0.6, 0.0))
    assert (figures.memory, figures.own_memory, figures.time) == (1.1, 1.5, 1.2)


def test_the_clips_have_one_shot_and_as_many_frames_as_asked_for(tmp_path):
    with VideoReader(growth.write_clip(tmp_path / "clip.mkv", 40)) as reader:
        assert reader.frames_total == 40 and not detect_shots(reader, 0, 39).cuts


def test_growth_is_measured_and_printed(common, capsys, monkeypatch):
    monkeypatch.setattr(growth, "in_new_process", lambda work, *arguments: work(*arguments))
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    monkeypatch.setattr(growth.measure_growth, "__defaults__", ((5, 80),))
    assert cli.main(["bench", "growth", *common]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "5 frames in 1 segments, 80 in 2" in lines[0]
    short, long, ratio = map(float, lines[2].removeprefix("peak memory, MiB").split()[:3])
    assert 100 < short <= long + 200 and ratio == pytest.approx(long / short, abs=0.01)


def test_differences_between_frames_are_of_luma(tmp_path):
    levels = [0.2, 0.2, 0.6]
    clip = Clip(range(3), 16, 16, codec="ffv1", pixel_format="yuv444p", picture=lambda i, w, h: np.full((h, w, 3), levels[i]))
    found = joins.frame_differences(write_clip(tmp_path / "clip.mkv", clip))
    assert found == {1: 0, 2: pytest.approx(0.4 * 255, abs=1)}


def test_joins_are_compared_with_the_rest_and_with_one_piece(common, tmp_path, capsys):
    clip = str(jobs.short_clip(tmp_path / "clip.mkv"))
    assert cli.main(["bench", "joins", *common, "--clip", clip, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    # 14 frames hold one hop of 4 from window to window: a segment has 11 frames and leaves the last 3 to the next
    assert [(values["order"], [join["frame"] for join in values["joins"]]) for values in found] == [
        ("chain", [8, 12, 16]),
        ("bricks", [8, 11, 16]),
    ]
    for values in found:
        assert (values["frames"], values["segments"]) == (20, 4) and values["to_whole"] == pytest.approx(1, rel=1e-3)
        for join in values["joins"]:
            assert join["difference"] == pytest.approx(join["whole"], rel=1e-3) and 0 <= join["rank"] <= 1
    cli.main(["bench", "joins", *common, "--clip", clip])
    assert "in bricks" in capsys.readouterr().out
    assert cli.main(["bench", "joins", *common, "--clip", str(jobs.short_clip(tmp_path / "short.mkv", 5))]) == 2
    assert "makes a single segment" in capsys.readouterr().err


def test_a_picture_that_never_changes_has_no_join_score():
    still = [Joins(order, 20, 2, None, None, 0.0, (joins.Join(13, 0.0, 0.0, 1.0),)) for order in ("chain", "bricks")]
    table = joins_table(Path("still.mp4"), still)
    assert "score" not in table and "13" in table and still[0].to_whole == 1
