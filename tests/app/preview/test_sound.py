"""The sound of play, against a device that nobody hears."""

import threading
from fractions import Fraction

import numpy as np
import pytest
from clips import Clip, write_clip

from app.preview.playback import Playback
from app.preview.sound import ClipSound, SoundBuffer, sound_of
from dcvsr_engine.video.reader import VideoReader
from dcvsr_engine.video.sound import SOUND_RATE


@pytest.fixture(scope="module")
def info(tmp_path_factory):
    """4 s with a tone from the first second on."""
    path = tmp_path_factory.mktemp("clips") / "tone.mp4"
    return VideoReader(write_clip(path, Clip(pts=range(100), audio=(("eng", ""),), audio_start=Fraction(1)))).counted_info()


@pytest.fixture
def sound(qtbot, sound_device, info):
    made = ClipSound(output=sound_device)
    made.set_clip(info)
    yield made
    made.shutdown()


def play(origin=1.5, first=0.0, end=4.0, direction=1, started=0.0):
    return Playback(origin, first, end, direction, started)


def buffered(clock, *blocks, gain=1.0):
    """A buffer for play that began at 0, with samples that count from 0 on."""
    buffer = SoundBuffer(0.0, lambda: gain, clock)
    for block in blocks:
        buffer.write(np.repeat(np.asarray(block, np.int16)[:, None], 2, 1))
    return buffer


def test_samples_come_out_in_order_and_as_loud_as_wanted():
    buffer = buffered(lambda: 0.0, range(0, 100, 2), range(100, 200, 2), gain=0.5)
    assert [*buffer.read(30)[:, 0], *buffer.read(70)[:, 1]] == list(range(100))
    assert not buffer.read(5).any()


def test_what_comes_late_is_left_out():
    now = 0.0
    buffer = buffered(lambda: now, range(SOUND_RATE // 2))
    now = 0.25
    assert buffer.read(3)[:, 0].tolist() == [SOUND_RATE // 4 + n for n in range(3)]


def test_late_sound_that_is_not_decoded_yet_is_waited_for_in_silence():
    now = 0.25
    buffer = buffered(lambda: now, range(1000))
    assert not buffer.read(100).any()
    buffer.write(np.ones((SOUND_RATE // 2, 2), np.int16))
    assert buffer.read(100).all()


def test_a_device_that_asks_too_early_gets_silence():
    buffer = buffered(lambda: 0.0, np.ones(SOUND_RATE))
    assert buffer.read(SOUND_RATE // 4).all()
    assert not buffer.read(100).any()


def test_the_decoder_waits_until_there_is_room_and_ends_with_the_buffer():
    buffer = buffered(lambda: 0.0, np.ones(SOUND_RATE))
    answers = []
    writer = threading.Thread(target=lambda: answers.append(buffer.write(np.ones((10, 2), np.int16))))
    writer.start()
    writer.join(0.05)
    assert writer.is_alive()
    buffer.close()
    writer.join(60)
    assert answers == [False]


def test_the_part_is_heard_over_and_over(info):
    blocks = sound_of(info, play(3.5, 0.9, 3.6))
    heard = np.zeros((0, 2), np.int16)
    while len(heard) < 6 * SOUND_RATE:
        heard = np.concatenate([heard, next(blocks)])
    quiet = [abs(heard[round(s * SOUND_RATE) :][:1000]).max() < 300 for s in (0.0, 0.12, 0.25, 2.7, 2.83, 2.95)]
    # 0.1 s up to the end, then the part, which begins with 0.1 s of silence
    assert quiet == [False, True, False, False, True, False]


def test_what_plays_is_heard_from_its_place_on(qtbot, sound_device, sound, info):
    with qtbot.waitSignal(sound.availability_changed) as heard:
        sound.follow(play(started=1e9))
    assert heard.args == [""] and sound_device.opened == 1
    sound.follow(None)
    sound_device.wait_until_closed()


@pytest.mark.parametrize(
    "silent", [lambda s: s.follow(play(direction=-1)), lambda s: s.set_volume(0, False), lambda s: s.set_volume(50, True),
               lambda s: s.set_clip(None)]
)  # fmt: skip
def test_backwards_muted_and_without_a_clip_there_is_silence(qtbot, sound_device, sound, silent):
    with qtbot.waitSignal(sound.availability_changed):
        sound.follow(play())
    silent(sound)
    sound_device.wait_until_closed()
    assert sound_device.opened == 1


def test_what_is_muted_is_heard_again_at_its_place(qtbot, sound_device, sound):
    sound.set_volume(100, True)
    sound.follow(play())
    with qtbot.waitSignal(sound.availability_changed):
        sound.set_volume(100, False)
    assert sound_device.opened == 1


def test_without_a_device_it_says_so_and_tries_again(qtbot, sound_device, sound):
    sound_device.problem = "There is none."
    with qtbot.waitSignal(sound.availability_changed) as told:
        sound.follow(play())
    assert told.args == ["There is none."]
    sound_device.problem = ""
    with qtbot.waitSignal(sound.availability_changed) as told:
        sound.follow(play(started=1.0))
    assert told.args == [""]


def test_a_clip_without_sound_says_so(qtbot, sound, tmp_path):
    silent = VideoReader(write_clip(tmp_path / "silent.mp4", Clip())).counted_info()
    with qtbot.waitSignal(sound.availability_changed) as told:
        sound.set_clip(silent)
    assert told.args == ["This clip has no sound."]
