import pytest
from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QColor, QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip

from app.widgets.appearance import tones
from app.widgets.step_strip import StepStrip
from dcvsr_engine.events import StepKind

KINDS = [StepKind.SAP, StepKind.TAP_FORWARD, StepKind.PLAIN, StepKind.TAP_BACKWARD]


@pytest.fixture
def strip(qtbot) -> StepStrip:
    strip = StepStrip()
    qtbot.addWidget(strip)
    strip.resize(400, 20)
    strip.show_steps(KINDS, [1.0, 0.5, 0.25, 0.0])
    strip.show()
    return strip


def color_of(strip: StepStrip, step: int) -> QColor:
    return strip.grab().toImage().pixelColor(step * 100 + 10, 10)


def test_each_cell_has_the_colour_of_its_step(strip):
    for step, kind in enumerate(KINDS):
        assert color_of(strip, step) == tones(strip.palette()).step[kind]


def test_steps_to_come_are_pale(strip):
    done, waiting = color_of(strip, 0), color_of(strip, 3)
    strip.show_step(1)
    assert color_of(strip, 0) == done and color_of(strip, 3) != waiting
    strip.show_step(None)
    assert color_of(strip, 3) == waiting


def test_steps_are_told_in_words(strip, qtbot):
    assert strip.step_text(1) == "Step 2 of 4: TAP forward, each window sees the one before it, γ = 0.50"
    assert "1 of them SAP and 2 TAP" in strip.accessibleDescription()
    at = QPoint(150, 10)
    QApplication.sendEvent(strip, QHelpEvent(QEvent.Type.ToolTip, at, strip.mapToGlobal(at)))
    assert QToolTip.text() == strip.step_text(1)
    QToolTip.hideText()


def test_positions_outside_are_no_step(strip):
    assert strip.step_at(-1000) is None and strip.step_at(1000) is None and strip.step_at(399) == 3


def test_an_empty_strip_paints_nothing(qtbot):
    strip = StepStrip()
    qtbot.addWidget(strip)
    strip.grab()
    assert strip.step_at(3) is None
