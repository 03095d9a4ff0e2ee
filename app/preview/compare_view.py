"""The compare view: the input enlarged and results in one geometry, with zoom, pan, wipe line and region selection."""

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QWidget

from app.preview import hud
from app.preview.model import CompareMode, CompareState, Position, Viewport
from app.preview.picture import RgbPixels
from app.preview.placeholder import Placeholder, paint_drop_mark, paint_placeholder
from app.preview.scene import LOUPE, LOUPE_GAP, Pane, Scene, Side
from app.preview.tile_overlay import TileOverlay
from dcvsr_engine.planning.request import Region

GRIP = 8
"""Logical pixels around the wipe line in which it can be grabbed."""

SMALLEST_REGION = 16
"""Input pixels; a smaller rubber band is ignored."""

PAN_KEYS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}

ZOOM_STEP = 1.25
STEP_KEYS = (Qt.Key.Key_Left, Qt.Key.Key_Right)
PANNING = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


def view_keys() -> list[tuple[str, str]]:
    """What the keys of the view do that are no actions, and the keys' names."""
    return [
        (QCoreApplication.translate("CompareView", "Play or pause"), "Space"),
        (QCoreApplication.translate("CompareView", "In A/B: show the other picture while held"), "Space"),
        (QCoreApplication.translate("CompareView", "Zoom in"), "+"),
        (QCoreApplication.translate("CompareView", "Zoom out"), "−"),
        (QCoreApplication.translate("CompareView", "Previous and next frame"), "← →"),
        (QCoreApplication.translate("CompareView", "Move the picture"), "Ctrl+← → ↑ ↓"),
        (QCoreApplication.translate("CompareView", "Move the wipe line"), "Shift+← →"),
        (QCoreApplication.translate("CompareView", "Clear the selection; leave the full screen"), "Esc"),
    ]


