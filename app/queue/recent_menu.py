"""File ▸ Open recent."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QWidget

from app.system.preferences import Preferences
from app.widgets.formats import shortened


class RecentMenu(QMenu):
    """Lists the clips that were opened last.

    Attributes:
        chosen: a list with the path of one of them.
    """

    chosen = Signal(list)

    def __init__(self, preferences: Preferences, parent: QWidget) -> None:
        super().__init__(parent)
        self.setTitle(self.tr("Open &recent"))
        self._preferences = preferences
        self.refresh()

    def refresh(self) -> None:
        """List them again."""
        self.clear()
        recent = self._preferences.recent
        for number, path in enumerate(recent, 1):
            self._add(number, path)
        self.addSeparator()
        self.addAction(self.tr("&Forget these"), self._forget)
        self.setEnabled(bool(recent))

    def _add(self, number: int, path: Path) -> None:
        # the key of the tenth is 0; a name's own & is no mark of a key
        name = shortened(path).replace("&", "&&")
        self.addAction(f"&{number % 10} {name}", lambda: self.chosen.emit([path]))

    def _forget(self) -> None:
        self._preferences.forget_recent()
        self.refresh()
