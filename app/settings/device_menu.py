"""Devices ▸ Compute on."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QWidget

from app.settings.devices import cards_of, device_text, with_card
from app.settings.specs import DEVICES
from app.widgets.words import words
from dcvsr_engine.settings import devices_of, kind_of
from dcvsr_engine.worker.messages import DeviceFacts


class DeviceMenu(QMenu):
    """Lists what can compute on this computer: one device, or several cards.

    Attributes:
        chosen: the setting that says what is to compute.
    """

    chosen = Signal(str)

    def __init__(self, current: Callable[[], str], parent: QWidget) -> None:
        """``current`` gives the setting as it is."""
        super().__init__(parent)
        self.setTitle(self.tr("&Compute on"))
        self._current = current
        self._devices: Sequence[DeviceFacts] = ()
        self.aboutToShow.connect(self.refresh)
        self.refresh()

    def show_devices(self, devices: Sequence[DeviceFacts]) -> None:
        """Offer the devices that are there."""
        self._devices = devices
        self.refresh()

    def refresh(self) -> None:
        """List them again, and check what is chosen."""
        self.clear()
        chosen, cards = self._current(), cards_of(self._devices)
        self._add(words(DEVICES["auto"]), "auto", chosen == "auto")
        # the kind alone is its first card
        kinds = {kind_of(card.name) for card in cards} - {chosen}
        for device in self._devices:
            if device not in cards and device.name not in kinds:
                self._add(device_text(device), device.name, chosen == device.name)
        if cards:
            self.addSection(self.tr("One card, or several together"))
        for card in cards:
            self._add(device_text(card), with_card(chosen, card.name), card.name in devices_of(chosen))

    def _add(self, text: str, value: str, checked: bool) -> None:
        action = self.addAction(text.replace("&", "&&"), lambda: self.chosen.emit(value))
        action.setCheckable(True)
        action.setChecked(checked)
