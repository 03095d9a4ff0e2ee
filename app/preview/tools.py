"""The previewer's buttons in lines above the picture."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QToolButton, QWidget

from app.preview.buttons import style_buttons
from app.widgets.flow_layout import FlowLayout


class PreviewTools(QWidget):
    """Buttons for actions, and other controls; what does not fit into a line begins the next."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons: dict[QAction, QToolButton] = {}
        self._flow = FlowLayout(self)

    def add_action(self, action: QAction) -> None:
        """Add a button of an action."""
        button = QToolButton(self)
        button.setDefaultAction(action)
        button.setAutoRaise(True)
        button.setAccessibleName(action.text())
        # a click leaves the focus, and so the keys, where they were
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._buttons[action] = button
        self._flow.addWidget(button)
        style_buttons([button], self.palette())

    def add_line(self) -> None:
        """Add a line between groups of buttons."""
        line = QFrame(self)
        line.setFrameShape(QFrame.Shape.VLine)
        line.setForegroundRole(self.palette().ColorRole.Mid)
        line.setFixedHeight(self.fontMetrics().height())
        self._flow.addWidget(line)

    def add_widget(self, widget: QWidget) -> None:
        """Add another control."""
        self._flow.addWidget(widget)

    def button(self, action: QAction) -> QToolButton:
        """The button of an action."""
        return self._buttons[action]

    def changeEvent(self, event: QEvent) -> None:
        """Follow light and dark."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            style_buttons(self._buttons.values(), self.palette())
