"""Results of a size that is no factor of the clip's, and clips that are reduced before they are restored."""

from fractions import Fraction

import jobs
import numpy as np
import pytest

from dcvsr_engine.errors import Cancelled
from dcvsr_engine.events import PreviewFrame, StepStarted
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.plans import plan_job
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.video.probe import probe

FEW = (0, 3)


def written(path):
    """Size, shape of pixels and first frame of a file."""
    info = probe(path)
    return (info.width, info.height), info.sample_aspect_ratio, jobs.pictures(path)[0]


def test_a_result_has_the_size_that_was_asked_for(clip, tiny_model, tmp_path, loader):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, FEW, size="48x48")
    watch, plans = jobs.Watch(), []
    report = run_job(request, watch, loader=loader, on_plan=plans.append)
    size, aspect, _ = written(tmp_path / "out.mkv")
    assert size == plans[0].output_size == tuple(report["output_size"]) == (48, 36) and aspect == 1
    assert plans[0].settings.scale == 2 and "restored at 64×48 and scaled down to 48×36" in " ".join(report["notes"])
    assert report["result_bytes"] == (tmp_path / "out.mkv").stat().st_size
    assert all(event.pixels.shape == (36, 48, 3) for event in watch.of(PreviewFrame))


def test_it_is_what_a_whole_factor_gives_scaled_down(clip, tiny_model, tmp_path, loader):
    for name, size in (("two", "x2"), ("fit", "48x36")):
        run_job(jobs.request(clip, tmp_path / f"{name}.mkv", tiny_model, FEW, size=size), loader=loader)
    two, fit = (written(tmp_path / f"{name}.mkv")[2].astype(float) for name in ("two", "fit"))
    # thirds of blocks of 4×4 pixels and of 3×3 have the same mean
    blocks = [two.reshape(12, 4, 16, 4, 3).mean((1, 3)), fit.reshape(12, 3, 16, 3, 3).mean((1, 3))]
    assert np.abs(blocks[0] - blocks[1]).mean() < 4


def test_tape_becomes_square_in_a_size_and_stays_by_a_factor(tiny_model, tmp_path, loader):
    source = jobs.short_clip(tmp_path / "tape.mkv", frames=3, aspect=Fraction(4, 3))
    for size, expected in (("x2", ((64, 48), Fraction(4, 3))), ("64x64", ((64, 36), Fraction(1)))):
        target = tmp_path / f"{size}.mkv"
        run_job(jobs.request(source, target, tiny_model, codec="h264", size=size), loader=loader)
        assert written(target)[:2] == expected


def test_a_reduced_clip_is_restored_from_fewer_pixels(clip, tiny_model, tmp_path, loader):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, FEW, size="x2", reduce="2")
    plans = []
    report = run_job(request, loader=loader, on_plan=plans.append)
    assert plans[0].reduced_size == (16, 12) and plans[0].settings.scale == 4
    assert written(tmp_path / "out.mkv")[0] == tuple(report["output_size"]) == (64, 48)
    assert jobs.number(written(tmp_path / "out.mkv")[2]) == 0


def test_a_job_in_a_size_resumes(clip, tiny_model, tmp_path, loader):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, size="40x40", reduce="1.5")
    with pytest.raises(Cancelled):
        run_job(request, jobs.CancelAt(StepStarted, step=1, segment=1).watch, tmp_path / "job", loader)
    run_job(request, None, tmp_path / "job", loader)
    whole = request.replace(target=tmp_path / "whole.mkv")
    run_job(whole, loader=loader)
    assert jobs.fingerprint(tmp_path / "out.mkv") == jobs.fingerprint(tmp_path / "whole.mkv")


def test_the_plan_says_how_large_the_file_will_be(clip, tiny_model, tmp_path):
    lossless, plain = (plan_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model, codec=codec)) for codec in ("ffv1", "h264"))
    assert lossless.result_bytes > plain.result_bytes > 0
    assert plan_job(jobs.request(clip, None, tiny_model)).result_bytes is None


def test_a_report_gives_settings_that_can_be_used_again(clip, tiny_model, tmp_path, loader):
    report = run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model, FEW), loader=loader)
    again = RestoreSettings.from_dict(report["settings"])
    assert (again.size, again.reduce) == ("x2", "1")
