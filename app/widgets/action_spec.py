"""An action as one row of data, from which menus, buttons, enabling and the overview of shortcuts are made.

The idea is app-model's; own code, because that brings registries and models for what is a dozen lines here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence

Shortcut = str | QKeySequence.StandardKey | None


def in_any_state(_state: Any) -> bool:
    """Enabled whatever the window does."""
    return True


@dataclass(frozen=True)
class ActionSpec:
    """One action.

    Attributes:
        id: its name in the program.
        text: its name in menus, translated; ``&`` marks the key that chooses it there.
        slot: what it does; a checkable action that is in no group hands it whether it is checked.
        shortcut: key sequence, or a key that each platform has its own for.
        enabled: whether it is available in a state of the window.
        checkable: whether it is switched on and off.
        checked: whether it is on in a state of the window; ``None`` for a switch that nothing else turns.
        retitled: its text in a state of the window, where that changes.
        tip: what it does, in a sentence.
        group: actions of the same group exclude each other.
        local: whether the shortcut works only while the panel that the action belongs to has the focus.
        menu: ids of the actions in the menu of its button.
        role: where macOS puts it.
    """

    id: str
    text: str
    slot: Callable[..., object]
    shortcut: Shortcut = None
    enabled: Callable[[Any], bool] = in_any_state
    checkable: bool = False
    checked: Callable[[Any], bool] | None = None
    retitled: Callable[[Any], str] | None = None
    tip: str = ""
    group: str = ""
    local: bool = False
    menu: tuple[str, ...] = ()
    role: QAction.MenuRole = QAction.MenuRole.TextHeuristicRole


def make_action(spec: ActionSpec, parent: QObject) -> QAction:
    """The Qt action of a row."""
    action = QAction(spec.text, parent)
    action.setObjectName(spec.id)
    action.setCheckable(spec.checkable)
    action.setMenuRole(spec.role)
    if spec.shortcut is not None:
        action.setShortcut(QKeySequence(spec.shortcut))
    if spec.local:
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    if spec.tip:
        action.setToolTip(spec.tip)
        action.setStatusTip(spec.tip)
    if spec.checkable and not spec.group:
        action.toggled.connect(spec.slot)
    else:
        # Qt hands over whether it is checked, which says nothing here
        action.triggered.connect(lambda _checked: spec.slot())
    return action
