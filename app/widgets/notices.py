"""A line above the preview for what the user should know now, with buttons for what can be done about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QWidget

from app.widgets.appearance import tones
from app.widgets.flow_layout import FlowLayout
from app.widgets.plain import plain_label

Weight = Literal["good", "caution", "bad"]
LINGER_MS = 8000
"""By this time a short sentence has been read."""
LEAST_TEXT = 80
"""Pixels that the text keeps beside its buttons on a narrow screen."""
NoticeAction = tuple[str, Callable[[], object]]


@dataclass(frozen=True)
class Notice:
    """What is said.

    Attributes:
        text, weight: in words and by a colour.
        actions: what can be done.
        stays: whether it stays when that is done.
        about: what it is about, for `NoticeBar.settle`.
    """

    text: str
    weight: Weight
    actions: Sequence[NoticeAction]
    stays: bool
    about: str


class NoticeBar(QWidget):
    """The newest notice, below a serious one and above what stays; hidden without one.

    Attributes:
        text: what is said.
        buttons: what can be done.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._weight: Weight = "good"
        self.setAccessibleName(self.tr("Notice"))
        self._label = plain_label()
        self._label.setWordWrap(True)
        # a long name must not widen the window
        self._label.setMinimumWidth(LEAST_TEXT)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.close_button = QToolButton()
        self.close_button.setText("✕")
        self.close_button.setAutoRaise(True)
        self.close_button.setAccessibleName(self.tr("Close the notice"))
        self.close_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.close_button.clicked.connect(self.hide)
        self.buttons: list[QPushButton] = []
        self._shown: list[Notice] = []
        # on a narrow screen they stand below each other
        self._offers = FlowLayout()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(16, 6, 8, 6)
        self._row.addWidget(self._label, 1)
        self._row.addLayout(self._offers)
        self._row.addWidget(self.close_button)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(LINGER_MS)
        self._later.timeout.connect(self.hide)
        self.hide()

    @property
    def text(self) -> str:
        """The notice's text."""
        return self._label.text()

    def say(
        self, text: str, weight: Weight = "good", actions: Sequence[NoticeAction] = (), stays: bool = False, about: str = ""
    ) -> None:
        """Show a notice with buttons for ``actions``; each closes it, unless it ``stays``. See `Notice`.

        Something bad about which something can be done is left standing before what comes after it, until it is closed; what
        stays is left below something about which nothing can be done.
        """
        standing = self._shown if self.isVisible() else []
        serious = [each for each in standing if each.weight == "bad" and each.actions and weight != "bad"]
        staying = [each for each in standing if each.stays and not actions]
        self._show([*serious, Notice(text, weight, actions, stays, about), *staying])

    def settle(self, about: str) -> None:
        """Take back what was said about something: it has gone on."""
        self._leave([each for each in self._shown if each.about != about])

    def _leave(self, left: list[Notice]) -> None:
        """Show only these of the notices that are shown."""
        if not left:
            self.hide()
        elif self.isVisible() and left != self._shown:
            self._show(left)

    def _show(self, shown: list[Notice]) -> None:
        for button in self.buttons:
            button.hide()
            button.deleteLater()
        self.buttons = [self._button(*action, each.stays) for each in shown for action in each.actions]
        for button in self.buttons:
            self._offers.addWidget(button)
        self._shown = shown
        self._weight = shown[0].weight
        self._label.setText("\n".join(each.text for each in shown))
        self.setAccessibleDescription(self.text)
        self.show()
        self.update()
        # good news about which there is nothing to do is not waited for
        if self._weight == "good" and not self.buttons:
            self._later.start()
        else:
            self._later.stop()

    def caution(self, text: str) -> None:
        """Show a notice about which nothing can be done."""
        self.say(text, "caution")

    def withdraw(self) -> None:
        """Hide a caution about which nothing could be done: it is no longer so."""
        self._leave([each for each in self._shown if each.weight != "caution" or each.actions])

    def _button(self, name: str, act: Callable[[], object], stays: bool) -> QPushButton:
        button = QPushButton(name)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        # hidden before the action, which may show the next notice
        if not stays:
            button.clicked.connect(self.hide)
        button.clicked.connect(lambda _checked: act())
        return button

    def paintEvent(self, event: QPaintEvent) -> None:
        """A wash and an edge in the notice's colour."""
        color: QColor = getattr(tones(self.palette()), self._weight)
        wash = QColor(color)
        wash.setAlpha(30)
        painter = QPainter(self)
        painter.fillRect(self.rect(), wash)
        painter.fillRect(0, 0, 4, self.height(), color)

    def changeEvent(self, event: QEvent) -> None:
        """Follow light and dark."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
