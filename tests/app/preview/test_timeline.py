import pytest
from PySide6.QtCore import Qt

from app.preview.model import FrameRange
from app.preview.playback import FrameTimes
from app.preview.tiling_state import TilingState
from app.preview.timeline import Timeline


@pytest.fixture
def timeline(qtbot):
    made = Timeline(TilingState())
    qtbot.addWidget(made)
    made.resize(700, 90)
    made.show()
    made.set_clip(FrameTimes.even(100, 50.0))
    yield made
    made.set_playing(False)


def test_scrubbing_typing_and_buttons_change_the_frame(qtbot, timeline):
    seen = []
    timeline.frame_changed.connect(seen.append)
    timeline.track.setValue(30)
    timeline.frame_box.setValue(42)
    qtbot.mouseClick(timeline.next_button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(timeline.previous_button, Qt.MouseButton.LeftButton)
    assert seen == [30, 42, 43, 42]
    assert timeline.track.value() == timeline.frame_box.value() == timeline.range.current == 42


def test_there_is_no_frame_before_the_first_or_after_the_last(timeline):
    timeline.step(-1)
    assert timeline.range.current == 0
    timeline.go_to(500)
    assert timeline.range.current == 99


def test_in_and_out_points(qtbot, timeline):
    chosen = []
    timeline.range_changed.connect(lambda *ends: chosen.append(ends))
    timeline.go_to(20)
    qtbot.mouseClick(timeline.in_button, Qt.MouseButton.LeftButton)
    timeline.go_to(33)
    qtbot.mouseClick(timeline.out_button, Qt.MouseButton.LeftButton)
    timeline.track.range_edited.emit(20, 40)
    assert chosen == [(20, 99), (20, 33), (20, 40)]
    assert timeline.range_label.text() == "20–40 · 21 frames"


def test_the_time_is_the_frames_own(timeline):
    timeline.go_to(10)
    assert timeline.time_label.text() == "00:00.200"
    timeline.frame_shown(10, 0.2345)
    assert timeline.time_label.text() == "00:00.234"
    timeline.frame_shown(4, 0.08)
    assert timeline.time_label.text() == "00:00.234"


def test_play_goes_by_the_times_of_the_frames_and_repeats_the_chosen_part(qtbot, timeline):
    timeline.set_chosen(10, 14)
    timeline.go_to(10)
    seen = []
    timeline.frame_changed.connect(seen.append)
    timeline.frame_changed.connect(lambda frame: timeline.frame_shown(frame, frame / 50))
    timeline.frame_shown(10, 0.2)
    with qtbot.waitSignal(timeline.playback_changed) as began:
        qtbot.mouseClick(timeline.play_button, Qt.MouseButton.LeftButton)
    (playback,) = began.args
    assert (playback.origin, playback.first, playback.end) == pytest.approx((0.2, 0.2, 0.3))
    qtbot.waitUntil(lambda: set(seen) == {10, 11, 12, 13, 14})
    timeline.set_playing(False)
    assert not timeline._timer.isActive()
    assert timeline.play_button.accessibleName() == "Play"


def test_play_goes_on_from_where_the_user_goes(timeline):
    heard = []
    timeline.playback_changed.connect(heard.append)
    timeline.play(-1)
    timeline.go_to(30)
    timeline.set_in()
    timeline.set_playing(False)
    assert [each and (each.direction, round(each.first, 3)) for each in heard] == [(-1, 0), (-1, 0), (-1, 0.6), None]
    assert heard[1].origin == pytest.approx(31 / 50)


def test_play_waits_for_a_frame_that_is_not_decoded_yet(qtbot, timeline):
    timeline.frame_shown(0, 0)
    timeline.set_playing(True)
    qtbot.waitUntil(lambda: timeline.range.current > 0)
    waiting_at = timeline.range.current
    qtbot.wait(80)
    assert timeline.range.current == waiting_at


def test_stepping_ends_play(timeline):
    timeline.set_playing(True)
    timeline.step(1)
    assert not timeline.playing
    assert not timeline.play_button.isChecked()


def test_another_clip_starts_anew(timeline):
    timeline.go_to(50)
    timeline.set_in()
    timeline.track.set_restored([50])
    timeline.set_playing(True)
    timeline.set_clip(FrameTimes.even(10, None))
    assert timeline.range == FrameRange.whole(10)
    assert timeline.track._restored == []
    assert not timeline.playing


def test_without_a_clip_nothing_can_be_pressed(timeline):
    timeline.clear()
    assert not timeline.isEnabled()
    assert timeline.time_label.text() == "–"
