"""The timeline: scrub, play and step by exact frames, in and out points, temporal windows."""

import time
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QSpinBox, QToolButton, QVBoxLayout, QWidget

from app.preview.buttons import icon, style_buttons
from app.preview.model import FrameRange, timecode
from app.preview.playback import FrameTimes, Playback
from app.preview.sound_controls import SoundControls
from app.preview.tiling_state import TilingState
from app.preview.track import FrameTrack
from app.preview.window_strip import WindowStrip
from app.widgets.flow_layout import FlowLayout


def in_a_row(widgets: Sequence[QWidget]) -> QWidget:
    """Widgets that stay beside each other."""
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(4, 0, 4, 4)
    for widget in widgets:
        line.addWidget(widget)
    return row


class Timeline(QWidget):
    """Which frame is seen and which part of the clip is worked on.

    Attributes:
        range: the clip's frames, chosen range and current frame.

    Signals:
        frame_changed: another frame is to be seen.
        range_changed: another part is chosen (first, last).
        part_only_changed: whether only the chosen part is to be restored.
        playback_changed: a `Playback` began, or ``None``: play ended.
    """

    frame_changed = Signal(int)
    range_changed = Signal(int, int)
    part_only_changed = Signal(bool)
    playback_changed = Signal(object)

    def __init__(self, state: TilingState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.range = FrameRange.whole(1)
        self._times = FrameTimes.even(1, None)
        self._shown = -1
        self._timer = QTimer(self)
        # coarse timers may be 5 % off
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_tick)
        self._playback: Playback | None = None
        self.track = FrameTrack(self)
        self.strip = WindowStrip(state, self)
        self.sound_controls = SoundControls(self)
        self.play_button = self._button(self.tr("Play"), self.tr("Play the selected range at its own speed (Space)."))
        self.play_button.setCheckable(True)
        self.previous_button = self._button(self.tr("Previous frame"), self.tr("Go back one frame (←)."))
        self.next_button = self._button(self.tr("Next frame"), self.tr("Go forward one frame (→)."))
        self.in_button = self._button(self.tr("Set in point"), self.tr("Start the selected range at this frame (I)."))
        self.out_button = self._button(self.tr("Set out point"), self.tr("End the selected range with this frame (O)."))
        self.frame_box = QSpinBox(self)
        self.frame_box.setAccessibleName(self.tr("Frame number"))
        self.frame_box.setToolTip(self.tr("The current frame; type a number to go there."))
        # a number counts when it is complete
        self.frame_box.setKeyboardTracking(False)
        self.time_label = QLabel(self)
        self.time_label.setAccessibleName(self.tr("Time"))
        self.time_label.setToolTip(self.tr("Time of this frame in the clip."))
        self.range_label = QLabel(self)
        self.range_label.setAccessibleName(self.tr("Selected range"))
        self.part_box = QCheckBox(self.tr("Only this part"), self)
        self.part_box.setAccessibleName(self.part_box.text())
        self.part_box.setToolTip(self.tr("Restore only the selected range; off, it is for previews and play."))
        self.part_box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.part_box.setChecked(True)
        self._lay_out()
        self._connect()
        self._refresh_icons()
        self.clear()

    def _button(self, name: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setAccessibleName(name)
        button.setToolTip(tip)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # as of the tools: a click leaves the keys where they were
        return button

    def _lay_out(self) -> None:
        frame_label = QLabel(self.tr("Fr&ame"), self)
        frame_label.setBuddy(self.frame_box)
        controls = FlowLayout(spread=True)
        for group in (
            (self.previous_button, self.play_button, self.next_button, self.time_label),
            (self.sound_controls,),
            (self.in_button, self.range_label, self.out_button, self.part_box),
            (frame_label, self.frame_box),
        ):
            controls.addWidget(in_a_row(group))
        strips = QGridLayout()
        strips.setVerticalSpacing(0)
        strips.addWidget(self.track, 0, 0)
        strips.addWidget(self.strip, 1, 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(strips)
        column.addLayout(controls)

    @property
    def parts(self) -> list[QWidget]:
        """The controls as they are seen, from above and from the left."""
        plays = [self.previous_button, self.play_button, self.next_button, *self.sound_controls.parts]
        return [self.track, *plays, self.in_button, self.out_button, self.part_box, self.frame_box]

    def _connect(self) -> None:
        self.track.valueChanged.connect(self.go_to)
        self.track.range_edited.connect(self.set_chosen)
        self.track.scale_changed.connect(self.strip.set_scale)
        self.frame_box.valueChanged.connect(self.go_to)
        self.play_button.toggled.connect(self.set_playing)
        self.previous_button.clicked.connect(self.step_back)
        self.next_button.clicked.connect(self.step_forward)
        self.in_button.clicked.connect(self.set_in)
        self.out_button.clicked.connect(self.set_out)
        self.part_box.toggled.connect(self.part_only_changed)

    # -- content ------------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """No clip."""
        self.set_clip(FrameTimes.even(1, None))
        self.time_label.setText("–")
        self.range_label.setText("")
        self.setEnabled(False)

    def set_clip(self, times: FrameTimes) -> None:
        """Another clip with frames at these times; all of it is chosen."""
        self.set_playing(False)
        self.setEnabled(True)
        self._times, frames = times, len(times.begins)
        self._shown = -1
        self.range = FrameRange.whole(frames)
        self.show_part_only(True)
        # the first frame of another clip is no move of the user's
        with QSignalBlocker(self.track), QSignalBlocker(self.frame_box):
            self.frame_box.setRange(0, frames - 1)
            self.track.set_clip(frames)
        self.strip.set_scale(self.track.scale)
        self._show_range()

    def show_again(self, chosen: FrameRange, part_only: bool) -> None:
        """Show the range and the frame of a clip that was seen before."""
        self.range = chosen
        self.show_part_only(part_only)
        self._show_range()

    @property
    def part_only(self) -> bool:
        """Whether the job restores only the chosen part, once one is chosen."""
        return self.part_box.isChecked()

    def show_part_only(self, part_only: bool) -> None:
        """Show whether the job restores only the chosen part."""
        with QSignalBlocker(self.part_box):
            self.part_box.setChecked(part_only)

    def frame_shown(self, frame: int, seconds: float) -> None:
        """A frame has been decoded and is seen now; ``seconds`` is its own time in the clip."""
        self._shown = frame
        if frame == self.range.current:
            self.time_label.setText(timecode(seconds))

    # -- frame and range ----------------------------------------------------------------------------------------

    def go_to(self, frame: int) -> None:
        """Show another frame, clamped to the clip; play goes on from there."""
        if self._move_to(frame):
            self._play_on()

    def _move_to(self, frame: int) -> bool:
        moved = self.range.at(frame)
        if moved == self.range:
            return False
        self.range = moved
        self._show_range()
        self.frame_changed.emit(moved.current)
        return True

    def step(self, frames: int) -> None:
        """Go forward by some frames, or back by negative ones; play ends."""
        self.set_playing(False)
        self.go_to(self.range.current + frames)

    def step_back(self) -> None:
        """Go back one frame."""
        self.step(-1)

    def step_forward(self) -> None:
        """Go forward one frame."""
        self.step(1)

    def set_in(self) -> None:
        """The chosen part begins at the current frame."""
        moved = self.range.starting(self.range.current)
        self.set_chosen(moved.first, moved.last)

    def set_out(self) -> None:
        """The chosen part ends with the current frame."""
        moved = self.range.ending(self.range.current)
        self.set_chosen(moved.first, moved.last)

    def set_chosen(self, first: int, last: int) -> None:
        """Choose the part from ``first`` to ``last`` (inclusive)."""
        chosen = self.range.starting(first).ending(last)
        if chosen != self.range:
            self.range = chosen
            self._show_range()
            self._play_on()
            self.range_changed.emit(chosen.first, chosen.last)

    def _show_range(self) -> None:
        self.track.set_range(self.range)
        self.frame_box.setValue(self.range.current)
        self.time_label.setText(timecode(self._times.begins[self.range.current]))
        count = self.range.last - self.range.first + 1
        text = self.tr("{first}–{last} · {count} frames") if count > 1 else self.tr("{first} · 1 frame")
        self.range_label.setText(text.format(first=self.range.first, last=self.range.last, count=count))
        self.part_box.setVisible(not self.range.is_whole)
        self.range_label.setToolTip(self.tr("The selected range: first frame, last frame, number of frames."))

    # -- play ---------------------------------------------------------------------------------------------------

    @property
    def playing(self) -> bool:
        """Whether the clip plays."""
        return self._playback is not None

    def set_playing(self, playing: bool) -> None:
        """Play the chosen part over and over, or stop."""
        if playing != self.playing:
            self._follow(self._playback_from_here(1) if playing else None)

    def play(self, direction: int) -> None:
        """Play the chosen part forwards (1) or backwards (-1)."""
        self._follow(self._playback_from_here(direction))

    def _play_on(self) -> None:
        """Go on playing from the frame that the user has gone to, or with the part that he has chosen."""
        if self._playback is not None:
            self._follow(self._playback_from_here(self._playback.direction))

    def _playback_from_here(self, direction: int) -> Playback:
        times, chosen = self._times, self.range
        # backwards, a frame is seen from its end on
        origin = times.begins[chosen.current] if direction > 0 else times.end_of(chosen.current)
        return Playback(origin, times.begins[chosen.first], times.end_of(chosen.last), direction, time.monotonic())

    def _follow(self, playback: Playback | None) -> None:
        """Play like this from now on, ``None`` no longer."""
        self._playback = playback
        if playback is None:
            self._timer.stop()
        else:
            # twice per frame, so that none comes late by more than half of its time
            self._timer.start(max(1, round(500 / self._times.rate)))
        # its signal comes back here and finds nothing to do
        self.play_button.setChecked(self.playing)
        self.play_button.setAccessibleName(self.tr("Pause") if self.playing else self.tr("Play"))
        self._refresh_icons()
        self.playback_changed.emit(playback)

    def _on_tick(self) -> None:
        """Show the frame that is due, but never leave one that has not been shown yet."""
        playback = self._playback
        if playback is not None and self._shown == self.range.current:
            self._move_to(self._times.frame_at(playback.position(time.monotonic()), playback.direction))

    # -- appearance ---------------------------------------------------------------------------------------------

    def _refresh_icons(self) -> None:
        names = {
            self.play_button: "pause" if self.playing else "play",
            self.previous_button: "previous",
            self.next_button: "next",
            self.in_button: "in",
            self.out_button: "out",
        }
        for button, name in names.items():
            button.setIcon(icon(name, self.palette()))
        style_buttons(names, self.palette())

    def changeEvent(self, event: QEvent) -> None:
        """Follow light and dark."""
        if event.type() == QEvent.Type.PaletteChange:
            self._refresh_icons()
        super().changeEvent(event)
