"""Texts with parts from elsewhere – names of files, errors, what models declare – are shown as they are.

Qt takes a text for HTML where it looks like it: a file called ``<img src=…>`` would have a picture loaded, on Windows perhaps
from another computer.
"""

from html import escape
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QDialogButtonBox, QLabel, QMessageBox, QWidget

Buttons = TypeVar("Buttons", QDialogButtonBox, QMessageBox)


def plain_label(text: str = "", parent: QWidget | None = None) -> QLabel:
    """A label that shows any text as it is."""
    label = QLabel(parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setText(text)
    return label


def show_plainly(box: QMessageBox) -> None:
    """Show the texts of a message box as they are, and its buttons without pictures."""
    for label in box.findChildren(QLabel):
        label.setTextFormat(Qt.TextFormat.PlainText)
    plain_buttons(box)


def plain_buttons(box: Buttons) -> Buttons:
    """Show a dialog's buttons, which are returned, without the style's pictures: on a dark window these are black."""
    for button in box.buttons():
        button.setIcon(QIcon())
    return box


def plain_tip(text: str) -> str:
    """A tool tip that shows a text as it is."""
    return f"<qt>{escape(text).replace(chr(10), '<br>')}</qt>" if text else ""
