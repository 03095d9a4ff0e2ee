"""Keys of a player that work wherever the focus is: Space plays, ← and → step."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from app.preview.model import CompareMode
from app.preview.panel import PreviewPanel

ACTIONS = {
    Qt.Key.Key_Space: "preview.play",
    Qt.Key.Key_Left: "preview.previous",
    Qt.Key.Key_Right: "preview.next",
}


class PlayerKeys(QObject):
    """Takes the keys that no control wanted, at the window.

    They are no shortcuts: these would take Space from a focused button and the arrows from a slider or a text.
    """

    def __init__(self, preview: PreviewPanel, window: QWidget) -> None:
        super().__init__(window)
        self._preview = preview
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Play, step, or hold A/B."""
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent) or event.modifiers() & HELD:
            return False
        key = Qt.Key(event.key())
        if key not in ACTIONS:
            return False
        if key == Qt.Key.Key_Space and self._preview.view.scene.comparison.mode == CompareMode.AB:
            self._preview.view.hold_other()
        # a held Space would play and pause in turn
        elif key != Qt.Key.Key_Space or not event.isAutoRepeat():
            self._preview.actions_by_id[ACTIONS[key]].trigger()
        return True


HELD = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
"""With these a key means something else."""
