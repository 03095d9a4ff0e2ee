"""Pans over still pictures."""

import numpy as np
import pytest
from PIL import Image

from dcvsr_engine.errors import InputError
from dcvsr_engine.research.evaluation import stills
from dcvsr_engine.research.evaluation.clips import Preparation, prepare_clip
from dcvsr_engine.research.evaluation.stills import STILL_SIDE, pan, still_picture
from dcvsr_engine.research.pictures import read_pictures


@pytest.fixture
def picture():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 130, 3), np.uint8))


def test_a_pan_moves_by_whole_pixels_over_the_middle(picture):
    clip, pixels = pan(picture, 0, 5, (96, 64)), np.asarray(picture)
    assert clip.shape == (5, 64, 96, 3)
    for index, frame in enumerate(clip):
        y, x = 11 + index, 13 + 2 * index
        assert (frame == pixels[y : y + 64, x : x + 96]).all()
    assert (pan(picture, 2, 3, (96, 64)) == clip[2:]).all()
    assert pan(picture, 0, None, None).shape == (28, 90 - 27, 130 - 54, 3)


def test_a_picture_without_room_is_one_sentence(picture):
    with pytest.raises(InputError, match=r"too small for a pan of 28 frames: .* at most 76×63"):
        pan(picture, 0, 28, (96, 64))


def test_picture_files_become_clips(picture, tmp_path):
    picture.save(tmp_path / "still.png")
    clip = prepare_clip("still", tmp_path / "still.png", Preparation(frames=3, crop=(96, 64)), tmp_path / "clips")
    assert (read_pictures(clip.truth) == pan(picture, 0, 3, (96, 64))).all()
    assert read_pictures(clip.low).shape == (3, 16, 24, 3)


def test_large_pictures_are_shrunk(tmp_path):
    Image.new("L", (2000, 1000), 90).save(tmp_path / "large.png")
    assert still_picture(tmp_path / "large.png").size == (2 * STILL_SIDE, STILL_SIDE)


def test_raw_photographs_are_planes_of_green_blue_red(tmp_path, monkeypatch):
    monkeypatch.setattr(stills, "RAW_SIZE", (20, 30))
    planes = np.stack([np.full((20, 30), value << 8, "<u2") for value in (100, 200, 50)])
    planes.tofile(tmp_path / "photo.raw")
    assert still_picture(tmp_path / "photo.raw").getpixel((3, 4)) == (50, 100, 200)
    (tmp_path / "short.raw").write_bytes(b"123")
    with pytest.raises(InputError, match="cannot be read"):
        still_picture(tmp_path / "short.raw")
