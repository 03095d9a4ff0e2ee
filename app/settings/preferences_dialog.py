"""The preferences: language and appearance, what computes, what follows the queue, and where things are kept."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.settings.specs import DEVICES
from app.system.desktop import reveal_folder
from app.system.power import AFTERWARDS, deed_name
from app.system.preferences import Preferences
from app.system.result_rule import ResultRule
from app.system.translation import LANGUAGES
from app.widgets.appearance import APPEARANCES, appearance_name, color_text, tones
from app.widgets.elided_label import ElidedLabel
from app.widgets.engine_words import engine_words
from app.widgets.plain import plain_buttons, plain_label
from app.widgets.words import words
from dcvsr_engine.errors import SettingsError
from dcvsr_engine.jobs.naming import checked_pattern
from dcvsr_engine.storage import describe_os_error

PREFERENCES_WIDTH = 520
PREVIEW_LINES = 3
"""Room for the sentence that says why a name is none."""


class PreferencesDialog(QDialog):
    """Every choice counts at once; Close closes.

    Attributes:
        language_box, appearance_box, device_box, threads_box, afterward_box, command_field, plan_box: the controls.

        folder_field, folder_problem, pattern_field, name_preview: of the results.

    Signals:
        naming_changed: results get other names or another folder.
        language_chosen, appearance_chosen, device_chosen, afterward_chosen: values as the preferences have them.
    """

    language_chosen = Signal(str)
    appearance_chosen = Signal(str)
    device_chosen = Signal(str)
    afterward_chosen = Signal(str)
    naming_changed = Signal()

    def __init__(
        self, preferences: Preferences, devices: Mapping[str, str], folders: Mapping[str, Path], parent: QWidget | None = None
    ) -> None:
        """Show the preferences.

        Args:
            preferences: those of the user.
            devices: titles of the devices that are there, by name.
            folders: where things are kept, by what they are.
            parent: the window.
        """
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Preferences"))
        self._preferences = preferences
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName(self.tr("Preferences"))
        self.tabs.addTab(page(self._looks(), self._computing(devices)), self.tr("&General"))
        self.tabs.addTab(page(self._names(), self._search()), self.tr("&Results"))
        self.tabs.addTab(page(self._after(), self._folders(folders)), self.tr("&Unattended and folders"))
        column = QVBoxLayout(self)
        column.addWidget(self.tabs)
        buttons = plain_buttons(QDialogButtonBox(QDialogButtonBox.StandardButton.Close))
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self.setMinimumWidth(PREFERENCES_WIDTH)

    def _looks(self) -> QGroupBox:
        preferences = self._preferences
        languages = {"": self.tr("Like the system"), **LANGUAGES}
        self.language_box = self._choice(self.tr("Language"), languages, preferences.language, self.language_chosen)
        looks = {name: appearance_name(name) for name in APPEARANCES}
        self.appearance_box = self._choice(self.tr("Appearance"), looks, preferences.appearance, self.appearance_chosen)
        return self._group(
            self.tr("Window"), {self.tr("&Language"): self.language_box, self.tr("&Appearance"): self.appearance_box}
        )

    def _names(self) -> QGroupBox:
        """Where results go and what they are called."""
        rule = self._preferences.result_rule
        self.folder_field = QLineEdit(str(rule.folder or ""))
        self.folder_field.setPlaceholderText(self.tr("Beside each clip"))
        self.folder_field.setAccessibleName(self.tr("Folder for results"))
        self.folder_field.editingFinished.connect(self._set_rule)
        choose = QPushButton(self.tr("Choose…"))
        choose.setAutoDefault(False)
        choose.setAccessibleName(self.tr("Choose the folder for results"))
        choose.clicked.connect(self._choose_folder)
        place = QWidget()
        place.setFocusProxy(self.folder_field)
        row = QHBoxLayout(place)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.folder_field, 1)
        row.addWidget(choose)
        self.folder_problem = plain_label()
        self.folder_problem.setWordWrap(True)
        color_text(self.folder_problem, tones(self.palette()).bad)
        self.folder_problem.hide()
        self.pattern_field = QLineEdit(rule.pattern)
        self.pattern_field.setAccessibleName(self.tr("Names of results"))
        self.pattern_field.textChanged.connect(self._show_name)
        # half a name is none, though it may be a good one by chance
        self.pattern_field.editingFinished.connect(self._set_rule)
        self.name_preview = plain_label()
        self.name_preview.setWordWrap(True)
        self.name_preview.setMinimumHeight(PREVIEW_LINES * self.fontMetrics().height())
        self.name_preview.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.keep_box = self._flag(self.tr("&Keep subfolders in the folder for results"), rule.keep_folders, self._set_rule)
        self._show_name(rule.pattern)
        rows = {
            self.tr("F&older"): above(place, self.folder_problem),
            self.tr("&Name"): above(self.pattern_field, self.name_preview),
            "": self.keep_box,
        }
        return self._group(self.tr("Results"), rows)

    def _search(self) -> QGroupBox:
        """Which clips of a folder are taken."""
        inside = self.tr("Look for clips in s&ubfolders, too")
        self.recursive_box = self._flag(inside, self._preferences.recursive, self._set_search)
        done = self.tr("Leave out clips of a folder that ha&ve a result")
        self.skip_box = self._flag(done, self._preferences.skip_done, self._set_search)
        group = QGroupBox(self.tr("Folders of clips"))
        column = QVBoxLayout(group)
        column.addWidget(self.recursive_box)
        column.addWidget(self.skip_box)
        return group

    def _flag(self, text: str, checked: bool, changed: Callable[[], None]) -> QCheckBox:
        box = QCheckBox(text)
        box.setChecked(checked)
        box.toggled.connect(lambda _: changed())
        return box

    def _choose_folder(self) -> None:
        dialog = QFileDialog(self, self.tr("Folder for results"), self.folder_field.text())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self.folder_field.setText)
        dialog.fileSelected.connect(lambda _: self._set_rule())
        dialog.open()

    def _set_rule(self) -> None:
        """Keep what is good of folder and names, and the former one of what is not."""
        text, pattern, former = self.folder_field.text().strip(), self.pattern_field.text(), self._preferences.result_rule
        folder = Path(text).expanduser() if text else None
        problem = self._problem_of(folder) if folder else ""
        self.folder_problem.setText(problem)
        self.folder_problem.setVisible(bool(problem))
        good = self._show_name(pattern)
        self._preferences.result_rule = ResultRule(
            former.folder if problem else folder, pattern if good else former.pattern, self.keep_box.isChecked()
        )
        self.naming_changed.emit()

    def _problem_of(self, folder: Path) -> str:
        """Why results cannot go into a folder, or nothing; it is made when something is restored."""
        if not folder.is_absolute():
            return self.tr("Give the whole path, from its beginning.")
        try:
            there = next(place for place in (folder, *folder.parents) if place.exists())
            with tempfile.TemporaryDirectory(dir=there):
                return ""
        except OSError as error:
            text = self.tr("Nothing can be written there ({reason}); choose another folder.")
            return text.format(reason=describe_os_error(error))

    def done(self, result: int) -> None:
        """What was typed last counts, too."""
        self._set_rule()
        self._set_command()
        super().done(result)

    def _show_name(self, pattern: str) -> bool:
        """Show what a pattern makes of a clip, or why it cannot be; returns whether it can."""
        try:
            example = checked_pattern(pattern).format(name="holiday", size="1080p", model="compact")
        except SettingsError as error:
            self.name_preview.setText(engine_words(str(error)))
            color_text(self.name_preview, tones(self.palette()).bad)
            return False
        fields = self.tr("{name} is the clip's name, {size} the result's size, {model} the model.")
        self.name_preview.setText(self.tr("holiday.avi becomes {name}").format(name=f"{example}.mp4") + "\n" + fields)
        color_text(self.name_preview, tones(self.palette()).quiet)
        return True

    def _set_search(self) -> None:
        self._preferences.recursive = self.recursive_box.isChecked()
        self._preferences.skip_done = self.skip_box.isChecked()

    def _computing(self, devices: Mapping[str, str]) -> QGroupBox:
        preferences = self._preferences
        choices = {"auto": words(DEVICES["auto"]), **devices}
        self.device_box = self._choice(self.tr("Device"), choices, preferences.restore.device, self.device_chosen)
        self.threads_box = QSpinBox()
        self.threads_box.setRange(0, 1024)
        self.threads_box.setSpecialValueText(self.tr("all"))
        self.threads_box.setValue(preferences.threads)
        self.threads_box.setAccessibleName(self.tr("Threads"))
        self.threads_box.setToolTip(self.tr("How many threads compute on the processor; from the next start on."))
        self.threads_box.valueChanged.connect(self._set_threads)
        self.plan_box = QCheckBox(self.tr("Show the &plan before every run"))
        self.plan_box.setChecked(preferences.plan_first)
        self.plan_box.toggled.connect(self._set_plan_first)
        rows: dict[str, QWidget] = {
            self.tr("&Device for new clips"): self.device_box,
            self.tr("&Threads (next start)"): self.threads_box,
            "": self.plan_box,
        }
        return self._group(self.tr("Computing"), rows)

    def _after(self) -> QGroupBox:
        deeds = {name: deed_name(name).capitalize() for name in AFTERWARDS}
        chosen = self._preferences.afterward
        self.afterward_box = self._choice(self.tr("After the queue"), deeds, chosen, self.afterward_chosen)
        self.command_field = QLineEdit(self._preferences.after_command)
        self.command_field.setAccessibleName(self.tr("Command after the queue"))
        self.command_field.setPlaceholderText(self.tr("for example: rsync -a results nas:"))
        self.command_field.setEnabled(chosen == "command")
        self.command_field.editingFinished.connect(self._set_command)
        self.afterward_chosen.connect(lambda name: self.command_field.setEnabled(name == "command"))
        rows = {self.tr("A&fterwards"): self.afterward_box, self.tr("&Command"): self.command_field}
        return self._group(self.tr("When all clips are done"), rows)

    def ask_command(self) -> None:
        """Show where the command that follows the queue is written."""
        self.tabs.setCurrentIndex(self.tabs.count() - 1)
        self.command_field.setFocus()

    def _folders(self, folders: Mapping[str, Path]) -> QGroupBox:
        return self._group(self.tr("Folders"), {name: self._folder(name, path) for name, path in folders.items()})

    def _folder(self, name: str, path: Path) -> QWidget:
        label = ElidedLabel()
        label.set_whole(str(path))
        button = QPushButton(self.tr("Open"))
        button.setAutoDefault(False)
        button.setAccessibleName(self.tr("Open the folder: {name}").format(name=name))
        button.clicked.connect(lambda: reveal_folder(path))
        place = QWidget()
        row = QHBoxLayout(place)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label, 1)
        row.addWidget(button)
        return place

    def _choice(self, name: str, choices: Mapping[Any, str], chosen: object, signal: Any) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName(name)
        for value, text in choices.items():
            box.addItem(text, value)
        box.setCurrentIndex(max(0, box.findData(chosen)))
        box.currentIndexChanged.connect(lambda index: signal.emit(box.itemData(index)))
        return box

    def _group(self, title: str, rows: Mapping[str, QWidget]) -> QGroupBox:
        group = QGroupBox(title)
        form = QFormLayout(group)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        for text, control in rows.items():
            label = QLabel(text)
            label.setBuddy(control)
            form.addRow(label, control)
        return group

    def _set_threads(self, threads: int) -> None:
        self._preferences.threads = threads

    def _set_plan_first(self, plan_first: bool) -> None:
        self._preferences.plan_first = plan_first

    def _set_command(self) -> None:
        self._preferences.after_command = self.command_field.text().strip()


def above(control: QWidget, label: QLabel) -> QWidget:
    """A control with a sentence below it."""
    place = QWidget()
    column = QVBoxLayout(place)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(control)
    column.addWidget(label)
    place.setFocusProxy(control)
    return place


def page(*groups: QWidget) -> QWidget:
    """Groups below each other."""
    place = QWidget()
    column = QVBoxLayout(place)
    for group in groups:
        column.addWidget(group)
    column.addStretch(1)
    return place
