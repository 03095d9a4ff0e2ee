"""A minute to think again before something happens by itself."""

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QMessageBox, QWidget

from app.widgets.messages import widen
from app.widgets.plain import show_plainly

SECOND_MS = 1000


class Countdown(QMessageBox):
    """Counts down, then acts; Cancel, Esc and Enter prevent it.

    Attributes:
        left: seconds until it acts.
        now_button: acts at once.
    """

    def __init__(self, parent: QWidget, text: str, now: str, seconds: int, act: Callable[[], object]) -> None:
        """Begin to count.

        Args:
            parent: the window.
            text: what will happen; ``{seconds}`` stands for the time left.
            now: the button that does not wait.
            seconds: the time to think.
            act: called at the end.
        """
        super().__init__(QMessageBox.Icon.Warning, parent.windowTitle(), "", QMessageBox.StandardButton.Cancel, parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._text, self._act, self.left = text, act, seconds
        self.now_button = self.addButton(now, QMessageBox.ButtonRole.AcceptRole)
        self.setDefaultButton(QMessageBox.StandardButton.Cancel)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._timer.start(SECOND_MS)
        self.buttonClicked.connect(self._on_clicked)
        self.finished.connect(self._timer.stop)
        show_plainly(self)
        widen(self)
        self._show()
        self.open()

    def _show(self) -> None:
        self.setText(self._text.format(seconds=self.left))

    def _tick(self) -> None:
        self.left -= 1
        self._show()
        if self.left <= 0:
            self._timer.stop()
            self.accept()
            self._act()

    def _on_clicked(self, button: object) -> None:
        if button is self.now_button:
            self._act()
