"""Colour conversion, orientation and names, against plain statements of what they are."""

from pathlib import Path

import av
import numpy as np
import pytest
from clips import codes
from hypothesis import given, settings
from hypothesis import strategies as st

from dcvsr_engine.video.color import MATRICES, ColorInfo, resolve_color, rgb_to_ycc
from dcvsr_engine.video.orientation import Orientation
from dcvsr_engine.video.pixels import from_rgb, planes_of, to_rgb
from dcvsr_engine.video.suffixes import natural_order

FORMATS = ["yuv444p", "yuv444p10le", "yuv444p12le", "yuv444p16le"]


def noise(name: str, width: int, height: int, seed: int) -> av.VideoFrame:
    """A frame of random code values."""
    frame = av.VideoFrame(width, height, name)
    bits = frame.format.components[0].bits
    dice = np.random.default_rng(seed)
    for plane in frame.planes:
        values = np.frombuffer(memoryview(plane), "u1" if bits == 8 else "<u2")
        values[:] = dice.integers(0, 2**bits, values.size)
    return frame


@given(
    name=st.sampled_from(FORMATS),
    matrix=st.sampled_from(["bt709", "smpte170m", "bt2020nc", "ycgco", "smpte240m"]),
    level=st.sampled_from(["tv", "pc"]),
    width=st.integers(1, 40),
    height=st.integers(1, 40),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_codes_of_real_colours_come_back(name: str, matrix: str, level: str, width: int, height: int, seed: int) -> None:
    """RGB → codes → RGB → codes: the same codes, at every depth; and RGB is right to half a code."""
    color = ColorInfo(matrix, level, "bt709", "bt709")
    rgb = np.random.default_rng(seed).random((height, width, 3), np.float32)
    first = from_rgb(rgb, name, color, (0, 0.5))
    back = to_rgb(first, color, (0, 0.5))
    bits = first.format.components[0].bits
    again = from_rgb(back, name, color, (0, 0.5))
    inside = ((back > 0) & (back < 1)).all(-1)
    for before, after in zip(planes_of(first)[0], planes_of(again)[0], strict=True):
        np.testing.assert_array_equal(before[inside], after[inside])
    if matrix in ("bt709", "smpte170m", "bt2020nc"):
        exact = codes(rgb, (MATRICES[matrix], 1 if level == "tv" else 2, 1, 1), bits)
        for plane, values in zip(planes_of(first)[0], exact, strict=True):
            assert np.abs(plane - np.minimum(values, 2**bits - 1)).max() <= 0.5 + 2**bits * 1e-6


@given(
    name=st.sampled_from(["yuv420p", "yuv422p", "yuv420p10le", "yuv440p", "yuv411p", "yuv410p"]),
    width=st.integers(1, 40),
    height=st.integers(1, 40),
    grey=st.floats(0.05, 0.95),
)
@settings(max_examples=40, deadline=None)
def test_flat_colour_stays_flat_in_every_sampling(name: str, width: int, height: int, grey: float) -> None:
    color = ColorInfo("bt709", "tv", "bt709", "bt709")
    rgb = np.array([grey, 0.5, 1 - grey])
    frame = av.VideoFrame(width, height, name)
    bits = frame.format.components[0].bits
    for plane, value in zip(frame.planes, codes(rgb[None, None], (1, 1, 1, 1), bits)[:, 0, 0], strict=True):
        np.frombuffer(memoryview(plane), "u1" if bits == 8 else "<u2")[:] = round(value)
    back = to_rgb(frame, color, (0, 0.5))
    assert back.shape == (height, width, 3) and np.ptp(back, (0, 1)).max() < 1e-6
    assert np.abs(back - rgb).max() < 2 / 255


@pytest.mark.parametrize("siting", [(0.0, 0.5), (0.0, 0.0), (0.5, 0.5)])
def test_down_and_up_keep_a_ramp_in_place(siting: tuple[float, float]) -> None:
    """Linear colour survives 4:2:0 whatever the chroma's place, away from the edges."""
    color = ColorInfo("bt709", "pc", "bt709", "bt709")
    rows, columns = np.meshgrid(np.linspace(0.3, 0.6, 48), np.linspace(0.2, 0.7, 64), indexing="ij")
    rgb = np.stack([columns, rows, 1 - columns], -1).astype(np.float32)
    frame = from_rgb(rgb, "yuv420p16le", color, siting)
    error = to_rgb(frame, color, siting) - rgb
    assert np.abs(error[2:-2, 2:-2]).max() < 1e-4


@pytest.mark.parametrize(
    ("planar", "packed"),
    [
        ("yuv420p", "nv12"),
        ("yuv422p", "yuyv422"),
        ("yuv422p", "uyvy422"),
        ("yuv420p10le", "p010le"),
        ("yuv420p10le", "yuv420p10be"),
        ("gbrp", "rgb24"),
        ("gbrp", "bgra"),
        ("gbrp16le", "rgb48be"),
        ("gray", "ya8"),
        ("gray16le", "gray16be"),
    ],
)
@pytest.mark.parametrize("tags", [(2, 0), (1, 1), (5, 2)])
def test_other_layouts_are_unpacked_without_change(planar: str, packed: str, tags: tuple[int, int]) -> None:
    frame = noise(planar, 64, 32, 1)
    frame.colorspace, frame.color_range = tags
    other = frame.reformat(format=packed)
    for before, after in zip(planes_of(frame)[0], planes_of(other)[0], strict=True):
        np.testing.assert_array_equal(before, after)


def test_yuv_with_alpha_and_palettes() -> None:
    color = ColorInfo("bt709", "tv", "bt709", "bt709")
    opaque = noise("yuv420p", 64, 32, 2)
    opaque.colorspace, opaque.color_range = 1, 1
    np.testing.assert_array_equal(to_rgb(opaque, color, (0, 0.5)), to_rgb(opaque.reformat(format="yuva420p"), color, (0, 0.5)))
    indices = np.arange(64 * 32, dtype=np.uint8).reshape(32, 64) % 4
    palette = np.zeros((256, 4), np.uint8)
    palette[:4] = [[255, 10, 20, 30], [255, 200, 0, 0], [255, 0, 200, 0], [255, 1, 2, 250]]
    frame = av.VideoFrame.from_ndarray((indices, palette), "pal8")
    pixels = to_rgb(frame, ColorInfo("gbr", "pc", "bt709", "iec61966-2-1"), (0, 0.5))
    np.testing.assert_allclose(pixels * 255, palette[indices][..., 1:], atol=1e-4)


def test_matrices_have_the_published_numbers() -> None:
    """ITU-R BT.709-6, BT.601-7 and BT.2020-2, to the digits printed there."""
    np.testing.assert_allclose(rgb_to_ycc("bt709")[0], [0.2126, 0.7152, 0.0722])
    np.testing.assert_allclose(rgb_to_ycc("smpte170m")[0], [0.299, 0.587, 0.114])
    np.testing.assert_allclose(rgb_to_ycc("bt2020nc")[0], [0.2627, 0.6780, 0.0593])
    np.testing.assert_allclose(1 / np.diag(np.linalg.inv(rgb_to_ycc("bt709"))[[2, 0]][:, [1, 2]]), [1 / 1.8556, 1 / 1.5748])


@pytest.mark.parametrize(
    ("tagged", "size", "rgb", "picture", "expected"),
    [
        ((2, 0, 2, 2), (640, 360), False, False, ("smpte170m", "tv", "smpte170m", "smpte170m")),
        ((2, 0, 2, 2), (720, 576), False, False, ("bt470bg", "tv", "bt470bg", "smpte170m")),
        ((2, 0, 2, 2), (1920, 1080), False, False, ("bt709", "tv", "bt709", "bt709")),
        ((2, 0, 9, 16), (1920, 1080), False, False, ("bt2020nc", "tv", "bt2020", "smpte2084")),
        ((1, 2, 2, 2), (320, 240), False, False, ("bt709", "pc", "bt709", "bt709")),
        ((2, 0, 2, 2), (1920, 1080), True, True, ("gbr", "pc", "bt709", "iec61966-2-1")),
        ((2, 2, 2, 2), (1920, 1080), False, True, ("bt470bg", "pc", "bt709", "iec61966-2-1")),
        ((0, 1, 1, 1), (1920, 1080), False, False, ("bt709", "tv", "bt709", "bt709")),
    ],
)
def test_colour_that_a_file_does_not_say(
    tagged: tuple[int, int, int, int], size: tuple[int, int], rgb: bool, picture: bool, expected: tuple[str, ...]
) -> None:
    color = resolve_color(tagged, *size, rgb=rgb, picture=picture, full=False)
    assert (color.matrix, color.range, color.primaries, color.transfer) == expected


@given(st.booleans(), st.booleans(), st.booleans())
def test_orientation_says_what_it_does(transpose: bool, flip_x: bool, flip_y: bool) -> None:
    turn = Orientation(transpose, flip_x, flip_y)
    pixels = np.arange(2 * 3 * 3).reshape(2, 3, 3)
    expected = np.rot90(pixels, -turn.rotation // 90)
    expected = expected[:, ::-1] if turn.mirror else expected
    np.testing.assert_array_equal(turn.apply(pixels), expected)
    assert turn.size(3, 2) == expected.shape[1::-1]


def test_pictures_are_sorted_as_people_count() -> None:
    names = ["shot_10.png", "shot_9.png", "a2b10.png", "a2b9.png", "shot.png", "shot_1.png"]
    assert [p.name for p in sorted(map(Path, names), key=natural_order)] == [
        "a2b9.png",
        "a2b10.png",
        "shot.png",
        "shot_1.png",
        "shot_9.png",
        "shot_10.png",
    ]
