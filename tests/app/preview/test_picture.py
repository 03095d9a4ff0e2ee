import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPainter

from app.preview.bicubic import enlarge_part
from app.preview.model import Viewport
from app.preview.picture import Picture, image_of, subtract


@pytest.fixture
def pixels():
    smooth = np.asarray(Image.fromarray(np.random.default_rng(1).integers(0, 256, (9, 12, 3), np.uint8)).resize((120, 90)))
    return np.ascontiguousarray(smooth)


def array_of(image: QImage) -> np.ndarray:
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., 2::-1].astype(int)


def painted(picture: Picture, viewport: Viewport, budget: float = 10.0) -> tuple[np.ndarray, bool]:
    image = QImage(*viewport.view, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.magenta)
    painter = QPainter(image)
    complete = picture.paint(painter, viewport, budget)
    painter.end()
    return array_of(image), complete


def bicubic(pixels: np.ndarray, scale: int) -> np.ndarray:
    """All at once; that this is what the engine works on is tested in tests/dcvsr_engine/network/test_resample.py."""
    height, width = pixels.shape[:2]
    return enlarge_part(pixels, scale, 1, (0, 0, width * scale, height * scale)).astype(int)


def test_a_result_at_actual_size_is_shown_exactly(pixels):
    seen = Viewport((120, 90), (50, 40)).actual_size().panned(-13, -7)
    x, y = -seen.offset[0], -seen.offset[1]
    shown, complete = painted(Picture(pixels), seen)
    assert complete
    np.testing.assert_array_equal(shown, pixels[y : y + 40, x : x + 50])


def test_the_input_is_enlarged_bicubically_without_seams():
    """Noise, for every weight to show, over several of the pyramid's tiles."""
    noise = np.random.default_rng(3).integers(0, 256, (90, 150, 3), np.uint8)
    shown, complete = painted(Picture(noise, scale=3), Viewport((450, 270), (450, 270)).actual_size())
    assert complete
    np.testing.assert_array_equal(shown, bicubic(noise, 3))


def test_at_half_size_it_is_the_enlarged_picture_averaged(pixels):
    shown, _ = painted(Picture(pixels, scale=4), Viewport.fit((480, 360), (240, 180)))
    expected = bicubic(pixels, 4).reshape(180, 2, 240, 2, 3).mean(axis=(1, 3))
    assert np.abs(shown - expected).max() <= 1


def test_results_of_other_scales_fit_in(pixels):
    """A ×4 result beside ×2 ones is shrunk; a ×3 result beside ×4 ones is enlarged."""
    seen = Viewport((240, 180), (240, 180)).actual_size()
    shown, _ = painted(Picture(bicubic(pixels, 4).astype(np.uint8), scale=0.5), seen)
    assert np.abs(shown - bicubic(pixels, 2)).mean() < 2
    seen = Viewport((480, 360), (480, 360)).actual_size()
    shown, _ = painted(Picture(bicubic(pixels, 3).astype(np.uint8), scale=4 / 3), seen)
    assert np.abs(shown - bicubic(pixels, 4)).mean() < 2


def test_zoomed_out_it_is_the_smaller_picture(pixels):
    seen = Viewport.fit((480, 360), (120, 90))
    shown, _ = painted(Picture(pixels, scale=4), seen)
    np.testing.assert_allclose(shown, pixels, atol=2)


def test_a_shrunk_result_is_averaged_not_sampled():
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 200
    shown, _ = painted(Picture(stripes), Viewport.fit((400, 400), (100, 100)))
    assert np.abs(shown - 100).max() <= 2


@pytest.mark.parametrize(("zoom", "blocky"), [(2.0, False), (4.0, True)])
def test_single_pixels_show_above_200_percent(zoom, blocky):
    board = np.zeros((20, 20, 3), np.uint8)
    board[::2, ::2] = board[1::2, 1::2] = 255
    seen = Viewport((20, 20), (40, 40)).actual_size().zoomed(zoom)
    shown, _ = painted(Picture(board), seen)
    assert (set(np.unique(shown)) == {0, 255}) == blocky


def test_without_time_a_rough_picture_comes_first_and_is_refined(pixels):
    picture, seen = Picture(pixels, scale=4), Viewport((480, 360), (480, 360)).actual_size()
    rough, complete = painted(picture, seen, budget=0)
    assert not complete
    assert np.abs(rough - bicubic(pixels, 4)).mean() < 20
    fine, complete = painted(picture, seen)
    assert complete
    assert np.abs(fine - bicubic(pixels, 4)).max() <= 1


def test_only_what_is_seen_is_computed(pixels):
    picture = Picture(np.tile(pixels, (8, 8, 1)), scale=4)
    painted(picture, Viewport((3840, 2880), (100, 100)).actual_size())
    assert 1 <= sum(len(level.fine) for level in picture._levels.values()) <= 4


def test_a_part_lies_where_it_belongs():
    part = Picture(np.full((10, 20, 3), 200, np.uint8), origin=(30, 40))
    shown, _ = painted(part, Viewport((100, 100), (100, 100)).actual_size())
    expected = np.zeros((100, 100), bool)
    expected[40:50, 30:50] = True
    np.testing.assert_array_equal((shown == 200).all(axis=-1), expected)


def test_beside_the_picture_nothing_is_painted(pixels):
    shown, complete = painted(Picture(pixels, origin=(500, 0)), Viewport((1000, 90), (100, 90)).actual_size().panned(9999, 0))
    assert complete
    assert (shown == (255, 0, 255)).all()


@pytest.mark.parametrize("gain", [1, 2, 4, 8, 16])
def test_subtract(gain):
    rng = np.random.default_rng(gain)
    one, other = rng.integers(0, 256, (2, 31, 17, 3), np.uint8)
    left, right = image_of(one), image_of(other)
    subtract(left, right, gain)
    expected = np.minimum(np.abs(one.astype(int) - other), 255 // gain) * gain
    np.testing.assert_array_equal(array_of(left), expected)
    assert left.pixelColor(3, 3).alpha() == 255
    assert right.pixelColor(3, 3) == QColor(*other[3, 3].tolist())
