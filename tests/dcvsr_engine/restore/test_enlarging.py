"""A part of an enlarged frame is that part of all of it, wherever it is cut."""

import networks
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from dcvsr_engine.models.registry import model_folder
from dcvsr_engine.network.upsampling import BicubicUpsampler, LearnedUpsampler, load_upsampler
from dcvsr_engine.restore.enlarging import Enlarger, HoldingEnlarger, enlarged_matte
from dcvsr_engine.restore.frames import SegmentFrames


def enlarger(height, width, scale, upsampler):
    pixels = torch.rand(3, 3, height, width, generator=torch.Generator().manual_seed(5))
    frames = SegmentFrames((0, 1, 2), (0, 1, 2), (1, 1, 1), pixels)
    return Enlarger(frames, upsampler, scale, 16, "cpu")


def part(size, bounds):
    first, last = sorted(bounds)
    return slice(round(first * (size - 1)), round(first * (size - 1)) + max(1, round((last - first) * size)))


BOUNDS = st.tuples(st.floats(0, 1), st.floats(0, 1))


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 2, 3, 4]), BOUNDS, BOUNDS)
def test_a_part_is_cut_out_of_the_whole(height, width, scale, down, across):
    chosen = enlarger(height, width, scale, BicubicUpsampler())
    rows, columns = (part(size, bounds) for size, bounds in zip(chosen.padded_size, (down, across), strict=True))
    whole, cut = chosen([0, 2]), chosen([0, 2], rows, columns)
    assert whole.shape[-2:] == chosen.padded_size
    # a third is no float: positions round differently
    torch.testing.assert_close(cut, whole[..., rows, columns], atol=1e-5 if scale == 3 else 0, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(21, 33), (5, 70)])
def test_frames_that_are_held_are_enlarged_in_bands_and_once(height, width, monkeypatch):
    plain = enlarger(height, width, 4, LearnedUpsampler(networks.upsampler()))
    monkeypatch.setattr("dcvsr_engine.restore.enlarging.ENLARGED_TOGETHER", 4 * width)
    holding = HoldingEnlarger(plain, {})
    assert len(holding.bands()) > 1
    rows, columns = slice(9, 4 * height), slice(6, holding.padded_size[1])
    torch.testing.assert_close(holding([2, 0], rows, columns), plain([2, 0], rows, columns), atol=1e-5, rtol=0)
    monkeypatch.setattr(plain.upsampler, "enlarge", None)  # nothing is enlarged a second time
    again = HoldingEnlarger(plain, holding.held)
    assert torch.equal(again([2, 0]), holding([2, 0])) and again.held.keys() == {0, 2}


@pytest.mark.parametrize("scale", [2, 4])
def test_a_learned_upsampler_looks_as_far_as_it_says(scale):
    chosen = enlarger(60, 50, scale, LearnedUpsampler(networks.upsampler()))
    rows, columns = slice(16 * scale, 40 * scale), slice(20 * scale, 30 * scale)
    torch.testing.assert_close(chosen([1], rows, columns), chosen([1])[..., rows, columns], atol=1e-5, rtol=0)


def mattes(pictures, upsampler):
    """An enlarger by four of alpha channels ``(frames, height, width)``."""
    places = tuple(range(len(pictures)))
    frames = SegmentFrames(places, places, (1,) * len(pictures), pictures[:, None].expand(-1, 3, -1, -1), alpha=pictures)
    return Enlarger(frames.mattes, upsampler, 4, 16, "cpu")


def test_the_edge_of_a_matte_is_sharper_than_bicubic_and_what_is_opaque_stays_so():
    rows, columns = torch.meshgrid(torch.arange(512.0), torch.arange(512.0), indexing="ij")
    moving = torch.stack([((rows - 250).hypot(columns - 250 - 8 * frame) < 140).float() for frame in range(5)])
    truth, small = (F.avg_pool2d(moving[:, None], size)[:, 0] for size in (4, 16))
    learned = load_upsampler("learned", model_folder("compact"), "cpu")
    found, bicubic = (enlarged_matte(mattes(small, upsampler), 2) for upsampler in (learned, BicubicUpsampler()))
    assert found.shape == (128, 128) and (found - truth[2]).square().mean() < 0.5 * (bicubic - truth[2]).square().mean()
    assert set(found[52:75, 52:75].unique().tolist()) == {1.0} and set(found[:8].unique().tolist()) == {0.0}
