"""A part of a panel that can be collapsed, with a summary of its contents.

Own code rather than superqt's `QCollapsible`: there, Tab goes through collapsed fields, the header shows no focus, and a screen
reader is not told whether it is expanded.
"""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.widgets.appearance import color_text, tones
from app.widgets.elided_label import ElidedLabel


class CollapsibleSection(QWidget):
    """A header with an arrow, and rows below it.

    Attributes:
        toggled: whether it was expanded.
        key: its name in the preferences.
    """

    toggled = Signal(bool)

    def __init__(self, key: str, title: str) -> None:
        super().__init__()
        self.key = key
        self.header = QToolButton()
        self.header.setText(title)
        self.header.setAutoRaise(True)
        self.header.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.header.setAccessibleName(title)
        font = self.header.font()
        font.setBold(True)
        self.header.setFont(font)
        self.summary = ElidedLabel()
        self.summary.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.body = QWidget()
        self.rows = QVBoxLayout(self.body)
        self.rows.setContentsMargins(6, 2, 0, 8)
        line = QFrame()
        line.setFrameShape(QFrame.Shape.HLine)
        line.setForegroundRole(QPalette.ColorRole.Mid)
        top = QHBoxLayout()
        top.addWidget(self.header)
        top.addWidget(self.summary, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(line)
        column.addLayout(top)
        column.addWidget(self.body)
        self.header.clicked.connect(lambda: self.set_open(not self.is_open))
        self._text = ""
        self.set_open(False)

    @property
    def is_open(self) -> bool:
        """Whether the rows are visible."""
        # not `isVisible`, which is false as long as the window is
        return not self.body.isHidden()

    def set_open(self, is_open: bool) -> None:
        """Expand or collapse."""
        self.body.setVisible(is_open)
        self.header.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self._show_summary()
        self.toggled.emit(is_open)

    def set_summary(self, text: str) -> None:
        """Set the summary that is shown while the rows are collapsed."""
        self._text = text
        self._show_summary()

    def _show_summary(self) -> None:
        self.summary.set_whole("" if self.is_open else self._text)
        state = self.tr("expanded") if self.is_open else self.tr("collapsed")
        self.header.setToolTip(self.tr("Hide these settings") if self.is_open else self.tr("Show these settings"))
        self.header.setAccessibleDescription(f"{state}, {self._text}")

    def changeEvent(self, event: QEvent) -> None:
        """Follow light and dark."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            color_text(self.summary, tones(self.palette()).quiet)
