"""The models window: installed and available models, and what can be done with them."""

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QFont
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QSplitter,
    QTextBrowser,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.models.licence import LicenceDialog, TokenDialog
from app.models.rows import ModelRow, ModelState, model_rows
from app.system.background_work import BackgroundWork, Progressed, WorkFunction
from app.system.desktop import show_in_folder
from app.system.preferences import Preferences
from app.widgets.appearance import color_text, tones
from app.widgets.drops import accept_copy, local_paths
from app.widgets.engine_words import engine_words
from app.widgets.formats import PERMILLE, amount
from app.widgets.messages import ask
from app.widgets.placement import resize_within
from app.widgets.plain import plain_label
from app.widgets.words import words
from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.catalogue import CatalogueEntry, with_bases
from dcvsr_engine.models.importing import import_model
from dcvsr_engine.models.registry import set_default
from dcvsr_engine.models.store import remove_model
from dcvsr_engine.models.verification import verify_model
from dcvsr_engine.network.declaration import Declaration

COLUMN_WIDTHS = 230, 80, 80, 220
ROW_HEIGHT = 26
DIALOG_SIZE = QSize(860, 600)


class ModelsDialog(QDialog):
    """A table of models, the facts of the chosen one, and its buttons; it stays open beside the window.

    Attributes:
        models_changed: a model was added, removed, or made the default.
        use_requested: the name of a model to restore with.
        table, facts: the list and the chosen row's facts.
        download_button, cancel_button, …: what can be done.
        work: the download, import or verification that runs, if one does.
        message: how the last one went.
    """

    models_changed = Signal()
    use_requested = Signal(str)

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Models"))
        self.setAcceptDrops(True)
        self._preferences = preferences
        self.work: BackgroundWork | None = None
        self._then: Callable[[object], object] = lambda result: None
        self._rows: list[ModelRow] = []
        self._build()
        self.reload()

    # -- parts --------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.table = QTreeWidget()
        self.table.setAccessibleName(self.tr("Models"))
        self.table.setRootIsDecorated(False)
        self.table.setUniformRowHeights(True)
        self.table.setHeaderLabels([self.tr("Model"), self.tr("Size"), self.tr("Memory"), self.tr("Licence"), self.tr("State")])
        for column_number, width in enumerate(COLUMN_WIDTHS):
            self.table.setColumnWidth(column_number, width)
        self.table.currentItemChanged.connect(lambda *_: self._show())
        self.facts = QTextBrowser()
        self.facts.setAccessibleName(self.tr("Facts about the model"))
        self.facts.setOpenExternalLinks(True)
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.table)
        split.addWidget(self.facts)
        split.setChildrenCollapsible(False)
        split.setSizes([200, 320])
        split.setStretchFactor(1, 1)
        self.message = plain_label()
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.message.hide()
        column = QVBoxLayout(self)
        column.addWidget(split, 1)
        column.addLayout(self._progress_row())
        column.addWidget(self.message)
        column.addLayout(self._buttons())
        resize_within(self, DIALOG_SIZE)

    def _progress_row(self) -> QHBoxLayout:
        self.bar = QProgressBar()
        self.bar.setAccessibleName(self.tr("Progress"))
        self.bar.setRange(0, PERMILLE)
        self.bar.setTextVisible(False)
        self.amounts = QLabel()
        self.cancel_button = self._button(self.tr("Cancel"), self.cancel)
        row = QHBoxLayout()
        row.addWidget(self.bar, 1)
        row.addWidget(self.amounts)
        row.addWidget(self.cancel_button)
        self._show_progress(None)
        return row

    def _buttons(self) -> QHBoxLayout:
        self.use_button = self._button(self.tr("Use this model"), lambda: self.use_requested.emit(self._row().name))
        self.default_button = self._button(self.tr("Make default"), self.make_default)
        self.download_button = self._button(self.tr("Download…"), self.ask_to_download)
        self.verify_button = self._button(self.tr("Verify"), self.verify)
        self.remove_button = self._button(self.tr("Remove…"), self.ask_to_remove)
        self.show_button = self._button(self.tr("Show in folder"), self.show_folder)
        self.import_button = QPushButton(self.tr("Import…"))
        self.import_button.setAutoDefault(False)
        menu = QMenu(self.import_button)
        menu.addAction(self.tr("A &folder…"), lambda: self.ask_import(QFileDialog.FileMode.Directory))
        menu.addAction(self.tr("A &safetensors file…"), lambda: self.ask_import(QFileDialog.FileMode.ExistingFile))
        self.import_button.setMenu(menu)
        row = QHBoxLayout()
        for button in (self.use_button, self.default_button, self.download_button, self.verify_button, self.remove_button):
            row.addWidget(button)
        row.addWidget(self.show_button)
        row.addStretch(1)
        row.addWidget(self.import_button)
        return row

    def _button(self, text: str, act: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.clicked.connect(act)
        return button

    # -- rows ---------------------------------------------------------------------------------------------------

    def reload(self, choose: str = "") -> None:
        """List the models again; keep the selected row, or select one by name."""
        wanted = choose or (self._row().name if self._rows else "")
        try:
            self._rows = model_rows(self._preferences.model_folders)
        except ModelError as error:  # a damaged catalogue
            self._rows = []
            self._say(str(error), "bad")
        self.table.clear()
        for row in self._rows:
            self.table.addTopLevelItem(self._item(row))
        names = [row.name for row in self._rows]
        if names:
            place = names.index(wanted) if wanted in names else 0
            self.table.setCurrentIndex(self.table.model().index(place, 0))
        self._show()

    def _item(self, row: ModelRow) -> QTreeWidgetItem:
        memory = amount(row.entry.memory) if row.entry and row.entry.memory else "–"
        item = QTreeWidgetItem(
            [words(row.title), amount(row.size) if row.size else "–", memory, words(row.licence) or "–", self._state_text(row)]
        )
        item.setSizeHint(0, QSize(0, ROW_HEIGHT))
        if row.is_default:
            font = QFont(item.font(0))
            font.setBold(True)
            item.setFont(0, font)
        color = {"unusable": tones(self.palette()).bad, "unfinished": tones(self.palette()).caution}.get(row.state)
        if row.state in ("built in", "installed", "in place"):
            color = tones(self.palette()).good
        if color:
            item.setForeground(4, color)
        return item

    def _state_text(self, row: ModelRow) -> str:
        texts: dict[ModelState, str] = {
            "built in": self.tr("built in"),
            "installed": self.tr("ready"),
            "in place": self.tr("ready, used in place"),
            "unusable": self.tr("cannot be used"),
            "base": self.tr("base of other models"),
            "available": self.tr("can be downloaded"),
            "unfinished": self.tr("{share} downloaded").format(share=f"{row.share:.0%}"),
            "hint": self.tr("import one"),
        }
        return texts[row.state] + (" · " + self.tr("default") if row.is_default else "")

    def _row(self) -> ModelRow:
        return self._rows[max(0, self.table.currentIndex().row())]

    def _show(self) -> None:
        """Show the chosen row's facts and what can be done with it."""
        row = self._row() if self._rows else None
        self.facts.setHtml(self._html(row) if row else "")
        idle = self.work is None
        self.use_button.setEnabled(bool(row and row.can_restore))
        self.default_button.setEnabled(bool(row and row.can_restore and not row.is_default))
        self.download_button.setEnabled(bool(row and row.can_be_fetched and idle))
        self.download_button.setText(self.tr("Resume") if row and row.state == "unfinished" else self.tr("Download…"))
        self.verify_button.setEnabled(bool(row and row.model and idle))
        self.remove_button.setEnabled(bool(row and row.can_be_removed and idle))
        self.show_button.setEnabled(bool(row and row.model))
        self.import_button.setEnabled(idle)

    def _html(self, row: ModelRow) -> str:
        declared = row.model.declaration if row.model else None
        summary = words(declared.description) if declared and not row.entry else words(row.entry.summary) if row.entry else ""
        problem = row.model.problem if row.model else ""
        parts = [f"<p><b>{escape(words(row.title))}</b></p>"]
        if problem:
            parts.append(f"<p style='color: {tones(self.palette()).bad.name()}'>{escape(engine_words(problem))}</p>")
        if summary:
            parts.append(f"<p>{escape(summary)}</p>")
        rows = (self._entry_rows(row.entry) if row.entry else []) + (self._declared_rows(declared) if declared else [])
        if row.model:
            rows.append((self.tr("Folder"), escape(str(row.model.folder))))
        # every text is escaped: models and their declarations come from strangers
        cells = "".join(
            f"<tr><td style='padding-right: 16px'>{escape(name)}</td><td>{text}</td></tr>" for name, text in rows if text
        )
        return f"{''.join(parts)}<table cellpadding='2'>{cells}</table>"

    def _entry_rows(self, entry: CatalogueEntry) -> list[tuple[str, str]]:
        """Facts of the catalogue, as HTML."""
        link = f"<a href='{escape(entry.licence_url)}'>{escape(entry.licence_url)}</a>" if entry.licence_url else ""
        licence = f"{escape(words(entry.licence))}. {escape(words(entry.licence_summary))} {link}"
        about = self.tr("about {size} ({how})")
        memory = about.format(size=amount(entry.memory), how=words(entry.memory_note)) if entry.memory else ""
        size = about.format(size=amount(entry.size), how=words(entry.size_note)) if entry.size_note else ""
        place = self.tr("{place} (asks for an access token)").format(place=entry.repository) if entry.gated else entry.repository
        return [
            (self.tr("Licence"), licence),
            (self.tr("Memory"), escape(memory)),
            (self.tr("Download"), escape(size)),
            (self.tr("From"), escape(f"{place}. {words(entry.repository_note)}") if entry.repository else ""),
        ]

    def _declared_rows(self, facts: Declaration) -> list[tuple[str, str]]:
        """Facts that a model declares, as HTML."""
        assumed = self.tr("{names} – not declared; “dcvsr models probe” finds out which values fit")
        rows = [
            (self.tr("Trained on"), words(facts.training_data) or self.tr("not declared")),
            (self.tr("Scale"), f"{facts.scale}×"),
            (self.tr("Steps and guidance"), guidance_text(facts)),
            (self.tr("Tiles"), f"{facts.tile}×{facts.tile}×{facts.window}"),
            (self.tr("Noise range σ"), f"{facts.sigma_min:g} … {facts.sigma_max:g}"),
            (self.tr("Based on"), facts.base),
            (self.tr("Assumed"), assumed.format(names=", ".join(facts.assumed)) if facts.assumed else ""),
        ]
        return [(name, escape(text)) for name, text in rows]

    # -- work ---------------------------------------------------------------------------------------------------

    def _start(self, name: str, job: WorkFunction, then: Callable[[object], object]) -> None:
        """Run a function in the background; the message shows its result."""
        self.message.hide()
        self.work = BackgroundWork(name, job, self)
        self.work.progressed.connect(self._show_progress)
        self._then = then
        self.work.succeeded.connect(self._on_succeeded)
        self.work.failed.connect(self._on_failed)
        self.work.unexpected.connect(self._on_unexpected)
        self.work.finished.connect(self._on_finished)
        self._show_progress(Progressed("", 0, 0, 0.0))
        self.work.start()
        self._show()

    def _on_finished(self) -> None:
        if self.work:
            # the signal comes just before the thread's end, and a running QThread must not be deleted
            self.work.wait()
            self.work.deleteLater()
        self.work = None
        self._show_progress(None)
        self.reload()
        self.models_changed.emit()

    def _show_progress(self, progress: Progressed | None) -> None:
        for part in (self.bar, self.amounts, self.cancel_button):
            part.setVisible(progress is not None)
        self.cancel_button.setEnabled(True)
        if progress is None:
            return
        self.bar.setRange(0, PERMILLE if progress.total else 0)
        self.bar.setValue(PERMILLE * progress.done // max(1, progress.total))
        texts = [self.tr("{done} of {total}").format(done=amount(progress.done), total=amount(progress.total))]
        if progress.speed:
            texts.append(self.tr("{amount} per second").format(amount=amount(progress.speed)))
        self.amounts.setText(" · ".join(texts) if progress.total else "")

    def cancel(self) -> None:
        """Stop what runs."""
        if self.work:
            self.work.cancel()
            self.cancel_button.setEnabled(False)

    def stop(self) -> None:
        """Stop what runs, and wait for its thread's end."""
        if self.work:
            self.work.stop()

    def _say(self, text: str, tone: Literal["good", "bad", "quiet"]) -> None:
        self.message.setText(engine_words(text))
        color_text(self.message, getattr(tones(self.palette()), tone))
        self.message.show()

    def _on_succeeded(self, result: object) -> None:
        self._then(result)

    def _on_unexpected(self, text: str) -> None:
        self._say(text, "bad")

    def _on_failed(self, error: Exception | None) -> None:
        from dcvsr_engine.models.hub import TokenNeeded, hub  # half a second: the hub's library
        from dcvsr_engine.models.tokens import has_keyring, keep_token

        name = self.work.name if self.work else ""
        if error is None:
            self._say(self.tr("{name} was cancelled; a download can be resumed later.").format(name=name), "quiet")
            return
        self._say(str(error), "bad")

        def go_on(token: str) -> None:
            keep_token(hub(), token)
            self.download(name)

        if isinstance(error, TokenNeeded):
            TokenDialog(engine_words(str(error)), has_keyring(), go_on, self).open()

    # -- what the user asks for------------------------------------------------------------------------------------

    def ask_to_download(self) -> None:
        """Show the licence, of the base too where that is missing, and download when it is accepted."""
        row = self._row()
        assert row.entry
        if row.state == "unfinished":
            self.download(row.name)
            return
        dialog = LicenceDialog(with_bases(row.entry, self._names()), self)
        dialog.accepted.connect(lambda: self.download(row.name))
        dialog.open()

    def _names(self) -> list[str]:
        return [row.name for row in self._rows if row.model]

    def download(self, name: str) -> None:
        """Download a model of the catalogue, after its base; an interrupted download is resumed."""
        if self.work:
            return
        entry = next(row.entry for row in self._rows if row.name == name and row.entry)
        entries = with_bases(entry, self._names())
        done = self.tr("{name} is downloaded.").format(name=words(entry.title))
        self._start(name, lambda progress: download_all(entries, progress), lambda _: self._say(done, "good"))

    def ask_import(self, mode: QFileDialog.FileMode) -> None:
        """Ask for the model to import."""
        dialog = QFileDialog(self, self.tr("Import a model"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(mode)
        if mode == QFileDialog.FileMode.ExistingFile:
            dialog.setNameFilter("safetensors (*.safetensors)")
        dialog.fileSelected.connect(lambda name: self.take(Path(name)))
        dialog.open()

    def take(self, path: Path) -> None:
        """Import a folder or file."""
        if self.work:
            self._say(self.tr("Wait until the current operation is done, then import again."), "bad")
            return
        done = self.tr("{name} is imported.").format(name=path.name)
        self._start(path.name, lambda progress: import_model(path, progress=progress), lambda _: self._say(done, "good"))

    def verify(self) -> None:
        """Compare the files with their hashes."""
        model = self._row().model
        assert model

        def tell(problems: object) -> None:
            assert isinstance(problems, list)
            intact = self.tr("{name}: all files are unchanged since the model was added.").format(name=words(model.title))
            self._say("\n".join(problems) or intact, "bad" if problems else "good")

        self._start(model.name, lambda progress: verify_model(model, progress), tell)

    def make_default(self) -> None:
        """Restore with this model where none is named."""
        self._try(lambda: set_default(self._row().name))
        self.use_requested.emit(self._row().name)

    def ask_to_remove(self) -> None:
        """Ask, then delete; a model in its own folder is only taken off the list."""
        row = self._row()
        if Path(row.name).is_absolute():
            self._preferences.forget_model_folder(Path(row.name))
            self.reload()
            self.models_changed.emit()
            return
        # of an unfinished download, what has arrived
        question = self.tr("{name} ({size}) will be deleted.").format(name=words(row.title), size=amount(row.size * row.share))
        title = self.tr("Remove {name}?").format(name=words(row.title))
        ask(self, title, question, self.tr("Remove"), self.tr("Keep"), lambda: self.remove(row.name))

    def remove(self, name: str) -> None:
        """Delete a model that was added."""
        self._try(lambda: remove_model(name))

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
            self.message.hide()
        except (ModelError, OSError) as error:
            self._say(str(error), "bad")
        self.reload()
        self.models_changed.emit()

    def show_folder(self) -> None:
        """Show the chosen model in the file manager."""
        model = self._row().model
        if model:
            show_in_folder(model.folder)

    # -- Qt -----------------------------------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        """Follow light and dark: the table and the facts have colours of their own."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.reload()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Folders and files may be dropped."""
        if local_paths(event.mimeData()):
            accept_copy(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Import the first dropped folder or file."""
        accept_copy(event)
        self.take(local_paths(event.mimeData())[0])


def download_all(entries: list[CatalogueEntry], progress: Callable[[str, int, int], None]) -> None:
    """Download one entry after another, on a thread."""
    from dcvsr_engine.models.download import download  # half a second: the hub's library
    from dcvsr_engine.models.hub import hub
    from dcvsr_engine.models.tokens import token_for

    for entry in entries:
        download(entry, token_for(hub()), progress)


def looks_like_a_model(path: Path) -> bool:
    """Whether something that was dropped on the window is a model rather than a clip."""
    names = ("dcvsr.json", "model_index.json", "unet", "unet_ema")
    weights = path.suffix.lower() == ".safetensors" or any(path.glob("*.safetensors"))
    return weights or any((path / name).exists() for name in names)


def guidance_text(facts: Declaration) -> str:
    """How many steps a model takes by itself, and how it is guided, if it is."""
    return f"{facts.steps}" if facts.guidance == "none" else f"{facts.steps} · {facts.guidance.upper()} {facts.guidance_scale:g}"
