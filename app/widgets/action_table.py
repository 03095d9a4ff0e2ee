"""All actions of the window by their ids: menus, enabling and the list of shortcuts come from here."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, QSignalBlocker
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from app.widgets.action_spec import ActionSpec, make_action

MARK_BEHIND = re.compile(r"\(&.\)")


@dataclass(frozen=True)
class MenuSpec:
    """A menu: its title, translated, and ids of actions or of menus that fill themselves, other menus, ``None`` for a line."""

    title: str
    entries: tuple["str | MenuSpec | None", ...]


class ActionTable(QObject):
    """Makes the actions of its rows and keeps them true to the window's state."""

    def __init__(self, specs: Iterable[ActionSpec], parent: QWidget) -> None:
        super().__init__(parent)
        self._specs = {spec.id: spec for spec in specs}
        self._actions = {spec.id: make_action(spec, self) for spec in self._specs.values()}
        self._group_exclusive()
        for spec in self._specs.values():
            if spec.menu:
                self._actions[spec.id].setMenu(self.fill(QMenu(spec.text, parent), spec.menu))

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def _group_exclusive(self) -> None:
        groups: dict[str, QActionGroup] = {}
        for spec in self._specs.values():
            if spec.group:
                groups.setdefault(spec.group, QActionGroup(self)).addAction(self._actions[spec.id])

    @property
    def ids(self) -> list[str]:
        """Ids of the actions that have a row here."""
        return list(self._specs)

    def all(self) -> list[QAction]:
        """Every action, adopted ones too."""
        return list(self._actions.values())

    def adopt(self, actions: Mapping[str, QAction]) -> None:
        """Take in actions that a panel made itself, so that menus and the list of shortcuts have them."""
        self._actions |= actions

    def window_wide(self) -> list[QAction]:
        """The actions whose shortcuts work wherever the focus is."""
        return [self._actions[spec.id] for spec in self._specs.values() if not spec.local]

    def fill(self, menu: QMenu, entries: Iterable["str | MenuSpec | None"], menus: Mapping[str, QMenu] | None = None) -> QMenu:
        """Add actions to a menu; ``menus`` are those that fill themselves, by id."""
        ready = menus or {}
        for entry in entries:
            if entry is None:
                menu.addSeparator()
            elif isinstance(entry, MenuSpec):
                self.fill(menu.addMenu(entry.title), entry.entries, ready)
            elif entry in ready:
                menu.addMenu(ready[entry])
            else:
                menu.addAction(self._actions[entry])
        return menu

    def update(self, state: Any) -> None:
        """Enable, check and name every action as the window's state demands."""
        for spec in self._specs.values():
            action = self._actions[spec.id]
            action.setEnabled(spec.enabled(state))
            if spec.retitled:
                action.setText(spec.retitled(state))
            if spec.checked:
                with QSignalBlocker(action):  # what is shown here was decided elsewhere
                    action.setChecked(spec.checked(state))

    def shortcuts(self, menus: Iterable[MenuSpec]) -> list[tuple[str, list[tuple[str, str]]]]:
        """Titles of the menus, and text and keys of every action in them that has a shortcut; each action once."""
        listed: set[str] = set()
        groups = []
        for menu in menus:
            ids = [entry for entry in flat(menu.entries) if entry in self._actions and entry not in listed]
            listed |= set(ids)
            if rows := [row for entry in ids for row in self._keys_of(entry)]:
                groups.append((plain(menu.title), rows))
        return groups

    def _keys_of(self, action_id: str) -> list[tuple[str, str]]:
        action = self._actions[action_id]
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        # by its own name, whatever it would do in the present state
        text = self._specs[action_id].text if action_id in self._specs else action.text()
        return [(plain(text), keys)] if keys else []


def flat(entries: Iterable["str | MenuSpec | None"]) -> Iterator[str]:
    """The ids among the entries of a menu and of the menus in it."""
    for entry in entries:
        if isinstance(entry, MenuSpec):
            yield from flat(entry.entries)
        elif entry is not None:
            yield entry


def plain(text: str) -> str:
    """A menu's text without the mark of its key, which some languages have behind it, and the dots."""
    return MARK_BEHIND.sub("", text).replace("&", "").removesuffix("…")
