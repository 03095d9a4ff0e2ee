"""Measuring how much of its resolution a picture uses."""

import jobs
import numpy as np
import pytest
from PIL import Image

from dcvsr_engine.cli import plan_text
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.plans import plan_job
from dcvsr_engine.video.detail import detail_limit, suggested_reduction


def texture(width: int = 384, height: int = 216) -> Image.Image:
    """A picture with the power spectrum of a photograph, 1/f²."""
    rng = np.random.default_rng(3)
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    radius[0, 0] = 1
    field = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(height, width))) / radius, (height, width))
    return Image.fromarray(np.uint8(np.clip(128 + 40 * field / field.std(), 0, 255))).convert("RGB")


def enlarged(factor: float) -> Image.Image:
    picture = texture()
    small = picture.resize((round(picture.width / factor), round(picture.height / factor)), Image.Resampling.LANCZOS)
    return small.resize(picture.size, Image.Resampling.BICUBIC)


def suggested(picture: Image.Image, noise: float = 0.0) -> float:
    pixels = np.asarray(picture, np.float32) / 255
    pixels += np.random.default_rng(1).normal(0, noise / 255, pixels.shape).astype(np.float32)
    limit = detail_limit(pixels)
    return suggested_reduction([limit] if limit else [])


@pytest.mark.parametrize(("factor", "least"), [(1, 1), (1.5, 1), (2, 1), (3, 1.5), (4, 2)])
@pytest.mark.parametrize("noise", [0, 3])
def test_a_suggestion_follows_the_real_detail_and_never_exceeds_it(factor, least, noise):
    assert least <= suggested(enlarged(factor), noise) <= factor


def test_pictures_that_tell_nothing_are_left_as_they_are():
    assert detail_limit(np.full((200, 200, 3), 0.5, np.float32)) is None
    assert detail_limit(np.asarray(texture(), np.float32)[:40, :40] / 255) is None
    assert suggested_reduction([]) == 1 and suggested_reduction([0.2, 0.9]) == 1, "the sharpest frame counts"


def test_a_plan_suggests_and_auto_follows(tiny_model, tmp_path, loader):
    def soft(index, width, height):
        return np.asarray(enlarged(4).resize((width, height)), np.float64) / 255

    source = jobs.short_clip(tmp_path / "soft.mkv", 2, width=384, height=216, picture=soft)
    plan = plan_job(jobs.request(source, None, tiny_model, size="x1"))
    assert 1.5 <= plan.suggested_reduction <= 4 and not any("--reduce" in note for note in plan.notes)
    assert f"--reduce {plan.suggested_reduction:g} may do better" in plan_text(plan)
    assert plan_job(jobs.request(source, None, tiny_model, size="x1", reduce="4")).suggested_reduction is None
    assert plan.reduced_size == (384, 216)
    request = jobs.request(source, tmp_path / "out.mkv", tiny_model, size="x1", reduce="auto", tap=False, sap=False, steps=1)
    plans = []
    report = run_job(request, loader=loader, on_plan=plans.append)
    assert plans[0].settings.reduce == report["settings"]["reduce"] == f"{plan.suggested_reduction:g}"
    assert plans[0].reduced_size[0] <= 256 and report["output_size"] == [384, 216]
