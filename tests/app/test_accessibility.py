"""Walks the whole window: every control has a name, can be reached by keyboard, and no shortcut is given twice."""

from collections import Counter

import pytest
from PySide6.QtCore import Qt, QTranslator
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QDockWidget,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QScrollBar,
    QTextEdit,
    QWidget,
)

from dcvsr_engine.resources import resource

CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QProgressBar,
)


def is_part_of_another(widget: QWidget) -> bool:
    """Parts that Qt makes and names itself: a spin box's line, a combo box's list, scroll bars, dock buttons, tool bar arrows."""
    names = (
        "qt_spinbox_lineedit",
        "qt_toolbar_ext_button",
        "qt_menubar_ext_button",
        "qt_dockwidget_closebutton",
        "qt_dockwidget_floatbutton",
    )
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QComboBox | QAbstractSpinBox):
        parent = parent.parentWidget()
    return widget.objectName() in names or parent is not None or isinstance(widget, QScrollBar | QHeaderView)


def controls(window: QWidget) -> list[QWidget]:
    found = [widget for widget in window.findChildren(QWidget) if isinstance(widget, CONTROLS) and not is_part_of_another(widget)]
    assert len(found) > 100
    return found


def name_of(widget: QWidget) -> str:
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return widget.accessibleName() or (text if any(letter.isalpha() for letter in text) else "")


@pytest.fixture
def window(open_window, clip):
    window = open_window(start=False)
    for dock in window.docks.values():
        dock.show()
    window.settings_panel.open_these_groups(window.settings_panel.sections)
    window.add_clips([clip])
    window.notices.say("Something happened.", "caution", [("Do something", lambda: None)])
    window.models.open()
    window.preferences_menu.open()
    return window


def test_every_control_has_a_name(window):
    nameless = [
        f"{type(widget).__name__} {widget.objectName()} in {type(widget.parent()).__name__}"
        for widget in controls(window)
        if not name_of(widget)
    ]
    assert nameless == []


def test_every_control_can_be_reached_by_keyboard(window):
    deaf = [
        f"{type(widget).__name__} “{name_of(widget)}”"
        for widget in controls(window)
        if not isinstance(widget, QProgressBar) and not widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    assert deaf == []


def menu_actions(menu: QMenu) -> list[QAction]:
    found = []
    for action in menu.actions():
        found += menu_actions(action.menu()) if action.menu() else [action]
    return [action for action in found if not action.isSeparator()]


def test_no_shortcut_is_given_twice(window):
    actions = {id(action): action for top in window.menuBar().actions() for action in menu_actions(top.menu())}
    keys = Counter(action.shortcut().toString() for action in actions.values() if not action.shortcut().isEmpty())
    assert len(keys) > 25
    assert [key for key, count in keys.items() if count > 1] == []


def test_every_menu_entry_has_a_text_and_every_menu_a_key(window):
    tops = window.menuBar().actions()
    assert len(tops) == 7
    assert all("&" in top.text() for top in tops)
    assert len({top.text()[top.text().index("&") + 1].lower() for top in tops}) == len(tops)
    assert all(action.text() for top in tops for action in menu_actions(top.menu()))


def test_every_panel_can_be_hidden_and_shown_from_the_menu(window):
    for dock in window.findChildren(QDockWidget):
        dock.toggleViewAction().trigger()
        assert not dock.isVisible()
        dock.toggleViewAction().trigger()
        assert not dock.isHidden()


def test_tab_goes_through_the_panels_as_they_are_seen(window):
    order, widget = [], window.queue_panel
    while (widget := widget.nextInFocusChain()) is not window.queue_panel:
        order.append(widget)
    preview, buttons = window.preview, window.progress.buttons
    timeline = preview.timeline
    seen = [
        window.queue_panel.view, preview.toolbar.button(preview.mode_actions["wipe"]), preview.view, timeline.track,
        timeline.previous_button, timeline.play_button, timeline.next_button, timeline.frame_box, window.settings_panel.model_box,
        buttons["preview"], buttons["restore"],
    ]  # fmt: skip
    assert sorted(seen, key=order.index) == seen


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_no_key_of_a_menu_is_taken_by_a_control(language, qapp, open_window):
    translator = QTranslator()
    if language != "en":
        assert translator.load(f"studio_{language}", str(resource("translations")))
        qapp.installTranslator(translator)
    window = open_window(start=False)
    qapp.removeTranslator(translator)
    shown = [widget for widget in window.findChildren(QWidget) if widget.window() is window]
    texts = [action.text() for action in window.menuBar().actions()]
    texts += [label.text() for label in shown if isinstance(label, QLabel) and label.buddy()]
    texts += [button.text() for button in shown if isinstance(button, QAbstractButton)]
    keys = Counter(key for text in texts if (key := QKeySequence.mnemonic(text).toString()))
    assert keys and [key for key, count in keys.items() if count > 1] == []
