"""Cuts in synthetic shots: found where they are, and not in motion, flashes or fades."""

from collections.abc import Callable

import jobs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dcvsr_engine.errors import Cancelled
from dcvsr_engine.planning.shots import MIN_SHOT_FRAMES, THUMBNAIL_SIZE, ShotBoundaries, ShotDetector, detect_shots
from dcvsr_engine.video.reader import VideoReader

Scene = Callable[[int], NDArray[np.float64]]
WIDTH, HEIGHT = THUMBNAIL_SIZE


def scene(seed: int, speed: float = 0.0, noise: float = 1.0) -> Scene:
    """A picture of smooth random blobs that moves by ``speed`` pixels per frame, with some noise."""
    random = np.random.default_rng(seed)
    waves = random.uniform(-0.5, 0.5, (12, 2))
    phases, colors = random.uniform(0, 6.28, 12), random.uniform(-25, 25, (12, 3))
    mean = random.uniform(60, 190, 3)

    def picture(frame: int) -> NDArray[np.float64]:
        y, x = np.indices((HEIGHT, WIDTH), float)
        x += speed * frame
        waved = sum(c[:, None, None] * np.sin(a * x + b * y + p) for (a, b), p, c in zip(waves, phases, colors, strict=True))
        grain = np.random.default_rng(frame).normal(0, noise, (3, HEIGHT, WIDTH))
        return np.clip(mean[:, None, None] + waved + grain, 0, 255)

    return picture


def cuts_of(pictures: list[NDArray[np.float64]], first: int = 0) -> list[int]:
    detector = ShotDetector()
    for index, picture in enumerate(pictures, first):
        detector.add(index, picture.astype(np.int16))
    return detector.finish()


@pytest.mark.parametrize("speed", [0, 0.5, 2])
def test_cuts_are_found_at_their_frames(speed):
    shots = [(scene(seed, speed), length) for seed, length in enumerate((20, 7, 5, 33, 12))]
    pictures = [show(frame) for show, length in shots for frame in range(length)]
    assert cuts_of(pictures) == [20, 27, 32, 65]
    assert cuts_of(pictures, first=100) == [120, 127, 132, 165]


@pytest.mark.parametrize("speed", [0, 1, 3, 8])
def test_motion_is_no_cut(speed):
    assert cuts_of([scene(3, speed, noise=3)(frame) for frame in range(80)]) == []


@pytest.mark.parametrize("length", [1, 2, 4])
def test_a_flash_is_no_cut(length):
    show = scene(5, 0.5)
    pictures = [show(frame) + (120 if 20 <= frame < 20 + length else 0) for frame in range(50)]
    assert cuts_of([picture.clip(0, 255) for picture in pictures]) == []


@pytest.mark.parametrize("length", [10, 25])
def test_a_fade_is_no_cut(length):
    show = scene(6)
    fade = np.clip((40 - np.arange(60)) / length, 0, 1)
    assert cuts_of([show(frame) * share for frame, share in enumerate(fade)]) == []


def test_drawn_on_threes_is_no_cut():
    assert cuts_of([scene(7, 1.5, noise=0)(frame // 3 * 3) for frame in range(60)]) == []


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_a_shot_of_a_few_frames_is_dropped_and_one_of_its_cuts_kept(length):
    shots = [(scene(1), 20), (scene(2), length), (scene(3), 20)]
    cuts = cuts_of([show(frame) for show, frames in shots for frame in range(frames)])
    assert len(cuts) == 1 and cuts[0] in (20, 20 + length)


def dark(seed: int, contrast: float, speed: float = 0.0) -> Scene:
    """A grey scene around level 24 with so many levels from its darkest to its brightest pixel."""
    show = scene(seed, speed, noise=0.0)
    first = show(0)[0]
    low, high = first.min(), first.max()

    def picture(frame: int) -> NDArray[np.float64]:
        grain = np.random.default_rng(frame).normal(0, 0.3, (HEIGHT, WIDTH))
        luma = 24 + contrast * ((show(frame)[0] - low) / (high - low) - 0.5) + grain
        return np.stack([luma.round(), np.full_like(luma, 128), np.full_like(luma, 128)])

    return picture


@pytest.mark.parametrize("contrast", [8, 12])
@pytest.mark.parametrize("speed", [0, 1])
def test_cuts_in_the_dark_are_found(contrast, speed):
    pictures = [dark(seed, contrast, speed)(frame) for seed in (1, 2, 3) for frame in range(20)]
    assert cuts_of(pictures) == [20, 40]


@pytest.mark.parametrize("speed", [0, 1, 3, 8])
def test_motion_in_the_dark_is_no_cut(speed):
    assert cuts_of([dark(3, 12, speed)(frame) for frame in range(80)]) == []


def test_a_shot_has_some_frames():
    one, other = scene(8), scene(9)
    pictures = [(one if frame < 3 or frame >= 20 else other)(frame) for frame in range(22)]
    assert cuts_of(pictures) == []
    assert cuts_of([one(0)]) == cuts_of([one(0), other(1)]) == cuts_of([]) == []


@settings(max_examples=15)
@given(st.lists(st.integers(MIN_SHOT_FRAMES, 40), min_size=1, max_size=6))
def test_shots_of_any_length_are_told_apart(lengths):
    shows = [scene(seed, 0.3) for seed in range(2)]
    pictures = [shows[shot % 2](frame) for shot, length in enumerate(lengths) for frame in range(length)]
    assert cuts_of(pictures) == [int(start) for start in np.cumsum(lengths)[:-1]]


# -- of files ---------------------------------------------------------------------------------------------------


def test_the_shots_of_a_file_are_found(tmp_path):
    with VideoReader(jobs.cut_clip(tmp_path / "clip.mp4", 12, 9, 14)) as reader:
        assert detect_shots(reader, 0, 34) == ShotBoundaries(first=0, last=34, cuts=(12, 21))
        assert detect_shots(reader, 0, 34).shots == ((0, 11), (12, 20), (21, 34))
        assert detect_shots(reader, 5, 24) == ShotBoundaries(first=5, last=24, cuts=(12,))
        assert detect_shots(reader, 3, 900) == ShotBoundaries(first=3, last=34, cuts=(12, 21))


def test_detection_can_be_stopped_and_has_a_limit(tmp_path):
    def stop(index: int) -> None:
        if index == 7:
            raise Cancelled

    with VideoReader(jobs.short_clip(tmp_path / "clip.mp4")) as reader:
        with pytest.raises(Cancelled):
            detect_shots(reader, 0, 19, stop)
        assert detect_shots(reader, 0, 19, seconds=-1) is None
        assert detect_shots(reader, 40, 60) is None
