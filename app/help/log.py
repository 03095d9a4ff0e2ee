"""The log panel: what happened, line by line, to be copied."""

import logging

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

MOST_LINES = 5000
LINE_FORMAT = "%(asctime)s  %(levelname)-7s  %(message)s"


# Apart from the handler: only a QObject has signals, which bring records of all threads to the window's.
class LogSignal(QObject):
    """Carries log lines to the window's thread.

    Attributes:
        line: a formatted record.
    """

    line = Signal(str)


class LogHandler(logging.Handler):
    """Emits every record as a signal, from whatever thread it comes."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter(LINE_FORMAT, "%H:%M:%S"))
        self.signal = LogSignal()

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on."""
        self.signal.line.emit(self.format(record))


class LogPanel(QWidget):
    """Shows the program's log from when it is made until it is closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(MOST_LINES)
        self.text.setAccessibleName(self.tr("Log"))
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setPlaceholderText(self.tr("Nothing has happened yet."))
        # a text that takes Tab is a trap for the keyboard
        self.text.setTabChangesFocus(True)
        self.copy_button = QPushButton(self.tr("Copy all"))
        self.copy_button.clicked.connect(self.copy)
        clear_button = QPushButton(self.tr("Clear"))
        clear_button.clicked.connect(self.text.clear)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.copy_button)
        buttons.addWidget(clear_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 8)
        column.addWidget(self.text, 1)
        column.addLayout(buttons)
        self._handler = LogHandler()
        self._handler.signal.line.connect(self.text.appendPlainText)
        logging.getLogger().addHandler(self._handler)

    def copy(self) -> None:
        """Put the whole log on the clipboard."""
        QGuiApplication.clipboard().setText(self.text.toPlainText())

    def stop(self) -> None:
        """Take no more records."""
        # the root logger would go on calling a panel that Qt has deleted
        logging.getLogger().removeHandler(self._handler)
