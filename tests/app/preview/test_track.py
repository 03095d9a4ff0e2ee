import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPalette

from app.preview.model import FrameRange
from app.preview.time_scale import TimeScale
from app.preview.track import FrameTrack


@pytest.fixture
def track(qtbot):
    """100 frames of 5 pixels each, 20 to 59 chosen."""
    made = FrameTrack()
    qtbot.addWidget(made)
    made.resize(516, 36)
    made.show()
    made.set_clip(100)
    made.set_range(FrameRange.whole(100).starting(20).ending(59).at(40))
    return made


def test_pressing_and_dragging_go_to_exact_frames(qtbot, track, mouse_on):
    seen = []
    track.valueChanged.connect(seen.append)
    mouse_on(track).drag((track.scale.x(70.5), 18), (track.scale.x(73.5), 18))
    assert seen == [70, 73]


def test_handles_are_dragged(qtbot, track, mouse_on):
    edits = []
    track.range_edited.connect(lambda *ends: edits.append(ends))
    mouse_on(track).drag((track.scale.x(20) + 2, 18), (track.scale.x(30), 18))
    assert edits[-1] == (30, 59)
    edits.clear()
    mouse_on(track).drag((track.scale.x(60) - 2, 18), (track.scale.x(81), 18))
    assert edits[-1] == (20, 80)


def test_arrow_keys_step_by_one_frame(qtbot, track):
    qtbot.keyClick(track, Qt.Key.Key_Right)
    assert track.value() == 41
    qtbot.keyClick(track, Qt.Key.Key_Left)
    qtbot.keyClick(track, Qt.Key.Key_Left)
    assert track.value() == 39
    qtbot.keyClick(track, Qt.Key.Key_Home)
    assert track.value() == 0


def test_the_wheel_and_keys_show_less_or_more_of_the_clip(qtbot, track, mouse_on):
    mouse_on(track).wheel(258, 18, 4)
    assert track.scale.count == pytest.approx(25)
    qtbot.keyClick(track, Qt.Key.Key_Minus)
    assert track.scale.count == pytest.approx(37.5)
    mouse_on(track).double_click(100, 18)
    assert track.scale == TimeScale.whole(100, 516)


def test_marks_are_painted_at_their_frames(track):
    track.set_cached([3, 4, 5])
    track.set_restored([10, 11, 12])
    picture = track.grab().toImage()

    def marked(y):
        colors = [picture.pixelColor(round(track.scale.x(frame + 0.5)), y) for frame in range(19)]
        return [frame for frame, color in enumerate(colors) if color != track.palette().color(QPalette.ColorRole.Base)]

    assert marked(9) == [3, 4, 5]
    assert marked(25) == [10, 11, 12]
    chosen, beyond = (picture.pixelColor(round(track.scale.x(frame)), 18) for frame in (30, 70))
    assert chosen != beyond


def test_the_tip_says_what_a_frame_is_and_what_the_marks_mean(track):
    track.set_restored([30, 31, 32])
    said = [track.describe(QPoint(round(track.scale.x(frame + 0.5)), 18)) for frame in (31, 33)]
    assert said[0].startswith("Frame 31: restored") and said[1].startswith("Frame 33: not restored yet")
    assert all(color in said[0] and color in track.accessibleDescription() for color in ("Blue", "Green", "Grey"))
