"""The preview alone on the whole screen."""

from PySide6.QtCore import QByteArray, QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDockWidget, QMainWindow, QToolBar, QWidget


class FullScreen(QObject):
    """Hides what is around the preview, and shows it again as it was.

    Attributes:
        changed: the preview has got the screen, or has left it.
    """

    changed = Signal()

    def __init__(self, window: QMainWindow, view: QWidget) -> None:
        """``view`` gets the keys."""
        super().__init__(window)
        self._window, self._view = window, view
        self._layout: QByteArray | None = None
        window.installEventFilter(self)

    @property
    def on(self) -> bool:
        """Whether the preview has the screen."""
        return self._layout is not None

    def show(self, on: bool) -> None:
        """Give the preview the screen, or put everything back."""
        state = self._window.windowState()
        if on and not self.on:
            self._layout = self._window.saveState()
            for part in (self._window.menuBar(), *self._panels()):
                part.hide()
            self._window.setWindowState(state | Qt.WindowState.WindowFullScreen)
            # hiding a panel that has the focus would give it to the first button
            self._view.setFocus()
            self.changed.emit()
        elif not on:
            self._put_back()
            self._window.setWindowState(state & ~Qt.WindowState.WindowFullScreen)

    def _panels(self) -> list[QDockWidget | QToolBar]:
        """What stands around the preview; its actions and keys go on working."""
        return [*self._window.findChildren(QDockWidget), *self._window.findChildren(QToolBar)]

    def _put_back(self) -> None:
        if self._layout is not None:
            self._window.menuBar().show()
            self._window.restoreState(self._layout)
            self._layout = None
            self.changed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leave by Escape, where nothing else wanted that key, and when the desktop ends the full screen."""
        if event.type() == QEvent.Type.WindowStateChange and not self._window.isFullScreen():
            self._put_back()
        leaves = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape
        if leaves and self.on:
            self.show(False)
            return True
        return False
