"""Sizes of pictures: what a size means for a clip, the network's factor for it, and what the plan says."""

from fractions import Fraction

import networks
import pytest

from dcvsr_engine.planning.sizes import decided_size, size_notes, sizes_of
from dcvsr_engine.settings import RestoreSettings

PAL_WIDE = Fraction(64, 45)


def sizes(size, source, aspect=Fraction(1), even=False, **changes):
    settings = networks.declaration(scale=4).resolve(RestoreSettings(size=size, **changes))
    return sizes_of(settings, source, aspect, even)


@pytest.mark.parametrize(
    ("size", "source", "output", "scale"),
    [
        ("x1", (640, 480), (640, 480), 1),
        ("x3", (333, 251), (999, 753), 3),
        ("1080p", (1280, 720), (1920, 1080), 2),
        ("1080p", (854, 480), (1920, 1080), 3),
        ("1080p", (640, 480), (1440, 1080), 3),
        ("1080p", (480, 270), (1920, 1080), 4),
        ("1080p", (720, 1280), (1080, 1920), 2),
        ("1080p", (1920, 1080), (1920, 1080), 1),
        ("1080p", (3840, 2160), (1920, 1080), 1),
        ("1440p", (1920, 804), (2560, 1072), 2),
        ("4k", (1920, 1080), (3840, 2160), 2),
        ("4k", (160, 120), (2880, 2160), 4),
        ("800x600", (640, 360), (800, 450), 2),
        ("800x600", (360, 640), (338, 600), 1),
    ],
)
def test_a_result_fits_into_its_size_and_the_smallest_factor_reaches_it(size, source, output, scale):
    found = sizes(size, source)
    assert (found.output, found.scale) == (output, scale)
    assert scale == 4 or all(restored >= wanted - 1 for restored, wanted in zip(found.restored, output, strict=True))


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ((640, 360), "x4"),
        ((960, 540), "x4"),
        ((540, 960), "x4"),
        ((961, 540), "4k"),
        ((1280, 720), "4k"),
        ((1080, 1920), "4k"),
        ((3840, 2160), "4k"),
        ((5120, 2880), "x1"),
    ],
)
def test_by_itself_a_result_has_the_models_factor_but_no_more_than_4k(source, meant):
    assert decided_size("auto", 4, source) == meant
    width, height = sizes("auto", source).output
    assert source == (5120, 2880) or (max(width, height) <= 3840 and min(width, height) <= 2160)


def test_pixels_keep_their_shape_by_a_factor_and_become_square_in_a_size():
    by_factor, in_size = sizes("x2", (720, 576), PAL_WIDE), sizes("1080p", (720, 576), PAL_WIDE)
    assert (by_factor.output, by_factor.square) == ((1440, 1152), False)
    assert (in_size.output, in_size.square, in_size.scale) == ((1920, 1080), True, 3)
    assert decided_size("auto", 4, (720, 576), PAL_WIDE) == "4k"


def test_odd_sizes_become_even_where_the_encoder_needs_that():
    assert sizes("x1", (333, 251)).output == (333, 251)
    assert sizes("x1", (333, 251), even=True).output == (332, 252)


@pytest.mark.parametrize(("reduce", "reduced", "scale"), [("1", (1280, 720), 2), ("2", (640, 360), 3), ("1.5", (853, 480), 3)])
def test_a_reduced_picture_is_enlarged_further(reduce, reduced, scale):
    found = sizes("1080p", (1280, 720), reduce=reduce)
    assert (found.reduced, found.scale, found.output) == (reduced, scale, (1920, 1080))


def test_notes_say_what_is_scaled():
    assert size_notes(sizes("x4", (64, 48))) == size_notes(sizes("x4", (1, 1))) == []
    assert size_notes(sizes("1080p", (1280, 720))) == ["The picture is restored at 2560×1440 and scaled down to 1920×1080."]
    assert "reduced to 640×360 before" in size_notes(sizes("1080p", (1280, 720), reduce="2"))[0]
    assert "enlarges 4 times; the rest of the way to 2880×2160" in size_notes(sizes("4k", (160, 120)))[0]
    assert "smaller than the clip" in size_notes(sizes("1080p", (3840, 2160)))[-1]
