"""The queue panel: clips and their states."""

from collections.abc import Collection

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
)
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
from app.widgets.action_table import ActionTable
from app.widgets.appearance import Tones, tones
from app.widgets.drops import local_paths
from app.widgets.formats import length, readable

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
DROP_FRAME = 3
PICTURE_SIZE = QSize(56, 36)
CONTEXT_MENU = (
    "start", "resume", "start_again", None, "play_result", "show_in_folder", "show_report", "show_failure", None, "move_up",
    "move_down", "remove", "delete_unfinished",
)  # fmt: skip
PLAYER_KEYS = (Qt.Key.Key_Space, Qt.Key.Key_Left, Qt.Key.Key_Right)
BUTTON_SIGNS = {"move_up": "↑", "move_down": "↓", "remove": "✕"}


def state_color(state: ItemState, colors: Tones, accent: QColor) -> QColor:
    """The colour that goes with a state."""
    marked = {"running": accent, "done": colors.good, "failed": colors.bad, "interrupted": colors.caution}
    return marked.get(state, colors.quiet)


def fitting(metrics: QFontMetrics, facts: list[str], width: int) -> str:
    """As many of some facts as there is room for, the first one at least."""
    texts = (" · ".join(facts[:count]) for count in range(len(facts), 1, -1))
    fits = (text for text in texts if metrics.horizontalAdvance(text) <= width)
    return next(fits, metrics.elidedText(facts[0], Qt.TextElideMode.ElideRight, width))


