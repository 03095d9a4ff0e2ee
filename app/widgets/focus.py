"""The order in which Tab goes through a window."""

from collections.abc import Iterable
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget


def tab_stops(panel: QWidget) -> list[QWidget]:
    """The controls in a panel, itself among them, that Tab reaches, in their present order."""
    stops, widget = [], panel
    while True:
        if (widget is panel or panel.isAncestorOf(widget)) and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            stops.append(widget)
        widget = widget.nextInFocusChain()
        if widget is panel:
            return stops


def chain_panels(panels: Iterable[QWidget]) -> None:
    """Have Tab go through panels in this order, and through each as before."""
    for one, following in pairwise([stop for panel in panels for stop in tab_stops(panel)]):
        QWidget.setTabOrder(one, following)
