"""The queue panel: clips that wait, run or are done."""

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QDragEnterEvent, QDragMoveEvent, QKeySequence, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListView,
    QMenu,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.queue.job_queue import ItemState, QueueItem
from app.queue.model import ITEM_ROLE, ROW_MIME, QueueModel
from app.widgets.appearance import Tones, tones
from app.widgets.formats import length

STATE_SIGNS: dict[ItemState, str] = {
    "waiting": "○",
    "running": "●",
    "done": "✓",
    "failed": "✕",
    "cancelled": "–",
    "interrupted": "!",
}
ITEM_PADDING = 8
PROGRESS_HEIGHT = 3


def state_color(state: ItemState, colors: Tones, accent: QColor) -> QColor:
    """The colour that goes with a state."""
    marked = {"running": accent, "done": colors.good, "failed": colors.bad, "interrupted": colors.caution}
    return marked.get(state, colors.quiet)


class ItemDelegate(QStyledItemDelegate):
    """Two lines per clip: its name, and its size, length and state; a thin bar while it runs."""

    def __init__(self, model: QueueModel) -> None:
        super().__init__(model)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Two lines and some air."""
        return QSize(160, 2 * option.fontMetrics.height() + 2 * ITEM_PADDING + 2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """One item."""
        item: QueueItem = index.data(ITEM_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        style = option.widget.style()
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        colors, accent = tones(option.palette), option.palette.color(QPalette.ColorRole.Accent)
        writing = option.palette.color(QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text)
        area = option.rect.adjusted(ITEM_PADDING, ITEM_PADDING, -ITEM_PADDING, -ITEM_PADDING)
        line = option.fontMetrics.height()
        painter.setPen(writing if selected else state_color(item.state, colors, accent))
        painter.drawText(QRect(area.left(), area.top(), 16, line), Qt.AlignmentFlag.AlignLeft, STATE_SIGNS[item.state])
        text = area.adjusted(20, 0, 0, 0)
        painter.setPen(writing)
        name = option.fontMetrics.elidedText(item.request.source.name, Qt.TextElideMode.ElideMiddle, text.width())
        painter.drawText(text, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, name)
        painter.setPen(writing if selected else colors.quiet)
        facts = option.fontMetrics.elidedText(self._facts(item), Qt.TextElideMode.ElideRight, text.width())
        painter.drawText(text, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, facts)
        if item.state == "running":
            self._draw_bar(painter, QRectF(option.rect), item.progress, writing if selected else accent)
        painter.restore()

    def _facts(self, item: QueueItem) -> str:
        size = f"{item.size[0]}×{item.size[1]}" if item.size else ""
        seconds = length(item.seconds) if item.seconds is not None else ""
        return " · ".join(filter(None, [size, seconds, self._model.state_text(item)]))

    def _draw_bar(self, painter: QPainter, area: QRectF, share: float, color: QColor) -> None:
        bar = QRectF(
            area.left() + ITEM_PADDING, area.bottom() - PROGRESS_HEIGHT - 1, area.width() - 2 * ITEM_PADDING, PROGRESS_HEIGHT
        )
        groove = QColor(color)
        groove.setAlpha(60)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(groove)
        painter.drawRoundedRect(bar, 1.5, 1.5)
        painter.setBrush(color)
        bar.setWidth(bar.width() * share)
        painter.drawRoundedRect(bar, 1.5, 1.5)


class QueueView(QListView):
    """The list; empty, it says what to do."""

    def __init__(self, model: QueueModel) -> None:
        super().__init__()
        self.setModel(model)
        self.setItemDelegate(ItemDelegate(model))
        self.setAccessibleName(self.tr("Queue"))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Rows are moved, files are copied."""
        super().dragEnterEvent(event)
        self._choose_action(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Rows are moved, files are copied."""
        super().dragMoveEvent(event)
        self._choose_action(event)

    def _choose_action(self, event: QDragMoveEvent) -> None:
        moves = event.mimeData().hasFormat(ROW_MIME)
        event.setDropAction(Qt.DropAction.MoveAction if moves else Qt.DropAction.CopyAction)
        event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The items, or an invitation."""
        super().paintEvent(event)
        if self.model().rowCount() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(tones(self.palette()).quiet)
            area = self.viewport().rect().adjusted(16, 16, -16, -16)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(area, flags, self.tr("Drop clips or folders here"))


class QueuePanel(QWidget):
    """The list with its buttons and context menu.

    Attributes:
        current_changed: the id of the item that is looked at, or an empty text.
        add_requested: more clips are wanted.
        start_action, resume_action, retry_action, show_action, report_action, failure_action, drop_action: act on the selected
            items.
        up_action, down_action, remove_action: likewise.
    """

    current_changed = Signal(str)
    add_requested = Signal()
    retry_requested = Signal(list, bool)
    show_requested = Signal(str)
    report_requested = Signal(str)
    failure_requested = Signal(str)
    start_requested = Signal(str)
    drop_requested = Signal(list)

    def __init__(self, model: QueueModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.view = QueueView(model)
        self._make_actions()
        self._lay_out()
        self.view.selectionModel().currentChanged.connect(lambda current, _: self._on_current(current))
        self.view.selectionModel().selectionChanged.connect(lambda *_: self.update_actions())
        model.item_changed.connect(lambda _: self.update_actions())
        model.rowsRemoved.connect(lambda *_: self.update_actions())
        model.rowsMoved.connect(lambda *_: self.update_actions())
        self.update_actions()

    def _make_actions(self) -> None:
        self.start_action = self._action(self.tr("Restore only this"), None, self._start)
        self.resume_action = self._action(self.tr("Resume"), None, lambda: self.retry_requested.emit(self.selected_ids(), True))
        self.retry_action = self._action(
            self.tr("Start again"), "Ctrl+T", lambda: self.retry_requested.emit(self.selected_ids(), False)
        )
        self.show_action = self._action(self.tr("Show in folder"), "Ctrl+J", lambda: self.show_requested.emit(self.current_id()))
        self.report_action = self._action(self.tr("Show report"), None, lambda: self.report_requested.emit(self.current_id()))
        self.failure_action = self._action(
            self.tr("Why it failed…"), None, lambda: self.failure_requested.emit(self.current_id())
        )
        self.drop_action = self._action(
            self.tr("Delete unfinished work…"), None, lambda: self.drop_requested.emit(self.selected_ids())
        )
        self.up_action = self._action(self.tr("Move up"), "Ctrl+Up", lambda: self._move(-1))
        self.down_action = self._action(self.tr("Move down"), "Ctrl+Down", lambda: self._move(1))
        self.remove_action = self._action(self.tr("Remove from the queue"), QKeySequence.StandardKey.Delete, self.remove_selected)
        self.remove_action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def _action(self, text: str, key: str | QKeySequence.StandardKey | None, slot: object) -> QAction:
        action = QAction(text, self)
        if key is not None:
            action.setShortcut(QKeySequence(key))
        action.triggered.connect(slot)
        self.addAction(action)
        return action

    def _lay_out(self) -> None:
        self.add_button = QPushButton(self.tr("Add clips…"))
        self.add_button.clicked.connect(self.add_requested)
        buttons = QHBoxLayout()
        buttons.addWidget(self.add_button, 1)
        for action, text, name in (
            (self.up_action, "↑", self.tr("Move up")),
            (self.down_action, "↓", self.tr("Move down")),
            (self.remove_action, "✕", self.tr("Remove from the queue")),
        ):
            button = QToolButton()
            action.setIconText(text)
            button.setDefaultAction(action)
            button.setAccessibleName(name)
            button.setAutoRaise(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 4, 8)
        column.addWidget(self.view, 1)
        column.addLayout(buttons)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(lambda at: self._menu().popup(self.view.mapToGlobal(at)))
        self.setMinimumWidth(180)

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions([self.start_action, self.resume_action, self.retry_action])
        menu.addSeparator()
        menu.addActions([self.show_action, self.report_action, self.failure_action])
        menu.addSeparator()
        menu.addActions([self.up_action, self.down_action, self.remove_action, self.drop_action])
        return menu

    # -- what is chosen -----------------------------------------------------------------------------------------

    def selected_ids(self) -> list[str]:
        """Ids of the selected items, in the order of the queue."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedIndexes())
        return [self._model.queue[row].id for row in rows]

    def current_id(self) -> str:
        """The id of the item that is looked at, or an empty text."""
        index = self.view.currentIndex()
        return self._model.queue[index.row()].id if index.isValid() else ""

    def select(self, item_id: str) -> None:
        """Look at an item."""
        self.view.setCurrentIndex(self._model.index(self._model.queue.row(item_id)))

    def _on_current(self, index: QModelIndex) -> None:
        self.current_changed.emit(self._model.queue[index.row()].id if index.isValid() else "")
        self.update_actions()

    def update_actions(self) -> None:
        """Allow what makes sense for the selected items."""
        items = [item for item_id in self.selected_ids() if (item := self._model.item(item_id))]
        one = items[0] if len(items) == 1 else None
        idle = [item for item in items if item.state != "running"]
        self.start_action.setEnabled(one is not None and one.state == "waiting")
        self.resume_action.setEnabled(any(item.can_resume for item in items))
        self.retry_action.setEnabled(any(item.state not in ("waiting", "running") for item in items))
        self.show_action.setEnabled(one is not None and one.state == "done")
        self.report_action.setEnabled(one is not None and bool(one.report))
        self.failure_action.setEnabled(one is not None and bool(one.message))
        self.remove_action.setEnabled(bool(idle))
        self.drop_action.setEnabled(any(item.can_resume for item in items))
        self.up_action.setEnabled(one is not None and self._model.queue.row(one.id) > 0)
        self.down_action.setEnabled(one is not None and self._model.queue.row(one.id) < len(self._model.queue) - 1)

    # -- what a person does -------------------------------------------------------------------------------------

    def remove_selected(self) -> None:
        """Take the selected items out of the queue, but for the one that runs."""
        for item_id in self.selected_ids():
            item = self._model.item(item_id)
            if item and item.state != "running":
                self._model.remove(item_id)

    def _move(self, by: int) -> None:
        row = self.view.currentIndex().row()
        self._model.move(row, row + by)

    def _start(self) -> None:
        self.start_requested.emit(self.current_id())

    def changeEvent(self, event: QEvent) -> None:
        """Follow light and dark."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.view.viewport().update()
