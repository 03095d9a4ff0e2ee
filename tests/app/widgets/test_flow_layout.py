import pytest
from PySide6.QtWidgets import QPushButton, QWidget

from app.widgets.flow_layout import FlowLayout


@pytest.mark.parametrize("width", [90, 150, 400])
def test_nothing_falls_off_whatever_the_width(qtbot, width):
    box = QWidget()
    qtbot.addWidget(box)
    flow = FlowLayout(box)
    buttons = [QPushButton(text) for text in ("Side by side", "Wipe", "A/B", "Difference", "Fit")]
    for button in buttons:
        flow.addWidget(button)
    width = max(width, flow.minimumSize().width())
    box.resize(width, flow.heightForWidth(width))
    box.show()
    for button in buttons:
        assert box.rect().contains(button.geometry())
        assert not any(button.geometry().intersects(other.geometry()) for other in buttons if other is not button)


def test_hidden_widgets_take_no_room(qtbot):
    box = QWidget()
    qtbot.addWidget(box)
    flow = FlowLayout(box)
    one, other = QPushButton("one"), QPushButton("other")
    flow.addWidget(one)
    flow.addWidget(other)
    both = flow.sizeHint().width()
    other.hide()
    assert flow.sizeHint().width() < both
    assert flow.takeAt(5) is None and flow.itemAt(0).widget() is one
