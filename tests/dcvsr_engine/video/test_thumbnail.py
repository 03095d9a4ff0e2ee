from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from dcvsr_engine.video.orientation import Orientation
from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.thumbnail import small_picture


@pytest.fixture
def late_light(tmp_path):
    """Ten black frames, then red ones with a white upper half, 64×32."""
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "bgr0"
        for number in range(20):
            pixels = np.zeros((32, 64, 3), np.uint8)
            if number >= 10:
                pixels[:] = (255, 0, 0)
                pixels[:16] = 255
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format="bgr0")))
        out.mux(stream.encode())
    return path


def test_a_small_picture_shows_more_than_the_dark_at_the_beginning(late_light):
    picture = small_picture(probe(late_light), (40, 40))
    assert picture.shape == (20, 40, 3)
    assert picture[2].mean() > 250 and tuple(picture[-2, 5]) == (255, 0, 0)


def test_it_is_upright_and_has_square_pixels(late_light):
    info = probe(late_light)
    turned = replace(info, width=32, height=64, orientation=Orientation(transpose=True))
    picture = small_picture(turned, (40, 40))
    assert picture.shape == (40, 20, 3) and picture[:, 2].mean() > 250
    assert small_picture(replace(info, sample_aspect_ratio=Fraction(1, 2)), (64, 32)).shape == (32, 32, 3)


def test_a_small_clip_is_not_enlarged(late_light):
    assert small_picture(probe(late_light), (400, 400)).shape == (32, 64, 3)


def test_a_sequence_shows_its_first_picture(tmp_path):
    from PIL import Image

    for number in range(2):
        Image.new("RGB", (30, 20), (0, 200, 0) if number == 0 else (0, 0, 0)).save(tmp_path / f"{number:03}.png")
    assert tuple(small_picture(probe(tmp_path), (15, 10))[5, 5]) == (0, 200, 0)
