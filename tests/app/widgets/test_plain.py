"""Names and errors that look like HTML are shown as they are."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QLabel, QWidget

from app.widgets.elided_label import ElidedLabel
from app.widgets.messages import ask, show_error
from app.widgets.notices import NoticeBar
from app.widgets.plain import plain_label, plain_tip

TRAP = "<img src='//host/share/x.png'><b>bold</b>.mp4"


def shows_as_it_is(label: QLabel) -> bool:
    return label.textFormat() == Qt.TextFormat.PlainText


def test_labels_and_notices(qtbot):
    bar, elided = NoticeBar(), ElidedLabel()
    for widget in (bar, elided):
        qtbot.addWidget(widget)
    bar.say(TRAP)
    assert bar.text == TRAP and all(map(shows_as_it_is, bar.findChildren(QLabel)))
    assert shows_as_it_is(elided) and shows_as_it_is(plain_label(TRAP))


@pytest.mark.parametrize("kind", ["error", "question"])
def test_message_boxes(qtbot, kind):
    parent = QWidget()
    qtbot.addWidget(parent)
    box = show_error(parent, TRAP, TRAP, "details") if kind == "error" else ask(parent, "title", TRAP, "yes", "no", lambda: None)
    said = [label for label in box.findChildren(QLabel) if TRAP in label.text()]
    assert len(said) == (2 if kind == "error" else 1) and all(map(shows_as_it_is, said))
    assert all(button.icon().isNull() for button in box.buttons())  # black on dark
    box.close()


def test_tool_tips(qapp):
    document = QTextDocument()
    document.setHtml(plain_tip(f"{TRAP}\nsecond line"))
    assert document.toPlainText() == f"{TRAP}\nsecond line"
    assert plain_tip("") == ""
