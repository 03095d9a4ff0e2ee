"""The order in which Tab goes through a window."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget


def focus_chain(start: QWidget) -> Iterator[QWidget]:
    """All widgets of a window in the order of Tab, from one on."""
    yield start
    widget = start.nextInFocusChain()
    while widget is not None and widget is not start:
        yield widget
        widget = widget.nextInFocusChain()


def tab_stops(panel: QWidget) -> list[QWidget]:
    """The controls in a panel, itself among them, that Tab reaches, in their present order."""
    return [
        widget
        for widget in focus_chain(panel)
        if (widget is panel or panel.isAncestorOf(widget)) and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]


def chain_panels(panels: Iterable[QWidget]) -> None:
    """Have Tab go through panels in this order, and through each as before."""
    for one, following in pairwise([stop for panel in panels for stop in tab_stops(panel)]):
        QWidget.setTabOrder(one, following)
