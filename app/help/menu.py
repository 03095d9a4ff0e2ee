"""The Help menu's doings: the first steps, and the use of a GPU."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QDialog, QWidget

from app.queue.clips import own_sample
from app.system.preferences import Preferences


class HelpMenu(QObject):
    """Opens its dialogs, one at a time.

    Attributes:
        models_requested, clips_requested: a button of the first steps was pressed.
        clips_chosen: paths of files and folders to begin with.
        device: the GPU that the engine uses, if it does.
        dialog: what is open, or was last.
    """

    models_requested = Signal()
    clips_requested = Signal()
    clips_chosen = Signal(list)

    def __init__(self, window: QWidget, preferences: Preferences, data: Path) -> None:
        """``data``: where the sample clip is put for the person."""
        super().__init__(window)
        self._window, self._preferences, self._data = window, preferences, data
        self.device = ""
        self.dialog: QDialog | None = None

    def show_welcome(self) -> None:
        """The first steps: at the first start, and whenever asked for."""
        from app.help.welcome import WelcomeDialog  # once in a lifetime

        self._preferences.welcomed = True
        dialog = WelcomeDialog(bool(self.device), self._window)
        dialog.models_requested.connect(self.models_requested)
        dialog.gpu_requested.connect(self.show_gpu)
        dialog.clips_requested.connect(self.clips_requested)
        dialog.sample_requested.connect(lambda: self.clips_chosen.emit([own_sample(self._data)]))
        dialog.clips_dropped.connect(self.clips_chosen)
        self._open(dialog)

    def show_gpu(self) -> None:
        """Say what can be done to use a GPU, and do it."""
        from app.help.gpu import GpuDialog  # loads what installs: not at every start

        self._open(GpuDialog(self.device, self._window))

    def _open(self, dialog: QDialog) -> None:
        self.dialog = dialog
        dialog.finished.connect(lambda: self._forget(dialog))
        dialog.open()

    def _forget(self, dialog: QDialog) -> None:
        """It deletes itself; the next one may be open already."""
        if self.dialog is dialog:
            self.dialog = None

    def stop(self) -> None:
        """Close what is open, and end what it does."""
        if self.dialog is not None:
            self.dialog.reject()
