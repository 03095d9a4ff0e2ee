"""Pictures to keep of a frame: their sizes, which pixels are whose, and where the line is."""

import numpy as np
import pytest

from app.preview.bicubic import enlarge_part
from app.preview.frames import ResultFrame
from app.preview.stills import Still, pixels_of

SOURCE = np.random.default_rng(5).integers(0, 256, (24, 32, 3), np.uint8)
LABELS = "Original", "Restored"


def result(value=200, width=128, height=96, origin=(0, 0), scale=4.0, enlarged=None):
    return ResultFrame(np.full((height, width, 3), value, np.uint8), origin, scale, 0, True, enlarged)


def made(kind, still):
    return pixels_of(still.picture(kind))


def test_a_frame_and_its_original_are_kept_as_they_are(qapp):
    still = Still(3, SOURCE, result(), LABELS)
    assert (made("original", still) == SOURCE).all()
    assert (made("frame", still) == 200).all() and made("frame", still).shape == (96, 128, 3)
    assert (made("frame", Still(3, SOURCE, None, LABELS)) == SOURCE).all(), "nothing is restored yet"


def test_pixels_that_are_not_square_are_stretched(qapp):
    still = Still(3, SOURCE, result(), LABELS, aspect=1.5)
    assert made("original", still).shape == (24, 48, 3) and made("frame", still).shape == (96, 192, 3)
    assert made("both", still).shape == (96, 384, 3)


def test_a_weaker_result_is_mixed_with_the_enlarged_input(qapp):
    still = Still(3, SOURCE, result(enlarged=np.full((96, 128, 3), 100, np.uint8)), LABELS, strength=0.25)
    assert (made("frame", still) == 125).all()


@pytest.mark.parametrize("origin", [(0, 0), (40, 20)])
def test_side_by_side_both_show_the_same_part(qapp, origin):
    part = result(width=64, height=48, origin=origin)
    picture = made("both", Still(3, SOURCE, part, LABELS))
    expected = enlarge_part(SOURCE, 4, 1, (*origin, 64, 48))
    assert picture.shape == (48, 128, 3)
    # below the labels
    assert (picture[40:, :64] == expected[40:]).all() and (picture[40:, 64:] == 200).all()
    assert (picture[:24, 64:] != 200).any() and (picture[:24, :64] != expected[:24]).any(), "the labels"


def test_a_result_that_is_no_larger_is_compared_with_the_clip_itself(qapp):
    source = np.random.default_rng(6).integers(0, 256, (96, 128, 3), np.uint8)
    picture = made("both", Still(3, source, result(scale=1.0), LABELS, wipe=0.5))
    assert (picture[-9:, :63] == source[-9:, :63]).all()


@pytest.mark.parametrize(
    ("wipe", "origin", "column"), [(0.25, (0, 0), 32), (0.5, (40, 0), 24), (0.1, (40, 0), 0), (0.9, (0, 0), 64)]
)
def test_the_wipe_is_kept_where_it_stands(qapp, wipe, origin, column):
    part = result(width=64, height=48, origin=origin)
    row = made("both", Still(3, SOURCE, part, LABELS, wipe=wipe))[-1]
    expected = enlarge_part(SOURCE, 4, 1, (*origin, 64, 48))[-1]
    assert (row[: max(0, column - 1)] == expected[: max(0, column - 1)]).all()
    assert (row[column + 1 :] == 200).all() and row.shape == (64, 3)
