"""Help ▸ Guide: a short manual with pictures, offline, from the Markdown files in ``resources/guide``."""

from PySide6.QtCore import QLocale, QSize, Qt, QUrl
from PySide6.QtGui import QTextBlock, QTextCursor, QTextDocument
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from app.system.translation import best_language
from app.widgets.placement import resize_within
from app.widgets.plain import plain_buttons
from dcvsr_engine.resources import resource

GUIDE_SIZE = QSize(1000, 680)
CONTENTS_WIDTH = 170
GUIDE_MARGIN = 16
HEADING_LEVEL = 2
"""Level of the headings that are listed."""
BLOCK_ROLE = Qt.ItemDataRole.UserRole


class GuideDialog(QDialog):
    """The text with a list of its parts; the window can be used beside it.

    Attributes:
        contents: the parts.
        text: all of them.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Guide"))
        self.contents, self.text = QListWidget(), QTextBrowser()
        self.contents.setAccessibleName(self.tr("Contents"))
        self.contents.setFixedWidth(CONTENTS_WIDTH)
        self.contents.setWordWrap(True)
        self.text.setAccessibleName(self.tr("Guide"))
        self.text.setOpenExternalLinks(True)
        self.text.document().setDocumentMargin(GUIDE_MARGIN)
        path = resource("guide", f"{best_language('', [QLocale().name()])}.md")
        self.text.setSource(QUrl.fromLocalFile(str(path)), QTextDocument.ResourceType.MarkdownResource)
        self._list_parts()
        self.contents.currentItemChanged.connect(self._go_to)
        buttons = plain_buttons(QDialogButtonBox(QDialogButtonBox.StandardButton.Close))
        buttons.rejected.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self.contents)
        row.addWidget(self.text, 1)
        column = QVBoxLayout(self)
        column.addLayout(row, 1)
        column.addWidget(buttons)
        resize_within(self, GUIDE_SIZE)
        # the list would choose its first part, and scroll to it
        self.text.setFocus()

    def _list_parts(self) -> None:
        block = self.text.document().begin()
        while block.isValid():
            if block.blockFormat().headingLevel() == HEADING_LEVEL:
                item = QListWidgetItem(block.text(), self.contents)
                item.setData(BLOCK_ROLE, block.blockNumber())
            block = block.next()

    def _go_to(self, item: QListWidgetItem) -> None:
        """Scroll a part's heading to the top."""
        document = self.text.document()
        block: QTextBlock = document.findBlockByNumber(item.data(BLOCK_ROLE))
        self.text.setTextCursor(QTextCursor(block))
        top = document.documentLayout().blockBoundingRect(block).top()
        self.text.verticalScrollBar().setValue(round(top) - GUIDE_MARGIN // 2)
