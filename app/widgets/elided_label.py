"""A label of one line that is cut off with … where it does not fit.

Own code rather than superqt's `QElidingLabel`: that one has no tool tip with the whole text, and its package (with qtpy and
Pygments) adds 0.4 s to a window that is to be up within one second.
"""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.widgets.formats import readable
from app.widgets.plain import plain_tip


class ElidedLabel(QLabel):
    """Ends in … where the text does not fit; the tool tip is the whole of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        # a long text must not widen the window
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_whole(self, text: str) -> None:
        """Show as much of a text as fits."""
        self._whole = text
        self._fit()

    @property
    def whole(self) -> str:
        """The text, however much of it is seen."""
        return self._whole

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the text to the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        whole = readable(self._whole)
        text = self.fontMetrics().elidedText(whole, Qt.TextElideMode.ElideRight, self.width())
        self.setText(text)
        self.setToolTip(plain_tip(whole) if text != whole else "")
