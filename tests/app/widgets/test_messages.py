from PySide6.QtWidgets import QWidget

from app.widgets.messages import ask


def test_a_question_is_gone_before_what_it_leads_to_begins(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    seen = []
    box = ask(window, "Quit now?", "It takes a while.", "Quit", "Stay", lambda: seen.append(box.isVisible()))
    next(button for button in box.buttons() if button.text() == "Quit").click()
    assert seen == [False]
