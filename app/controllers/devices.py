"""What the Devices menu chooses: which devices of this computer work on the clips."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.controllers.history import History
from app.controllers.shown_item import ShownItem
from app.queue.model import QueueModel
from app.queue.panel import QueuePanel
from app.settings.device_menu import DeviceMenu
from app.settings.panel import SettingsPanel
from app.system.preferences import Preferences
from dcvsr_engine.worker.messages import Ready


class Devices(QObject):
    """Carries out the choice of devices.

    Attributes:
        menu: the menu of this computer's devices.
    """

    def __init__(
        self,
        window: QWidget,
        queue: QueueModel,
        panel: QueuePanel,
        shown: ShownItem,
        settings: SettingsPanel,
        preferences: Preferences,
        history: History,
    ) -> None:
        super().__init__(window)
        self._queue, self._panel, self._shown = queue, panel, shown
        self._preferences, self._history = preferences, history
        self.menu = DeviceMenu(lambda: settings.request.settings.device, window)
        self.menu.chosen.connect(self.compute_on)

    def note_engine(self, ready: Ready) -> None:
        """Offer the devices that are there."""
        self.menu.show_devices(ready.devices)

    def compute_on(self, device: str) -> None:
        """Have the selected clips, all that wait, and those to come computed on devices of this computer."""
        selected = self._panel.selected_ids()
        items = [item for item in self._queue.queue if item.state == "waiting" or item.id in selected]
        requests = {
            item.id: item.request.replace(settings=item.request.settings.replace(device=device))
            for item in items
            if item.state != "running"
        }
        self._history.edit(requests, self._preferences.restore.replace(device=device))
        if self._shown.item is None:
            self._shown.show_defaults()
