"""What the Help menu opens: the guide, first steps, use of a GPU, keyboard shortcuts, about."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QDialog, QWidget

from app.queue.clips import own_sample
from app.system.preferences import Preferences
from dcvsr_engine.worker.messages import Ready

ShortcutGroups = list[tuple[str, list[tuple[str, str]]]]
"""Titles of menus, and text and keys of the actions in them."""


class HelpMenu(QObject):
    """Opens its dialogs, one at a time, and the guide beside them.

    Attributes:
        models_requested, clips_requested: a button of the first steps was pressed.
        clips_chosen: paths of files and folders to begin with.
        shortcuts_requested: answered by `show_shortcuts`.
        dialog: the dialog that is open.
        guide: the guide, while it is open.
    """

    models_requested = Signal()
    clips_requested = Signal()
    clips_chosen = Signal(list)
    shortcuts_requested = Signal()

    def __init__(self, window: QWidget, preferences: Preferences, data: Path) -> None:
        """``data`` is the folder for the user's copy of the sample clip."""
        super().__init__(window)
        self._window, self._preferences, self._data = window, preferences, data
        self._torch = self._gpu = ""
        self.dialog: QDialog | None = None
        self.guide: QDialog | None = None

    def note_engine(self, ready: Ready) -> None:
        """Remember what the engine says at its start: version of its PyTorch, and the GPU that it uses, if it does."""
        self._torch = ready.torch
        self._gpu = next((device.title for device in ready.devices if device.name == "cuda"), "")

    def show_guide(self) -> None:
        """Show the manual beside the window, so that it can be followed."""
        from app.help.guide import GuideDialog

        if self.guide is None:
            self.guide = GuideDialog(self._window)
            self.guide.finished.connect(self._forget_guide)
        self.guide.show()
        self.guide.raise_()
        self.guide.activateWindow()

    def _forget_guide(self) -> None:
        self.guide = None

    def show_welcome(self) -> None:
        """Show the first steps: at the first start, and whenever the user asks for them."""
        from app.help.welcome import WelcomeDialog  # once in a lifetime

        self._preferences.welcomed = True
        dialog = WelcomeDialog(bool(self._gpu), self._window)
        dialog.models_requested.connect(self.models_requested)
        dialog.gpu_requested.connect(self.show_gpu)
        dialog.clips_requested.connect(self.clips_requested)
        dialog.sample_requested.connect(self._choose_sample)
        dialog.clips_dropped.connect(self.clips_chosen)
        self._open(dialog)

    def show_gpu(self) -> None:
        """Show what can be done to use a GPU."""
        from app.help.gpu import GpuDialog  # loads what installs: not at every start

        self._open(GpuDialog(self._gpu, self._window))

    def show_shortcuts(self, groups: ShortcutGroups) -> None:
        """List the keyboard shortcuts."""
        from app.help.shortcuts import ShortcutsDialog

        self._open(ShortcutsDialog(groups, self._window))

    def show_about(self) -> None:
        """Say what this program is."""
        from app.help.about import AboutDialog  # reads all packages' metadata: not at every start

        self._open(AboutDialog(self._torch, self._window))

    def _choose_sample(self) -> None:
        self.clips_chosen.emit([own_sample(self._data)])

    def _open(self, dialog: QDialog) -> None:
        self.dialog = dialog
        dialog.finished.connect(lambda: self._forget(dialog))
        dialog.open()

    def _forget(self, dialog: QDialog) -> None:
        """Forget a closed dialog, which deletes itself; the next one may be open already."""
        if self.dialog is dialog:
            self.dialog = None

    def stop(self) -> None:
        """Close what is open, and end its work."""
        for dialog in (self.dialog, self.guide):
            if dialog is not None:
                dialog.reject()
