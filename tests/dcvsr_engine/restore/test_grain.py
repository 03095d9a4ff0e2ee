"""Grain has the level asked for, is the frame's own, and leaves black and white alone."""

import jobs
import numpy as np
import pytest
import torch

from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.restore.grain import add_grain


@pytest.mark.parametrize("level", [1.0, 5.0, 20.0])
def test_the_level_is_the_deviation_at_mid_grey(level):
    grey = torch.full((2, 3, 128, 128), 0.5)
    grain = (add_grain(grey, level, 42, [0, 1]) - grey) * 255
    assert float(grain.std()) == pytest.approx(level, rel=0.03)
    assert abs(float(grain.mean())) < 0.05 * level
    assert torch.equal(grain[:, 0], grain[:, 2]), "grey grain"


def test_grain_is_fresh_in_every_frame_and_the_frames_own():
    grey = torch.full((3, 3, 32, 32), 0.5)
    found = add_grain(grey, 4.0, 42, [7, 8, 9])
    assert not torch.equal(found[0], found[1])
    assert torch.equal(found[1:], add_grain(grey[:2], 4.0, 42, [8, 9]))
    assert not torch.equal(found, add_grain(grey, 4.0, 43, [7, 8, 9]))


def test_black_and_white_stay_and_no_grain_changes_nothing():
    black_and_white = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 16, 16)
    assert torch.equal(add_grain(black_and_white, 20.0, 0, [0, 1]), black_and_white)
    frames = torch.rand(1, 3, 8, 8)
    assert add_grain(frames, 0.0, 0, [0]) is frames


def test_grain_does_not_depend_on_where_the_clip_is_cut(clip, tiny_model, tmp_path, loader):
    """Of two runs, one with grain, the difference is the frame's noise in every segment."""
    found = {}
    for grain in (0.0, 10.0):
        out = tmp_path / f"{grain}.mkv"
        run_job(jobs.request(clip, out, tiny_model, grain=grain, color="none"), folder=tmp_path / f"{grain}", loader=loader)
        found[grain] = torch.from_numpy(np.stack(jobs.pictures(out)).astype("float32")).permute(0, 3, 1, 2)
    for index, (plain, grained) in enumerate(zip(found[0.0], found[10.0], strict=True)):
        expected = 255 * add_grain(plain[None] / 255, 10.0, 42, [index])[0]
        assert float((grained - expected).abs().mean()) < 1.5, "rounded to 8-bit YCbCr and back"
        assert float((grained - plain).std()) > 3