class ItemDelegate(QStyledItemDelegate):
    """A small picture and two lines per clip: its name, and its size, length and state; a thin bar while it runs."""

    def __init__(self, model: QueueModel) -> None:
        super().__init__(model)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Two lines, or the picture, and some air."""
        return QSize(160, max(2 * option.fontMetrics.height() + 2, PICTURE_SIZE.height()) + 2 * ITEM_PADDING)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """One item."""
        item: QueueItem = index.data(ITEM_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        style = option.widget.style()
        # selection and hover, as the style has them
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        colors, accent = tones(option.palette), option.palette.color(QPalette.ColorRole.Accent)
        writing = option.palette.color(QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text)
        area = option.rect.adjusted(ITEM_PADDING, ITEM_PADDING, -ITEM_PADDING, -ITEM_PADDING)
        line = option.fontMetrics.height()
        self._draw_picture(painter, QRect(area.topLeft(), PICTURE_SIZE), item, colors.quiet)
        area.setLeft(area.left() + PICTURE_SIZE.width() + ITEM_PADDING)
        painter.setPen(writing if selected else state_color(item.state, colors, accent))
        painter.drawText(QRect(area.left(), area.top(), 16, line), Qt.AlignmentFlag.AlignLeft, STATE_SIGNS[item.state])
        text = area.adjusted(20, 0, 0, 0)
        painter.setPen(writing)
        name = option.fontMetrics.elidedText(readable(item.request.source.name), Qt.TextElideMode.ElideMiddle, text.width())
        painter.drawText(text, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, name)
        painter.setPen(writing if selected else colors.quiet)
        facts = fitting(option.fontMetrics, self._facts(item), text.width())
        painter.drawText(text, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, facts)
        if item.state == "running":
            self._draw_bar(painter, QRectF(option.rect), item.progress, writing if selected else accent)
        painter.restore()

    def _draw_picture(self, painter: QPainter, place: QRect, item: QueueItem, color: QColor) -> None:
        """The clip's picture in the middle of its place; an empty frame until it is known."""
        picture = self._model.picture(item.id)
        if picture is None:
            painter.setPen(color)
            painter.setOpacity(0.4)
            painter.drawRect(place.adjusted(0, 0, -1, -1))
            painter.setOpacity(1.0)
            return
        box = QRect(QPoint(), picture.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio))
        box.moveCenter(place.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(box, picture)

    def _facts(self, item: QueueItem) -> list[str]:
        size = f"{item.size[0]}×{item.size[1]}" if item.size else ""
        seconds = length(item.seconds) if item.seconds is not None else ""
        return [fact for fact in (self._model.reason(item) or self._model.state_text(item), size, seconds) if fact]

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
        self._files_over = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave the player's keys to the window."""
        if Qt.Key(event.key()) in PLAYER_KEYS and not event.modifiers():
            event.ignore()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Rows are moved, files are copied."""
        super().dragEnterEvent(event)
        self._choose_action(event)
        self._show_files_over(event.isAccepted() and not event.mimeData().hasFormat(ROW_MIME))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """They went elsewhere."""
        super().dragLeaveEvent(event)
        self._show_files_over(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Take what is dropped."""
        self._show_files_over(False)
        super().dropEvent(event)

    def _show_files_over(self, over: bool) -> None:
        """Show that files that are dragged over the list may be dropped, or no longer."""
        self._files_over = over
        self.viewport().update()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Rows are moved, files are copied."""
        super().dragMoveEvent(event)
        self._choose_action(event)

    def startDrag(self, actions: Qt.DropAction) -> None:
        """Rows are moved; a row with a result can leave the program as a copy of that file."""
        carries = any(index.data(ITEM_ROLE).finished for index in self.selectedIndexes())
        super().startDrag(Qt.DropAction.CopyAction if carries else actions)

    def _choose_action(self, event: QDragMoveEvent) -> None:
        row = event.mimeData().hasFormat(ROW_MIME)
        if not row and not local_paths(event.mimeData()):  # addresses of the web
            event.ignore()
            return
        moves = row and event.possibleActions() & Qt.DropAction.MoveAction
        # the source of a “move” would delete its files
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
            painter.end()
        if self._files_over:
            self._paint_files_over()

    def _paint_files_over(self) -> None:
        accent = self.palette().color(QPalette.ColorRole.Highlight)
        wash = QColor(accent)
        wash.setAlpha(40)
        painter = QPainter(self.viewport())
        painter.fillRect(self.viewport().rect(), wash)
        painter.setPen(QPen(accent, DROP_FRAME))
        painter.drawRect(QRectF(self.viewport().rect()).adjusted(1, 1, -1, -1))


class QueuePanel(QWidget):
    """The list with its buttons and context menu.

    Attributes:
        current_changed: the id of the item that is shown, or an empty text.
        selection_changed: other items are selected, or the selected ones have moved.
        add_requested: the user wants to add clips.
        opened: the id of an item that was clicked twice.
        add_button: asks for clips.
    """

    current_changed = Signal(str)
    selection_changed = Signal()
    add_requested = Signal()
    opened = Signal(str)

    def __init__(self, model: QueueModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.view = QueueView(model)
        self._menu = QMenu(self)
        self._lay_out()
        self.view.selectionModel().currentChanged.connect(self._on_current)
        self.view.doubleClicked.connect(lambda index: self.opened.emit(index.data(ITEM_ROLE).id))
        model.rowsRemoved.connect(self._select_current)
        # removing and moving rows changes positions, but not the selection
        for signal in (self.view.selectionModel().selectionChanged, model.rowsRemoved, model.rowsMoved):
            signal.connect(self._on_selection)

    def _lay_out(self) -> None:
        self.add_button = QPushButton(self.tr("Add clips…"))
        self.add_button.setToolTip(self.tr("Add videos to the queue (Ctrl+O); folders and files can be dropped here, too."))
        self.add_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.add_button.clicked.connect(self.add_requested)
        self._buttons = QHBoxLayout()
        self._buttons.addWidget(self.add_button, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 4, 8)
        column.addWidget(self.view, 1)
        column.addLayout(self._buttons)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._open_menu)
        self.setMinimumWidth(200)

    def show_actions(self, table: ActionTable) -> None:
        """Put the actions on selected items into the context menu and on buttons."""
        table.fill(self._menu, CONTEXT_MENU)
        for action_id, sign in BUTTON_SIGNS.items():
            action = table[action_id]
            # shown by buttons; menus show the text
            action.setIconText(sign)
            button = QToolButton()
            button.setDefaultAction(action)
            button.setAccessibleName(action.text())
            button.setAutoRaise(True)
            # Space, pressed to play after a click, must not remove another clip
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._buttons.addWidget(button)
            self.addAction(action)

    def _open_menu(self, at: QPoint) -> None:
        self._menu.popup(self.view.mapToGlobal(at))

    # -- what is chosen -----------------------------------------------------------------------------------------

    def selected_ids(self) -> list[str]:
        """Ids of the selected items, in the order of the queue."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedIndexes())
        return [self._model.queue[row].id for row in rows]

    def selected_items(self) -> tuple[QueueItem, ...]:
        """The selected items, in the order of the queue."""
        return tuple(item for item_id in self.selected_ids() if (item := self._model.item(item_id)))

    def current_id(self) -> str:
        """The id of the item that is shown, or an empty text."""
        index = self.view.currentIndex()
        return self._model.queue[index.row()].id if index.isValid() else ""

    def current_row(self) -> int:
        """The row of the item that is shown, -1 for none."""
        return self.view.currentIndex().row()

    def select(self, item_id: str) -> None:
        """Show an item, and select it alone."""
        index = self._model.index(self._model.queue.row(item_id))
        # said, as Ctrl is held where a shortcut has brought it here
        self.view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def select_beside(self, ids: Collection[str]) -> None:
        """Show the item that will be at the place of these when they are gone, so that not each of them is shown on the way."""
        rows = [row for row, item in enumerate(self._model.queue) if item.id not in ids]
        here = self.current_row()
        if rows:
            self.select(self._model.queue[next((row for row in rows if row >= here), rows[-1])].id)
        else:
            self.view.selectionModel().clear()

    def _select_current(self) -> None:
        """Where all selected items were removed, select the one that is shown: edits go to what is selected."""
        chosen = self.view.selectionModel()
        if not chosen.hasSelection():
            chosen.select(self.view.currentIndex(), QItemSelectionModel.SelectionFlag.Select)

    def _on_current(self) -> None:
        self.current_changed.emit(self.current_id())

    def _on_selection(self) -> None:
        self.selection_changed.emit()

    def changeEvent(self, event: QEvent) -> None:
        """Follow light and dark."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.view.viewport().update()
