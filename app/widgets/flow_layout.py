"""A layout that wraps into the next line where the width does not suffice, so that no control is cut off.

Own code rather than `QToolBar`: outside of a `QMainWindow` the menu behind its » leaves out lists and labels.
"""

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget


class FlowLayout(QLayout):
    """Lines of widgets, each as large as it wants to be."""

    def __init__(self, parent: QWidget | None = None, spacing: int = 4, spread: bool = False) -> None:
        """``spread``: whether the widgets of a line are spread over its width."""
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._spread = spread
        self.setSpacing(spacing)
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        """Add an item at the end."""
        self._items.append(item)

    def count(self) -> int:
        """Number of items."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """An item, ``None`` beyond the last."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Take an item out."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        """The number of lines depends on the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Height of the lines at a width."""
        return sum(line for line, _ in self._lines(width)) + max(0, len(self._lines(width)) - 1) * self.spacing()

    def sizeHint(self) -> QSize:
        """Everything in one line."""
        sizes = [item.sizeHint() for item in self._seen()]
        width = sum(size.width() for size in sizes) + max(0, len(sizes) - 1) * self.spacing()
        return QSize(width, max((size.height() for size in sizes), default=0))

    def minimumSize(self) -> QSize:
        """The widest item."""
        sizes = [item.sizeHint() for item in self._seen()]
        return QSize(max((size.width() for size in sizes), default=0), max((size.height() for size in sizes), default=0))

    def setGeometry(self, rect: QRect) -> None:
        """Place the items."""
        super().setGeometry(rect)
        top = rect.top()
        for height, items in self._lines(rect.width()):
            left, gap = rect.left(), self._gap(rect.width(), items)
            for item in items:
                size = item.sizeHint()
                item.setGeometry(QRect(QPoint(left, top + (height - size.height()) // 2), size))
                left += size.width() + gap
            top += height + self.spacing()

    def _gap(self, width: int, items: list[QLayoutItem]) -> int:
        """Between the widgets of a line."""
        left_over = width - sum(item.sizeHint().width() for item in items)
        return left_over // (len(items) - 1) if self._spread and len(items) > 1 else self.spacing()

    def _seen(self) -> list[QLayoutItem]:
        # hidden widgets take no room
        return [item for item in self._items if not item.isEmpty()]

    def _lines(self, width: int) -> list[tuple[int, list[QLayoutItem]]]:
        """Height and items of each line."""
        lines: list[tuple[int, list[QLayoutItem]]] = []
        left = 0
        for item in self._seen():
            size = item.sizeHint()
            if not lines or left + size.width() > width:
                lines.append((0, []))
                left = 0
            height, items = lines[-1]
            lines[-1] = max(height, size.height()), [*items, item]
            left += size.width() + self.spacing()
        return lines
