"""What must be seen in light and dark."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QStyle, QStyleOptionButton

from app.widgets.appearance import apply_appearance


@pytest.fixture(autouse=True)
def former_palette(qapp):
    former = qapp.palette()
    yield
    qapp.setPalette(former)
    qapp.styleHints().setColorScheme(Qt.ColorScheme.Unknown)


def luminance(color):
    """Relative luminance, as in the Web Content Accessibility Guidelines."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color.getRgbF()[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_an_empty_check_box_is_seen_in_the_dark(qtbot):
    apply_appearance(QApplication.instance(), "dark")
    box = QCheckBox("Show this before every run")
    qtbot.addWidget(box)
    box.show()
    option = QStyleOptionButton()
    box.initStyleOption(option)
    inside = box.style().subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, box).center()
    picture = box.grab().toImage()
    brighter, darker = luminance(picture.pixelColor(inside)), luminance(picture.pixelColor(picture.width() - 1, 0))
    assert (brighter + 0.05) / (darker + 0.05) > 3
