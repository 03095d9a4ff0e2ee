"""Small dialogs: an error in words, a question; and the versions that a report of a fault needs."""

import platform
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, Qt, qVersion
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QMessageBox, QSpacerItem, QWidget

from app.widgets.engine_words import engine_words
from app.widgets.plain import show_plainly
from dcvsr_engine import __version__

BOX_WIDTH = 460


def show_error(parent: QWidget, title: str, message: str, details: str = "") -> QMessageBox:
    """Say what went wrong; details are collapsed, and everything can be copied."""
    box = QMessageBox(QMessageBox.Icon.Warning, title, title, QMessageBox.StandardButton.Close, parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setInformativeText(message)
    box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard)
    if details:
        box.setDetailedText(details)
    show_plainly(box)
    widen(box)
    box.open()
    return box


def widen(box: QMessageBox) -> None:
    """Make a box wide enough for its title and for lines of readable length."""
    grid = box.layout()
    assert isinstance(grid, QGridLayout)
    grid.addItem(QSpacerItem(BOX_WIDTH, 0), grid.rowCount(), 0, 1, grid.columnCount())


def show_failure(parent: QWidget, name: str, message: str, details: str) -> QMessageBox:
    """Say why a clip was not restored."""
    title = QCoreApplication.translate("Messages", "{name} was not restored").format(name=name)
    return show_error(parent, title, engine_words(message), details)


def ask(parent: QWidget, title: str, question: str, yes: str, no: str, then: Callable[[], object]) -> QMessageBox:
    """Ask a question whose safe answer is ``no``; ``then`` is called after ``yes``."""
    box = QMessageBox(QMessageBox.Icon.Question, title, question, parent=parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    button = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
    # Enter, pressed unawares, must do no harm
    box.setDefaultButton(box.addButton(no, QMessageBox.ButtonRole.RejectRole))

    def on_click(clicked: QAbstractButton) -> None:
        if clicked is button:
            box.hide()  # what follows may take a while
            then()

    box.buttonClicked.connect(on_click)
    show_plainly(box)
    box.open()
    return box


def versions(torch: str) -> str:
    """What this program is made of, for a report."""
    return "\n".join(
        (
            f"DC-VSR Studio {__version__}",
            f"Python {platform.python_version()}, {platform.platform()}",
            f"Qt {qVersion()}",
            f"PyTorch {torch or '–'}",
        )
    )