class CompareView(QWidget):
    """Two pictures of a frame in the same geometry.

    Attributes:
        scene: what is compared and how it is seen; change it through the methods below.

    Signals:
        region_selected: a `Region` of the input, or ``None`` when it is cleared.
        open_requested: the empty view was clicked, or Enter pressed on it.
    """

    region_selected = Signal(object)
    open_requested = Signal()

    def __init__(self, overlay: TileOverlay, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Preview"))
        self.setAccessibleDescription(
            self.tr(
                "The frame before and after. Plus and minus zoom, Ctrl with arrows moves, R selects the visible part, "
                "Escape clears the selection."
            )
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(240, 90)
        self.scene = Scene(overlay)
        self.placeholder: Placeholder | None = None
        self._highlighted = False
        self._pointer: QPointF | None = None
        self._drag: Callable[[QPointF], None] | None = None
        self._band_start: Position | None = None
        self._menu: QMenu | None = None
        self.show_empty()

    def sizeHint(self) -> QSize:
        """A comfortable size."""
        return QSize(800, 480)

    # -- content ------------------------------------------------------------------------------------------------

    def show_empty(self) -> None:
        """Show that nothing is open."""
        self.show_placeholder(Placeholder("empty", self.tr("Drop a video here"), self.tr("or click to choose one")))

    def show_placeholder(self, placeholder: Placeholder) -> None:
        """A message instead of pictures."""
        self.placeholder = placeholder
        self.scene.clear()
        self._set_region(None)
        self._update_cursor()

    def set_clip(self, width: int, height: int, scale: float, aspect: float = 1.0) -> None:
        """A clip of ``width × height`` pixels, each ``aspect`` times as wide as high, shown ``scale`` times enlarged.

        The visible part stays when only the scale changes.
        """
        picture, former = (round(width * scale), round(height * scale)), self.scene.viewport
        same_clip = not self.scene.is_empty and (*self.scene.input_size, former.aspect) == (width, height, aspect)
        self.scene.scale = scale
        self.set_viewport(former.rescaled(picture) if same_clip else Viewport.fit(picture, self._pane_size(), aspect))

    def show_frame(self, frame: int, source: RgbPixels, left: Side, right: Side) -> None:
        """Show a frame: the input's pixels and the two sides to compare."""
        self.placeholder = None
        self.scene.set_frame(frame, source, left, right)
        self._update_cursor()
        self.update()

    @property
    def has_picture(self) -> bool:
        """Whether a frame is shown."""
        return self.placeholder is None

    # -- view ---------------------------------------------------------------------------------------------------

    def set_viewport(self, viewport: Viewport) -> None:
        """Show another part of the picture."""
        if viewport != self.scene.viewport:
            self.scene.viewport = viewport
            self.update()

    def set_comparison(self, comparison: CompareState) -> None:
        """Compare in another way."""
        self.scene.comparison = comparison
        self.set_viewport(self.scene.viewport.resized(self._pane_size()))
        self._update_cursor()
        self.update()

    def set_strength(self, strength: float) -> None:
        """Show previews mixed with the enlarged input: 0 is that alone, 1 the full result."""
        if strength != self.scene.strength:
            self.scene.strength = strength
            self.update()

    def set_overlay_visible(self, visible: bool) -> None:
        """Paint the tile overlay or not."""
        self.scene.overlay_visible = visible
        self.update()

    def set_highlighted(self, highlighted: bool) -> None:
        """Show that a file dragged over the view may be dropped."""
        self._highlighted = highlighted
        self.update()

    def fit(self) -> None:
        """Show the whole picture."""
        viewport = self.scene.viewport
        self.set_viewport(Viewport.fit(viewport.picture, viewport.view, viewport.aspect))

    def actual_size(self) -> None:
        """Show one output pixel on one screen pixel, around the pointer if it is inside."""
        self.set_viewport(self.scene.viewport.actual_size(self._in_pane(self._pointer) if self._pointer else None))

    def show_again(self, viewport: Viewport, region: Region | None) -> None:
        """Show a part of the clip that was seen before, in the present size."""
        self.set_viewport(viewport.rescaled(self.scene.viewport.picture).resized(self._pane_size()))
        self._set_region(region)

    def enlarge_to_pixels(self) -> None:
        """Go to 1:1 from the whole picture, if that shows it smaller."""
        if self.scene.viewport.fitting and self.scene.viewport.zoom < 1:
            self.set_viewport(self.scene.viewport.actual_size())

    def zoom_by(self, factor: float) -> None:
        """Show the picture larger or smaller, around the middle of what is seen."""
        if self.has_picture:
            self.set_viewport(self.scene.viewport.zoomed(factor))

    def select_visible(self) -> None:
        """Select the visible part of the picture."""
        if self.has_picture:
            self._set_region(self.visible_region())

    def clear_selection(self) -> None:
        """Select nothing."""
        self._set_region(None)

    def visible_region(self) -> Region:
        """The visible part of the input."""
        left, top, right, bottom = self.scene.viewport.visible()
        return self.scene.region_between((left, top), (right, bottom))

    def _pane_size(self) -> tuple[int, int]:
        ratio = self.devicePixelRatioF()
        return self.scene.pane_size(max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio)))

    def _in_pane(self, position: QPointF) -> Position:
        """A widget position in device pixels of the pane it is in."""
        ratio = self.devicePixelRatioF()
        return self.scene.in_pane(position.x() * ratio, position.y() * ratio)

    def _device_pointer(self) -> Position | None:
        """The pointer in device pixels of the view, ``None`` when it is elsewhere."""
        ratio = self.devicePixelRatioF()
        return None if self._pointer is None else (self._pointer.x() * ratio, self._pointer.y() * ratio)

    def _pointed(self) -> Position | None:
        """The output position under the pointer, ``None`` beside the picture."""
        pointer = self._device_pointer()
        return None if pointer is None else self.scene.point_at(*pointer)

    # -- painting -----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint pictures in device pixels, then labels in logical ones."""
        painter = QPainter(self)
        if self.placeholder is not None:
            painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Base))
            paint_placeholder(painter, QRectF(self.rect()), self.placeholder, self.palette(), self._highlighted)
        else:
            painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Window))
            # some tiles are still coarse: the next painting refines more of them
            if not self._paint_pictures(painter):
                self.update()
            self._paint_labels(painter)
            if self._highlighted:
                paint_drop_mark(painter, QRectF(self.rect()), self.tr("Drop to add to the queue"), self.palette())
        if self.hasFocus():
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        painter.end()

    def _paint_pictures(self, painter: QPainter) -> bool:
        ratio = self.devicePixelRatioF()
        painter.save()
        # in device pixels, so that 1:1 is exact on dense screens, too
        painter.scale(1 / ratio, 1 / ratio)
        complete = self.scene.paint(painter, self._device_pointer(), ratio)
        point = self._pointed()
        if self.scene.comparison.loupe and point:
            complete &= self.scene.paint_loupe(painter, point, self._loupe_corner() * ratio, ratio)
        painter.restore()
        return complete

    def _loupe_corner(self) -> QPointF:
        return self._beside_pointer(QRectF(0, 0, 2 * LOUPE + LOUPE_GAP, LOUPE))

    def _beside_pointer(self, box: QRectF) -> QPointF:
        """Where a box (logical pixels) near the pointer fits into the view."""
        pointer = self._pointer or QPointF()
        x, y = pointer.x() + 20, pointer.y() + 20
        if x + box.width() > self.width() - hud.MARGIN:
            x = pointer.x() - 20 - box.width()
        if y + box.height() > self.height() - hud.MARGIN:
            y = pointer.y() - 20 - box.height()
        return QPointF(max(hud.MARGIN, x), max(hud.MARGIN, y))

    def _away_from_pointer(self, box: QRectF) -> QPointF:
        """Where facts about the tile under the pointer do not cover it: at the left, above or below the middle."""
        below = self._pointer is not None and self._pointer.y() < self.height() / 2
        top = self.height() * (0.75 if below else 0.25) - box.height() / 2
        return QPointF(hud.MARGIN, max(hud.MARGIN, top))

    def _paint_labels(self, painter: QPainter) -> None:
        """Names of the pictures, zoom, and what the tiles do."""
        inner = QRectF(self.rect()).adjusted(hud.MARGIN, hud.MARGIN, -hud.MARGIN, -hud.MARGIN)
        ratio = self.devicePixelRatioF()
        panes = self.scene.panes()
        for pane in panes:
            hud.paint_label(painter, inner.topLeft() + QPointF(pane.rect.left() / ratio, 0), self._pane_title(pane))
        if self.scene.comparison.mode == CompareMode.WIPE:
            title = self._title(1)
            hud.paint_label(painter, inner.topRight() - QPointF(hud.label_size(painter.font(), title).width(), 0), title)
        zoom = f"{self.scene.viewport.zoom:.0%}"
        zoom_box = hud.label_size(painter.font(), zoom)
        hud.paint_label(painter, inner.bottomRight() - zoom_box.bottomRight(), zoom)
        if self.scene.overlay_visible:
            step = self.scene.overlay.step_text(self.scene.frame, self.scene.viewport, ratio)
            box = hud.label_size(painter.font(), step)
            # in a narrow pane it begins further left, rather than being cut
            left = max(0.0, min(panes[-1].rect.left() / ratio, inner.width() - box.width()))
            crowded = left + box.width() > inner.width() - zoom_box.width()
            above = box.height() + (zoom_box.height() + hud.MARGIN / 2 if crowded else 0)
            hud.paint_label(painter, inner.bottomLeft() + QPointF(left, -above), step)
            below_title = hud.label_size(painter.font(), "-").height() + hud.MARGIN / 2
            corner = inner.topLeft() + QPointF(left, below_title)
            hud.paint_legend(painter, corner, self.scene.overlay.legend(), inner.right() - corner.x())
        if self._pointed():
            self._paint_pointer_texts(painter)

    def _paint_pointer_texts(self, painter: QPainter) -> None:
        """Names in the loupe, or else facts about the tile under the pointer."""
        if self.scene.comparison.loupe:
            for index in range(2):
                corner = self._loupe_corner() + QPointF(index * (LOUPE + LOUPE_GAP) + 3, 3)
                hud.paint_label(painter, corner, self._title(index))
        elif self.scene.overlay_visible and self._drag is None:
            text = self.scene.overlay.describe(self.scene.frame, self._pointed() or (-1, -1))
            hud.paint_label(painter, self._away_from_pointer(hud.label_size(painter.font(), text)), text)

    def _pane_title(self, pane: Pane) -> str:
        mode, sides = self.scene.comparison.mode, self.scene.sides
        if mode == CompareMode.DIFFERENCE:
            gain = self.scene.comparison.gain
            missing = self.scene.missing
            named = self.tr("|{right} − {left}| × {gain}").format(right=sides[1].label, left=sides[0].label, gain=gain)
            return self._title(sides.index(missing)) if missing else named
        if mode == CompareMode.AB and pane.side == 1:
            return self.tr("{title} · hold Space for {other}").format(title=self._title(1), other=sides[0].label)
        return self._title(pane.side or 0)

    def _title(self, index: int) -> str:
        side = self.scene.sides[index]
        if side.is_source:
            return side.label
        if side.result is None:
            return self.tr("{name}: not yet").format(name=side.label)
        if side.result.final:
            return side.label
        return self.tr("{name} – step {step}").format(name=side.label, step=side.result.step + 1)

    # -- pointer ------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Grab the wipe line, start a rubber band (Shift) or grab the picture."""
        if self.placeholder is not None:
            if self.placeholder.kind == "empty" and event.button() == Qt.MouseButton.LeftButton:
                self.open_requested.emit()
        elif event.button() in {Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton}:
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._band_start = self.scene.viewport.to_picture(self._in_pane(event.position()))
                self._drag = self._drag_band
            else:
                self._drag = self._drag_wipe if self._near_wipe(event.position()) else self._pan_from(event.position())
            self._update_cursor()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Continue a drag; otherwise follow with loupe and tile text."""
        self._pointer = event.position()
        if self._drag is not None:
            self._drag(event.position())
        elif self.scene.comparison.loupe or self.scene.overlay_visible:
            self.update()
        self._update_cursor(bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go; a rubber band becomes the selected region."""
        if self._band_start is not None:
            region = self.scene.region_between(self._band_start, self.scene.viewport.to_picture(self._in_pane(event.position())))
            self._band_start = None
            self._set_region(region if min(region.width, region.height) >= SMALLEST_REGION else None)
        self._drag = None
        self._update_cursor()
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show the whole picture."""
        if self.has_picture:
            self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer."""
        if self.has_picture and event.angleDelta().y():
            # a notch of the wheel is 120: three of them double the size
            self.set_viewport(self.scene.viewport.zoomed(2 ** (event.angleDelta().y() / 360), self._in_pane(event.position())))
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """The pointer is elsewhere."""
        self._pointer = None
        self.update()

    def _near_wipe(self, position: QPointF) -> bool:
        distance = abs(self._in_pane(position)[0] - self.scene.wipe_x())
        return self.scene.comparison.mode == CompareMode.WIPE and distance <= GRIP * self.devicePixelRatioF()

    def _hovers_wipe(self) -> bool:
        return self._drag is None and self._pointer is not None and self._near_wipe(self._pointer)

    def _drag_wipe(self, position: QPointF) -> None:
        self.set_comparison(self.scene.comparison.wiped(self.scene.wipe_at(self._in_pane(position)[0])))

    def _drag_band(self, position: QPointF) -> None:
        assert self._band_start is not None
        self.scene.region = self.scene.region_between(self._band_start, self.scene.viewport.to_picture(self._in_pane(position)))
        self.update()

    def _pan_from(self, start: QPointF) -> Callable[[QPointF], None]:
        begun, ratio = self.scene.viewport, self.devicePixelRatioF()

        def pan(position: QPointF) -> None:
            if position != start:
                self.set_viewport(begun.panned((position.x() - start.x()) * ratio, (position.y() - start.y()) * ratio))

        return pan

    def _set_region(self, region: Region | None) -> None:
        # a rubber band has set the region while it was dragged: its end is still to be announced
        changed = region != self.scene.region or region is not None
        self.scene.region = region
        if changed:
            self.region_selected.emit(region)
        self.update()

    def _update_cursor(self, selecting: bool = False) -> None:
        if not self.has_picture:
            shape = Qt.CursorShape.ArrowCursor
        elif self._band_start is not None or selecting:
            shape = Qt.CursorShape.CrossCursor
        elif self._drag == self._drag_wipe or self._hovers_wipe():
            shape = Qt.CursorShape.SplitHCursor
        else:
            shape = Qt.CursorShape.ClosedHandCursor if self._drag else Qt.CursorShape.OpenHandCursor
        self.setCursor(shape)

    def show_menu(self, menu: QMenu) -> None:
        """Open this menu on a picture, by the right button or the menu key."""
        self._menu = menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu of what can be done with the picture."""
        if self._menu is not None and self.has_picture:
            self._menu.popup(event.globalPos())

    # -- keyboard -----------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom, pan, move the wipe line, hold A/B, clear the region."""
        key = Qt.Key(event.key())
        if not self.has_picture:
            if key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
                self.open_requested.emit()
            else:
                super().keyPressEvent(event)
        elif key in STEP_KEYS and not event.modifiers() & PANNING:
            super().keyPressEvent(event)  # these step to other frames, wherever the focus is
        elif key in PAN_KEYS:
            self._arrow_pressed(*PAN_KEYS[key], event.modifiers())
        # many keyboards have the plus on the key of =, with Shift
        elif key in {Qt.Key.Key_Plus, Qt.Key.Key_Equal}:
            self.zoom_by(ZOOM_STEP)
        elif key == Qt.Key.Key_Minus:
            self.zoom_by(1 / ZOOM_STEP)
        elif key == Qt.Key.Key_Escape and self.scene.region is not None:
            self._set_region(None)
        elif key == Qt.Key.Key_Space and self.scene.comparison.mode == CompareMode.AB:
            self._swap(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """End A/B."""
        # a held key repeats as release and press
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._swap(False)
        else:
            super().keyReleaseEvent(event)

    def _arrow_pressed(self, dx: int, dy: int, modifiers: Qt.KeyboardModifier) -> None:
        """Shift with left and right moves the wipe line; otherwise arrows move the picture."""
        comparison, viewport = self.scene.comparison, self.scene.viewport
        if comparison.mode == CompareMode.WIPE and dx and modifiers & Qt.KeyboardModifier.ShiftModifier:
            self.set_comparison(comparison.wiped(comparison.wipe + dx * 0.02))
        else:
            self.set_viewport(viewport.panned(-dx * viewport.view[0] / 10, -dy * viewport.view[1] / 10))

    def hold_other(self) -> None:
        """Show the other picture in A/B until Space is released, which from now on comes to this view."""
        self.setFocus()
        self._swap(True)

    def _swap(self, swapped: bool) -> None:
        if swapped != self.scene.comparison.swapped:
            self.set_comparison(replace(self.scene.comparison, swapped=swapped))

    # -- other events -------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the visible part."""
        self.set_viewport(self.scene.viewport.resized(self._pane_size()))

    def event(self, event: QEvent) -> bool:
        """Follow the window to a screen with another pixel density."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.set_viewport(self.scene.viewport.resized(self._pane_size()))
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """End A/B: the release of Space goes elsewhere."""
        self._swap(False)
        super().focusOutEvent(event)
