"""Clips, events and a sound device for the previewer's tests."""

import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.system.sound_output import SoundUnavailable

GREY_STEP = 12


@pytest.fixture(scope="session")
def grey_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 frames, 64×48, 10 per second: frame n is grey of value 12·n. The first frame is shown at half a second."""
    path = tmp_path_factory.mktemp("clips") / "grey.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        stream.time_base = Fraction(1, 10)
        for index in range(20):
            grey = np.full((48, 64, 3), GREY_STEP * index, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24").reformat(format="bgr0")
            frame.pts, frame.time_base = index + 5, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


class Mouse:
    """Moves over a widget as a hand does; positions are in logical pixels."""

    def __init__(self, widget: QWidget) -> None:
        self.widget = widget

    def send(self, kind: QEvent.Type, x: float, y: float, down: bool, modifiers: Qt.KeyboardModifier) -> None:
        button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
        held = Qt.MouseButton.LeftButton if down else Qt.MouseButton.NoButton
        position = QPointF(x, y)
        QApplication.sendEvent(
            self.widget, QMouseEvent(kind, position, QPointF(self.widget.mapToGlobal(position)), button, held, modifiers)
        )

    def move(self, x: float, y: float, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        self.send(QEvent.Type.MouseMove, x, y, False, modifiers)

    def click(self, x: float, y: float) -> None:
        self.drag((x, y), (x, y))

    def drag(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        self.send(QEvent.Type.MouseButtonPress, *start, True, modifiers)
        self.send(QEvent.Type.MouseMove, *end, True, modifiers)
        self.send(QEvent.Type.MouseButtonRelease, *end, False, modifiers)

    def double_click(self, x: float, y: float) -> None:
        self.send(QEvent.Type.MouseButtonDblClick, x, y, True, Qt.KeyboardModifier.NoModifier)

    def wheel(self, x: float, y: float, notches: float) -> None:
        position, delta = QPointF(x, y), round(120 * notches)
        event = QWheelEvent(
            position,
            QPointF(self.widget.mapToGlobal(position)),
            QPointF(0, 0).toPoint(),
            QPointF(0, delta).toPoint(),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.widget, event)


@pytest.fixture
def mouse_on():
    """A `Mouse` for a widget."""
    return Mouse


class SilentDevice:
    """A sound device that nobody hears.

    Attributes:
        opened: how often.
        problem: why it cannot be opened.
    """

    def __init__(self):
        self.opened, self.begun, self.closed, self.problem = 0, threading.Semaphore(0), threading.Semaphore(0), ""

    def __call__(self, fill):
        if self.problem:
            raise SoundUnavailable(self.problem)
        self.opened += 1
        self.begun.release()
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.closed.release()

    def wait_until_opened(self):
        assert self.begun.acquire(timeout=60)

    def wait_until_closed(self):
        assert self.closed.acquire(timeout=60)


@pytest.fixture
def sound_device():
    """A `SilentDevice`."""
    return SilentDevice()
