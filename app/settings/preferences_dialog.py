"""The preferences: language and appearance, what computes, what follows the queue, and where things are kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.settings.specs import DEVICES
from app.system.desktop import reveal_folder
from app.system.power import AFTERWARDS, deed_name
from app.system.preferences import Preferences
from app.system.translation import LANGUAGES
from app.widgets.appearance import APPEARANCES, appearance_name
from app.widgets.elided_label import ElidedLabel
from app.widgets.words import words

PREFERENCES_WIDTH = 520


class PreferencesDialog(QDialog):
    """Every choice counts at once; Close closes.

    Attributes:
        language_box, appearance_box, device_box, threads_box, afterward_box, command_field, plan_box: the controls.

    Signals:
        language_chosen, appearance_chosen, device_chosen, afterward_chosen: values as the preferences have them.
    """

    language_chosen = Signal(str)
    appearance_chosen = Signal(str)
    device_chosen = Signal(str)
    afterward_chosen = Signal(str)

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
        column = QVBoxLayout(self)
        for part in (self._looks(), self._computing(devices), self._after(), self._folders(folders)):
            column.addWidget(part)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
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
