"""Opens the preferences and carries out what is chosen in them."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.controllers.session import WindowSession
from app.controllers.unattended import Unattended
from app.settings.devices import device_choices
from app.settings.panel import SettingsPanel
from app.settings.preferences_dialog import PreferencesDialog
from app.system.power import Afterward
from app.system.preferences import Preferences
from dcvsr_engine.paths import jobs_folder, log_folder, models_folder
from dcvsr_engine.settings import Device
from dcvsr_engine.worker.messages import DeviceFacts, Ready


class PreferencesMenu(QObject):
    """Edit ▸ Preferences.

    Attributes:
        dialog: the dialog, while it is open.
    """

    def __init__(
        self, window: QWidget, preferences: Preferences, session: WindowSession, unattended: Unattended, settings: SettingsPanel
    ) -> None:
        super().__init__(window)
        self._settings = settings
        self._window, self._preferences, self._session, self._unattended = window, preferences, session, unattended
        self._devices: tuple[DeviceFacts, ...] = ()
        self.dialog: PreferencesDialog | None = None

    def note_engine(self, ready: Ready) -> None:
        """Remember the devices that are there."""
        self._devices = ready.devices

    def choose_afterward(self, afterward: Afterward) -> None:
        """Have something else follow the queue; a command that there is not is asked for now: later nobody may be there."""
        self._unattended.choose(afterward)
        if afterward == "command" and not self._preferences.after_command:
            self.open().ask_command()

    def open(self) -> PreferencesDialog:
        """Show the preferences."""
        folders = {
            self.tr("Models"): models_folder(),
            self.tr("Unfinished work"): jobs_folder(),
            self.tr("Logs"): log_folder(),
        }
        devices = device_choices(self._devices, self._preferences.restore.device)
        self.dialog = PreferencesDialog(self._preferences, devices, folders, self._window)
        self.dialog.language_chosen.connect(self._session.choose_language)
        self.dialog.appearance_chosen.connect(self._session.choose_appearance)
        self.dialog.afterward_chosen.connect(self._unattended.choose)
        self.dialog.device_chosen.connect(self._choose_device)
        self.dialog.naming_changed.connect(lambda: self._settings.name_results(self._preferences.result_rule))
        self.dialog.open()
        return self.dialog

    def _choose_device(self, device: Device) -> None:
        self._preferences.restore = self._preferences.restore.replace(device=device)
