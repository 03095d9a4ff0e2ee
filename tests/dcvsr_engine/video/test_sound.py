"""Sound for listening: at its place, as long as asked for, from any time on."""

from fractions import Fraction

import numpy as np
import pytest
from clips import Clip, write_clip

from dcvsr_engine.video.reader import VideoReader
from dcvsr_engine.video.sound import SOUND_RATE, sound_between

TONE_FROM = 0.5


def samples(info, begin, end):
    return np.concatenate(list(sound_between(info, begin, end)))


@pytest.fixture(scope="module", params=["mp4", "mkv", "ts"])
def info(request, tmp_path_factory):
    """4 s of pictures that begin at 2 s on the file's clock, with a tone from half a second later on."""
    path = tmp_path_factory.mktemp("clips") / f"tone.{request.param}"
    clip = Clip(pts=range(50, 150), audio=(("eng", ""),), audio_start=Fraction(TONE_FROM))
    return VideoReader(write_clip(path, clip)).counted_info()


@pytest.mark.parametrize("begin", [0.0, 0.4])
def test_sound_is_where_the_frames_are(info, begin):
    heard = samples(info, begin, 4)
    assert heard.shape == (round((4 - begin) * SOUND_RATE), 2)
    assert begin + np.flatnonzero(abs(heard[:, 0]) > 300)[0] / SOUND_RATE == pytest.approx(TONE_FROM, abs=0.025)
    assert abs(heard[2 * SOUND_RATE :]).max() > 5000


def test_a_part_sounds_as_in_the_whole(info):
    """But for a millisecond, in which Matroska counts."""
    whole, part = samples(info, 0, 4).astype(int), samples(info, 2.25, 3)
    places = [round(2.25 * SOUND_RATE) + moved for moved in range(-48, 49)]
    assert min(abs(part - whole[place : place + len(part)]).max() for place in places) < 50


def test_there_is_silence_before_and_behind(info):
    assert not samples(info, 0, 0.25).any()
    beyond = samples(info, 6, 8.5)
    assert len(beyond) == 2.5 * SOUND_RATE and not beyond.any()


def test_a_clip_without_sound_is_silent(tmp_path):
    silent = VideoReader(write_clip(tmp_path / "silent.mp4", Clip())).counted_info()
    heard = samples(silent, 0, 0.3)
    assert len(heard) == round(0.3 * SOUND_RATE) and not heard.any()
