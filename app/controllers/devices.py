"""What the Devices menu chooses: which devices of this computer work on the clips, or which farm."""

import platform
from importlib import metadata
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.controllers.history import History
from app.controllers.shown_item import ShownItem
from app.farm.link import FarmLink
from app.queue.model import QueueModel
from app.queue.panel import QueuePanel
from app.settings.device_menu import DeviceMenu
from app.settings.panel import SettingsPanel
from app.system.preferences import Preferences
from dcvsr_engine import __version__
from dcvsr_engine.worker.messages import Ready

if TYPE_CHECKING:
    from app.farm.dialog import FarmDialog


class Devices(QObject):
    """Carries out the choice of devices.

    Attributes:
        changed: clips are restored elsewhere from now on, or could be.
        menu: the menu of this computer's devices.
        link: this computer's part of a farm.
        dialog: the farm, once it was opened.
    """

    changed = Signal()

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
        self._window, self._torch, self._farm, self._entered = window, "", "", False
        self.link = FarmLink(self)
        self.dialog: FarmDialog | None = None
        self.link.changed.connect(self._on_link_changed)

    def note_engine(self, ready: Ready) -> None:
        """Offer the devices that are there."""
        self._torch = ready.torch
        self.menu.show_devices(ready.devices)

    # -- devices of this computer -------------------------------------------------------------------------------

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

    # -- the farm -----------------------------------------------------------------------------------------------

    @property
    def farm(self) -> str:
        """Address of the farm that clips are restored on; empty for this computer."""
        return self._farm

    def open_farm(self) -> "FarmDialog":
        """Show the farm, in front of others."""
        from app.farm.dialog import FarmDialog  # not at every start

        if self.dialog is None:
            self.dialog = FarmDialog(self.link, self.versions, self._window)
            self.dialog.used.connect(self.restore_on_farm)
            self.dialog.show_used(bool(self._farm))
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()
        return self.dialog

    def restore_on_farm(self, on_farm: bool = True) -> None:
        """Restore clips on the farm that this computer is in, or on this computer."""
        self._farm = self.link.view.address if on_farm else ""
        if self.dialog:
            self.dialog.show_used(bool(self._farm))
        self.changed.emit()

    def versions(self) -> dict[str, str]:
        """What must be the same on all computers of a farm, as it is here, as far as it is known."""
        versions = {"dcvsr": __version__, "Ray": installed_version("ray"), "Python": platform.python_version()}
        # the engine says its own when it is ready
        return {name: version for name, version in (versions | {"PyTorch": self._torch}).items() if version}

    def _on_link_changed(self) -> None:
        """Use a farm as soon as this computer is in it; no longer when the user leaves, but still when the farm is lost.

        Clips that a farm is to restore would take days here: then they fail, with the reason, and can be resumed.
        """
        view = self.link.view
        entered, self._entered = self._entered, view.state == "in"
        if self._entered and not entered:
            self.restore_on_farm()
        elif view.state == "leaving" or (view.state == "out" and not view.problem):
            self.restore_on_farm(False)
        self.changed.emit()

    def stop(self) -> None:
        """Leave the farm."""
        self.link.stop()


def installed_version(package: str) -> str:
    """The version of an installed package, without importing it; empty where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
