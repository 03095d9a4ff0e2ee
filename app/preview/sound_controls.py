"""Mute and volume."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QToolButton, QWidget

from app.preview.buttons import icon, style_buttons

SLIDER_WIDTH = 70
LOUDEST = 100


class SoundControls(QWidget):
    """A button that mutes, and a slider.

    Attributes:
        button, slider: its parts.

    Signals:
        changed: the user wants it louder or less loud: volume (0 … 100), and whether it is muted.
    """

    changed = Signal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.button = QToolButton(self)
        self.button.setCheckable(True)
        self.button.setAutoRaise(True)
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setAccessibleName(self.tr("Mute"))
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, LOUDEST)
        self.slider.setValue(LOUDEST)
        self.slider.setFixedWidth(SLIDER_WIDTH)
        self.slider.setAccessibleName(self.tr("Volume"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.button)
        row.addWidget(self.slider)
        self.button.toggled.connect(self._on_changed)
        self.slider.valueChanged.connect(self._on_changed)
        self.offer("")
        self._refresh_icon()

    @property
    def parts(self) -> list[QWidget]:
        """The controls from left to right."""
        return [self.button, self.slider]

    def offer(self, reason: str) -> None:
        """Offer the controls, unless there is a ``reason`` why nothing can be heard, which they tell."""
        self.setEnabled(not reason)
        self.button.setToolTip(reason or self.tr("Mute the sound, or let it be heard again (Shift+M)."))
        self.slider.setToolTip(reason or self.tr("How loud the sound is."))
        self.setToolTip(reason)

    def show_choice(self, volume: int, muted: bool) -> None:
        """Show a volume (0 … 100), and whether the sound is muted."""
        self.slider.setValue(volume)
        self.button.setChecked(muted)

    def _on_changed(self) -> None:
        self._refresh_icon()
        self.changed.emit(self.slider.value(), self.button.isChecked())

    def _refresh_icon(self) -> None:
        silent = self.button.isChecked() or not self.slider.value()
        self.button.setIcon(icon("muted" if silent else "sound", self.palette()))
        style_buttons([self.button], self.palette())

    def changeEvent(self, event: QEvent) -> None:
        """Follow light and dark."""
        if event.type() == QEvent.Type.PaletteChange:
            self._refresh_icon()
        super().changeEvent(event)
