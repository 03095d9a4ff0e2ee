import pytest

from app.preview.playback import FrameTimes, Playback

EVEN = FrameTimes.even(100, 50.0)
PHONE = FrameTimes((0.0, 0.03, 0.06, 0.5, 0.53), 0.56)
"""As telephones record them: the frames are not equally long."""


def play(first, last, current, direction=1, times=EVEN):
    """As the timeline begins it."""
    origin = times.begins[current] if direction > 0 else times.end_of(current)
    return Playback(origin, times.begins[first], times.end_of(last), direction, 1000.0)


def seen(playback, seconds, times=EVEN):
    return times.frame_at(playback.position(1000.0 + seconds), playback.direction)


@pytest.mark.parametrize(
    ("current", "frames", "following"), [(5, 1, 6), (19, 1, 10), (18, 5, 13), (50, 1, 11), (3, 2, 5), (9, 1, 10), (8, 4, 12)]
)
def test_play_repeats_the_part(current, frames, following):
    assert seen(play(10, 19, current), (frames + 0.5) / 50) == following


@pytest.mark.parametrize(("current", "frames", "following"), [(15, 1, 14), (10, 1, 19), (11, 3, 18), (25, 3, 22), (5, 0, 19)])
def test_and_so_it_does_backwards(current, frames, following):
    assert seen(play(10, 19, current, -1), (frames + 0.5) / 50) == following


@pytest.mark.parametrize("direction", [1, -1])
def test_play_begins_with_the_frame_that_is_seen(direction):
    assert [seen(play(0, 99, frame, direction), 0.0) for frame in range(100)] == list(range(100))


def test_frames_are_seen_as_long_as_they_were_recorded():
    playback = play(0, 4, 0, times=PHONE)
    assert [seen(playback, s, PHONE) for s in (0.01, 0.04, 0.1, 0.45, 0.51, 0.55, 0.57)] == [0, 1, 2, 2, 3, 4, 0]


def test_a_part_without_length_is_played_all_the_same():
    assert seen(play(1, 1, 1, times=FrameTimes((0.0, 1.0, 1.0), 1.0)), 5.0, FrameTimes((0.0, 1.0, 1.0), 1.0)) == 2
