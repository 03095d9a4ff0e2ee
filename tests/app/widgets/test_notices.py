"""The line for what should be known now, on a narrow screen."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.widgets.notices import NoticeBar


def test_good_news_without_buttons_go_by_themselves(qtbot, monkeypatch):
    monkeypatch.setattr("app.widgets.notices.LINGER_MS", 1)
    bar = NoticeBar()
    qtbot.addWidget(bar)
    bar.say("The frame is on the clipboard.")
    qtbot.waitUntil(bar.isHidden)
    bar.say("a is ready.", actions=[("Play", print)])
    bar.caution("b is damaged.")
    qtbot.wait(20)
    assert not bar.isHidden()


def test_what_is_serious_stays_until_it_is_closed(qtbot):
    bar = NoticeBar()
    qtbot.addWidget(bar)
    bar.say("The engine ended.", "bad", [("Resume", print)])
    bar.say("a is ready.", actions=[("Play", print)], stays=True)
    bar.caution("The command failed.")
    assert bar.text == "The engine ended.\nThe command failed.\na is ready."
    assert [button.text() for button in bar.buttons] == ["Resume", "Play"]
    bar.withdraw()
    assert not bar.isHidden() and bar.text == "The engine ended.\na is ready."
    bar.close_button.click()
    bar.say("b is ready.", actions=[("Play", print)])
    assert bar.text == "b is ready." and len(bar.buttons) == 1


def test_what_can_be_done_about_results_is_not_pushed_away_by_what_nothing_can_be_done_about(qtbot):
    bar = NoticeBar()
    qtbot.addWidget(bar)
    bar.say("a is ready.", actions=[("Play", print)], stays=True)
    bar.caution("No command is set.")
    bar.caution("No player is there.")
    assert bar.text == "No player is there.\na is ready." and [button.text() for button in bar.buttons] == ["Play"]
    bar.say("b is ready.", actions=[("Play", print)], stays=True)
    assert bar.text == "b is ready." and len(bar.buttons) == 1
    bar.say("The engine was restarted.", "bad")
    assert bar.text == "The engine was restarted.\nb is ready." and len(bar.buttons) == 1


def test_what_is_said_about_something_is_taken_back_and_nothing_else(qtbot):
    bar = NoticeBar()
    qtbot.addWidget(bar)
    bar.say("The engine ended.", "bad", [("Resume", print)], about="a")
    bar.say("b is ready.", actions=[("Play", print)])
    bar.settle("b")
    assert bar.text == "The engine ended.\nb is ready."
    bar.settle("a")
    assert bar.text == "b is ready." and [button.text() for button in bar.buttons] == ["Play"]
    bar.say("c was cancelled.", "caution", [("Resume", print)], about="c")
    bar.settle("c")
    assert bar.isHidden()


def test_what_is_looked_at_leaves_what_else_can_be_done(qtbot):
    """*Report* took *Show in folder* away with it."""
    pressed: list[str] = []
    bar = NoticeBar()
    qtbot.addWidget(bar)
    names = ("Play", "Show in folder", "Report")
    bar.say("a_x4.mp4 is ready.", actions=[(name, lambda name=name: pressed.append(name)) for name in names], stays=True)
    for button in reversed(bar.buttons):
        button.click()
    assert pressed == [*reversed(names)] and not bar.isHidden()
    bar.say("b.mp4 was begun in an earlier session.", actions=[("Resume", print)])
    bar.buttons[0].click()
    assert bar.isHidden()


def test_the_buttons_of_a_notice_do_not_widen_a_narrow_window(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    bar, column = NoticeBar(), QVBoxLayout(window)
    column.addWidget(bar)
    column.addStretch(1)
    for _ in range(2):  # the buttons of a former notice take no room
        bar.say("tape_x4.mp4 is ready.", actions=[(name, print) for name in ("Play", "Show in folder", "Report")])
    window.resize(320, 400)
    window.show()
    qtbot.waitUntil(lambda: len({button.y() for button in bar.buttons}) > 1)
    assert window.width() == 320
    assert all(bar.rect().contains(button.geometry()) for button in bar.buttons)
