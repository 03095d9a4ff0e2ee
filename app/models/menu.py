"""What the Models menu opens: the models window, and folders that are used where they are; and models dropped among clips."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.models.dialog import ModelsDialog, looks_like_a_model
from app.system.desktop import reveal_folder
from app.system.preferences import Preferences
from dcvsr_engine.paths import models_folder


class ModelsMenu(QObject):
    """Opens the models window when it is first wanted.

    Attributes:
        models_changed: a model was added, removed, or made the default.
        use_requested: the name of a model to restore with.
        dialog: the models window, once it was opened.
    """

    models_changed = Signal()
    use_requested = Signal(str)

    def __init__(self, window: QWidget, preferences: Preferences) -> None:
        super().__init__(window)
        self._window, self._preferences = window, preferences
        self.dialog: ModelsDialog | None = None

    def open(self) -> ModelsDialog:
        """Show the models window, in front of others."""
        # kept once it was opened: downloads run on while it is closed
        if self.dialog is None:
            self.dialog = ModelsDialog(self._preferences, self._window)
            self.dialog.models_changed.connect(self.models_changed)
            self.dialog.use_requested.connect(self.use_requested)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()
        return self.dialog

    def open_at(self, name: str) -> None:
        """Show the models window with one model chosen."""
        self.open().reload(name)

    def ask_folder(self) -> None:
        """Ask for a checkpoint folder that is used where it is."""
        dialog = QFileDialog(self._window, self.tr("Checkpoint folder"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda name: self.add_folder(Path(name)))
        dialog.open()

    def show_folder(self) -> None:
        """Show the folder of added models in the file manager."""
        reveal_folder(models_folder())

    def add_folder(self, folder: Path) -> None:
        """Offer a checkpoint folder where it is, and show what it is good for."""
        self._preferences.add_model_folder(folder)
        self.models_changed.emit()
        self.open_at(str(folder))

    def take_models(self, paths: Sequence[Path]) -> list[Path]:
        """Import the first model among dropped files; returns the files that are no models."""
        models = [path for path in paths if looks_like_a_model(path)]
        if models:
            self.open().take(models[0])
        return [path for path in paths if path not in models]

    def stop(self) -> None:
        """End a download or import that runs."""
        if self.dialog:
            self.dialog.stop()
