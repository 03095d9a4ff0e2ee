"""The models panel: which models there are, and what each declares about itself."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSplitter,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from dcvsr_engine.models.known import KnownModel
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.installed import user_models


class ModelsPanel(QWidget):
    """A list of models beside the facts of the chosen one.

    Attributes:
        use_requested: the name of a model to restore with.
        folder_added: the path of a checkpoint folder that is to be offered.
        reload_requested: models may have been put into the folder.
    """

    use_requested = Signal(str)
    folder_added = Signal(object)
    reload_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._models: Sequence[KnownModel] = ()
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Models"))
        self.list.currentRowChanged.connect(self._show)
        self.facts = QTextBrowser()
        self.facts.setAccessibleName(self.tr("Facts about the model"))
        self.facts.setPlaceholderText(
            self.tr("No model is installed. Put a checkpoint folder into the models folder or add one from elsewhere.")
        )
        self.use_button = QPushButton(self.tr("Use this model"))
        self.use_button.clicked.connect(lambda: self.use_requested.emit(self._models[self.list.currentRow()].name))
        add_button = QPushButton(self.tr("Add a folder…"))
        add_button.clicked.connect(self.ask_folder)
        open_button = QPushButton(self.tr("Open the models folder"))
        open_button.clicked.connect(open_models_folder)
        reload_button = QPushButton(self.tr("Look again"))
        reload_button.clicked.connect(self.reload_requested)
        split = QSplitter()
        split.addWidget(self.list)
        split.addWidget(self.facts)
        split.setStretchFactor(1, 1)
        split.setChildrenCollapsible(False)
        split.setSizes([180, 420])
        buttons = QHBoxLayout()
        buttons.addWidget(self.use_button)
        buttons.addStretch(1)
        for button in (add_button, open_button, reload_button):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 8)
        column.addWidget(split, 1)
        column.addLayout(buttons)
        self._show(-1)

    def show_models(self, models: Sequence[KnownModel]) -> None:
        """Offer these models."""
        self._models = models
        self.list.clear()
        for model in models:
            item = QListWidgetItem(model.title)
            item.setToolTip(str(model.folder))
            self.list.addItem(item)
        self.list.setCurrentRow(0 if models else -1)

    def _show(self, row: int) -> None:
        model = self._models[row] if 0 <= row < len(self._models) else None
        self.use_button.setEnabled(model is not None and model.declaration is not None)
        self.facts.setHtml(self._html(model) if model else "")

    def _html(self, model: KnownModel) -> str:
        if model.declaration is None:
            return f"<p><b>{escape(model.name)}</b></p><p>{escape(model.problem)}</p>"
        head = f"<p><b>{escape(model.title)}</b></p><p>{escape(model.declaration.description)}</p>"
        rows = "".join(
            f"<tr><td style='padding-right: 16px'>{escape(name)}</td><td>{escape(value)}</td></tr>"
            for name, value in self._rows(model, model.declaration)
        )
        return f"{head}<table cellpadding='2'>{rows}</table>"

    def _rows(self, model: KnownModel, facts: Declaration) -> list[tuple[str, str]]:
        return [
            (self.tr("Licence"), facts.license or self.tr("not declared")),
            (self.tr("Trained on"), facts.training_data or self.tr("not declared")),
            (self.tr("Enlarges"), f"{facts.scale}×"),
            (self.tr("Steps and guidance"), f"{facts.steps}, {facts.guidance} {facts.guidance_scale:g}"),
            (self.tr("Tiles"), f"{facts.tile}×{facts.tile}×{facts.window}"),
            (self.tr("First stage"), f"{facts.first_stage}, {facts.factor} px"),
            (self.tr("Noise range σ"), f"{facts.sigma_min:g} … {facts.sigma_max:g}"),
            (self.tr("Folder"), str(model.folder)),
        ]

    def ask_folder(self) -> None:
        """Ask for a checkpoint folder."""
        dialog = QFileDialog(self, self.tr("Checkpoint folder"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda name: self.folder_added.emit(Path(name)))
        dialog.open()


def open_models_folder() -> None:
    """Show the folder of added models in the file manager."""
    folder = user_models()
    folder.mkdir(parents=True, exist_ok=True)
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
