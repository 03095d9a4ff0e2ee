"""Photographs are found in packages, taken out of bundles, held out by name and shrunk until they are sharp."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from dcvsr_engine.research.training import photographs
from dcvsr_engine.research.training.photographs import Photograph, find_photographs, is_sharp, reductions, sharpened


def fractal(side: int) -> Image.Image:
    """Noise with as much contrast in every octave, like a sharp photograph."""
    rng, picture = np.random.default_rng(0), np.zeros((side, side))
    for level in range(6):
        grain = Image.fromarray(rng.normal(size=(side >> level, side >> level)).astype(np.float32))
        picture += np.asarray(grain.resize((side, side), Image.Resampling.BICUBIC))
    return Image.fromarray((128 + 25 * picture).clip(0, 255).astype(np.uint8)).convert("RGB")


def webp(color: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), color).save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A picture file, and a bundle of two pictures and a sound."""
    for name in ("usr/share/lxqt/wallpapers", "usr/share/gcompris-qt/rcc"):
        (tmp_path / name).mkdir(parents=True)
    Image.new("RGB", (60, 40)).save(tmp_path / "usr/share/lxqt/wallpapers/fog.jpg")
    sound = b"RIFF" + (8).to_bytes(4, "little") + b"WAVEdata"
    bundle = b"qres head" + webp("red") + b"between" + sound + webp("blue") + b"names"
    (tmp_path / "usr/share/gcompris-qt/rcc/explore_monuments.rcc").write_bytes(bundle)
    return tmp_path


def test_files_and_bundles_are_found_once_and_in_order(root):
    found = find_photographs([root, root])
    assert [photo.title for photo in found] == ["explore_monuments 0", "explore_monuments 1", "fog.jpg"]
    assert [tuple(photo.load()[0, 0]) for photo in found] == [(255, 0, 0), (0, 0, 255), (0, 0, 0)]


def test_one_in_twelve_is_held_out_by_its_name_wherever_it_lies():
    photos = [Photograph(Path(f"/a/picture{number}.jpg")) for number in range(600)]
    held_out = [photo.held_out for photo in photos]
    assert sum(held_out) / 600 == pytest.approx(1 / photographs.HELD_OUT, abs=0.03)
    assert [Photograph(Path(f"/b/{photo.path.name}")).held_out for photo in photos] == held_out


def test_large_photographs_are_loaded_smaller(tmp_path):
    Image.new("RGB", (3000, 2000)).save(tmp_path / "large.png")
    assert Photograph(tmp_path / "large.png").load().shape == (photographs.SHORT_SIDE, 1500, 3)


def test_soft_photographs_are_shrunk_until_they_are_sharp():
    sharp = fractal(1000)
    soft = sharp.filter(ImageFilter.GaussianBlur(1.5))
    assert is_sharp(sharp) and not is_sharp(soft)
    assert sharpened(np.asarray(sharp), 320).height == 1000
    first = np.asarray(sharpened(np.asarray(soft), 320))
    assert first.shape[0] < 700 and is_sharp(Image.fromarray(first))


def test_a_photograph_that_is_sharp_nowhere_gives_its_smallest():
    blurred = fractal(1000).filter(ImageFilter.GaussianBlur(30))
    assert [level.shape[0] for level in reductions(sharpened(np.asarray(blurred), 320), 320)] == [343]
    assert list(reductions(sharpened(np.asarray(blurred), 1200), 1200)) == []
