"""Panels around the middle of a window, which can be moved, hidden and put side by side."""

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget


def add_dock(window: QMainWindow, name: str, title: str, panel: QWidget, area: Qt.DockWidgetArea, shortcut: str) -> QDockWidget:
    """Put a panel at an edge of a window; ``shortcut`` shows and hides it."""
    dock = QDockWidget(title, window)
    # by this name Qt finds its place again
    dock.setObjectName(name)
    dock.setWidget(panel)
    dock.toggleViewAction().setShortcut(shortcut)
    window.addDockWidget(area, dock)
    return dock


def toggle_actions(docks: Mapping[str, QDockWidget]) -> dict[str, QAction]:
    """The actions that show and hide the panels, by id."""
    return {f"panel.{name}": dock.toggleViewAction() for name, dock in docks.items()}
