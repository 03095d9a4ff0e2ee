"""Help ▸ Keyboard shortcuts: every key of the window, made from its actions."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHeaderView, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from app.help.menu import ShortcutGroups
from app.widgets.placement import resize_within
from app.widgets.plain import plain_buttons

SHORTCUTS_SIZE = QSize(500, 560)


class ShortcutsDialog(QDialog):
    """A table of actions and keys, grouped by menu.

    Attributes:
        table: the table.
    """

    def __init__(self, groups: ShortcutGroups, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        self.table = QTreeWidget()
        self.table.setAccessibleName(self.tr("Keyboard shortcuts"))
        self.table.setColumnCount(2)
        self.table.setHeaderLabels([self.tr("Action"), self.tr("Keys")])
        self.table.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.header().setStretchLastSection(False)
        for title, rows in groups:
            group = QTreeWidgetItem(self.table, [title])
            for text, keys in rows:
                QTreeWidgetItem(group, [text, keys])
        self.table.expandAll()
        buttons = plain_buttons(QDialogButtonBox(QDialogButtonBox.StandardButton.Close))
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.table)
        column.addWidget(buttons)
        resize_within(self, SHORTCUTS_SIZE)
