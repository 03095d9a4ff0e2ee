"""The farm: how this computer comes in and out, how others join, and what every device of it does."""

import sys
from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.farm.link import FarmLink, FarmView, has_ray, kept_token, own_addresses
from app.farm.status import FarmRow, other_versions
from app.widgets.appearance import color_text, tones
from app.widgets.engine_words import engine_words
from app.widgets.formats import amount
from app.widgets.phases import phase_name
from app.widgets.placement import resize_within
from app.widgets.plain import plain_label, plain_tip
from dcvsr_engine.farm.address import LOOPBACK, MISSING

FARM_SIZE = QSize(820, 580)
FARM_COLUMNS = 120, 190, 70, 290
"""Widths of all columns but the last."""
HIDDEN_TOKEN = "••••"
SEVERAL_COMPUTERS = sys.platform == "linux"
"""Ray joins computers on Linux only."""


class FarmDialog(QDialog):
    """Starts, connects, leaves, and lists the farm's devices; it stays open beside the window.

    Attributes:
        used: whether clips are to be restored on the farm.
        address_field, token_field, works_box, listen_box: how to come in.
        start_button, connect_button, leave_button: what can be done.
        message: how it stands.
        join_field, copy_button: how others join.
        use_box: whether clips are restored there.
        table: the farm's devices.
    """

    used = Signal(bool)

    def __init__(self, link: FarmLink, versions: Callable[[], Mapping[str, str]], parent: QWidget | None = None) -> None:
        """Show what is known of the farm.

        Args:
            link: this computer's part of it.
            versions: give those of this computer.
            parent: the window.
        """
        super().__init__(parent)
        self.setWindowTitle(self.tr("Farm"))
        self._link, self._versions = link, versions
        self._build()
        self.refresh()
        link.changed.connect(self.refresh)

    # -- parts --------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(self._explanation())
        column.addLayout(self._form())
        column.addLayout(self._buttons())
        self.message = plain_label()
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(self.message)
        self.use_box = QCheckBox(self.tr("&Restore clips on this farm"))
        self.use_box.clicked.connect(lambda _checked: self.used.emit(self.use_box.isChecked()))
        column.addWidget(self.use_box)
        column.addWidget(self._joining())
        column.addWidget(self._table(), 1)
        resize_within(self, FARM_SIZE)

    def _explanation(self) -> QLabel:
        text = self.tr(
            "Several computers restore your clips together: one of them starts a farm, the others join it. "
            "Program and model are the same on all of them. This computer leaves when the window is closed."
        )
        if not SEVERAL_COMPUTERS:
            text += " " + self.tr("Several computers work together only on Linux; on this system a farm is this computer alone.")
        self.explanation = QLabel(text)
        self.explanation.setWordWrap(True)
        return self.explanation

    def _form(self) -> QFormLayout:
        self.listen_box = QComboBox()
        self.listen_box.setAccessibleName(self.tr("Address of this computer"))
        self.listen_box.addItem(self.tr("this computer only ({address})").format(address=LOOPBACK), LOOPBACK)
        for address in own_addresses() if SEVERAL_COMPUTERS else ():
            self.listen_box.addItem(self.tr("{address}, for other computers").format(address=address), address)
        self.address_field, self.token_field = QLineEdit(), QLineEdit(kept_token())
        self.address_field.setPlaceholderText("192.168.0.10:6380")
        self.address_field.setAccessibleName(self.tr("Address of the farm"))
        self.token_field.setAccessibleName(self.tr("Token"))
        self.token_field.setEchoMode(QLineEdit.EchoMode.Password)
        self.token_field.setPlaceholderText(self.tr("what the first computer shows"))
        self.works_box = QCheckBox(self.tr("The devices of this computer &work, too"))
        self.works_box.setChecked(True)
        self.address_field.textChanged.connect(lambda _text: self._allow(self._link.view))
        self.address_field.returnPressed.connect(self.connect_to)
        self.token_field.returnPressed.connect(self.connect_to)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow(self.tr("Start &here, for"), self.listen_box)
        form.addRow(self.tr("Or &join the one at"), self.address_field)
        form.addRow(self.tr("&Token"), self.token_field)
        form.addRow("", self.works_box)
        return form

    def _buttons(self) -> QHBoxLayout:
        self.start_button = self._button(self.tr("&Start a farm on this computer"), self.start)
        self.connect_button = self._button(self.tr("&Connect"), self.connect_to)
        self.leave_button = self._button(self.tr("&Leave"), self._link.leave)
        row = QHBoxLayout()
        for button in (self.start_button, self.connect_button, self.leave_button):
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _joining(self) -> QWidget:
        self.join_field = QLineEdit()
        self.join_field.setReadOnly(True)
        self.join_field.setAccessibleName(self.tr("Command that joins from another computer"))
        self.copy_button = self._button(self.tr("Co&py"), self.copy_command)
        self.copy_button.setToolTip(self.tr("Copy the command with the token. Whoever has it can run programs on this farm."))
        self.joining = QWidget()
        row = QHBoxLayout(self.joining)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel(self.tr("On the others:")))
        row.addWidget(self.join_field, 1)
        row.addWidget(self.copy_button)
        return self.joining

    def _table(self) -> QTreeWidget:
        self.table = QTreeWidget()
        self.table.setAccessibleName(self.tr("Devices of the farm"))
        self.table.setRootIsDecorated(False)
        self.table.setUniformRowHeights(True)
        names = self.tr("Computer"), self.tr("Device"), self.tr("Memory"), self.tr("Now"), self.tr("Versions")
        self.table.setHeaderLabels(names)
        for number, width in enumerate(FARM_COLUMNS):
            self.table.setColumnWidth(number, width)
        return self.table

    def _button(self, text: str, act: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.clicked.connect(lambda _checked: act())
        return button

    # -- what is done -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin a farm here."""
        self._link.start(self.listen_box.currentData())

    def connect_to(self) -> None:
        """Come into the farm at the address that was entered."""
        if self.connect_button.isEnabled():
            self._link.connect_to(self.address_field.text().strip(), self.token_field.text().strip(), self.works_box.isChecked())

    def join_command(self, token: str) -> str:
        """What joins the farm from another computer."""
        return f"dcvsr farm join {self._link.view.address} --token {token}"

    def copy_command(self) -> None:
        """Put the command with the token on the clipboard."""
        QGuiApplication.clipboard().setText(self.join_command(kept_token()))

    # -- what is shown ------------------------------------------------------------------------------------------

    def show_used(self, used: bool) -> None:
        """Show whether clips are restored on the farm."""
        self.use_box.setChecked(used)

    def refresh(self) -> None:
        """Show what is known of the farm."""
        view = self._link.view
        self._allow(view)
        self._show_message(view)
        shared = view.state == "in" and not view.address.startswith(LOOPBACK)
        self.joining.setVisible(shared)
        self.join_field.setText(self.join_command(HIDDEN_TOKEN) if shared else "")
        self.table.clear()
        for row in view.rows:
            self.table.addTopLevelItem(self._item(row))

    def _allow(self, view: FarmView) -> None:
        """Offer what can be done now."""
        can_enter = view.state == "out" and has_ray()
        for part in (self.listen_box, self.address_field, self.token_field, self.works_box, self.start_button):
            part.setEnabled(can_enter)
        self.connect_button.setEnabled(can_enter and bool(self.address_field.text().strip()))
        self.leave_button.setEnabled(view.state in ("entering", "in"))
        # a farm that is lost can still be given up
        self.use_box.setEnabled(view.state == "in" or self.use_box.isChecked())

    def _show_message(self, view: FarmView) -> None:
        tone = tones(self.palette())
        text, color = self._state_text(view), tone.good if view.state == "in" else tone.quiet
        if not has_ray():
            text, color = self._how_to_get_it(), tone.caution
        elif view.problem:
            text, color = engine_words(view.problem), tone.bad
        elif different := other_versions(view.rows, self._versions()):
            pairs = ", ".join(f"{name} {there} ≠ {here}" for name, (there, here) in different.items())
            text = self.tr("Versions differ from this computer's: {versions}. Install the same on all.").format(versions=pairs)
            color = tone.caution
        self.message.setText(text)
        color_text(self.message, color)

    def _state_text(self, view: FarmView) -> str:
        place = view.address or self.tr("this computer")
        if view.state == "in":
            text = self.tr("This computer is in the farm at {address}.")
            if view.address.startswith(LOOPBACK):
                text += " " + self.tr("Others cannot join: for that, leave and start it for an address of this computer.")
            return text.format(address=place)
        texts = {"entering": self.tr("Entering the farm at {address} …"), "leaving": self.tr("Leaving …")}
        return texts.get(view.state, self.tr("This computer is in no farm.")).format(address=place)

    def _how_to_get_it(self) -> str:
        if getattr(sys, "frozen", False):
            return self.tr(
                "This bundle cannot be in a farm: that needs Ray, with which only an installation by pip can be extended."
            )
        return engine_words(MISSING)

    def _item(self, row: FarmRow) -> QTreeWidgetItem:
        versions = ", ".join(f"{name} {version}" for name, version in row.versions.items())
        memory = amount(row.memory) if row.memory else "–"
        item = QTreeWidgetItem([row.host, engine_words(row.device), memory, self._doing(row), versions])
        item.setToolTip(0, plain_tip(row.address))
        item.setToolTip(3, plain_tip(row.target or ""))
        item.setToolTip(4, plain_tip(versions))
        tone = tones(self.palette())
        if other_versions([row], self._versions()):
            item.setForeground(4, tone.caution)
        item.setForeground(3, {"idle": tone.quiet, "works": tone.good, "silent": tone.caution}[row.state])
        return item

    def _doing(self, row: FarmRow) -> str:
        """What a device does, in words."""
        if row.state != "works":
            return self.tr("idle") if row.state == "idle" else self.tr("does not answer")
        parts = [row.job or "", self._phase(row) + (f" {row.done}/{row.total}" if row.total else "")]
        if row.unit is not None:
            parts.append(self.tr("segment {number}/{segments}").format(number=row.unit, segments=row.units))
        return " · ".join(filter(None, parts))

    def _phase(self, row: FarmRow) -> str:
        if row.phase is None:
            return self.tr("begins")
        return self.tr("waits for others") if row.phase == "waits" else phase_name(row.phase)

    # -- Qt -----------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Ask the farm while this is seen."""
        super().showEvent(event)
        self._link.look(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Ask no longer."""
        super().hideEvent(event)
        self._link.look(False)

    def changeEvent(self, event: QEvent) -> None:
        """Follow light and dark: message and table have colours of their own."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.refresh()
